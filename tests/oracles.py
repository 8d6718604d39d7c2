"""Slow, obvious re-implementations, for comparison only: NumPy and SciPy, loops, the formula as it is written."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls as scipy_nnls

Array = NDArray[np.float64]


# ── costs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def rounding_of_cost(X: Array, H: Array, W: Array, l1: float = 0.0, l2: float = 0.0) -> float:
    """How much of a cost may be rounding: what its terms would be without any cancellation, times 1e-14."""
    size = np.square(np.abs(X) + H @ W).sum() + l1 * H.sum() + l2 * np.square(H).sum()
    return 1e-14 * float(size)


# ── multiplicative updates ───────────────────────────────────────────────────────────────────────────────────────────


def mu_by_scalars(X: Array, H: Array, W: Array, l1: float = 0.0, l2: float = 0.0) -> Array:
    """Paper eq. 4, one exposure at a time: ``h_j <- h_j (W' v)_j / ((W' W h)_j + l1 + l2 h_j)``."""
    n, f = X.shape
    k = len(W)
    updated = np.zeros((n, k))
    for i in range(n):
        reconstruction = [sum(H[i, b] * W[b, c] for b in range(k)) for c in range(f)]
        for j in range(k):
            numerator = sum(X[i, c] * W[j, c] for c in range(f))
            denominator = sum(reconstruction[c] * W[j, c] for c in range(f)) + l1 + l2 * H[i, j]
            updated[i, j] = H[i, j] * numerator / denominator
    return updated


def mu_guarded_below_only(X: Array, H: Array, W: Array, eps: float) -> Array:
    """The usual guard, which breaks the theorem: eps in the denominator alone."""
    return H * (X @ W.T) / (H @ (W @ W.T) + eps)


# ── non-negative least squares ───────────────────────────────────────────────────────────────────────────────────────


def nnls_rows(X: Array, W: Array) -> Array:
    """``argmin_{h >= 0} ||x - h W||`` by ``scipy.optimize.nnls``, one row of X after the other."""
    return np.array([scipy_nnls(W.T, x, maxiter=1000)[0] for x in X])


def penalised_nnls_rows(X: Array, W: Array, l1: float, l2: float) -> Array:
    """The same with ``l1 sum(h) + l2/2 sum(h^2)``, as a plain least-squares problem with k more equations.

    With ``sqrt(l2) I`` under ``W^T`` and ``-l1 / sqrt(l2)`` under x the square completes to both penalties; needs
    ``l2 > 0``. For ``l1`` alone, x is moved along the pseudo-inverse instead; needs independent signatures.
    """
    k = len(W)
    if l2 > 0:
        W = np.hstack([W, np.sqrt(l2) * np.eye(k)])
        X = np.hstack([X, np.full((len(X), k), -l1 / np.sqrt(l2))])
    else:
        X = X - l1 * np.linalg.pinv(W) @ np.ones(k)
    return nnls_rows(X, W)


# ── layers: what "one classic step" means for each rule ──────────────────────────────────────────────────────────────


def admm_step(
    state: Array, X: Array, W: Array, l1: float, l2: float, *, rho: float = 0.3, alpha: float = 1.8
) -> Array:
    """One over-relaxed ADMM step of ``min 1/2 ||x - y W||^2 + l1 sum(y) + l2/2 sum(y^2), y = h >= 0``, by samples.

    The state is ``h`` where it is positive and ``rho u`` where it is negative (u the scaled dual).
    """
    k = len(W)
    gram = W @ W.T + l2 * np.eye(k)
    strength = rho * np.diag(np.diag(gram))
    updated = np.zeros_like(state)
    for i, x in enumerate(X):
        h, u = np.maximum(state[i], 0), np.minimum(state[i], 0) / rho
        y = np.linalg.solve(gram + strength, W @ x - l1 + strength @ (h - u))
        relaxed = alpha * y + (1 - alpha) * h
        h_next = np.maximum(relaxed + u, 0)
        u_next = u + relaxed - h_next
        updated[i] = h_next + rho * u_next
    return updated


def newton_step(
    state: Array, X: Array, W: Array, l1: float, l2: float, *, rho: float = 1e-6
) -> Array:
    """One damped Newton step on the support ``state > 0``, by samples; off it the downhill slope over d."""
    gram = W @ W.T + l2 * np.eye(len(W))
    scale = np.diag(gram)
    updated = np.zeros_like(state)
    for i, x in enumerate(X):
        on, moments = state[i] > 0, W @ x - l1
        damping = rho * scale[on]
        z = np.zeros(len(W))
        z[on] = np.linalg.solve(
            gram[np.ix_(on, on)] + np.diag(damping), moments[on] + damping * state[i, on]
        )
        updated[i] = np.where(on, z, (moments - gram @ z) / scale)
    return updated


def kl_by_scalars(state: Array, X: Array, W: Array, l1: float = 0.0, l2: float = 0.0) -> Array:
    """Lee and Seung's update for the Kullback-Leibler cost, one exposure at a time; it takes no penalties."""
    n, f = X.shape
    k = len(W)
    updated = np.zeros((n, k))
    for i in range(n):
        mean = [sum(state[i, b] * W[b, c] for b in range(k)) for c in range(f)]
        for j in range(k):
            gain = sum(W[j, c] * X[i, c] / mean[c] for c in range(f) if mean[c] > 0)
            updated[i, j] = state[i, j] * gain / W[j].sum()
    return updated


def projected_gradient_step(state: Array, X: Array, W: Array, l1: float, l2: float) -> Array:
    """One step against the gradient, as long as the largest eigenvalue of ``W W^T`` allows without penalties."""
    gradient = (state @ W - X) @ W.T + l1 + l2 * state
    return np.maximum(state - gradient / np.linalg.eigvalsh(W @ W.T).max(), 0)


def _mu_step(state: Array, X: Array, W: Array, l1: float, l2: float) -> Array:
    return mu_by_scalars(X, state, W, l1, l2)


CLASSIC_STEPS: dict[str, Callable[[Array, Array, Array, float, float], Array]] = {
    "mu": _mu_step,
    "weighted-mu": _mu_step,
    "kl": kl_by_scalars,
    "projected-gradient": projected_gradient_step,
    "admm": admm_step,
    "newton": newton_step,
}
