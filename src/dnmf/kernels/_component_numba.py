"""Compiled: one component of a mixture posterior, a Dirichlet prior on a few signatures, fitted to one sample."""

import math
from typing import NamedTuple

import numpy as np

from dnmf.compilation import compiled

# Sums may be taken in another order, so that they are vectorised; infinities and NaN keep their meaning.
REORDERED = {"reassoc", "contract"}
# Prior counts of a signature outside of a component's support: practically none.
OUTSIDE_COUNT = 0.003
# Over-relaxation of a step: more than 1 is faster and still converges below 2.
RELAXATION = 1.7
# Change of a count in one step, in standard deviations of the sample's total, below which a component has converged.
CONVERGED = 0.001
# Below this a mean is 0: no signature has the channel. Counts up to 1e100 divided by it stay finite.
LEAST_MEAN = 1e-200
# Components below this weight add nothing to a posterior.
LEAST_WEIGHT = 1e-6


class Sample(NamedTuple):
    """One sample, and room to work in.

    ``x`` (p,) holds the counts above 0, ``W`` (k, p) the signatures in those channels, ``keys`` (k,) a random number
    for each signature. ``profiles`` (k, p), ``alpha`` (k,), ``weights`` (k,), ``q`` (p,), ``scores`` (k,) are scratch.
    """

    x: np.ndarray
    W: np.ndarray
    keys: np.ndarray
    profiles: np.ndarray
    alpha: np.ndarray
    weights: np.ndarray
    q: np.ndarray
    scores: np.ndarray


@compiled(fastmath=REORDERED)
def digamma(x):
    shift = 0.0
    while x < 5.0:
        shift -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    return shift + math.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y / 252))


@compiled(fastmath=REORDERED)
def exp_digamma(x):
    """``exp(psi(x))`` to 1e-4 of its value: its series in 1/x where that is enough, else by recurrence."""
    if x >= 3.0:
        y = 1.0 / x
        return x - 0.5 + y * (1 / 24 + y * (1 / 48 - y * (23 / 5760)))
    return math.exp(digamma(x))


@compiled(fastmath=REORDERED)
def fit_component(sample, members, alpha, g, steps):
    """Improve the posterior counts ``g`` (s,) of the signatures ``members`` (s,); return the evidence bound in nats.

    ``alpha`` (s,) are the prior counts. All other signatures keep their prior counts, which explain nothing.
    """
    x, q, weights, A = sample.x, sample.q, sample.weights, sample.profiles
    size, p = members.size, x.size
    outside = OUTSIDE_COUNT * (sample.W.shape[0] - size)
    total_alpha, mutations = outside, 0.0
    for a in range(size):
        total_alpha += alpha[a]
        row = sample.W[members[a]]
        for c in range(p):
            A[a, c] = row[c]
    for c in range(p):
        mutations += x[c]
    tolerance = CONVERGED * math.sqrt(mutations)
    for step in range(steps + 1):
        for a in range(size):
            weights[a] = exp_digamma(g[a])
        for c in range(p):
            q[c] = 1e-300
        for a in range(size):
            e = weights[a]
            for c in range(p):
                q[c] += e * A[a, c]
        if step == steps:
            break
        for c in range(p):
            q[c] = x[c] / max(q[c], LEAST_MEAN)
        largest = 0.0
        for a in range(size):
            gain = 0.0
            for c in range(p):
                gain += A[a, c] * q[c]
            new = alpha[a] + weights[a] * gain
            largest = max(largest, abs(new - g[a]))
            g[a] = max(g[a] + RELAXATION * (new - g[a]), 0.3 * new, alpha[a])
        if largest < tolerance:
            steps = step + 1
    total = outside
    for a in range(size):
        total += g[a]
    at_total = digamma(total)
    bound = math.lgamma(total_alpha) - math.lgamma(total)
    for a in range(size):
        bound += math.lgamma(g[a]) - math.lgamma(alpha[a])
        bound -= (g[a] - alpha[a]) * (digamma(g[a]) - at_total)
    for c in range(p):
        bound += x[c] * (math.log(q[c]) - at_total)
    return bound


@compiled(fastmath=REORDERED)
def score_tests(sample, members, g):
    """Fill ``sample.scores`` with score tests for adding each signature to the mean of ``g``, in standard deviations.

    Under the fit the mean over mutations of ``W_j / r`` is 1; its standard error is that of a mean. Members get -inf.
    """
    x, W, q, scores = sample.x, sample.W, sample.q, sample.scores
    k, p = W.shape
    mutations, total = 0.0, 0.0
    for c in range(p):
        q[c] = 1e-12
        mutations += x[c]
    for a in range(members.size):
        total += g[a]
    for a in range(members.size):
        share = g[a] / total
        row = W[members[a]]
        for c in range(p):
            q[c] += share * row[c]
    for c in range(p):
        q[c] = 1.0 / q[c]
    for j in range(k):
        first, second = 0.0, 0.0
        for c in range(p):
            part = W[j, c] * q[c]
            first += x[c] * part
            second += x[c] * part * part
        first /= mutations
        spread = second / mutations - first * first
        scores[j] = (first - 1.0) * math.sqrt(mutations / max(spread, 1e-12))
    for a in range(members.size):
        scores[members[a]] = -np.inf


# Loops, where NumPy has a function: numba compiles those for every type and use, with their errors in words.
@compiled()
def places_above(values, least):
    """Return the indices (s,) of the values above ``least``."""
    size = 0
    for j in range(values.size):
        size += values[j] > least
    places = np.empty(size, np.int64)
    size = 0
    for j in range(values.size):
        if values[j] > least:
            places[size] = j
            size += 1
    return places


@compiled()
def place_of_largest(values):
    """Return the index of the largest value, the first if there are several."""
    best = 0
    for j in range(values.size):
        if values[j] > values[best]:
            best = j
    return best


@compiled()
def take_largest(values):
    """Return the index of the largest value, and replace it by -inf."""
    best = place_of_largest(values)
    values[best] = -np.inf
    return best


@compiled()
def key_of(members, keys):
    """Return the exclusive-or of the members' keys: equal for the same set in any order."""
    key = np.uint64(0)
    for a in range(members.size):
        key ^= keys[members[a]]
    return key


@compiled(fastmath=REORDERED)
def add_moments(weight, members, g, k, present_from, out):
    """Add one component's mean, second moment and smooth presence, times its weight, to ``out`` (3, k)."""
    if weight < LEAST_WEIGHT:
        return
    total = OUTSIDE_COUNT * (k - members.size)
    for a in range(members.size):
        total += g[a]
    for a in range(members.size):
        j = members[a]
        share = g[a] / total
        out[0, j] += weight * share
        out[1, j] += weight * share * (g[a] + 1.0) / (total + 1.0)
        out[2, j] += weight / (1.0 + (present_from / max(share, 1e-12)) ** 6)


@compiled(fastmath=REORDERED)
def shares_on_support(X, W, start, prior_counts, steps):
    """Maximise ``sum_c x_c log (h W)_c + sum_j prior_counts h0_j log h_j`` over shares h, in place from ``start = h0``.

    Signatures that start at 0 stay there. Relaxed expectation steps; a step that moves all counts together by less than
    a thousandth of their noise is the last.
    """
    n, f = X.shape
    q, first = np.empty(f), np.empty(start.shape[1])
    for r in range(n):
        members = places_above(start[r], 0.0)
        size = members.size
        mutations = 0.0
        for c in range(f):
            mutations += X[r, c]
        if size < 2 or mutations <= 0.0:
            continue
        for a in range(size):
            first[a] = start[r, members[a]]
        total = mutations + prior_counts
        for _ in range(steps):
            for c in range(f):
                q[c] = 1e-300
            for a in range(size):
                share = start[r, members[a]]
                for c in range(f):
                    q[c] += share * W[members[a], c]
            for c in range(f):
                q[c] = X[r, c] / max(q[c], LEAST_MEAN)
            moved, mass = 0.0, 0.0
            for a in range(size):
                j = members[a]
                gain = 0.0
                for c in range(f):
                    gain += W[j, c] * q[c]
                old = start[r, j]
                new = (prior_counts * first[a] + old * gain) / total
                moved += abs(new - old)
                start[r, j] = max(old * (new / old) ** RELAXATION, 1e-12)
                mass += start[r, j]
            for a in range(size):
                start[r, members[a]] /= mass
            if moved * math.sqrt(total) < 1e-3:
                break
