"""Telling counting noise from rounded expectations."""

import pytest
import torch

from dnmf.search.count_noise import estimate_count_noise

N_SAMPLES, N_CHANNELS, N_SIGNATURES = 200, 60, 4


def expectations(burden: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    exposures = torch.rand(N_SAMPLES, N_SIGNATURES, dtype=torch.float64, generator=generator) ** 4
    signatures = torch.rand(N_SIGNATURES, N_CHANNELS, dtype=torch.float64, generator=generator) ** 3
    means = exposures @ signatures
    return means / means.sum() * burden * N_SAMPLES


def counts(burden: float, seed: int = 1) -> torch.Tensor:
    return torch.poisson(expectations(burden), generator=torch.Generator().manual_seed(seed))


def test_poisson_counts_have_dispersion_one_and_unit_weighted_residuals() -> None:
    means = expectations(6000.0)
    X = counts(6000.0)
    noise = estimate_count_noise(X)
    assert noise.counting
    # The pilot, made to explain too much rather than too little, takes some of the noise with it.
    assert 0.75 < noise.dispersion < 1.1
    scaled = (X - means) * noise.channel_weights * noise.sample_weights[:, None]
    # Sample times channel is a rank-one picture of the means: right on average.
    assert scaled.square().mean().item() == pytest.approx(1.0, abs=0.35)


def test_twice_the_variance_gives_twice_the_dispersion() -> None:
    means = expectations(6000.0) / 2
    doubled = 2 * torch.poisson(means, generator=torch.Generator().manual_seed(1))
    ratio = (
        estimate_count_noise(doubled).dispersion / estimate_count_noise(counts(6000.0)).dispersion
    )
    assert ratio == pytest.approx(2.0, rel=0.1)


def test_rounded_expectations_are_not_counting_noise() -> None:
    X = expectations(6000.0).round()
    noise = estimate_count_noise(X)
    assert not noise.counting
    assert torch.equal(noise.channel_weights, torch.ones(N_CHANNELS, dtype=torch.float64))
    # Rounding has variance 1/12.
    assert noise.sample_weights.median().item() == pytest.approx(12**0.5, rel=0.2)


def test_counts_too_sparse_to_tell_are_taken_for_poisson() -> None:
    assert estimate_count_noise(counts(3.0)).dispersion == 1.0


def test_samples_without_mutations_get_finite_weights() -> None:
    X = counts(6000.0)
    X[::7] = 0
    rounded = expectations(6000.0).round()
    rounded[::7] = 0
    for samples in (X, rounded):
        assert torch.isfinite(estimate_count_noise(samples).sample_weights).all()


def test_noise_of_some_samples_is_that_of_all_at_their_rows() -> None:
    noise = estimate_count_noise(counts(6000.0))
    rows = torch.tensor([5, 3])
    assert torch.equal(noise.of(rows).sample_weights, noise.sample_weights[rows])
