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


# ── rules of both factors ────────────────────────────────────────────────────────────────────────────────────────────
# Each returns the next state of one factor; for a dictionary the arguments are those of the transposed problem.


def nalmu_step(state: Array, X: Array, W: Array, factors: Array) -> Array:
    """Kervazo, Chetoui and Cohen 2024: ``h <- a h (x W') / (h W W')``, one entry at a time."""
    updated = mu_by_scalars(X, state, W)
    factors = np.broadcast_to(factors, updated.shape)
    for i, j in np.ndindex(updated.shape):
        updated[i, j] *= factors[i, j]
    return updated


def _gradient_step(state: Array, X: Array, W: Array, step: Array) -> tuple[Array, Array]:
    """A step against the gradient, as long as the largest row sum of ``W W'`` allows; and the unit of each sample."""
    bound = max(sum(abs(W[i] @ W[j]) for i in range(len(W))) for j in range(len(W)))
    moved = state + step / bound * ((X - state @ W) @ W.T)
    return moved, np.array([max(W @ x) for x in X])[:, None] / bound


def palm_step(state: Array, X: Array, W: Array, step: Array, threshold: Array) -> Array:
    """Proximal gradient: of the penalty ``threshold * max_j (x W')_j`` on every exposure, and of ``h >= 0``."""
    moved, unit = _gradient_step(state, X, W, step)
    return np.maximum(moved - step * threshold * unit, 0)


def lp_palm_step(
    state: Array, X: Array, W: Array, step: Array, threshold: Array, power: Array
) -> Array:
    """The same with generalised shrinkage (Zuo et al. 2013, eq. 11 and 12, one iteration), one exposure at a time."""
    moved, unit = _gradient_step(state, X, W, step)
    updated = np.zeros_like(moved)
    for i, j in np.ndindex(moved.shape):
        z, m, p = moved[i, j] / unit[i, 0], step[j] * threshold[j], power[j]
        top = 2 * m * (1 - p)
        least = top ** (1 / (2 - p)) + m * p * top ** ((p - 1) / (2 - p))
        updated[i, j] = unit[i, 0] * (z - m * p * z ** (p - 1)) if z > least else 0.0
    return updated


def lpalm_exposures(state: Array, X: Array, W: Array, analysis: Array, threshold: Array) -> Array:
    """Fahes et al. 2022, the sources: ``S <- prox(S + V' (X - A S))`` of a threshold, here ``>= 0``; transposed."""
    sources, mixing, data = state.T, W.T, X.T
    moved = sources + analysis @ (data - mixing @ sources)
    return np.maximum(moved - threshold[:, None], 0).T


def lpalm_dictionary(state: Array, X: Array, W: Array, step: float) -> Array:
    """Fahes et al. 2022, the mixing: ``A <- A + (X - A S) S' / L``, here ``>= 0``, columns into the unit ball."""
    moved = np.maximum(state + step * (X - state @ W) @ W.T, 0)
    for column in moved.T:
        column /= max(1.0, float(np.linalg.norm(column)))
    return moved


def deep_nmf_step(state: Array, X: Array, dictionary: Array, sparsity: float) -> Array:
    """Le Roux et al. 2015 with beta = 1: ``h <- h (D (x / h D)) / (D 1 + mu)``, one exposure at a time."""
    updated = np.zeros_like(state)
    for i, j in np.ndindex(state.shape):
        mean = state[i] @ dictionary
        gain = sum(dictionary[j, c] * X[i, c] / mean[c] for c in range(X.shape[1]) if mean[c] > 0)
        updated[i, j] = state[i, j] * gain / (dictionary[j].sum() + sparsity)
    return updated


def _classic_mu(state: Array, X: Array, W: Array) -> Array:
    return mu_by_scalars(X, state, W)


def _classic_palm(state: Array, X: Array, W: Array) -> Array:
    return palm_step(state, X, W, np.ones(len(W)), np.zeros(len(W)))


def _half_power_palm(state: Array, X: Array, W: Array) -> Array:
    k = len(W)
    return lp_palm_step(state, X, W, np.ones(k), np.full(k, 0.01), np.full(k, 0.5))


def _classic_admm(state: Array, X: Array, W: Array) -> Array:
    return admm_step(state, X, W, 0.0, 0.0)


def _classic_kl(state: Array, X: Array, W: Array) -> Array:
    return kl_by_scalars(state, X, W)


BlindStep = Callable[[Array, Array, Array], Array]
# Steps of exposures and of dictionary; whether the exposures' step sees the dictionary found so far, or the first one;
# whether the dictionary comes first.
BLIND_STEPS: dict[str, tuple[BlindStep, BlindStep | None, bool, bool]] = {
    "nalmu": (_classic_mu, _classic_mu, True, True),
    "mu": (_classic_mu, _classic_mu, False, False),
    "weighted-mu": (_classic_mu, _classic_mu, True, False),
    "palm": (_classic_palm, _classic_palm, True, False),
    "lp-palm": (_half_power_palm, _classic_palm, True, False),
    "admm": (_classic_admm, _classic_admm, True, False),
    "deep-nmf": (_classic_kl, None, False, False),
}


def alternate(rule: str, X: Array, H: Array, W: Array, n_iter: int) -> list[tuple[Array, Array]]:
    """Return both factors before the first and after every iteration of the classic algorithm of a rule."""
    exposures, dictionary, follows, dictionary_first = BLIND_STEPS[rule]
    first, pairs = W, [(H, W)]
    for _ in range(n_iter):
        for factor in "WH" if dictionary_first else "HW":
            if factor == "H":
                H = exposures(H, X, np.maximum(W, 0) if follows else first)
            elif dictionary is not None:
                W = dictionary(W.T, X.T, np.maximum(H, 0).T).T
        pairs.append((np.maximum(H, 0), np.maximum(W, 0)))
    return pairs
