"""Signatures for extraction: recovery, the objective's symmetries, and held-out prediction."""

import pytest
import torch

from dnmf.kernels import successive_projection
from dnmf.kernels.nnls import exact_exposures
from dnmf.metrics import match_components
from dnmf.search.count_noise import CountNoise, estimate_count_noise
from dnmf.search.find import (
    find_signatures,
    noise_free_cost,
    penalised_exposures,
    refine_signatures,
)
from dnmf.search.held_out import held_out_deviance

K, F = 4, 60


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=generator(seed))


@pytest.fixture(scope="module")
def truth() -> tuple[torch.Tensor, torch.Tensor]:
    """Sparse exposures of 150 samples and four spiky signatures."""
    exposures = uniform(150, K, seed=0) ** 2 * 3000 * (uniform(150, K, seed=1) < 0.5)
    exposures[:, 0] += 50
    signatures = uniform(K, F, seed=2) ** 5
    return exposures, signatures / signatures.sum(dim=1, keepdim=True)


@pytest.fixture(scope="module")
def poisson(truth: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    exposures, signatures = truth
    return torch.poisson(exposures @ signatures, generator=generator(3))


def least_cosine(W: torch.Tensor, signatures: torch.Tensor) -> float:
    return float(match_components(W.numpy(), signatures.numpy())[2].min())


@pytest.mark.parametrize("rounded", [False, True])
def test_true_signatures_are_found(
    truth: tuple[torch.Tensor, torch.Tensor], poisson: torch.Tensor, rounded: bool
) -> None:
    exposures, signatures = truth
    X = (exposures @ signatures).round() if rounded else poisson
    noise = estimate_count_noise(X)
    assert noise.counting is not rounded
    W = find_signatures(X, successive_projection(X, K), noise)
    torch.testing.assert_close(W.sum(dim=1), torch.ones(K, dtype=W.dtype))
    assert least_cosine(W, signatures) > (0.999 if rounded else 0.99)


def test_order_of_signatures_and_samples_does_not_matter_to_the_noise_free_cost(
    truth: tuple[torch.Tensor, torch.Tensor],
) -> None:
    exposures, signatures = truth
    X = (exposures @ signatures).round()
    noise = estimate_count_noise(X)
    W = refine_signatures(X, 0.7 * signatures + 0.3 * signatures.flip(0), noise)
    cost = noise_free_cost(X, W, noise)
    assert noise_free_cost(X, W.flip(0), noise) == pytest.approx(cost, rel=1e-6)
    rows = torch.randperm(len(X), generator=generator(0))
    assert noise_free_cost(X[rows], W, noise.of(rows)) == pytest.approx(cost, rel=1e-6)


def test_a_better_explanation_of_noise_free_counts_costs_less(
    truth: tuple[torch.Tensor, torch.Tensor],
) -> None:
    exposures, signatures = truth
    X = (exposures @ signatures).round()
    noise = estimate_count_noise(X)
    blurred = 0.7 * signatures + 0.3 * signatures.flip(0)
    assert noise_free_cost(X, signatures, noise) < noise_free_cost(X, blurred, noise)


def test_noise_free_exposures_are_exact_least_squares(
    truth: tuple[torch.Tensor, torch.Tensor],
) -> None:
    exposures, signatures = truth
    X = (exposures @ signatures).round()
    noise = estimate_count_noise(X)
    torch.testing.assert_close(
        penalised_exposures(X, signatures, noise),
        exact_exposures(X, signatures),
        rtol=1e-8,
        atol=1e-6,
    )


def test_noisy_exposures_are_sparser_than_least_squares(
    truth: tuple[torch.Tensor, torch.Tensor], poisson: torch.Tensor
) -> None:
    exposures, signatures = truth
    noise = estimate_count_noise(poisson)
    sparse = penalised_exposures(poisson, signatures, noise)
    plain = exact_exposures(poisson, signatures)
    assert (sparse > 0).sum() < (plain > 0).sum()
    assert (sparse - exposures).abs().sum() < (plain - exposures).abs().sum()


def test_a_component_without_support_never_makes_nan() -> None:
    X = torch.poisson(20 * uniform(12, F, seed=6) ** 4, generator=generator(1))
    noise = estimate_count_noise(X)
    W = find_signatures(X, successive_projection(X, 11), noise)
    assert torch.isfinite(W).all()
    torch.testing.assert_close(W.sum(dim=1), torch.ones(11, dtype=W.dtype))


def test_true_signatures_predict_unseen_channels_down_to_the_counting_noise(
    truth: tuple[torch.Tensor, torch.Tensor], poisson: torch.Tensor
) -> None:
    _, signatures = truth
    noise = estimate_count_noise(poisson)
    deviance = held_out_deviance(poisson, signatures, noise, generator=generator(0))
    assert deviance.shape == (150,)
    # Channels of tiny means contribute less than 1 each; unknown exposures add a little.
    assert 0.4 * F < deviance.mean() < 1.3 * F
    missing = held_out_deviance(poisson, signatures[1:], noise, generator=generator(0))
    assert missing.mean() > 1.5 * deviance.mean()


def test_held_out_channels_have_no_part_in_their_own_prediction() -> None:
    # One signature per channel: nothing can be known about a channel from the others.
    X = torch.tensor([[10.0, 20.0, 30.0]], dtype=torch.float64)
    noise = CountNoise(1.0, torch.ones(1, dtype=X.dtype), torch.ones(3, dtype=X.dtype))
    deviance = held_out_deviance(X, torch.eye(3, dtype=X.dtype), noise, generator=generator(0))
    least = torch.full_like(X, 1e-3)
    expected = 2 * (X * (X / least).log() - X + least).sum(dim=1)
    torch.testing.assert_close(deviance, expected)
