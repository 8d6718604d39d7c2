import numpy as np
import pytest
import torch

from dnmf.kernels import dispersion, exact_signatures, kl_cost, kl_exposures, kl_signatures


def test_poisson_regression_is_maximum_likelihood_of_the_transposed_problem(problem):
    """Channel by channel the dictionary step is a refit: an exact solver, asked so, finds no better signatures."""
    X, H, _ = problem(80, 16, 3, 0)
    found = kl_signatures(X, H, max_iter=2000)
    best = kl_exposures(X.mT, H.mT.contiguous()).H.mT
    assert kl_cost(X, H, found) <= kl_cost(X, H, best) * (1 + 1e-6)


def test_more_steps_never_fit_worse(problem):
    X, H, _ = problem(40, 12, 3, 1)
    costs = [kl_cost(X, H, kl_signatures(X, H, max_iter=n)).item() for n in (1, 2, 5, 20, 100)]
    assert np.all(np.diff(costs) <= 1e-9 * costs[0])


def test_scaling_exposures_scales_signatures_inversely(problem):
    X, H, _ = problem(40, 12, 3, 2)
    scale = torch.tensor([2.0, 0.5, 10.0], dtype=H.dtype)
    found, scaled = (kl_signatures(X, h, max_iter=3000) for h in (H, H * scale))
    torch.testing.assert_close(scaled * scale[:, None], found, rtol=1e-3, atol=1e-5)


def test_a_component_without_exposure_keeps_the_mean_spectrum(problem):
    X, H, _ = problem(40, 12, 3, 3)
    H = torch.cat([H, torch.zeros_like(H[:, :1])], dim=1)
    found = kl_signatures(X, H)
    torch.testing.assert_close(found[3], X.sum(dim=0) / X.sum())
    torch.testing.assert_close(found[:3], kl_signatures(X, H[:, :3]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [0.02, 1.0, 1000.0])
def test_counts_are_dispersed_by_one_and_rounding_hardly(problem, scale):
    _, H, W = problem(300, 24, 4, 4)
    H = scale * H
    counts = torch.poisson(H @ W, generator=torch.Generator().manual_seed(0))
    assert dispersion(counts, H, exact_signatures(counts, H)) == pytest.approx(1.0, abs=0.12)
    rounded = (H @ W).round()
    mean = (H @ W).mean().item()
    assert dispersion(rounded, H, exact_signatures(rounded, H)) < 0.2 + 0.1 / mean
    assert dispersion(H @ W, H, W) < 1e-12


def test_without_a_residual_to_measure_there_is_no_dispersion(problem):
    X, H, W = problem(3, 12, 3, 5)
    assert dispersion(X, H, W) == 0.0
    X, H, W = problem(20, 12, 3, 5)
    assert dispersion(X, torch.zeros_like(H), W) == 0.0


def test_fitting_the_dictionary_takes_its_degrees_of_freedom_from_the_residual(problem):
    """With 8 samples and 4 components half of the noise is fitted away: without n / (n - k) the ratio is a half."""
    W = problem(8, 96, 4, 0)[2]
    # Every sample holds the components in another proportion, so that all have the same influence on the fit.
    H = 1e4 * torch.tensor([[1.0, 2, 3, 5], [2, 1, 5, 3], [3, 5, 1, 2], [5, 3, 2, 1]]).double()
    H = torch.cat([H, H])
    ratios = []
    for seed in range(10):
        X = torch.poisson(H @ W, generator=torch.Generator().manual_seed(seed))
        # Least squares without a bound: its residual has n - k degrees of freedom in every channel.
        ratios.append(dispersion(X, H, torch.linalg.lstsq(H, X).solution))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)
