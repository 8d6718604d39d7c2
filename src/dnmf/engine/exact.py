"""Exact exposures of a chunk for a known dictionary, what they cost, and how far others are from exact."""

import torch
from torch import Tensor

from dnmf.engine.least_squares import _exact_exposures
from dnmf.engine.samples import Chunk
from dnmf.kernels.objectives import Frobenius, Objective


def exact_exposures(
    chunk: Chunk, W: Tensor, objective: Objective, *, start: Tensor | None = None
) -> Tensor:
    if isinstance(objective, Frobenius):
        return _exact_exposures(chunk, start, (W, objective.l1_reg, objective.l2_reg))
    return objective.exposures(_dense(chunk), W, start=chunk.start)


def costs(chunk: Chunk, H: Tensor, W: Tensor, objective: Objective) -> Tensor:
    return objective.cost(_dense(chunk), H, W)


def certificates(chunk: Chunk, H: Tensor, W: Tensor, objective: Objective) -> Tensor:
    return objective.certificate(_dense(chunk), H, W)


def _dense(chunk: Chunk) -> Tensor:
    X = chunk.X
    return X if isinstance(X, Tensor) else torch.from_numpy(X.toarray())
