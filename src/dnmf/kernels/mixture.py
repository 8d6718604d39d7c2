"""Posterior of exposures under a mixture of sparse priors: known exposures, and sparse supports searched for."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnmf.kernels._component_numba import shares_on_support
from dnmf.kernels._mixture_numba import Known, mixture_rows

Array = NDArray[np.float64]

# Signatures of a searched support, at most.
MOST_IN_SUPPORT = 10
# Rounds of single changes to the best support.
SEARCH_ROUNDS = 4
# Known exposures that are tried for a sample, those that explain its counts best: a tenth, within these bounds. More of
# few are no longer like the sample; fewer of many leave out some that are.
FEWEST_TRIED, MOST_TRIED = 16, 32
# Prior counts of a component around known exposures.
ROW_COUNTS = 15.0
# Prior probabilities that a sample is a known one with one more signature, and that it is like none of them.
ADDED_PROBABILITY, UNLIKE_PROBABILITY = 0.2, 0.2
# Part of a sample's inclusion probabilities that is the same for all signatures, whatever their prevalence.
EVEN_PREVALENCE = 0.1
# Expectation steps to the likeliest shares near others, at most.
MOST_FINAL_STEPS = 300
# Presence counts as half at this part of the threshold of presence: a smooth step, see `MixturePosterior`.
HALF_PRESENT = 0.6


@dataclass(frozen=True, slots=True)
class MixturePosterior:
    """Posteriors of ``n`` samples over ``k`` signatures, without (`even`) and with the known exposures (`known`).

    Attributes
    ----------
    even, known : (n, 3, k)
        Posterior mean of the shares, their second moment, and a presence between 0 and 1: the mean over components of
        ``1 / (1 + (0.6 t / h)^6)``, h the component's share and t the share from which a signature counts as present.
    nearest : (n, k)
        Mean of the known exposures, weighted by their evidence alone; even without known exposures.
    evidence : (n, 2)
        Lower bounds of the log evidence, without and with the known exposures, in nats.
    components : (n, 2)
        Effective numbers of components, without and with.
    origin : (n, 3)
        Posterior probabilities that a sample is like a known one, like a known one with one more signature, like none.
    """

    even: Array
    known: Array
    nearest: Array
    evidence: Array
    components: Array
    origin: Array


def mixture_posterior(
    X: Array,
    W: Array,
    best: Array,
    present_from: Array,
    known: Array,
    *,
    own: NDArray[np.int64] | None = None,
) -> MixturePosterior:
    """Return the posterior of exposures under a mixture of sparse Dirichlet priors, by variational Bayes.

    ``x ~ Multinomial(h W)``, ``p(h) = (1 - a - u - 0.02) 1/m sum_b Dir(15 h_b + 0.003) + 0.02 Dir(15 mean + 0.003)
    + a (these two with one signature more) + u (sparse supports)``, with ``a = u = 0.2``. The weights are relative, of
    the components that are tried, and need not sum to 1. Half of ``u`` is even over the sizes of supports and the
    supports of a size, half as the prevalences of the known exposures say. On a support S the prior is ``Dir(1)``.

    Parameters
    ----------
    X, W : (n, f), (k, f)
        Counts, not necessarily whole numbers, and signatures, rows of which sum to 1.
    best : (n, k)
        Shares of highest likelihood: where the search for supports starts. Scaled to sum 1: mutations in channels that
        no signature has belong to none; where there are no others, the search starts from an even mixture.
    present_from : (n,)
        Share from which a signature counts as present.
    known : (m, k)
        Known exposures as shares, rows sum to 1; m may be 0.
    own : (n,), optional
        Row of ``known`` that is the sample itself and is no component for it; -1 for none. It still counts as one of m
        in the mean and the prevalences.

    Notes
    -----
    Each component is fitted by the fixed point ``g = alpha + E (x / E W) W^T``, ``E = exp(psi(g))``, over-relaxed, and
    weighted by its evidence bound (variational Bayes for a multinomial mixture; Blei, Ng and Jordan 2003). Samples do
    not depend on each other.
    """
    n, k = len(X), len(W)
    mass = best.sum(axis=1, keepdims=True)
    best = np.where(mass > 0, best / np.where(mass > 0, mass, 1.0), 1 / k)
    # Each sample is left at least one known exposure that is not its own.
    known = known.reshape(-1, k) if len(known) > (own is not None) else np.zeros((0, k))
    m = len(known)
    tried = min(max(FEWEST_TRIED, min(m // 10, MOST_TRIED)), m - (own is not None))
    if m:
        mean = known.mean(axis=0)
        with np.errstate(divide="ignore"):
            spectra = np.log(0.97 * known @ W + 0.03 * (mean @ W) + 1e-12)
        scores = X @ spectra.T
        if own is not None:
            mine = np.flatnonzero(own >= 0)
            scores[mine, own[mine]] = -np.inf
        rows = np.argpartition(-scores, tried - 1, axis=1)[:, :tried]
        prevalence = (known > 0).mean(axis=0)
        inclusion = (1 - EVEN_PREVALENCE) * prevalence + EVEN_PREVALENCE * prevalence.sum() / k
        inclusion = inclusion.clip(1e-6, 0.98)
        log_odds, log_none = np.log(inclusion / (1 - inclusion)), float(np.log1p(-inclusion).sum())
    else:
        rows, mean = np.zeros((n, 0), dtype=np.int64), np.full(k, 1 / k)
        log_odds, log_none = np.zeros(k), 0.0
    out, scalars = np.empty((n, 7, k)), np.empty((n, 7))
    exposures = Known(
        np.ascontiguousarray(known, dtype=np.float64),
        mean,
        log_odds,
        log_none,
        ROW_COUNTS,
        ADDED_PROBABILITY,
        UNLIKE_PROBABILITY,
    )
    mixture_rows(
        *(np.ascontiguousarray(values, dtype=np.float64) for values in (X, W, best)),
        np.ascontiguousarray(rows),
        exposures,
        _keys(k),
        _log_priors(k),
        SEARCH_ROUNDS,
        HALF_PRESENT * present_from,
        out,
        scalars,
    )
    return MixturePosterior(
        even=out[:, :3],
        known=out[:, 3:6],
        nearest=out[:, 6],
        evidence=scalars[:, [0, 2]],
        components=scalars[:, [1, 3]],
        origin=scalars[:, 4:7],
    )


def likeliest_near(X: Array, W: Array, shares: Array, prior_counts: float) -> Array:
    """Return ``argmax_h sum_c x_c log (h W)_c + prior_counts sum_j h0_j log h_j`` over shares h (n, k), from ``h0``.

    Parameters
    ----------
    X, W : (n, f), (k, f)
        Counts, not necessarily whole numbers, and signatures, rows of which sum to 1.
    shares : (n, k)
        Shares h0; signatures with 0 stay at 0.
    prior_counts : float
        How many counts h0 is worth.
    """
    found = shares.copy()
    shares_on_support(X, W, found, prior_counts, MOST_FINAL_STEPS)
    return found


def _keys(k: int) -> NDArray[np.uint64]:
    """Return a random number for each signature: a support is recognised by the exclusive-or of its signatures'."""
    return np.random.default_rng(0).integers(1, 2**63, k, dtype=np.uint64)


def _log_priors(k: int) -> Array:
    """Return the log prior of one support by its size: all sizes are as likely, and all supports of a size."""
    most = min(MOST_IN_SUPPORT, k)
    sizes = range(1, most + 1)
    return np.array([-np.inf, *(-math.log(most * math.comb(k, size)) for size in sizes)])
