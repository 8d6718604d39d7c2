"""Compiled search for the signatures that a sample needs: backward elimination, then forward selection.

Works on the normal equations of a *scaled* problem (unit diagonal), one sample after the other.
"""

import numpy as np

from dnmf.compilation import compiled
from dnmf.kernels._nnls_numba import nnls_rows


@compiled()
def _fit(gram, moments, square, members, size, solution):
    """Fit ``members[:size]`` by non-negative least squares; return the relative L2 error."""
    if size == 0:
        return 1.0
    own_gram = np.empty((size, size))
    own_moments = np.empty((1, size))
    passive = np.ones((1, size), np.bool_)
    found = np.empty((1, size))
    for a in range(size):
        own_moments[0, a] = moments[members[a]]
        for b in range(size):
            own_gram[a, b] = gram[members[a], members[b]]
    nnls_rows(own_gram, own_moments, passive, found)
    value = square
    for a in range(size):
        solution[a] = found[0, a]
        # At the optimum h G h = c h, so that the residual is |x|^2 - c h.
        value -= own_moments[0, a] * found[0, a]
    return np.sqrt(max(value, 0.0) / square)


@compiled()
def _without(members, size, place, trial):
    for a in range(size - 1):
        trial[a] = members[a] if a < place else members[a + 1]


@compiled()
def _remove(gram, moments, square, members, size, error, threshold, trial, solution):
    """Drop the signature that costs least, as long as it costs less than the threshold."""
    while size > 1:
        best, place = np.inf, -1
        for a in range(size):
            _without(members, size, a, trial)
            candidate = _fit(gram, moments, square, trial, size - 1, solution)
            if candidate < best:
                best, place = candidate, a
        if best - error >= threshold:
            break
        for a in range(place, size - 1):
            members[a] = members[a + 1]
        size -= 1
        error = best
    return size, error


@compiled()
def _add(gram, moments, square, members, size, error, threshold, trial, solution):
    """Take in the signature that gains most, as long as it gains more than the threshold."""
    k = moments.size
    while size < k:
        best, entering = np.inf, -1
        trial[:size] = members[:size]
        for j in range(k):
            known = gram[j, j] <= 0.0
            for a in range(size):
                known = known or members[a] == j
            if known:
                continue
            trial[size] = j
            candidate = _fit(gram, moments, square, trial, size + 1, solution)
            if candidate < best:
                best, entering = candidate, j
        if entering < 0 or error - best <= threshold:
            break
        members[size] = entering
        size += 1
        error = best
    return size, error


@compiled()
def sparse_rows(gram, moments, squares, start, remove_threshold, add_threshold, solutions):
    """Fill ``solutions`` (n, k) with the sparse fit of every row; ``start`` (n, k) marks where each search begins."""
    n, k = moments.shape
    members = np.empty(k, np.int64)
    trial = np.empty(k, np.int64)
    solution = np.empty(k)
    for r in range(n):
        solutions[r, :] = 0.0
        if squares[r] <= 0.0:
            continue
        size = 0
        for j in range(k):
            if start[r, j]:
                members[size] = j
                size += 1
        c, square = moments[r], squares[r]
        error = _fit(gram, c, square, members, size, solution)
        size, error = _remove(
            gram, c, square, members, size, error, remove_threshold, trial, solution
        )
        size, error = _add(gram, c, square, members, size, error, add_threshold, trial, solution)
        _fit(gram, c, square, members, size, solution)
        for a in range(size):
            solutions[r, members[a]] = solution[a]
