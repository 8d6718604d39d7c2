"""Compiled: the search for sparse supports that explain one sample."""

import math
from typing import NamedTuple

import numpy as np

from dnmf.compilation import compiled
from dnmf.kernels._component_numba import (
    LEAST_MEAN,
    RELAXATION,
    REORDERED,
    fit_component,
    key_of,
    place_of_largest,
    places_above,
    score_tests,
    take_largest,
)

# Steps of every support, of one that starts near its answer, and further steps of the best ones. As NumPy integers, of
# which there is one type: numba compiles a function anew for every plain constant that it is called with.
FIRST_STEPS, NEAR_STEPS, FURTHER_STEPS = np.int64(10), np.int64(6), np.int64(40)
# How many nats below the best another component is worth further steps.
REFINED_NATS = 7.0
# Signatures that are tried in addition to the best support, and in exchange for each of its signatures.
ADDITIONS, EXCHANGES = 4, 3
# Part of the mutations with which a new signature starts.
NEW_SHARE = 0.05


class Supports(NamedTuple):
    """Supports that were fitted: ``members`` and posterior ``counts`` (l, s), ``sizes``, ``bounds``, ``keys`` (l,)."""

    members: np.ndarray
    counts: np.ndarray
    sizes: np.ndarray
    bounds: np.ndarray
    keys: np.ndarray


@compiled()
def _place_of(key, supports, count):
    for i in range(count):
        if supports.keys[i] == key:
            return i
    return -1


@compiled(inline="always")
def _fit(sample, supports, place, log_priors, steps):
    size = supports.sizes[place]
    members, g = supports.members[place, :size], supports.counts[place, :size]
    bound = fit_component(sample, members, sample.alpha[:size], g, steps)
    supports.bounds[place] = bound + log_priors[size]


@compiled()
def _try(sample, supports, count, members, start, log_priors, steps):
    """Fit a support from these counts unless it is there already or the list is full; return the new length."""
    key = key_of(members, sample.keys)
    if count == supports.sizes.size or _place_of(key, supports, count) >= 0:
        return count
    size = members.size
    for a in range(size):
        supports.members[count, a] = members[a]
        supports.counts[count, a] = start[a]
    supports.sizes[count] = size
    supports.keys[count] = key
    _fit(sample, supports, count, log_priors, steps)
    return count + 1


@compiled(fastmath=REORDERED)
def _inverse_information(sample, members, h):
    """Return the inverse of the information (s, s) about the shares ``h`` (s,), by sweeping its columns."""
    x, q, A = sample.x, sample.q, sample.profiles
    size, p = members.size, x.size
    for c in range(p):
        q[c] = 1e-300
    for a in range(size):
        row = sample.W[members[a]]
        for c in range(p):
            q[c] += h[a] * row[c]
    for c in range(p):
        q[c] = math.sqrt(x[c]) / max(q[c], LEAST_MEAN)
    for a in range(size):
        row = sample.W[members[a]]
        for c in range(p):
            A[a, c] = row[c] * q[c]
    inverse = np.empty((size, size))
    for a in range(size):
        for b in range(a + 1):
            total = 0.0
            for c in range(p):
                total += A[a, c] * A[b, c]
            inverse[a, b] = total
            inverse[b, a] = total
        # A ridge keeps near-copies of a signature apart from a division by zero.
        inverse[a, a] = inverse[a, a] * (1 + 1e-6) + 1e-9
    for pivot in range(size):
        scale = 1.0 / inverse[pivot, pivot]
        inverse[pivot, pivot] = 1.0
        for b in range(size):
            inverse[pivot, b] *= scale
        for a in range(size):
            if a != pivot:
                factor = inverse[a, pivot]
                inverse[a, pivot] = 0.0
                for b in range(size):
                    inverse[a, b] -= factor * inverse[pivot, b]
    return inverse


@compiled(fastmath=REORDERED)
def _expectation_steps(sample, members, h, steps):
    """Raise the likelihood of shares ``h`` (s,) of the members by relaxed expectation steps, in place."""
    x, q = sample.x, sample.q
    p, mutations = x.size, 0.0
    for c in range(p):
        mutations += x[c]
    for _ in range(steps):
        for c in range(p):
            q[c] = 1e-300
        for a in range(members.size):
            row = sample.W[members[a]]
            for c in range(p):
                q[c] += h[a] * row[c]
        for c in range(p):
            q[c] = x[c] / max(q[c], LEAST_MEAN)
        total = 0.0
        for a in range(members.size):
            gain = 0.0
            row = sample.W[members[a]]
            for c in range(p):
                gain += row[c] * q[c]
            h[a] *= max(gain / mutations, 1e-12) ** RELAXATION
            total += h[a]
        for a in range(members.size):
            h[a] /= total


@compiled()
def _remove(members, h, place):
    """Return members and shares without the one at a place; the shares sum to 1."""
    size = members.size - 1
    rest, shares, total = np.empty(size, np.int64), np.empty(size), 0.0
    for a in range(size):
        b = a if a < place else a + 1
        rest[a], shares[a] = members[b], h[b]
        total += h[b]
    for a in range(size):
        shares[a] /= total
    return rest, shares


@compiled(inline="always")
def _eliminate(sample, best, supports, log_priors):
    """Fit the supports that are left when the signature whose removal costs least leaves, again and again.

    Starts from the shares of highest likelihood ``best`` (k,). Far from the sizes that are fitted, several leave at
    once. Returns the number of supports.
    """
    most = log_priors.size - 1
    mutations = 0.0
    for c in range(sample.x.size):
        mutations += sample.x[c]
    members = places_above(best, 1e-9)
    h, start = np.empty(members.size), np.empty(members.size)
    for a in range(members.size):
        h[a] = best[members[a]]
    count = np.int64(0)
    while True:
        size = members.size
        if size <= most:
            for a in range(size):
                start[a] = 1.0 + mutations * h[a]
            count = _try(sample, supports, count, members, start[:size], log_priors, FIRST_STEPS)
        if size == 1 or count == supports.sizes.size:
            return count
        inverse = _inverse_information(sample, members, h)
        # Nats that the likelihood gains, to second order, when this one is removed and the others adapt: never above 0.
        gains = np.empty(size)
        for a in range(size):
            gains[a] = -0.5 * h[a] * h[a] / max(inverse[a, a], 1e-300)
        if size > most + 3:
            for _ in range((size - most) // 5 + 1):
                place = place_of_largest(gains)
                members, h = _remove(members, h, place)
                for a in range(place, size - 1):
                    gains[a] = gains[a + 1]
                size -= 1
                gains = gains[:size]
        else:
            place = place_of_largest(gains)
            change = h[place] / inverse[place, place]
            for a in range(size):
                h[a] = max(h[a] - inverse[a, place] * change, 0.02 * h[a])
            members, h = _remove(members, h, place)
        _expectation_steps(sample, members, h, 3 if size <= most + 3 else 5)


@compiled(inline="always")
def search_supports(sample, best, log_priors, rounds, supports):
    """Fill ``supports`` with those of an elimination, and with what single changes of the best one lead to.

    From the best support the most promising additions, all removals, and exchanges are tried, ``rounds`` times.
    Returns the number of supports.
    """
    k = sample.W.shape[0]
    most = log_priors.size - 1
    sample.alpha[:most] = 1.0
    mutations = 0.0
    for c in range(sample.x.size):
        mutations += sample.x[c]
    count = _eliminate(sample, best, supports, log_priors)
    tried = np.int64(-1)
    for _ in range(rounds):
        top = place_of_largest(supports.bounds[:count])
        if top == tried:
            break
        tried = top
        size = supports.sizes[top]
        now, base = np.empty(size, np.int64), np.empty(size)
        more, start = np.empty(size + 1, np.int64), np.empty(size + 1)
        for a in range(size):
            now[a], base[a] = supports.members[top, a], supports.counts[top, a]
            more[a], start[a] = now[a], base[a]
        start[size] = 1.0 + NEW_SHARE * mutations
        if size < most:
            score_tests(sample, now, base)
            for _ in range(min(ADDITIONS, k - size)):
                more[size] = take_largest(sample.scores)
                count = _try(sample, supports, count, more, start, log_priors, NEAR_STEPS)
        for left in range(size):
            last = size - 1
            for a in range(last):
                b = a if a < left else a + 1
                more[a], start[a] = now[b], base[b]
            rest, counts = more[:last], start[:last]
            if last > 0:
                count = _try(sample, supports, count, rest, counts, log_priors, NEAR_STEPS)
                place = _place_of(key_of(rest, sample.keys), supports, count)
                if place >= 0:
                    for a in range(last):
                        more[a] = supports.members[place, a]
                        start[a] = supports.counts[place, a]
            score_tests(sample, rest, counts)
            sample.scores[now[left]] = -np.inf
            start[last] = base[left]
            for _ in range(min(EXCHANGES, k - size)):
                more[last] = take_largest(sample.scores)
                count = _try(
                    sample, supports, count, more[:size], start[:size], log_priors, NEAR_STEPS
                )
    highest = supports.bounds[place_of_largest(supports.bounds[:count])]
    for i in range(count):
        if supports.bounds[i] > highest - REFINED_NATS:
            _fit(sample, supports, i, log_priors, FURTHER_STEPS)
    return count
