"""Products of chunks, dense or sparse, and what both cost functions need."""

from typing import Any

import torch
from torch import Tensor


def sum_dtype(device: torch.device) -> torch.dtype:
    """Return the precision of sums over samples: float64, wherever the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


def unit_rows(W: Tensor) -> Tensor:
    """Return rows scaled to sum to 1; empty rows stay."""
    sums = W.sum(dim=1, keepdim=True)
    return W / torch.where(sums > 0, sums, torch.ones_like(sums))


def times_transposed(X: Tensor | Any, W: Tensor) -> Tensor:
    """``X W^T`` for a tensor or a csr matrix."""
    if isinstance(X, Tensor):
        return X @ W.mT
    return torch.from_numpy(X @ W.mT.numpy()).to(W)


def transposed_times(H: Tensor, X: Tensor | Any) -> Tensor:
    """``H^T X`` for a tensor or a csr matrix."""
    if isinstance(X, Tensor):
        return H.mT @ X
    return torch.from_numpy((X.T @ H.numpy()).T).to(H)


def pair_sums(left: Tensor, right: Tensor, entries: Tensor) -> Tensor:
    """``sum_n l_ni r_nj x_nc`` for i <= j: (k (k + 1) / 2, f), see :func:`symmetric`."""
    i, j = torch.triu_indices(left.shape[1], left.shape[1], device=left.device)
    return left.mT[i].mul_(right.mT[j]) @ entries


def symmetric(pairs: Tensor, k: int) -> Tensor:
    """Return the matrices (f, k, k) of which ``pairs`` (k (k + 1) / 2, f) holds the upper triangles."""
    i, j = torch.triu_indices(k, k, device=pairs.device)
    matrices = pairs.new_empty(pairs.shape[1], k, k)
    matrices[:, i, j] = matrices[:, j, i] = pairs.mT
    return matrices
