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
        Data, exposures and dictionary.
    l1_reg, l2_reg : float
        Weights of the penalties on the exposures.

    Returns
    -------
    scalar tensor
        A sum over samples, not a mean; in the unit of X squared.

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
    """Return the terms of :func:`kl_cost`, one per sample.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Counts, exposures and dictionary, all >= 0.
    """
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
        Data, exposures and dictionary.

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


def beta_costs(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], W: Float[Tensor, "k f"], beta: float
) -> Float[Tensor, " n"]:
    """Return the beta-divergence of every sample from its reconstruction ``V = H W``.

    ``sum (X^beta + (beta - 1) V^beta - beta X V^(beta-1)) / (beta (beta - 1))`` and its limits: for 0 Itakura-Saito,
    ``sum X / V - log(X / V) - 1``; for 1 Kullback-Leibler, :func:`kl_costs`; for 2 half the squared error.

    Up to 1 a positive entry where the reconstruction is 0 costs infinitely much, and for 0 so does an entry of 0 where
    it is not.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Data, exposures and dictionary, all >= 0.
    beta : float
        From 0 to 2.

    Notes
    -----
    Basu et al. 1998; Févotte and Idier 2011.

    Examples
    --------
    >>> X, H, W = torch.tensor([[4.0, 1.0]]), torch.tensor([[1.0]]), torch.tensor([[1.0, 1.0]])
    >>> [round(beta_costs(X, H, W, beta).item(), 4) for beta in (0.0, 0.5, 1.0, 2.0)]
    [1.6137, 2.0, 2.5452, 4.5]
    """
    if beta == 1:
        return kl_costs(X, H, W)
    V = H @ W
    if beta == 2:
        return 0.5 * (X - V).square().sum(dim=1)
    # Safe numbers, not only selected results: the gradient passes through all branches.
    seen, explained = X > 0, V > 0
    x, v = torch.where(seen, X, 1.0), torch.where(explained, V, 1.0)
    ratio = x / v
    log_ratio = ratio.log()
    # The same number in two ways: near 0 and near 1 the terms of the formula cancel.
    if beta < 0.5:
        power = torch.expm1(beta * log_ratio) / beta if beta > 0 else log_ratio
        terms = v**beta * (power + 1 - ratio) / (beta - 1)
    else:
        terms = (
            v**beta * (ratio * torch.expm1((beta - 1) * log_ratio) / (beta - 1) + 1 - ratio) / beta
        )
    never_seen = v**beta / beta if beta > 0 else torch.full_like(v, torch.inf)
    never_explained = x**beta / (beta * (beta - 1)) if beta > 1 else torch.full_like(x, torch.inf)
    terms = torch.where(seen, terms, never_seen)
    return torch.where(explained, terms, torch.where(seen, never_explained, 0.0)).sum(dim=1)
