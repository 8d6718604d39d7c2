"""The multiplicative step for beta-divergences: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 least squares."""

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.kl import kl_step
from dnmf.kernels.multiplicative import mu_step

# Power of the smallest number: what is reconstructed below it is taken for 0, so that no power of it overflows.
FLOOR_POWER = 0.4


def check_beta(beta: float) -> None:
    """Raise a ValueError for a divergence of which the package knows no step."""
    if not 0 <= beta <= 2:
        raise ValueError(f"beta must be from 0 to 2, got {beta!r}")


def beta_step(
    X: Float[Tensor, "*batch f"],
    H: Float[Tensor, "*batch k"],
    W: Float[Tensor, "k f"],
    beta: float,
    *,
    backward: Float[Tensor, "k f"] | None = None,
    l1_reg: float | Tensor = 0.0,
) -> Float[Tensor, "*batch k"]:
    """Return the exposures after one multiplicative update for a beta-divergence.

    ``H <- H * ((V^(beta-2) X) W^T / (V^(beta-1) W^T + l1_reg))^gamma``, ``V = H W``, with ``0 / 0 = 0``

    ``gamma`` is ``1 / (2 - beta)`` below 1, else 1. The update of the dictionary is that of the transposed problem:
    ``beta_step(X.mT, W.mT, H.mT, beta).mT``.

    Parameters
    ----------
    X, H, W : (..., f), (..., k), (k, f)
        Data, current exposures and dictionary, all >= 0. Not checked here: callers guarantee it.
    beta : float
        From 0 to 2. For 1 and 2 this is :func:`dnmf.kernels.kl_step` and :func:`dnmf.kernels.mu_step`.
    backward : (k, f), optional
        What stands for W outside of ``H W``; a network's layer learns the two apart. Default W.
    l1_reg : float or tensor
        Linear penalty on the exposures.

    Notes
    -----
    Févotte and Idier 2011, Algorithms for nonnegative matrix factorization with the beta-divergence, section 4: the
    minimum of an auxiliary function, so :func:`dnmf.kernels.beta_costs` plus ``l1_reg sum(H)`` never rises. From 1 to 2
    the penalty keeps this, since ``h <= h' ((h / h')^beta / beta + 1 - 1 / beta)`` has the form of the function's other
    term.

    Examples
    --------
    >>> X, H, W = torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0]]), torch.tensor([[1.0, 1.0]])
    >>> beta_step(X, H, W, 1.0)
    tensor([[2.]])
    """
    check_beta(beta)
    backward = W if backward is None else backward
    plain = not isinstance(l1_reg, Tensor) and l1_reg == 0
    if beta == 2:
        return mu_step(H, X @ backward.mT, backward @ W.mT, l1_reg)
    if beta == 1 and plain:
        return kl_step(X, H, W, backward=backward)
    gain, mass = gains(X, H, W, beta, backward=backward, l1_reg=l1_reg)
    if beta < 1:
        # Safe bases, not only selected results: the gradient passes through both branches.
        gain = torch.where(gain > 0, torch.where(gain > 0, gain, 1.0) ** (1 / (2 - beta)), 0.0)
    return H * torch.where(mass > 0, gain, 1.0)


def gains(
    X: Float[Tensor, "*batch f"],
    H: Float[Tensor, "*batch k"],
    W: Float[Tensor, "k f"],
    beta: float,
    *,
    backward: Float[Tensor, "k f"],
    l1_reg: float | Tensor = 0.0,
) -> tuple[Float[Tensor, "*batch k"], Float[Tensor, "*batch k"]]:
    """Return both parts of the gradient, what asks for more of a component over what asks for less, and the latter."""
    reconstruction = H @ W
    possible = reconstruction > torch.finfo(H.dtype).tiny ** FLOOR_POWER
    safe = torch.where(possible, reconstruction, 1.0)
    slope = torch.where(possible, safe ** (beta - 1), 0.0)
    mass = slope @ backward.mT + l1_reg
    return ((X / safe * slope) @ backward.mT) / torch.where(mass > 0, mass, 1.0), mass
