"""Compiled loops over samples: damped second-order steps of the Kullback-Leibler cost, by coordinate descent.

Only the entries of a sample that are not zero are visited. One specialisation for float32 and one for float64.
"""

import numpy as np

from dnmf.compilation import compiled

REORDERED = {"reassoc", "contract", "nsz"}
MAX_HALVINGS = 30
# Slopes of a sample below this part of its total are rounding, in float64 and in float32.
ROUNDING_64, ROUNDING_32 = np.float32(1e-14), np.float32(1e-6)
# Reconstruction, as a part of a count, below which a count is as good as impossible.
SMALLEST = np.float32(1e-12)


@compiled(fastmath=REORDERED, error_model="numpy")
def _reconstruct(h, W, m, spectrum):
    for c in range(m):
        spectrum[c] = 0.0
    for j in range(h.size):
        value = h[j]
        if value != 0.0:
            for c in range(m):
                spectrum[c] += value * W[j, c]


@compiled(fastmath=REORDERED, error_model="numpy")
def _expand(x, m, W, h, spectrum, first, second):
    """Fill the first and second derivatives by the spectrum: ``x / r`` and ``x / r^2``."""
    _reconstruct(h, W, m, spectrum)
    least = SMALLEST * x[0]
    for c in range(m):
        inverse = 1.0 / max(spectrum[c], least)
        first[c] = x[c] * inverse
        second[c] = first[c] * inverse


@compiled(fastmath=REORDERED, error_model="numpy")
def _gap(x, m, W, h, mass, first):
    """Return the most by which the cost of a sample can be above its minimum, see dnmf.kernels.kl_gap."""
    total, explained, largest = 0.0, 0.0, 0.0
    for c in range(m):
        total += x[c]
    for j in range(h.size):
        if mass[j] > 0.0:
            gain = 0.0
            for c in range(m):
                gain += W[j, c] * first[c]
            largest = max(largest, gain / mass[j])
            explained += mass[j] * h[j]
    if explained <= 0.0:
        return np.inf
    fraction = explained / total
    scaling = explained - total - total * np.log(fraction)
    return total * np.log(max(largest * fraction, 1.0)) + max(scaling, 0.0)


@compiled(fastmath=REORDERED, error_model="numpy")
def _sweep(m, W, mass, second, rest, target):
    """Minimise the second-order model over each entry of ``target`` in turn; ``rest`` is its slope by the spectrum."""
    for j in range(target.size):
        slope = mass[j]
        for c in range(m):
            slope -= W[j, c] * rest[c]
        if slope >= 0.0 and target[j] == 0.0:
            continue
        curvature = 0.0 * mass[j]
        for c in range(m):
            curvature += W[j, c] * W[j, c] * second[c]
        step = -target[j]
        if curvature > 0.0:
            step = max(step, -slope / curvature)
        if step != 0.0:
            target[j] += step
            for c in range(m):
                rest[c] -= step * second[c] * W[j, c]


@compiled(fastmath=REORDERED, error_model="numpy")
def _walk(x, m, h, mass, spectrum, target, new_spectrum):
    """Move ``h`` to ``target``, or as far there as the cost falls all the way, which is convex."""
    linear, rounding = 0.0 * mass[0], 0.0 * mass[0]
    for j in range(h.size):
        linear += mass[j] * (target[j] - h[j])
        rounding += mass[j] * h[j]
    # At the minimum the slope is a difference of numbers of the size of the total.
    rounding *= ROUNDING_64 if h.itemsize == 8 else ROUNDING_32
    t = 1.0
    for _ in range(MAX_HALVINGS):
        slope, least = linear, x[0]
        for c in range(m):
            change = new_spectrum[c] - spectrum[c]
            now = spectrum[c] + t * change
            slope -= x[c] * change / now
            least = min(least, now)
        if least > 0.0 and slope <= rounding:
            for j in range(h.size):
                h[j] = max(h[j] + t * (target[j] - h[j]), 0.0)
            return
        t *= 0.5


@compiled(error_model="numpy")
def _solve(x, m, W, h, mass, steps, sweeps, tolerance, work, target):
    """Take second-order steps; end when the cost is certified to be within ``tolerance`` (if >= 0) of the minimum."""
    spectrum, first, second, new_spectrum = work[0], work[1], work[2], work[3]
    for _ in range(steps):
        _expand(x, m, W, h, spectrum, first, second)
        if tolerance >= 0.0 and _gap(x, m, W, h, mass, first) <= tolerance:
            return
        for j in range(h.size):
            target[j] = h[j]
        for _ in range(sweeps):
            _sweep(m, W, mass, second, first, target)
        _reconstruct(target, W, m, new_spectrum)
        _walk(x, m, h, mass, spectrum, target, new_spectrum)


@compiled(slow=True, error_model="numpy")
def kl_descend_dense(X, W, mass, H, steps, sweeps, tolerance):
    """Lower ``sum_c mass_j h_j - x_c log (h W)_c`` of every row of ``X``, in place in ``H``.

    ``mass`` is (1, k), or (n, k) where samples have masses of their own.
    """
    n, f = X.shape
    k = len(W)
    x = np.empty(f, W.dtype)
    places = np.empty(f, np.int64)
    local = np.empty((k, f), W.dtype)
    work, target = np.empty((4, f), W.dtype), np.empty(k, W.dtype)
    for r in range(n):
        m = 0
        for c in range(f):
            if X[r, c] > 0.0:
                x[m] = X[r, c]
                places[m] = c
                m += 1
        if m == 0:
            H[r, :] = 0.0
            continue
        own = mass[r % len(mass)]
        if m == f:
            _solve(x, m, W, H[r], own, steps, sweeps, tolerance, work, target)
            continue
        for j in range(k):
            for a in range(m):
                local[j, a] = W[j, places[a]]
        _solve(x, m, local, H[r], own, steps, sweeps, tolerance, work, target)


@compiled(slow=True, error_model="numpy")
def kl_descend_sparse(values, columns, starts, Wt, mass, H, steps, sweeps, tolerance):
    """As :func:`kl_descend_dense` for the rows of a csr matrix; ``Wt`` is the transposed dictionary (f, k)."""
    k = Wt.shape[1]
    n = len(starts) - 1
    longest = 1
    for r in range(n):
        longest = max(longest, starts[r + 1] - starts[r])
    x = np.empty(longest, Wt.dtype)
    local = np.empty((k, longest), Wt.dtype)
    work, target = np.empty((4, longest), Wt.dtype), np.empty(k, Wt.dtype)
    for r in range(n):
        m = 0
        for a in range(starts[r], starts[r + 1]):
            if values[a] > 0.0:
                x[m] = values[a]
                for j in range(k):
                    local[j, m] = Wt[columns[a], j]
                m += 1
        if m == 0:
            H[r, :] = 0.0
            continue
        _solve(x, m, local, H[r], mass[r % len(mass)], steps, sweeps, tolerance, work, target)


@compiled(fastmath=REORDERED, error_model="numpy")
def kl_sums_sparse(values, columns, starts, Wt, H, weights, first, second):
    """Add up what the dictionary step needs, over the entries of a csr matrix; return ``sum x log (h W)``.

    ``first`` (f, k) receives ``sum_i h_i x_i / r_i`` and ``second`` (f, k (k + 1) / 2) the upper triangles, row by row,
    of ``sum_i h_i h_i^T x_i / r_i^2``. Both in float64.
    """
    k = Wt.shape[1]
    total = 0.0
    for r in range(len(starts) - 1):
        h = H[r]
        w = weights[r % len(weights)]
        for a in range(starts[r], starts[r + 1]):
            x = values[a]
            if x <= 0.0:
                continue
            c = columns[a]
            fitted = x * 0.0
            for j in range(k):
                fitted += h[j] * Wt[c, j]
            if fitted <= 0.0:
                if w > 0.0:
                    total = -np.inf
                continue
            total += w * x * np.log(fitted)
            ratio = w * x / fitted
            for j in range(k):
                first[c, j] += h[j] * ratio
            ratio /= fitted
            place = 0
            for j in range(k):
                scaled = h[j] * ratio
                if scaled != 0.0:
                    for i in range(j, k):
                        second[c, place + i - j] += scaled * h[i]
                place += k - j
    return total
