"""Exposures of a given sum: the nearest ones, and those of least squares."""

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.nnls import exact_exposures

# Weight of the sum beside the largest entry of the dictionary: the sum is met within its inverse square.
SUM_WEIGHT = 1e3


def project_to_simplex(H: Float[Tensor, "n k"], total: float = 1.0) -> Float[Tensor, "n k"]:
    """Return for each row the nearest one of entries >= 0 that sum to ``total``.

    ``max(h - t, 0)`` with the t for which it sums to the total; differentiable almost everywhere.

    Parameters
    ----------
    H : (n, k)
        Any numbers.
    total : float
        The sum of each row, above 0.

    Notes
    -----
    Held, Wolfe and Crowder 1974, Validation of subgradient optimization.

    Examples
    --------
    >>> project_to_simplex(torch.tensor([[0.5, 0.7, -3.0], [0.0, 2.0, 0.0]]))
    tensor([[0.4000, 0.6000, 0.0000],
            [0.0000, 1.0000, 0.0000]])
    """
    ordered = H.sort(dim=1, descending=True).values
    ranks = torch.arange(1, H.shape[1] + 1, device=H.device, dtype=H.dtype)
    thresholds = (ordered.cumsum(dim=1) - total) / ranks
    size = (ordered > thresholds).sum(dim=1, keepdim=True).clamp(min=1)
    return (H - thresholds.gather(1, size - 1)).clamp(min=0)


def simplex_exposures(
    X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], total: float = 1.0
) -> Float[Tensor, "n k"]:
    """Return ``argmin ||X - H W||^2`` over ``H >= 0`` whose rows sum to ``total``: fully constrained least squares.

    Parameters
    ----------
    X, W : (n, f), (k, f)
        Data and dictionary.
    total : float
        The sum of each sample's exposures, above 0.

    Notes
    -----
    Heinz and Chang 2001, Fully constrained least squares linear spectral mixture analysis: the sum as one more feature
    of a large weight; the rest that it leaves, at most 1e-5 of the total, is scaled away.
    """
    weight = SUM_WEIGHT * W.abs().max().clamp(min=torch.finfo(W.dtype).tiny).item()
    scaled = X / total
    samples = torch.cat([scaled, scaled.new_full((len(X), 1), weight)], dim=1)
    H = exact_exposures(samples, torch.cat([W, W.new_full((len(W), 1), weight)], dim=1))
    return total * H / H.sum(dim=1, keepdim=True)
