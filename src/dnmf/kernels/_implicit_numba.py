"""Compiled loops over samples: linear systems on the support of an exact solution, for its derivatives.

As in the solvers everything is float64, and no result depends on which other samples are in a batch.
"""

import numpy as np

from dnmf.compilation import compiled
from dnmf.kernels._kl_numba import _gains, _hessian, _reconstruct
from dnmf.kernels._nnls_numba import _list_members, _solve_passive


@compiled()
def solve_on_supports(gram, targets, passive, order, solutions, dependent):
    """Fill ``solutions`` (q, k) with the z that are zero off their row's support and solve ``z G = t`` on it.

    ``gram`` has unit diagonal (or zero); ``passive`` (q, k) holds the supports. Rows are visited in the order
    ``order``: where a support begins like that of the row before, so does its factor. ``dependent`` (q,) marks rows
    whose components are linearly dependent, which are not solved.
    """
    k = targets.shape[1]
    members = np.empty(k, np.int64)
    factor = np.empty((k, k))
    solution = np.empty(k)
    known = 0
    for r in order:
        solutions[r, :] = 0.0
        size, known = _list_members(passive[r], members, known)
        known = _solve_passive(gram, targets[r], members, size, known, factor, solution)
        dependent[r] = known < size
        if not dependent[r]:
            for a in range(size):
                solutions[r, members[a]] = solution[a]


@compiled()
def kl_solve_on_supports(X, W, H, targets, passive, solutions, dependent):
    """Fill ``solutions`` (n, k) with the z that are zero off the support and solve ``z A = t`` on it.

    A is the Hessian of a sample's Kullback-Leibler cost at its exposures H, the rows of ``W`` sum to 1 (or 0).
    ``passive`` (n, k) receives the supports: components that are present, and in balance rather than fading out.
    ``dependent`` (n,) marks rows whose Hessian is singular on the support: not solved.
    """
    n, f = X.shape
    k = len(W)
    every = np.ones(k, np.bool_)
    spectrum = np.empty(f)
    ratio = np.empty(f)
    gains = np.empty(k)
    factor = np.empty((k, k))
    for r in range(n):
        solutions[r, :] = 0.0
        passive[r, :] = False
        dependent[r] = False
        total = H[r].sum()
        if total <= 0.0:
            continue
        _reconstruct(H[r], W, spectrum)
        _gains(X[r], spectrum, W, every, gains, ratio)
        for j in range(k):
            passive[r, j] = H[r, j] > 0.0 and H[r, j] > (1.0 - gains[j]) * total
        members = np.flatnonzero(passive[r])
        size = members.size
        hessian = np.empty((size, size))
        _hessian(X[r], spectrum, W, members, hessian)
        norms = np.sqrt(np.diag(hessian))
        scaled = np.empty(size)
        for a in range(size):
            # A component without counts has no curvature: the others are still compared with each other.
            scaled[a] = targets[r, members[a]] / norms[a] if norms[a] > 0.0 else 0.0
            for b in range(size):
                scale = norms[a] * norms[b]
                hessian[a, b] = hessian[a, b] / scale if scale > 0.0 else 0.0
        solution = np.empty(size)
        known = _solve_passive(hessian, scaled, np.arange(size), size, 0, factor, solution)
        dependent[r] = known < size
        if not dependent[r]:
            for a in range(size):
                solutions[r, members[a]] = solution[a] / norms[a]
