"""How sure the signatures of a cohort are: in halves of its samples; how far novel ones and exposures may be off."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from dnmf.criteria import INTERVAL_PERCENTILES
from dnmf.kernels.gamma_poisson import GammaPoisson, gains_of_deletions, improve
from dnmf.search.cohort import FITTED_EXPOSURE, CohortSignatures
from dnmf.search.cohort_trials import NOVEL, SETTLED_NATS

Array = NDArray[np.float64]

# Rounds of improvement at most, from the fit of all samples.
ROUNDS = 60
# Standard deviations from the middle of a normal distribution to the ends of an interval.
TO_THE_ENDS = float(ndtri(INTERVAL_PERCENTILES[1] / 100))
# Errors of novel profiles, and of the exposures that follow from them, in standard deviations of the posterior; part of
# a channel that errors reach whatever the posterior says. Chosen on simulated cohorts: the posterior is that of the
# signatures that were found, whereas the truth may hold others.
PROFILE_FACTOR, PROFILE_PART, EXPOSURE_FACTOR = 1.25, 0.05, 2.5
# Samples that are worked on at a time: memory does not grow with the cohort.
CHUNK_SAMPLES = 256


def losses_in_halves(found: CohortSignatures, rng: np.random.Generator) -> Array:
    """Return by how many nats (2, k) the evidence of two random halves of the samples falls without a signature."""
    order = rng.permutation(len(found.counts))
    return np.stack([_losses(found.counts, found.state, rows) for rows in np.array_split(order, 2)])


def _losses(X: Array, state: GammaPoisson, rows: NDArray[np.int64]) -> Array:
    half = improve(X[rows], _of_samples(state, rows), rounds=ROUNDS, tolerance=SETTLED_NATS)
    return -gains_of_deletions(X[rows], half)


def _of_samples(state: GammaPoisson, rows: NDArray[np.int64]) -> GammaPoisson:
    return replace(state, counts=state.counts[rows])


def profile_covariances(found: CohortSignatures) -> Array:
    """Return the covariance (m, f, f) of the posterior of each of the m novel profiles, whatever the exposures are.

    With r the expected counts (f,) of a sample, ``D = diag(1/r)`` and h its exposure to the signature, the sample adds
    to the precision ``h^2 (D - D W^T (W D W^T + Q)^-1 W D)``: what is left of ``h^2 D`` where its exposures to all
    signatures W (k, f) are fitted as well. ``Q = diag(b^2 / a)`` of signatures that the sample does not have, the
    precision of their prior, and 0 of the others. The prior of the profile adds ``f^2/2`` in each channel. Deviations
    of a profile sum to 0.
    """
    novel = np.flatnonzero(found.labels == NOVEL)
    f = found.counts.shape[1]
    precision = np.zeros((len(novel), f, f)) + np.diag(np.full(f, f**2 / 2))
    for rows, weighted, crossed, r in _linearised(found):
        h = found.state.exposures[rows][:, novel]
        fitted = np.linalg.solve(np.linalg.cholesky(crossed), weighted)
        for S, own in zip(precision, h.T, strict=True):
            S[np.diag_indices(f)] += own**2 @ (1 / r)
            lost = (own[:, None, None] * fitted).reshape(-1, f)
            S -= lost.T @ lost
    covariances = np.linalg.inv(precision)
    sums = covariances.sum(axis=2)
    outer = sums[:, :, None] * sums[:, None, :]
    return np.asarray(covariances - outer / sums.sum(axis=1)[:, None, None])


def _linearised(found: CohortSignatures) -> Iterator[tuple[slice, Array, Array, Array]]:
    """Yield, for some samples at a time: which, ``W D`` (n, k, f), ``W D W^T + Q`` (n, k, k) and r (n, f)."""
    state, W = found.state, found.state.profiles
    diagonal = np.arange(len(W))
    for first in range(0, len(found.counts), CHUNK_SAMPLES):
        rows = slice(first, first + CHUNK_SAMPLES)
        totals = found.counts[rows].sum(axis=1, keepdims=True)
        means = state.counts[rows] / state.counts[rows].sum(axis=1, keepdims=True)
        r = np.maximum(totals * means @ W, 1e-9)
        weighted = W / r[:, None, :]
        crossed = weighted @ W.T
        rates = state.shapes.sum() / totals
        absent = state.exposures[rows] <= FITTED_EXPOSURE
        # The tiny factor keeps two equal profiles apart.
        crossed[:, diagonal, diagonal] *= 1 + 1e-9
        crossed[:, diagonal, diagonal] += np.where(absent, rates**2 / state.shapes, 0.0)
        yield rows, weighted, crossed, r


def profile_intervals(found: CohortSignatures, covariances: Array) -> tuple[Array, Array]:
    """Return the ends (m, f) of 90 % intervals of the novel profiles, from :func:`profile_covariances`."""
    profiles = found.state.profiles[found.labels == NOVEL]
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    off = TO_THE_ENDS * PROFILE_FACTOR * np.sqrt(variances + (PROFILE_PART * profiles) ** 2)
    return np.maximum(profiles - off, 0.0), np.minimum(profiles + off, 1.0)


def exposure_reaches(found: CohortSignatures, covariances: Array) -> Array:
    """Return how far each exposure (n, k), as a share of its sample, may be off because novel profiles are.

    If a novel profile is off by d, exposures to all signatures are by ``h (W D W^T + Q)^-1 W D d``, to first order.
    """
    novel = np.flatnonzero(found.labels == NOVEL)
    variances = np.zeros(found.state.counts.shape)
    for rows, weighted, crossed, _ in _linearised(found):
        follow = np.linalg.solve(crossed, weighted)
        for j, covariance in zip(novel, covariances, strict=True):
            own = found.state.exposures[rows, j, None]
            variances[rows] += own**2 * ((follow @ covariance) * follow).sum(axis=2)
    totals = found.counts.sum(axis=1, keepdims=True)
    return np.asarray(TO_THE_ENDS * EXPOSURE_FACTOR * np.sqrt(variances) / totals)
