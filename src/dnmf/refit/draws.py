"""Exposures that a refit leaves possible: drawn from its intervals, its presence and what the counts tell apart."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dnmf.criteria import present_from

Array = NDArray[np.float64]

# 95 % quantile of the standard normal law: the ends of a 90 % interval are so many standard deviations away.
_DEVIATIONS = 1.6448536269514722
# Mutations of the shortest standard deviation: exposures that are surer than half a mutation need not be told apart.
_LEAST_DEVIATION = 0.5
# Mutations that a channel is expected to have at least: without them a signature there would be infinitely unlike.
_LEAST_EXPECTED = 0.1
_LEAST_PRESENCE = 1e-9
# A present signature that was not called has up to its upper end, and at least this many times the presence threshold.
_LEAST_ROOM = 1.2
# Of a precision whose diagonal is 1: below it is rounding.
_LEAST_EIGENVALUE = 1e-9


def exposure_draws(
    exposures: Array,
    lower: Array,
    upper: Array,
    presence: Array,
    W: Array,
    mutations: float,
    *,
    dispersion: float,
    n_draws: int,
    random: np.random.Generator,
) -> Array:
    """Return exposures (n_draws, k) of one sample that agree with a refit; each sums to that of the estimate.

    Parameters
    ----------
    exposures, lower, upper : (k,)
        Estimate and ends of the 90 % intervals, in mutations.
    presence : (k,)
        Probability that a signature is present.
    W : (k, f)
        Signatures, rows of which sum to 1.
    mutations : float
        Of the sample.
    dispersion : float
        By how much its counts vary more than Poisson counts.
    n_draws : int
    random : Generator

    Notes
    -----
    1. Called signatures (estimate h > 0): ``h + z a`` where z > 0, else ``h + z b``; a and b are the distances to the
       ends of the interval over 1.645. The standard normal z are correlated as the Gaussian approximation of the
       posterior says, with the precision ``P = W diag(1 / hW) W^T / dispersion + diag(1 / s^2)``, s the mean of a, b.
    2. With a probability of 1 - presence a called signature is taken away, and any other is added with its presence:
       evenly between the threshold of presence and its upper end.
    3. The other called signatures take the place of what is taken away, or give way to what is added, as P says:
       ``-P_SS^-1 P_Sj`` mutations for each mutation of signature j.
    """
    called = exposures > 0
    above, below = (upper - exposures) / _DEVIATIONS, (exposures - lower) / _DEVIATIONS
    precision = (W / np.maximum(exposures @ W, _LEAST_EXPECTED)) @ W.T / dispersion
    precision += np.diag(np.maximum((above + below) / 2, _LEAST_DEVIATION) ** -2.0)
    z = random.standard_normal((n_draws, len(exposures))) @ _correlated(precision)
    drawn = np.maximum(exposures + z * np.where(z > 0, above, below), 0.0)
    # The same normal number says whether a signature that was not called is there, and how much of it.
    least = float(present_from(np.array([mutations]))[0]) * mutations
    place = (ndtr(z) - (1 - presence)) / np.maximum(presence, _LEAST_PRESENCE)
    size = least + (np.maximum(upper, _LEAST_ROOM * least) - least) * place
    added = np.where((place > 0) & ~called, size, 0.0)
    gone = (random.random(z.shape) > presence) & called
    moved = (added - np.where(gone, exposures, 0.0)) @ _responses(precision, called)
    drawn = np.where(called & ~gone, np.maximum(drawn + moved, 0.0), added)
    total = drawn.sum(axis=1, keepdims=True)
    drawn = np.where(total > 0, drawn, exposures)
    return np.asarray(drawn * (exposures.sum() / drawn.sum(axis=1, keepdims=True)))


def _correlated(precision: Array) -> Array:
    """Return the matrix that gives independent normal numbers (rows) the correlation that a precision has."""
    unit = 1 / np.sqrt(np.diagonal(precision))
    values, vectors = np.linalg.eigh(precision * np.outer(unit, unit))
    root = (vectors / np.sqrt(np.maximum(values, _LEAST_EIGENVALUE))).T
    return np.asarray(root / np.linalg.norm(root, axis=0))


def _responses(precision: Array, called: NDArray[np.bool_]) -> Array:
    """Return by how many mutations each called signature answers one mutation more of signature j, (j, k)."""
    found = np.zeros_like(precision)
    for j in range(len(precision)):
        others = np.flatnonzero(called & (np.arange(len(precision)) != j))
        if len(others):
            found[j, others] = -np.linalg.solve(
                precision[np.ix_(others, others)], precision[others, j]
            )
    return found
