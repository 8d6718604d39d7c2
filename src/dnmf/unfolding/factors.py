"""Factorisations as pairs: their error over layers, and the share of each group of components in the data."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Factors(NamedTuple):
    """A factorisation ``X ≈ H W``: exposures ``H (..., n, k)`` and dictionary ``W (..., k, f)``.

    Attributes
    ----------
    H : (..., n, k)
        Exposures.
    W : (..., k, f)
        Dictionary.
    """

    H: Tensor
    W: Tensor


def factor_loss(
    iterates: Sequence[Factors],
    H: Float[Tensor, "*batch n k"],
    W: Float[Tensor, "*batch k f"],
    layer_weights: Sequence[float] | Float[Tensor, " l"],
) -> Float[Tensor, ""]:
    """Return the error of both factors, summed over layers: the loss by which NALMU is trained.

    ``sum_l v_l (|H_l - H|^2 / |H|^2 + |W_l - W|^2 / |W|^2)``, with one weight ``v_l`` a layer.

    Parameters
    ----------
    iterates : sequence of Factors
        The start, which does not count, and what each layer made of it.
    H, W : (..., n, k), (..., k, f)
        The factors that are wanted.
    layer_weights : sequence of float
        One for each layer.

    Raises
    ------
    ValueError
        If there are not as many weights as iterates after the start, or factors have other shapes than theirs.
    """
    for name, factor, like in zip("HW", (H, W), iterates[-1], strict=True):
        if factor.shape != like.shape:
            raise ValueError(
                f"{name} has the shape {tuple(factor.shape)}, the {name} of the network {tuple(like.shape)}"
            )
    if len(layer_weights) != len(iterates) - 1:
        raise ValueError(
            f"expected a weight for each of {len(iterates) - 1} layers, got {len(layer_weights)}"
        )
    total = H.new_zeros(())
    for weight, found in zip(layer_weights, iterates[1:], strict=True):
        total = total + weight * (
            (found.H - H).square().sum() / H.square().sum()
            + (found.W - W).square().sum() / W.square().sum()
        )
    return total


def separate(
    X: Float[Tensor, "*batch n f"],
    H: Float[Tensor, "*batch n k"],
    W: Float[Tensor, "*batch k f"],
    sizes: Sequence[int],
) -> list[Float[Tensor, "*batch n f"]]:
    """Share the data among sources, each a group of consecutive components: the output layer of Deep NMF.

    ``X * (H_s W_s) / (H W)``, nothing where ``H W`` is zero

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Data and factors.
    sizes : sequence of int
        Components of each source; their sum is k.

    Returns
    -------
    list of (n, f) tensors
        One for each source; they sum to the data.

    Notes
    -----
    Le Roux, Hershey and Weninger 2015, eq. of the reconstruction: a Wiener filter.

    Examples
    --------
    >>> X, H, W = torch.tensor([[4.0, 2.0]]), torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> separate(X, H, W, (1, 1))
    [tensor([[2., 0.]]), tensor([[2., 2.]])]
    """
    parts = [
        h @ w
        for h, w in zip(H.split(list(sizes), dim=-1), W.split(list(sizes), dim=-2), strict=True)
    ]
    whole = torch.stack(parts).sum(dim=0)
    gain = torch.where(whole > 0, X, 0.0) / torch.where(whole > 0, whole, 1.0)
    return [part * gain for part in parts]
