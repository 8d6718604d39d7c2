"""What a factorisation costs: squared error and generalised Kullback-Leibler divergence, with penalties."""

import torch
from jaxtyping import Float
from torch import Tensor


def frobenius_cost(
    X: Float[Tensor, "n f"],
    H: Float[Tensor, "n k"],
    W: Float[Tensor, "k f"],
    *,
    l1_reg: float | Tensor = 0.0,
    l2_reg: float | Tensor = 0.0,
) -> Float[Tensor, ""]:
    """Return the regularised squared error of a factorisation.

    ``1/2 ||X - H W||_F^2 + l1_reg sum(H) + 1/2 l2_reg sum(H^2)``

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Counts (mutations), exposures and signatures.
    l1_reg, l2_reg : float
        Weights of the penalties on the exposures.

    Returns
    -------
    scalar tensor
        A sum over samples, not a mean; in mutations squared.

    Notes
    -----
    Paper eq. 3 and 5, transposed.

    Examples
    --------
    >>> X, H, W = torch.tensor([[3.0, 1.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0, 1.0]])
    >>> frobenius_cost(X, H, W, l1_reg=0.5)
    tensor(2.)
    """
    data_term = 0.5 * (X - H @ W).square().sum()
    return data_term + l1_reg * H.sum() + 0.5 * l2_reg * H.square().sum()


def kl_costs(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], W: Float[Tensor, "k f"]
) -> Float[Tensor, " n"]:
    """Return the terms of :func:`kl_cost`, one per sample."""
    reconstruction = H @ W
    log_ratio = torch.special.xlogy(X, X) - torch.special.xlogy(X, reconstruction)
    return (log_ratio - X + reconstruction).sum(dim=1)


def kl_cost(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], W: Float[Tensor, "k f"]
) -> Float[Tensor, ""]:
    """Return the generalised Kullback-Leibler divergence of a factorisation.

    ``sum X log(X / H W) - X + H W``, with ``0 log 0 = 0``

    Up to a constant the negative log-likelihood of Poisson counts with mean ``H W``. A count where the reconstruction
    is exactly zero is impossible under the model: the cost is then infinite.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Counts (mutations), exposures and signatures.

    Returns
    -------
    scalar tensor
        In nats, summed over samples.

    Examples
    --------
    >>> kl_cost(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0]]), torch.tensor([[1.0, 0.5]]))
    tensor(0.5000)
    """
    return kl_costs(X, H, W).sum()
