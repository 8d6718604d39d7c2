"""Compiled loops over rows: non-negative least squares by coordinate descent, in cache, from the normal equations.

One specialisation for float32 and one for float64. Rows do not depend on each other, and nothing calls BLAS.
"""

import numpy as np

from dnmf.compilation import compiled

REORDERED = {"reassoc", "contract", "nsz"}


@compiled(fastmath=REORDERED, error_model="numpy")
def descend_rows(gram, moments, solutions, max_sweeps, enough):
    """Lower ``1/2 h G h - c h`` over h >= 0 for every row ``c`` of ``moments``, in place in ``solutions`` (q, k).

    A sweep minimises over each entry in turn. A row ends when a sweep lowers it by less than ``enough`` of what its
    first sweep did, and after ``max_sweeps``. The entries of an empty component become 0.
    """
    q, k = moments.shape
    slope = np.empty(k, gram.dtype)
    inverse_diagonal = np.empty(k, gram.dtype)
    for j in range(k):
        inverse_diagonal[j] = 1.0 / gram[j, j] if gram[j, j] > 0.0 else 0.0
    for r in range(q):
        h = solutions[r]
        for i in range(k):
            slope[i] = -moments[r, i]
        for j in range(k):
            value = h[j]
            if value != 0.0:
                for i in range(k):
                    slope[i] += value * gram[j, i]
        first = 0.0
        for sweep in range(max_sweeps):
            gain = 0.0
            for j in range(k):
                if inverse_diagonal[j] == 0.0:
                    h[j] = 0.0
                    continue
                value = h[j]
                new = value - slope[j] * inverse_diagonal[j]
                if new < 0.0:
                    new = 0.0
                step = new - value
                if step != 0.0:
                    h[j] = new
                    gain += step * step * gram[j, j]
                    for i in range(k):
                        slope[i] += step * gram[j, i]
            if sweep == 0:
                first = gain
            if gain <= enough * first:
                break


@compiled(fastmath=REORDERED, error_model="numpy")
def descend_rows_own_gram(grams, moments, solutions, max_sweeps, enough):
    """As :func:`descend_rows`, where every row has a Gram matrix of its own: ``grams`` (q, k, k)."""
    for r in range(len(moments)):
        rows = slice(r, r + 1)
        descend_rows(grams[r], moments[rows], solutions[rows], max_sweeps, enough)


@compiled(fastmath=REORDERED, error_model="numpy")
def descend_masked_rows(X, observed, W, l1_reg, l2_reg, H, max_sweeps, enough):
    """Lower ``1/2 ||x - h W||^2`` over the observed entries, with penalties, for every row of ``X``, in place in ``H``.

    Sweeps as in :func:`descend_rows`, with the residual in place of the normal equations, which every row has its own.
    """
    n, f = X.shape
    k = len(W)
    residual = np.empty(f, W.dtype)
    local = np.empty((k, f), W.dtype)
    curvature = np.empty(k, W.dtype)
    for r in range(n):
        h = H[r]
        m = 0
        for c in range(f):
            if observed[r, c]:
                residual[m] = X[r, c]
                for j in range(k):
                    local[j, m] = W[j, c]
                m += 1
        for j in range(k):
            total = l2_reg
            for c in range(m):
                total += local[j, c] * local[j, c]
                residual[c] -= h[j] * local[j, c]
            curvature[j] = total
        first = 0.0
        for sweep in range(max_sweeps):
            gain = 0.0
            for j in range(k):
                value = h[j]
                new = 0.0 * value
                if curvature[j] > 0.0:
                    slope = l1_reg + l2_reg * value
                    for c in range(m):
                        slope -= local[j, c] * residual[c]
                    new = max(value - slope / curvature[j], new)
                step = new - value
                if step != 0.0:
                    h[j] = new
                    gain += step * step * curvature[j]
                    for c in range(m):
                        residual[c] -= step * local[j, c]
            if sweep == 0:
                first = gain
            if gain <= enough * first:
                break
