"""Poisson maximum likelihood for known signatures: the multiplicative step, the exact solver and its certificate."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dnmf.kernels._kl_numba import kl_rows
from dnmf.kernels.finite import finite

# Share of the start that is spread evenly over the usable signatures: multiplicative steps never leave zero.
MIN_START_SHARE = 1e-3
# Nats per mutation below which a gap is rounding: sums of f terms near 1 in float64.
ROUNDING_PER_MUTATION = 1e-12


def kl_step(
    X: Float[Tensor, "*batch f"],
    H: Float[Tensor, "*batch k"],
    W: Float[Tensor, "k f"],
    *,
    backward: Float[Tensor, "k f"] | None = None,
) -> Float[Tensor, "*batch k"]:
    """Return the exposures after one multiplicative update for the Kullback-Leibler cost.

    ``H <- H * ((X / H W) W^T) / rowsum(W)``, with ``0 / 0 = 0``

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Counts (mutations), current exposures and signatures, all >= 0. Not checked here: callers guarantee it.
    backward : (k, f), optional
        What stands for W outside of ``H W``; a network's layer learns the two apart. Default W.

    Notes
    -----
    Lee and Seung 2001; the expectation-maximisation step of the Poisson mixture. :func:`dnmf.kernels.kl_cost` never
    rises. After one step a sample's exposures explain exactly its number of mutations (rows of W summing to 1).

    Examples
    --------
    >>> X, H, W = torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0]]), torch.tensor([[0.5, 0.5]])
    >>> kl_step(X, H, W)  # exact in one step when k = 1
    tensor([[4.]])
    """
    backward = W if backward is None else backward
    reconstruction = H @ W
    possible = reconstruction > 0
    # Safe denominators, not only selected results: the gradient passes through both branches.
    ratio = torch.where(possible, X, 0.0) / torch.where(possible, reconstruction, 1.0)
    mass = backward.sum(dim=1)
    gain = (ratio @ backward.mT) / torch.where(mass > 0, mass, 1.0)
    return H * torch.where(mass > 0, gain, 1.0)


def kl_gap(
    X: Float[Tensor, "n f"],
    H: Float[Tensor, "n k"],
    W: Float[Tensor, "k f"],
    *,
    support: Bool[Tensor, "n k"] | None = None,
    observed: Bool[Tensor, "n f"] | None = None,
) -> Float[Tensor, " n"]:
    """Certificate: the most that :func:`dnmf.kernels.kl_cost` of a sample can be above its minimum, in nats.

    With exposures scaled so that they explain the ``N`` mutations of the sample, and
    ``g_j = sum_c W_jc X_c / (H W)_c / rowsum(W)_j``::

        kl_cost(X, H, W) - min_H kl_cost  <=  N log max(1, max_j g_j)  + cost of the scaling itself

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Counts, exposures to judge, signatures.
    support : (n, k) bool, optional
        Restricts the minimum to these signatures; default all.
    observed : (n, f) bool, optional
        Which counts are known, default all; X is 0 where one is not. Cost, N and rowsum(W) are then those of the known
        channels of each sample.

    Returns
    -------
    (n,) tensor
        0 at the maximum likelihood; infinite where a count is impossible under the exposures but not under the
        signatures.

    Notes
    -----
    By Jensen's inequality, for any ``H*`` with the same total,
    ``sum_c X_c log(r*_c / r_c) <= N log sum_c (X_c / N) r*_c / r_c = N log sum_j (H*_j / N) g_j``. No solver needs
    to be trusted.

    Examples
    --------
    >>> X, W = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> kl_gap(X, torch.tensor([[3.0, 1.0]]), W)
    tensor([0.])
    """
    mass = W.sum(dim=1) if observed is None else observed.to(W) @ W.mT
    usable = (mass > 0).expand(H.shape) if support is None else (mass > 0) & support
    total = X.sum(dim=1)
    reconstruction = H @ W if observed is None else (H @ W) * observed
    explained = reconstruction.sum(dim=1)
    possible = usable.to(W) @ (W > 0).to(W) > 0
    impossible = ((X > 0) & (reconstruction <= 0) & possible).any(dim=1) & (total > 0)
    ratio = torch.where(reconstruction > 0, X / reconstruction, torch.zeros_like(X))
    gains = (ratio @ W.mT) / mass.clamp(min=torch.finfo(W.dtype).tiny)
    # Scaling to the right total first: the gains then shrink by explained / total.
    fraction = explained / total.clamp(min=torch.finfo(X.dtype).tiny)
    largest = torch.where(usable, gains, torch.zeros_like(gains)).amax(dim=1) * fraction
    scaling = explained - total - torch.special.xlogy(total, fraction)
    gap = torch.special.xlogy(total, largest.clamp(min=1)) + scaling.clamp(min=0)
    gap = torch.where(total > 0, gap, explained)
    return torch.where(impossible, torch.full_like(gap, torch.inf), gap)


@dataclass(frozen=True, slots=True)
class KLResult:
    """Exposures of highest likelihood.

    Attributes
    ----------
    H : (n, k)
        Exposures, in mutations.
    gap : (n,)
        Certificate, see :func:`kl_gap`: the most by which the log-likelihood can be below its maximum, in nats.
    converged : (n,)
        Whether the gap is within the tolerance.
    """

    H: Float[Tensor, "n k"]
    gap: Float[Tensor, " n"]
    converged: Bool[Tensor, " n"]


def kl_exposures(
    X: Float[Tensor, "n f"],
    W: Float[Tensor, "k f"],
    *,
    start: Float[Tensor, "n k"] | None = None,
    support: Bool[Tensor, "n k"] | None = None,
    tol: float = 1e-6,
    max_iter: int = 500,
) -> KLResult:
    """Return ``argmin_{H >= 0} kl_cost(X, H, W)``, with a certificate for every sample.

    Parameters
    ----------
    X, W : (n, f), (k, f)
        Counts (mutations) and signatures, all >= 0. Signatures without mass get 0.
    start : (n, k), optional
        Where to start; default an even mixture. It is lifted off zero, so that it never restricts the answer.
    support : (n, k) bool, optional
        Signatures that each sample may use; default all. A sample without any gets zeros.
    tol : float
        Stop a sample when its log-likelihood is certified to be within ``tol`` nats of the maximum, or within 1e-12
        nats per mutation, which is rounding.
    max_iter : int
        Most steps per sample, the first 20 multiplicative, the others Newton steps.

    Raises
    ------
    ValueError
        If an input is not finite or is negative, or the answer is not finite.

    Notes
    -----
    Proximal Newton: each step minimises the second-order model over H >= 0 exactly (:func:`dnmf.kernels.nnls`'s block
    pivoting) and walks there as far as the likelihood gains. Channels that no usable signature can produce are left
    out, since they make the cost infinite whatever the exposures are. With fewer mutations than signatures the
    exposures of highest likelihood need not be unique; their reconstruction is. Computed in float64; no gradient flows.

    Examples
    --------
    >>> W = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], dtype=torch.float64)
    >>> kl_exposures(torch.tensor([[2.0, 4.0, 2.0]], dtype=torch.float64), W).H.round(decimals=6)
    tensor([[4., 4.]], dtype=torch.float64)
    """
    counts = X.detach().to("cpu", torch.float64).numpy()
    signatures = W.detach().to("cpu", torch.float64).numpy()
    for name, values in (("counts", counts), ("signatures", signatures)):
        if not np.isfinite(values).all() or (values < 0).any():
            raise ValueError(f"kl_exposures: the {name} must be finite and >= 0")
    mass = signatures.sum(axis=1)
    unit = np.ascontiguousarray(signatures / np.where(mass > 0, mass, 1.0)[:, None])
    allowed = np.tile(mass > 0, (len(counts), 1))
    if support is not None:
        allowed = allowed & support.detach().cpu().numpy()
    allowed = np.ascontiguousarray(allowed)
    possible = allowed.astype(np.float64) @ (unit > 0) > 0
    counts = np.ascontiguousarray(np.where(possible, counts, 0.0))
    totals = counts.sum(axis=1)
    shares = _starting_shares(start, mass, allowed)
    gaps = np.zeros(len(counts))
    tolerances = np.maximum(tol, ROUNDING_PER_MUTATION * totals)
    kl_rows(counts, unit, allowed, shares, tolerances, max_iter, gaps)
    with np.errstate(over="ignore"):  # finite() tells of it
        exposures = shares * totals[:, None] / np.where(mass > 0, mass, 1.0)
    return KLResult(
        H=finite("kl_exposures", torch.from_numpy(exposures).to(X)),
        gap=torch.from_numpy(gaps).to(X),
        converged=torch.from_numpy(gaps <= tolerances),
    )


def _starting_shares(start: Tensor | None, mass: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    even = allowed / np.maximum(allowed.sum(axis=1, keepdims=True), 1)
    if start is None:
        return even
    shares = start.detach().to("cpu", torch.float64).clamp(min=0).numpy() * mass * allowed
    total = shares.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, shares / np.where(total > 0, total, 1.0), even)
    return np.ascontiguousarray((1 - MIN_START_SHARE) * shares + MIN_START_SHARE * even)
