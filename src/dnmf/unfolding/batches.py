"""What a training is given: batches, the inputs in them, and a loss of one number; what is wrong with them."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

Batch = Any


def check_batches(name: str, batches: Iterable[Batch]) -> None:
    """Raise a TypeError for samples that are not in batches: they would be read one by one, or as other batches."""
    unbatched = isinstance(batches, Dataset) and not isinstance(batches, IterableDataset)
    pair = isinstance(batches, tuple) and any(isinstance(part, Tensor) for part in batches)
    if (
        unbatched
        or pair
        or isinstance(batches, Tensor | Mapping)
        or not isinstance(batches, Iterable)
    ):
        raise TypeError(
            f"{name} must be batches, such as DataLoader(TensorDataset(X, H), batch_size=64) or the list [(X, H)], "
            f"not a {type(batches).__name__}"
        )


def one_number(loss: Tensor) -> Tensor:
    """Return a loss as a scalar; a ValueError for anything else."""
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        found = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"the loss must be one number, such as a mean over the batch, not {found}")
    return loss.reshape(())


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
    if not batch.numel():
        raise ValueError("the batch has no samples")
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
