"""Batches of a training: a tensor, a tuple or a dict of tensors."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Batch = Any


def inputs_of(batch: Batch) -> Tensor:
    """Return what the network is given of a batch."""
    if isinstance(batch, Mapping):
        if "X" not in batch:
            raise ValueError(
                f'a batch that is a dict needs the entry "X"; it has {", ".join(map(str, batch))}'
            )
        batch = batch["X"]
    elif isinstance(batch, list | tuple) and batch:
        batch = batch[0]
    if not isinstance(batch, Tensor):
        raise ValueError(
            f"a batch is a tensor, a tuple or a dict of tensors, not {type(batch).__name__}"
        )
    return batch


def moved(batch: Batch, device: torch.device) -> Batch:
    """Return a batch with its tensors on a device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: moved(part, device) for name, part in batch.items()}
    if isinstance(batch, list | tuple):
        return tuple(moved(part, device) for part in batch)
    return batch


def cause(batch: Batch) -> str:
    """Return what is wrong with a batch, or else what to do."""
    parts = (
        batch.values()
        if isinstance(batch, Mapping)
        else batch
        if isinstance(batch, tuple)
        else [batch]
    )
    for part in parts:
        if isinstance(part, Tensor) and not bool(part.isfinite().all()):
            row = int((~part.isfinite()).reshape(len(part), -1).any(dim=1).int().argmax())
            return f"Row {row} of the batch holds a value that is not finite."
    return "Lower the learning rate, or scale the data."
