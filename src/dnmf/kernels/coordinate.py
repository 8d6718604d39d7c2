"""Non-negative least squares by coordinate descent: a few cheap sweeps where an exact solution is not needed."""

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels._coordinate_numba import descend_rows


def coordinate_descent(
    gram: Float[Tensor, "k k"],
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
    gram, moments, start : (k, k), (q, k), (q, k)
        As for :func:`dnmf.kernels.nnls`. Components without mass get 0.
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
    diagonal = gram.diagonal()
    inverse = torch.where(diagonal > 0, 1 / diagonal, torch.zeros_like(diagonal))
    if moments.device.type == "cpu":
        h = start.clone(memory_format=torch.contiguous_format)
        descend_rows(
            gram.contiguous().numpy(),
            inverse.numpy(),
            moments.numpy(),
            h.numpy(),
            max_sweeps,
            enough,
        )
        return h
    h = start.mT.clone(memory_format=torch.contiguous_format) * (inverse > 0)[:, None]
    slope = gram @ h - moments.mT
    for _ in range(max_sweeps):
        for j in range(len(gram)):
            step = (h[j] - slope[j] * inverse[j]).clamp(min=0) - h[j]
            h[j] += step
            slope.addr_(gram[j], step)
    return h.mT.contiguous()
