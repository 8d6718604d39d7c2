"""Sparse refit by backward elimination and forward selection of signatures."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels._selection_numba import sparse_rows
from dnmf.kernels.finite import finite
from dnmf.kernels.nnls import exact_exposures


def selected_exposures(
    X: Float[Tensor, "n f"],
    W: Float[Tensor, "k f"],
    *,
    remove_threshold: float = 0.01,
    add_threshold: float = 0.05,
) -> Float[Tensor, "n k"]:
    """Return exposures to few signatures, chosen by backward elimination and forward selection.

    With ``e(S) = min_{h >= 0} ||x - h W_S|| / ||x||``, starting from the support of non-negative least squares over all
    signatures: drop the signature whose loss raises ``e`` least while that is less than ``remove_threshold``; then add
    the one that lowers it most while that is more than ``add_threshold``.

    Parameters
    ----------
    X, W : (n, f), (k, f)
        Counts (mutations) and signatures, all >= 0.
    remove_threshold, add_threshold : float
        Changes of the relative L2 error; the defaults are those of SigProfilerAssignment.

    Returns
    -------
    (n, k) tensor
        In mutations, the least-squares fit on each sample's support; computed in float64. Zeros for empty samples.

    Raises
    ------
    ValueError
        If an input or the answer is not finite, or a threshold negative.

    Notes
    -----
    The search of SigProfilerAssignment (Diaz-Gay et al. 2023), without its rules for connected signatures. Every step
    is solved exactly from the normal equations; ties go to the first signature.

    Examples
    --------
    >>> W = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], dtype=torch.float64)
    >>> selected_exposures(torch.tensor([[20.0, 20.1, 0.1]], dtype=torch.float64), W).round(decimals=1)
    tensor([[40.1000,  0.0000]], dtype=torch.float64)
    """
    if remove_threshold < 0 or add_threshold < 0:
        raise ValueError("selected_exposures: the thresholds must be >= 0")
    counts = X.detach().to("cpu", torch.float64)
    signatures = W.detach().to("cpu", torch.float64)
    if not (bool(counts.isfinite().all()) and bool(signatures.isfinite().all())):
        raise ValueError("selected_exposures: counts and signatures must be finite")
    norms = signatures.norm(dim=1)
    unit = signatures / torch.where(norms > 0, norms, 1.0)[:, None]
    gram = np.ascontiguousarray((unit @ unit.mT).numpy())
    moments = np.ascontiguousarray((counts @ unit.mT).numpy())
    start = np.ascontiguousarray((exact_exposures(counts, unit) > 0).numpy())
    solutions = np.zeros_like(moments)
    squares = counts.square().sum(dim=1).numpy()
    sparse_rows(gram, moments, squares, start, remove_threshold, add_threshold, solutions)
    found = torch.from_numpy(solutions) / torch.where(norms > 0, norms, 1.0)
    return finite("selected_exposures", found.to(X))
