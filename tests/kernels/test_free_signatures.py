"""Free signatures: their concentrations are at the maximum of the bound, and extrapolation loses no evidence."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from dnmf.kernels.free_signatures import (
    LEAST_CONCENTRATION,
    MOST_CONCENTRATION,
    improve_free,
    with_learned_concentrations,
)
from dnmf.kernels.gamma_poisson import Array, GammaPoisson, _divergence, improve, start

N, K, F = 40, 3, 24


@pytest.fixture
def counts() -> Array:
    rng = np.random.default_rng(0)
    W = np.stack([rng.dirichlet(np.full(F, g)) for g in (1.0, 0.5, 0.15)])
    return np.asarray(rng.poisson(rng.gamma(0.5, 500.0, (N, K)) @ W + 0.01), dtype=np.float64)


@pytest.fixture
def first(counts: Array) -> GammaPoisson:
    W = np.random.default_rng(1).dirichlet(np.ones(F), K)
    return start(counts, np.full((K, F), 0.5), W)


def test_learned_concentrations_maximise_the_bound(counts: Array, first: GammaPoisson) -> None:
    fit = improve_free(counts, first, rounds=40)
    learned = with_learned_concentrations(fit)
    for k in range(K):
        E = fit.concentrations[[k]]

        def divergence(log: float, E: Array = E) -> float:
            return float(_divergence(E, np.full_like(E, np.exp(log)))[0])

        bounds = (np.log(LEAST_CONCENTRATION), np.log(MOST_CONCENTRATION))
        best = minimize_scalar(divergence, bounds=bounds, method="bounded").x
        assert learned.priors[k, 0] == pytest.approx(np.exp(best), rel=1e-3)
        assert np.ptp(learned.priors[k]) == 0


def test_peaked_signatures_have_smaller_concentrations_than_even_ones(counts: Array) -> None:
    E = np.full((2, F), 100.0)
    E[0, 1:] = 0.1
    state = GammaPoisson(np.full((2, F), 0.5), E, np.ones((N, 2)), np.full(2, 0.5))
    peaked, flat = with_learned_concentrations(state).priors[:, 0]
    assert peaked == LEAST_CONCENTRATION
    assert flat == MOST_CONCENTRATION


def test_extrapolated_rounds_gain_more_evidence_than_plain_ones(
    counts: Array, first: GammaPoisson
) -> None:
    fast = improve_free(counts, first, rounds=60)
    # The same priors, so that both bounds are of one model.
    slow = improve(counts, replace(first, priors=fast.priors), rounds=60)
    long = improve(counts, fast, rounds=1000)
    assert fast.evidence > slow.evidence
    assert fast.evidence == pytest.approx(long.evidence, abs=2.0)


def test_a_converged_fit_ends_early(counts: Array, first: GammaPoisson) -> None:
    fit = improve_free(counts, first, rounds=400)
    again = improve_free(counts, fit, rounds=1_000_000, tolerance=0.1)
    assert again.evidence >= fit.evidence - 1e-6


def test_a_state_is_left_as_it_was(counts: Array, first: GammaPoisson) -> None:
    before = first.concentrations.copy(), first.counts.copy(), first.shapes.copy()
    improve_free(counts, first, rounds=20)
    for now, then in zip((first.concentrations, first.counts, first.shapes), before, strict=True):
        np.testing.assert_array_equal(now, then)
