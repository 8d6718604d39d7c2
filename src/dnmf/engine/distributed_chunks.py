"""Chunks on the processes of ``torch.distributed``: each has its own samples, all get the sums of all."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from dnmf.engine.checks import check_known_features
from dnmf.engine.chunks import ChunkStep, LocalChunks, RowStep, Sums, total_of
from dnmf.engine.samples import Samples
from dnmf.exceptions import InputDataError

_DTYPES = (torch.float32, torch.float64)


class DistributedChunks:
    """Chunks of which each process, a rank, works on its own.

    Every rank calls the same functions with the same arguments, and gets the same dictionary: sums of all chunks are
    exchanged and added in the order of ranks and chunks. With the chunks of one process in the same order the bits are
    the same. Exposures are those of the rank's own samples.

    Parameters
    ----------
    samples : Samples
        Of this rank; every rank has the same features and precision. Number them by their place on the rank.
    group : ProcessGroup, optional
        Default all processes. With the backend ``nccl`` samples must be on the rank's device.

    Raises
    ------
    InputDataError
        On every rank, when data of one cannot be used, or ranks have other features or precision.
    """

    def __init__(self, samples: Samples, group: Any = None) -> None:
        self.samples, self._group = samples, group
        samples.whole = False
        self._local = LocalChunks(samples)
        self._ranks = dist.get_world_size(group)
        own = torch.tensor(
            [samples.n_features, _DTYPES.index(samples.dtype), len(samples.bounds)],
            device=samples.device,
        )
        forms = self._gathered(own)
        for rank, form in enumerate(forms):
            if not torch.equal(form[:2], forms[0][:2]):
                raise InputDataError(
                    f"rank {rank} has {int(form[0])} features of {_DTYPES[int(form[1])]}, rank 0 has "
                    f"{int(forms[0][0])} of {_DTYPES[int(forms[0][1])]}: all need the same."
                )
        self._n_chunks = [int(form[2]) for form in forms]
        self._checked = False

    def run(self, step: ChunkStep, shared: Any) -> Sums:
        """Apply a step to every chunk of every rank; see :class:`dnmf.engine.chunks.Chunks`."""
        of_chunks: list[Sums] = []
        error: InputDataError | None = None
        try:
            of_chunks = list(self._local.each(step, shared))
        except InputDataError as found:
            error = found
        self._stop_if_any_failed(error)
        if not self._checked:
            known = self._gathered(
                torch.from_numpy(self.samples.known_features).to(self.samples.device, torch.int32)
            )
            check_known_features(torch.stack(known).any(dim=0).cpu().numpy())
            self._checked = True
        stacked = {name: self._of_all([sums[name] for sums in of_chunks]) for name in of_chunks[0]}
        return total_of(
            {name: values[index].clone() for name, values in stacked.items()}
            for index in range(sum(self._n_chunks))
        )

    def rows(self, step: RowStep, shared: Any) -> Iterator[Tensor]:
        """Yield rows of this rank's samples, chunk by chunk; see :class:`dnmf.engine.chunks.Chunks`."""
        return self._local.rows(step, shared)

    def _gathered(self, own: Tensor) -> list[Tensor]:
        """Return a tensor of this shape from every rank."""
        tensors = [torch.empty_like(own) for _ in range(self._ranks)]
        dist.all_gather(tensors, own.contiguous(), group=self._group)
        return tensors

    def _of_all(self, own: list[Tensor]) -> Tensor:
        """Return one sum of every chunk of every rank, in order."""
        padded = own[0].new_zeros(max(self._n_chunks), *own[0].shape)
        torch.stack(own, out=padded[: len(own)])
        gathered = self._gathered(padded)
        return torch.cat([values[:n] for values, n in zip(gathered, self._n_chunks, strict=True)])

    def _stop_if_any_failed(self, error: InputDataError | None) -> None:
        """Raise on every rank what one of them found: the others would wait for its sums for ever."""
        failed = self._gathered(
            torch.tensor(error is not None, dtype=torch.int32, device=self.samples.device)
        )
        if error is not None:
            raise error
        for rank, has_failed in enumerate(failed):
            if has_failed:
                raise InputDataError(f"rank {rank} cannot use its data: its own message says why.")
