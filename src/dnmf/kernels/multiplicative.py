"""Multiplicative updates of least squares: the step that the classic solver iterates and layers unfold."""

import torch
from jaxtyping import Float
from torch import Tensor

# Far below any moment of count data, far above underflow; float16 has nothing smaller.
EPSILON = {
    torch.float64: 1e-12,
    torch.float32: 1.2e-7,
    torch.bfloat16: 1.2e-7,
    torch.float16: 1.2e-7,
}


def mu_step(
    H: Float[Tensor, "*batch k"],
    numerator: Float[Tensor, "*batch k"],
    gram: Float[Tensor, "k k"],
    l1_reg: float | Tensor = 0.0,
    l2_reg: float | Tensor = 0.0,
    *,
    eps: float | None = None,
) -> Float[Tensor, "*batch k"]:
    """Return one regularised multiplicative update of the exposures.

    ``H <- H * (N + eps) / (H G^T + l1_reg + l2_reg H + eps)``

    With ``N = X W^T`` and ``G = W W^T`` the classic update; with learned matrices in their place one layer of the
    unfolded network. This is the only copy of the formula.

    Parameters
    ----------
    H : (n, k)
        Current exposures, >= 0. Entries that are zero stay zero.
    numerator : (n, k)
        ``X W^T``, or a layer's ``X D^T``.
    gram : (k, k)
        ``W W^T``, or a layer's stand-in for it, which need not be symmetric.
    l1_reg, l2_reg : float or scalar tensor
        Penalties; ``l1_reg`` is compared with ``X W^T``, not with 1.
    eps : float, optional
        Guard against 0/0. Default 1e-12 in float64, else 1.2e-7.

    Notes
    -----
    Paper eq. 4, transposed. Where eps stands decides whether the paper's theorem (the cost never rises) survives it.
    In the denominator alone it acts as an additional L1 penalty of eps, and the cost *without* that penalty can
    rise. In numerator and denominator alike the update is ``h + (h* - h) d / (d + eps)``, with ``h*`` the exact
    minimiser of the auxiliary function and ``d`` the denominator: a damped step towards the same minimiser, which never
    raises a convex function. So it stands in both, and 0/0 leaves an entry as it is.

    Examples
    --------
    >>> X, H, W = torch.tensor([[2.0, 2.0]]), torch.tensor([[1.0]]), torch.tensor([[1.0, 1.0]])
    >>> mu_step(H, X @ W.mT, W @ W.mT).round(decimals=4)  # exact in one step when k = 1
    tensor([[2.]])
    """
    if eps is None:
        eps = EPSILON[H.dtype]
    denominator = H @ gram.mT
    # A fixed penalty of 0 costs nothing; a learned one may be 0 today only.
    if isinstance(l1_reg, Tensor) or l1_reg:
        denominator = denominator + l1_reg
    if isinstance(l2_reg, Tensor) or l2_reg:
        denominator = denominator + l2_reg * H
    return H * ((numerator + eps) / (denominator + eps))


def update_exposures(
    X: Float[Tensor, "*batch f"],
    H: Float[Tensor, "*batch k"],
    W: Float[Tensor, "k f"],
    *,
    l1_reg: float | Tensor = 0.0,
    l2_reg: float | Tensor = 0.0,
    eps: float | None = None,
) -> Float[Tensor, "*batch k"]:
    """Return the exposures after one classic multiplicative update.

    ``H <- H * (X W^T + eps) / (H W W^T + l1_reg + l2_reg H + eps)``

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Data, current exposures and dictionary, all >= 0. Not checked here: callers guarantee it.
    l1_reg, l2_reg : float
        Penalties on the exposures, see :func:`dnmf.kernels.frobenius_cost`, which never rises.
    eps : float, optional
        As for :func:`mu_step`.

    Notes
    -----
    Paper eq. 1 (no penalties) and eq. 4, transposed.

    Examples
    --------
    >>> X, H, W = torch.tensor([[2.0, 2.0]]), torch.tensor([[1.0]]), torch.tensor([[1.0, 1.0]])
    >>> update_exposures(X, H, W).round(decimals=4)
    tensor([[2.]])
    """
    return mu_step(H, X @ W.mT, W @ W.mT, l1_reg, l2_reg, eps=eps)


def update_signatures(
    X: Float[Tensor, "n f"],
    H: Float[Tensor, "n k"],
    W: Float[Tensor, "k f"],
    *,
    eps: float | None = None,
) -> Float[Tensor, "k f"]:
    """Return the dictionary after one classic multiplicative update.

    ``W <- W * (H^T X + eps) / (H^T H W + eps)``: the update of the exposures of the transposed problem.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Data, exposures and current dictionary.
    eps : float, optional
        As for :func:`mu_step`.

    Notes
    -----
    Paper eq. 2, transposed.

    Examples
    --------
    >>> X, H, W = torch.tensor([[2.0, 4.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0, 1.0]])
    >>> update_signatures(X, H, W)
    tensor([[1., 2.]])
    """
    return update_exposures(X.mT, W.mT, H.mT, eps=eps).mT
