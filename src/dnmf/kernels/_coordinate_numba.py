"""Compiled loops over rows: non-negative least squares by coordinate descent, in cache, from the normal equations.

One specialisation for float32 and one for float64. Rows do not depend on each other, and nothing calls BLAS.
"""

import numpy as np

from dnmf.compilation import compiled

REORDERED = {"reassoc", "contract", "nsz"}


@compiled(fastmath=REORDERED)
def descend_rows(gram, inverse_diagonal, moments, solutions, max_sweeps, enough):
    """Lower ``1/2 h G h - c h`` over h >= 0 for every row ``c`` of ``moments``, in place in ``solutions`` (q, k).

    A sweep minimises over each entry in turn. A row ends when a sweep lowers it by less than ``enough`` of what its
    first sweep did, and after ``max_sweeps``. ``inverse_diagonal`` is 0 for an empty component, whose entries become 0.
    """
    q, k = moments.shape
    slope = np.empty(k, gram.dtype)
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
