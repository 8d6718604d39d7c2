"""Compiled loops over samples: posteriors of exposures under a mixture of known exposures and of sparse supports.

Samples are worked on one after the other, so results never depend on which other samples are in a batch.
"""

import math
from typing import NamedTuple

import numpy as np

from dnmf.compilation import compiled
from dnmf.kernels._component_numba import (
    OUTSIDE_COUNT,
    Sample,
    add_moments,
    fit_component,
    key_of,
    place_of_largest,
    places_above,
    score_tests,
    take_largest,
)
from dnmf.kernels._supports_numba import (
    ADDITIONS,
    FIRST_STEPS,
    FURTHER_STEPS,
    NEW_SHARE,
    REFINED_NATS,
    Supports,
    search_supports,
)

# Supports of one sample, at most.
MOST_SUPPORTS = 96
# Prior counts above which a signature takes part in the component around the mean of the known exposures.
MEAN_COUNT = 0.05
MEAN_PROBABILITY = 0.02
# Weight of searched supports that are all as likely, against supports as likely as the known prevalences say.
EVEN_PART = 0.5
# Prior counts on a signature that is added to a known exposure, and factor on the counts of the others.
ADDED_COUNT, KEPT_FACTOR = 1.5, 0.6
# Known exposures, the best first, to which signatures are added.
EXTENDED = 2


class Known(NamedTuple):
    """Known exposures and how they are expected to return.

    ``shares`` (m, k), ``mean`` (k,); ``log_odds`` (k,) of a signature's presence and ``log_none`` (the log probability
    of no signature at all) weight searched supports; ``counts`` are the prior counts around a known exposure, ``added``
    and ``unlike`` the probabilities of one signature more and of none of them.
    """

    shares: np.ndarray
    mean: np.ndarray
    log_odds: np.ndarray
    log_none: float
    counts: float
    added: float
    unlike: float


class Components(NamedTuple):
    """Components around known exposures.

    ``members``, prior counts ``alpha``, posterior counts ``g`` (l, k); ``sizes``, log ``priors``, ``bounds``, ``keys``
    (l,).
    """

    members: np.ndarray
    alpha: np.ndarray
    g: np.ndarray
    sizes: np.ndarray
    priors: np.ndarray
    bounds: np.ndarray
    keys: np.ndarray


@compiled(inline="always")
def _fit(sample, parts, i, steps):
    size = parts.sizes[i]
    bound = fit_component(
        sample, parts.members[i, :size], parts.alpha[i, :size], parts.g[i, :size], steps
    )
    parts.bounds[i] = parts.priors[i] + bound


@compiled()
def _start_counts(sample, parts, i, supports, n_supports):
    """Start at the posterior of a support or component with the same signatures, where there is one."""
    size = parts.sizes[i]
    for other in range(n_supports):
        if supports.keys[other] == parts.keys[i]:
            for a in range(size):
                for b in range(size):
                    if supports.members[other, b] == parts.members[i, a]:
                        fitted = max(supports.counts[other, b] - 1.0, 0.0)
                        parts.g[i, a] = fitted + parts.alpha[i, a]
            return
    for other in range(i):
        if parts.keys[other] == parts.keys[i]:
            for a in range(size):
                fitted = max(parts.g[other, a] - parts.alpha[other, a], 0.0)
                parts.g[i, a] = fitted + parts.alpha[i, a]
            return


@compiled()
def _around(sample, known, shares, least, prior, parts, i, supports, n_supports):
    """Fit the component around known shares (k,), on the signatures with more than ``least`` prior counts."""
    mutations = 0.0
    for c in range(sample.x.size):
        mutations += sample.x[c]
    size = 0
    for j in range(shares.size):
        if shares[j] * known.counts > least:
            parts.members[i, size] = j
            parts.alpha[i, size] = known.counts * shares[j] + OUTSIDE_COUNT
            parts.g[i, size] = mutations * shares[j] + parts.alpha[i, size]
            size += 1
    parts.sizes[i] = size
    parts.priors[i] = prior
    parts.keys[i] = key_of(parts.members[i, :size], sample.keys)
    _start_counts(sample, parts, i, supports, n_supports)
    _fit(sample, parts, i, FIRST_STEPS)


@compiled(inline="always")
def _extend(sample, known, base, parts, count):
    """Fit a component with one signature more than ``base`` for each of the most promising; return the new number."""
    k = sample.W.shape[0]
    mutations = 0.0
    for c in range(sample.x.size):
        mutations += sample.x[c]
    size = parts.sizes[base]
    score_tests(sample, parts.members[base, :size], parts.g[base, :size])
    for _ in range(min(ADDITIONS, k - size)):
        for a in range(size):
            parts.members[count, a] = parts.members[base, a]
            parts.alpha[count, a] = KEPT_FACTOR * parts.alpha[base, a] + OUTSIDE_COUNT
            parts.g[count, a] = parts.g[base, a]
        parts.members[count, size] = take_largest(sample.scores)
        parts.alpha[count, size] = ADDED_COUNT
        parts.g[count, size] = ADDED_COUNT + NEW_SHARE * mutations
        parts.sizes[count] = size + 1
        parts.priors[count] = parts.priors[base] + math.log(known.added / k)
        _fit(sample, parts, count, FIRST_STEPS)
        count += 1
    return count


@compiled(inline="always")
def _fit_known(sample, known, rows, supports, n_supports, parts):
    """Fit the components around the known exposures ``rows`` (t,), around their mean, and with one signature more."""
    m, t = len(known.shares), rows.size
    prior = math.log((1.0 - known.added - known.unlike - MEAN_PROBABILITY) / m)
    for i in range(t):
        shares = known.shares[rows[i]]
        _around(sample, known, shares, OUTSIDE_COUNT, prior, parts, i, supports, n_supports)
    prior = math.log(MEAN_PROBABILITY)
    _around(sample, known, known.mean, MEAN_COUNT, prior, parts, t, supports, n_supports)
    count = t + 1
    left = np.empty(count)
    for i in range(count):
        left[i] = parts.bounds[i]
    for _ in range(min(EXTENDED, left.size)):
        count = _extend(sample, known, take_largest(left), parts, count)
    return count


@compiled(inline="always")
def _as_prevalent(sample, known, supports, count, log_priors, bounds):
    """Fill ``bounds`` (l,) with those of the supports under a prior that is half even, half as the prevalences say."""
    for i in range(count):
        size = supports.sizes[i]
        prevalent = known.log_none
        for a in range(size):
            prevalent += known.log_odds[supports.members[i, a]]
        value = supports.bounds[i]
        even = value + math.log(EVEN_PART)
        bounds[i] = np.logaddexp(value - log_priors[size] + prevalent, even) + math.log(
            known.unlike
        )


@compiled()
def _largest(values, size):
    return values[place_of_largest(values[:size])]


@compiled()
def _to_weights(bounds, top, weights):
    """Fill ``weights`` with ``exp(bounds - top)``; return their sum and the sum of their squares."""
    total, squares = 0.0, 0.0
    for i in range(bounds.size):
        weights[i] = math.exp(bounds[i] - top)
        total += weights[i]
        squares += weights[i] * weights[i]
    return total, squares


@compiled(inline="always")
def _empty_supports(most):
    return Supports(
        np.empty((MOST_SUPPORTS, most), np.int64),
        np.empty((MOST_SUPPORTS, most)),
        np.empty(MOST_SUPPORTS, np.int64),
        np.empty(MOST_SUPPORTS),
        np.empty(MOST_SUPPORTS, np.uint64),
    )


@compiled(inline="always")
def _empty_components(n, k):
    return Components(
        np.empty((n, k), np.int64),
        np.empty((n, k)),
        np.empty((n, k)),
        np.empty(n, np.int64),
        np.empty(n),
        np.empty(n),
        np.empty(n, np.uint64),
    )


@compiled()
def _sample_of(row, W, keys, most):
    """Return a sample with its channels that have mutations."""
    channels = places_above(row, 0.0)
    k, p = W.shape[0], channels.size
    x, profiles = np.empty(p), np.empty((k, p))
    for c in range(p):
        x[c] = row[channels[c]]
    for j in range(k):
        for c in range(p):
            profiles[j, c] = W[j, channels[c]]
    return Sample(
        x,
        profiles,
        keys,
        np.empty((k, p)),
        np.empty(max(k, most)),
        np.empty(k),
        np.empty(p),
        np.empty(k),
    )


@compiled(slow=True)
def mixture_rows(X, W, best, rows, known, keys, log_priors, rounds, present_from, out, scalars):
    """Posterior moments of every sample, without and with known exposures.

    ``X`` (n, f) counts, ``W`` (k, f), ``best`` (n, k) shares of highest likelihood, ``rows`` (n, t) the known exposures
    to try. ``out`` (n, 7, k) receives mean, second moment and presence without, then with the known exposures, and
    their mean weighted by their evidence; ``scalars`` (n, 7) the evidence and effective number of components without,
    then with, and the probabilities of a known exposure, of one with a signature more, and of none of them.
    """
    n = len(X)
    k, t, most = len(W), rows.shape[1], log_priors.size - 1
    supports = _empty_supports(most)
    n_parts = t + 1 + EXTENDED * ADDITIONS
    parts = _empty_components(n_parts, k)
    prevalent, even = np.empty(MOST_SUPPORTS), np.empty(MOST_SUPPORTS)
    weights = np.empty(n_parts)
    out[:] = 0.0
    scalars[:] = 0.0
    for r in range(n):
        sample = _sample_of(X[r], W, keys, most)
        if sample.x.size == 0:
            continue
        least = present_from[r]
        count = search_supports(sample, best[r], log_priors, rounds, supports)
        top = _largest(supports.bounds, count)
        total, squares = _to_weights(supports.bounds[:count], top, even)
        scalars[r, 0] = top + math.log(total)
        scalars[r, 1] = total * total / squares
        for i in range(count):
            size = supports.sizes[i]
            members, g = supports.members[i, :size], supports.counts[i, :size]
            add_moments(even[i] / total, members, g, k, least, out[r, :3])
        if t == 0:
            for j in range(k):
                for i in range(3):
                    out[r, 3 + i, j] = out[r, i, j]
                out[r, 6, j] = 1.0 / k
            scalars[r, 2], scalars[r, 3], scalars[r, 6] = scalars[r, 0], scalars[r, 1], 1.0
            continue
        n_fitted = _fit_known(sample, known, rows[r], supports, count, parts)
        _as_prevalent(sample, known, supports, count, log_priors, prevalent)
        top = max(_largest(parts.bounds, n_fitted), _largest(prevalent, count))
        for i in range(n_fitted):
            if parts.bounds[i] > top - REFINED_NATS:
                _fit(sample, parts, i, FURTHER_STEPS)
        top = max(_largest(parts.bounds, n_fitted), _largest(prevalent, count))
        like, squares = _to_weights(parts.bounds[:n_fitted], top, weights)
        unlike, more_squares = _to_weights(prevalent[:count], top, even)
        total = like + unlike
        scalars[r, 2] = top + math.log(total)
        scalars[r, 3] = total * total / (squares + more_squares)
        for i in range(n_fitted):
            scalars[r, 4 if i <= t else 5] += weights[i]
        scalars[r, 4] /= total
        scalars[r, 5] /= total
        scalars[r, 6] = unlike / total
        for i in range(n_fitted):
            size = parts.sizes[i]
            members, g = parts.members[i, :size], parts.g[i, :size]
            add_moments(weights[i] / total, members, g, k, least, out[r, 3:6])
        for i in range(count):
            size = supports.sizes[i]
            members, g = supports.members[i, :size], supports.counts[i, :size]
            add_moments(even[i] / total, members, g, k, least, out[r, 3:6])
        total, _ = _to_weights(parts.bounds[:t], _largest(parts.bounds, t), weights)
        for i in range(t):
            for j in range(k):
                out[r, 6, j] += weights[i] / total * known.shares[rows[r, i], j]
