"""Compiled loops over samples: Poisson maximum likelihood for fixed signatures by expectation and Newton steps.

Everything works on float64 arrays whose signatures sum to 1, one sample after the other, so results never depend on
which other samples are in a batch.
"""

import numpy as np

from dnmf.compilation import compiled
from dnmf.kernels._nnls_numba import nnls_rows

# Expectation steps before the first Newton step: enough to leave the region where the quadratic model misleads.
WARM_STEPS = 20
# Relative weight of the proximal term: bounds a Newton step along directions that the data say nothing about.
PROXIMAL = 1e-10
ARMIJO = 1e-4
MAX_HALVINGS = 40
# Rounding of a log-likelihood per count, relative to its size: a smaller gain is not seen in it.
LIKELIHOOD_ROUNDING = 4e-16
# Sums may be taken in another order, so that they are vectorised; infinities and NaN keep their meaning.
REORDERED = {"reassoc", "contract"}


@compiled(fastmath=REORDERED)
def _reconstruct(h, W, spectrum):
    spectrum[:] = 0.0
    for j in range(h.size):
        if h[j] > 0.0:
            for c in range(spectrum.size):
                spectrum[c] += h[j] * W[j, c]


@compiled(fastmath=REORDERED)
def _gains(x, spectrum, W, allowed, gains, ratio):
    """``gains_j = sum_c W_jc x_c / spectrum_c``: 1 where a component is in balance; returns the largest."""
    for c in range(x.size):
        ratio[c] = x[c] / spectrum[c] if x[c] > 0.0 and spectrum[c] > 0.0 else 0.0
    largest = 0.0
    for j in range(gains.size):
        total = 0.0
        if allowed[j]:
            for c in range(x.size):
                total += W[j, c] * ratio[c]
        gains[j] = total
        largest = max(largest, total)
    return largest


@compiled()
def _log_likelihood(x, spectrum):
    total = 0.0
    for c in range(x.size):
        if x[c] > 0.0:
            if spectrum[c] <= 0.0:
                return -np.inf
            total += x[c] * np.log(spectrum[c])
    expected = 0.0
    for c in range(x.size):
        expected += spectrum[c]
    return total - expected


@compiled(fastmath=REORDERED)
def _hessian(x, spectrum, W, members, hessian):
    """Fill ``hessian`` with ``sum_c W_ac W_bc x_c / spectrum_c^2`` for the listed components."""
    size = members.size
    weighted = np.empty((size, x.size))
    for a in range(size):
        for c in range(x.size):
            root = np.sqrt(x[c]) / spectrum[c] if x[c] > 0.0 and spectrum[c] > 0.0 else 0.0
            weighted[a, c] = W[members[a], c] * root
    for a in range(size):
        for b in range(a + 1):
            total = 0.0
            for c in range(x.size):
                total += weighted[a, c] * weighted[b, c]
            hessian[a, b] = total
            hessian[b, a] = total


@compiled(fastmath=REORDERED)
def _scaled_model(x, spectrum, W, h, gains, members, gram, norms, moments, passive):
    """Fill Gram matrix (s, s) and moments (1, s) of the second-order model, scaled to a unit diagonal by ``norms``."""
    size = members.size
    _hessian(x, spectrum, W, members, gram)
    for a in range(size):
        norms[a] = np.sqrt(gram[a, a]) + 1e-300
    for a in range(size):
        # The gradient is 1 - gain, and the model's Hessian times h is the gain itself.
        moments[0, a] = (2.0 * gains[members[a]] - 1.0) / norms[a]
        moments[0, a] += PROXIMAL * h[members[a]] * norms[a]
        passive[0, a] = h[members[a]] > 0.0
        for b in range(size):
            gram[a, b] /= norms[a] * norms[b]
        gram[a, a] = 1.0 + PROXIMAL


@compiled(inline="always")
def _newton_target(x, spectrum, W, h, gains, target):
    """Minimise the second-order model over h >= 0, on the components that are present or want to enter."""
    size = 0
    for j in range(h.size):
        size += h[j] > 0.0 or gains[j] > 1.0
    members = np.empty(size, np.int64)
    size = 0
    for j in range(h.size):
        if h[j] > 0.0 or gains[j] > 1.0:
            members[size] = j
            size += 1
    gram, norms = np.empty((size, size)), np.empty(size)
    moments, passive = np.empty((1, size)), np.empty((1, size), np.bool_)
    _scaled_model(x, spectrum, W, h, gains, members, gram, norms, moments, passive)
    solution = np.empty((1, size))
    nnls_rows(gram, moments, passive, solution)
    target[:] = 0.0
    for a in range(size):
        target[members[a]] = solution[0, a] / norms[a]


@compiled(inline="always")
def _line_search(x, h, spectrum, target, W, gains, new_spectrum):
    """Step from ``h`` towards ``target`` as far as the likelihood gains; False when it does not."""
    value = _log_likelihood(x, spectrum)
    slope = 0.0
    for j in range(h.size):
        slope += (gains[j] - 1.0) * (target[j] - h[j])
    if not slope > 0.0:
        return False
    target_spectrum = np.empty(spectrum.size)
    _reconstruct(target, W, target_spectrum)
    step = 1.0
    lowest = value - LIKELIHOOD_ROUNDING * (1.0 + abs(value))
    for _ in range(MAX_HALVINGS):
        for c in range(x.size):
            new_spectrum[c] = spectrum[c] + step * (target_spectrum[c] - spectrum[c])
        if _log_likelihood(x, new_spectrum) >= lowest + ARMIJO * step * slope:
            for j in range(h.size):
                h[j] = max(h[j] + step * (target[j] - h[j]), 0.0)
            return True
        step *= 0.5
    return False


@compiled(inline="always")
def _expectation_step(h, gains, allowed):
    total = 0.0
    for j in range(h.size):
        h[j] = h[j] * gains[j] if allowed[j] else 0.0
        total += h[j]
    if total > 0.0:
        for j in range(h.size):
            h[j] /= total


@compiled(slow=True)
def kl_rows(X, W, allowed, H, tolerances, max_iter, gaps):
    """Maximise the likelihood of every row of ``X``, starting from ``H`` (rows on the simplex), in place.

    ``allowed`` (n, k) marks the components that may be used. ``gaps`` receives the certificate: how many nats of
    log-likelihood the sample can be from its maximum, at most.
    """
    n, f = X.shape
    k = len(W)
    x = np.empty(f)
    spectrum = np.empty(f)
    new_spectrum = np.empty(f)
    ratio = np.empty(f)
    gains = np.empty(k)
    target = np.empty(k)
    for r in range(n):
        mutations, usable = 0.0, False
        for c in range(f):
            mutations += X[r, c]
        for j in range(k):
            usable = usable or allowed[r, j]
        gaps[r] = 0.0
        if mutations <= 0.0 or not usable:
            continue
        for c in range(f):
            x[c] = X[r, c] / mutations
        h = H[r]
        stuck = False
        for iteration in range(max_iter + 1):
            _reconstruct(h, W, spectrum)
            largest = _gains(x, spectrum, W, allowed[r], gains, ratio)
            gaps[r] = mutations * np.log(max(largest, 1.0))
            if gaps[r] <= tolerances[r] or iteration == max_iter:
                break
            if iteration < WARM_STEPS or stuck:
                _expectation_step(h, gains, allowed[r])
                stuck = False
                continue
            _newton_target(x, spectrum, W, h, gains, target)
            stuck = not _line_search(x, h, spectrum, target, W, gains, new_spectrum)
            total = 0.0
            for j in range(k):
                total += h[j]
            if total > 0.0:  # the best total is known: scaling to it can only gain likelihood
                for j in range(k):
                    h[j] /= total
