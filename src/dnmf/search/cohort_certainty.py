"""How sure the signatures of a cohort are: in halves of its samples, and when samples and counts are drawn again."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dnmf.criteria import INTERVAL_PERCENTILES
from dnmf.kernels.gamma_poisson import GammaPoisson, gains_of_deletions, improve
from dnmf.search.cohort import NOVEL, SETTLED_NATS, CohortSignatures, Mapped

Array = NDArray[np.float64]

# Rounds of improvement at most, from the fit of all samples; cohorts that are drawn again.
ROUNDS, RESAMPLED = 60, 20


def losses_in_halves(found: CohortSignatures, rng: np.random.Generator) -> Array:
    """Return by how many nats (2, k) the evidence of two random halves of the samples falls without a signature."""
    order = rng.permutation(len(found.counts))
    return np.stack([_losses(found.counts, found.state, rows) for rows in np.array_split(order, 2)])


def _losses(X: Array, state: GammaPoisson, rows: NDArray[np.int64]) -> Array:
    half = improve(X[rows], _of_samples(state, rows), rounds=ROUNDS, tolerance=SETTLED_NATS)
    return -gains_of_deletions(X[rows], half)


def _of_samples(state: GammaPoisson, rows: NDArray[np.int64]) -> GammaPoisson:
    return replace(state, counts=state.counts[rows])


def resampled_profiles(
    found: CohortSignatures, rng: np.random.Generator, *, mapped: Mapped = map
) -> Array:
    """Return draws (R, m, f) of the m novel signatures: samples drawn again, counts drawn again, posterior drawn.

    Each draw fits the model to as many samples drawn with replacement, their counts drawn from Poisson distributions
    around those counts, and then draws each profile from its posterior.
    """
    X = found.counts
    novel = np.flatnonzero(found.labels == NOVEL)
    seeds = rng.integers(2**63, size=RESAMPLED)

    def draw(seed: int) -> Array:
        own = np.random.default_rng(seed)
        rows = own.integers(len(X), size=len(X))
        counts = own.poisson(X[rows]).astype(np.float64)
        filled = counts.sum(axis=1) > 0
        state = improve(
            counts[filled],
            _of_samples(found.state, rows[filled]),
            rounds=ROUNDS,
            tolerance=SETTLED_NATS,
        )
        return np.stack([own.dirichlet(E) for E in state.concentrations[novel]])

    if not len(novel):
        return np.empty((RESAMPLED, 0, X.shape[1]))
    return np.stack(list(mapped(draw, [int(seed) for seed in seeds])))


def profile_intervals(profiles: Array, draws: Array) -> tuple[Array, Array]:
    """Return 5th and 95th percentiles (m, f) of draws (R, m, f), widened to hold the profiles (m, f)."""
    low, high = np.percentile(draws, INTERVAL_PERCENTILES, axis=0)
    return np.minimum(profiles, low), np.maximum(profiles, high)
