"""Non-negative least squares by coordinate descent: a few cheap sweeps where an exact solution is not needed."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dnmf.kernels._coordinate_numba import (
    descend_masked_rows,
    descend_rows,
    descend_rows_own_gram,
)


def is_compiled_for(values: Tensor) -> bool:
    """Whether compiled loops can work on a tensor; elsewhere operations on all rows take their place."""
    return values.device.type == "cpu"


def coordinate_descent(
    gram: Float[Tensor, "*q k k"],
    moments: Float[Tensor, "q k"],
    start: Float[Tensor, "q k"],
    *,
    max_sweeps: int,
    enough: float = 0.0,
) -> Float[Tensor, "q k"]:
    """Lower ``1/2 h G h^T - c h^T`` over h >= 0 for every row ``c`` of ``moments`` by sweeps over its entries.

    ``h_j <- max(0, h_j - (h G - c)_j / G_jj)`` for j = 1 ... k, which never raises it.

    Parameters
    ----------
    gram : (k, k), or (q, k, k) where every row has its own
        As for :func:`dnmf.kernels.nnls`. Components without mass get 0.
    moments, start : (q, k), (q, k)
        Right-hand sides and where to start.
    max_sweeps : int
        Most sweeps.
    enough : float
        End when a sweep lowers a row (on a device: all rows together) by less than this part of the first sweep.

    Returns
    -------
    (q, k) tensor
        Computed in the dtype of ``moments`` and where it is.

    Notes
    -----
    Hsieh and Dhillon 2011; hierarchical alternating least squares when applied to either factor: Cichocki and Phan
    2009; several sweeps at a time: Gillis and Glineur 2012, Neural Computation 24:1085.
    """
    if is_compiled_for(moments):
        h = start.clone(memory_format=torch.contiguous_format)
        arrays = gram.contiguous().numpy(), moments.contiguous().numpy(), h.numpy()
        if gram.ndim == 2:
            descend_rows(*arrays, max_sweeps, enough)
        else:
            descend_rows_own_gram(*arrays, max_sweeps, enough)
        return h
    # Components first, so that each is contiguous: a step is few operations on all rows, as long for few rows as for
    # many. It is ``h_j <- max(0, (c_j - sum_i h_i G_ij) / G_jj)`` over the other components i.
    shared = gram.ndim == 2
    columns = gram[:, :, None] if shared else gram.movedim(0, -1)
    diagonal = columns.diagonal().mT
    inverse = torch.where(diagonal > 0, 1 / diagonal, torch.zeros_like(diagonal))
    others = columns * inverse[:, None]
    others.diagonal().zero_()
    targets = (moments.mT * inverse).unbind()
    h = torch.where(inverse > 0, start.mT, 0.0).contiguous()
    first = 0.0
    for sweep in range(max_sweeps):
        before = h.clone() if enough else h
        for j, target in enumerate(targets):
            if shared:
                best = torch.addmv(target, h.mT, others[j, :, 0], alpha=-1)
            else:
                best = target - (others[j] * h).sum(dim=0)
            torch.clamp(best, min=0, out=h[j])
        if enough:
            gain = (diagonal * (h - before).square()).sum().item()
            first = first if sweep else gain
            if gain <= enough * first:
                break
    return h.mT.contiguous()


def masked_coordinate_descent(
    X: Float[Tensor, "n f"],
    observed: Bool[Tensor, "n f"],
    W: Float[Tensor, "k f"],
    start: Float[Tensor, "n k"],
    *,
    l1_reg: float = 0.0,
    l2_reg: float = 0.0,
    max_sweeps: int,
    enough: float = 0.0,
) -> Float[Tensor, "n k"]:
    """Lower ``1/2 sum_c (x_c - (h W)_c)^2 + l1_reg sum(h) + 1/2 l2_reg sum(h^2)`` over h >= 0, c the observed entries.

    Parameters
    ----------
    X, observed : (n, f), (n, f)
        Data, and which entries count; the others are 0 in X.
    W, start : (k, f), (n, k)
        Dictionary and where to start.
    l1_reg, l2_reg : float
        Penalties.
    max_sweeps, enough : int, float
        As for :func:`coordinate_descent`.
    """
    if is_compiled_for(X):
        H = start.clone(memory_format=torch.contiguous_format)
        penalties = W.new_tensor([l1_reg, l2_reg]).numpy()  # in the precision of W
        arrays = X.contiguous().numpy(), observed.contiguous().numpy(), W.contiguous().numpy()
        descend_masked_rows(*arrays, penalties[0], penalties[1], H.numpy(), max_sweeps, enough)
        return H
    known = observed.to(W)
    h = start.mT.clone(memory_format=torch.contiguous_format)
    residual = (X - start @ W) * known
    curvature = (known @ W.square().mT).mT + l2_reg
    inverse = torch.where(curvature > 0, 1 / curvature, torch.zeros_like(curvature))
    for _ in range(max_sweeps):
        for j in range(len(W)):
            slope = l1_reg + l2_reg * h[j] - residual @ W[j]
            step = (h[j] - slope * inverse[j]).clamp(min=0) * (inverse[j] > 0) - h[j]
            h[j] += step
            residual -= step[:, None] * (known * W[j])
    return h.mT.contiguous()
