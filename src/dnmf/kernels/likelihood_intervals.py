"""Intervals for exposures that a likelihood or least squares found, by the second-order model around them."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

# Half of 1.645 squared: the fall of the log-likelihood at the ends of a 90 % interval.
INTERVAL_NATS = 0.5 * 1.6448536269514722**2
RIDGE = 1e-9
TINY = 1e-12


def exposure_intervals(
    X: Float[Tensor, "n f"],
    H: Float[Tensor, "n k"],
    W: Float[Tensor, "k f"],
    *,
    least_squares: bool = False,
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Return the ends of 90 % intervals around exposures, in mutations.

    On the support (``H > 0``) ``h +- 1.645 s`` with the covariance ``A^-1 B A^-1``: ``A = W D W^T`` is the curvature,
    ``B`` the noise of the gradient. ``D = diag(x / r^2)`` and ``B = A`` for the likelihood; ``D = 1`` and
    ``B = W diag(r) W^T`` for least squares.
    Off it, from 0 to where the log-likelihood has fallen by ``1.645^2 / 2`` with the support refitted.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Counts, exposures (mutations), signatures whose rows sum to 1.
    least_squares : bool
        Whether ``H`` is the optimum of least squares rather than of the Poisson likelihood.

    Returns
    -------
    lower, upper : (n, k)
        ``0 <= lower <= H <= upper``, and ``upper`` at most the sample's mutations (or H).

    Notes
    -----
    The support is taken as given. Signatures that the data cannot tell apart get an interval up to the whole sample.
    """
    counts, exposures = X.double().cpu().numpy(), H.double().cpu().numpy()
    signatures = W.double().cpu().numpy()
    lower, upper = np.zeros_like(exposures), np.zeros_like(exposures)
    for row, (x, h) in enumerate(zip(counts, exposures, strict=True)):
        if x.sum() > 0:
            below, above = _distances(x, h, signatures, least_squares=least_squares)
            lower[row] = np.maximum(h - below, 0.0)
            upper[row] = np.maximum(np.minimum(h + above, x.sum()), h)
    return torch.from_numpy(lower).to(H), torch.from_numpy(upper).to(H)


def _distances(
    x: np.ndarray, h: np.ndarray, W: np.ndarray, *, least_squares: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Distances to both ends for one sample; ``(k,)`` each."""
    r = np.maximum(h @ W, TINY)
    # The curvature uses the count x; the variance of a count is its expectation r, since x = 0 would give variance 0.
    metric = np.ones_like(x) if least_squares else x / r**2
    noise = metric**2 * (r if least_squares else np.divide(1.0, metric, where=x > 0, out=0.0 * x))
    slope = W @ (r - x) if least_squares else W @ (1.0 - x / r)
    A, B = (W * metric) @ W.T, (W * noise) @ W.T
    inside = np.flatnonzero(h > 0)
    curvature_inside = A[np.ix_(inside, inside)]
    inverse = np.linalg.pinv(
        curvature_inside + np.diag(RIDGE * np.diagonal(curvature_inside) + TINY), hermitian=True
    )
    variance = np.einsum("ij,jk,ki->i", inverse, B[np.ix_(inside, inside)], inverse)
    below, above = np.zeros_like(h), np.zeros_like(h)
    below[inside] = np.sqrt(2 * INTERVAL_NATS * np.maximum(variance, 0.0))
    above[inside] = below[inside]
    outside = np.flatnonzero(h <= 0)
    # Only the part of a signature outside the span of the support is informative.
    follow = A[np.ix_(outside, inside)] @ inverse
    curvature = np.diagonal(A)[outside] - np.einsum("ij,ji->i", follow, A[np.ix_(inside, outside)])
    gradient_variance = (
        np.diagonal(B)[outside]
        - 2 * np.einsum("ij,ji->i", follow, B[np.ix_(inside, outside)])
        + np.einsum("ij,jk,ik->i", follow, B[np.ix_(inside, inside)], follow)
    )
    curvature, gradient_variance = np.maximum(curvature, 0.0), np.maximum(gradient_variance, TINY)
    # In units of the noise; for the likelihood the two are equal.
    information = curvature**2 / gradient_variance if least_squares else curvature
    push = np.maximum(slope[outside], 0.0)
    push = push * curvature / gradient_variance if least_squares else push
    above[outside] = (
        2 * INTERVAL_NATS / (push + np.sqrt(push**2 + 2 * INTERVAL_NATS * information) + TINY)
    )
    return below, above
