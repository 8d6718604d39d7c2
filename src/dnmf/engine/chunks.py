"""Where chunks are worked on: a function is applied to each, keeps a state beside it, and its sums are added up."""

import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

from dnmf.engine.samples import Chunk, Samples

Sums: TypeAlias = dict[str, Tensor]
State: TypeAlias = Tensor | None
ChunkStep: TypeAlias = Callable[[Chunk, State, Any], tuple[State, Sums]]
RowStep: TypeAlias = Callable[[Chunk, State, Any], Tensor]


CHUNKS_ADDED = 16
"""Chunks of which the sums are added first."""


class Chunks(Protocol):
    """A place where chunks are worked on.

    Attributes
    ----------
    samples : Samples
        The data, and how they are divided.
    """

    samples: Samples

    def run(self, step: ChunkStep, shared: Any) -> Sums:
        """Apply ``step(chunk, state, shared) -> (state, sums)`` to every chunk and return the sums of all.

        The state, one tensor per chunk, is None at first; it is kept for the next call. ``step`` is a function of a
        module, so that it can travel, and changes none of its arguments. Sums are added as :func:`total_of` does: the
        same chunks give the same bits.
        """

    def rows(self, step: RowStep, shared: Any) -> Iterator[Tensor]:
        """Yield ``step(chunk, state, shared)``, one row per sample, chunk by chunk; the state stays as it is."""


def add(total: Sums, sums: Sums) -> Sums:
    """Add sums to a total, in place where it has them already; a sum that is not there counts as zero."""
    for name, value in sums.items():
        if name in total:
            total[name] += value
        else:
            total[name] = value
    return total


def total_of(sums_of_chunks: Iterable[Sums]) -> Sums:
    """Return the sum over all chunks: of each 16 in their order, then of these in their order.

    Whoever works on 16 chunks that belong together can add them up before they travel.
    """
    total: Sums = {}
    for group in groups_of(sums_of_chunks):
        add(total, group)
    return total


def groups_of(sums_of_chunks: Iterable[Sums]) -> Iterator[Sums]:
    """Yield the sum of each 16 chunks."""
    chunks = iter(sums_of_chunks)
    for first in chunks:
        group: Sums = add({}, first)
        for sums in islice(chunks, CHUNKS_ADDED - 1):
            add(group, sums)
        yield group


class LocalChunks:
    """Chunks that this process works on, one after the other.

    The state is kept in memory when the data are, else in a scratch file without name, which ends with the object. It
    is written and read plainly: pages of a map would count as memory of the process.

    Parameters
    ----------
    samples : Samples
    scratch_folder : path, optional
        Where the scratch file is made; default the system's folder for temporary files.
    """

    def __init__(self, samples: Samples, *, scratch_folder: str | Path | None = None) -> None:
        self.samples = samples
        self._states: _Memory | _ScratchFile = (
            _ScratchFile(scratch_folder) if samples.on_disk else _Memory()
        )

    def run(self, step: ChunkStep, shared: Any) -> Sums:
        """Apply a step to every chunk; see :class:`Chunks`."""
        return total_of(self.each(step, shared))

    def each(self, step: ChunkStep, shared: Any) -> Iterator[Sums]:
        """Apply a step to every chunk and yield the sums of each."""
        for index in range(len(self.samples.bounds)):
            state, sums = step(self.samples.chunk(index), self._states.read(index), shared)
            self._states.write(index, state)
            yield sums

    def rows(self, step: RowStep, shared: Any) -> Iterator[Tensor]:
        """Yield rows chunk by chunk; see :class:`Chunks`."""
        for index in range(len(self.samples.bounds)):
            yield step(self.samples.chunk(index), self._states.read(index), shared)


class _Memory:
    def __init__(self) -> None:
        self._states: dict[int, State] = {}

    def read(self, index: int) -> State:
        return self._states.get(index)

    def write(self, index: int, state: State) -> None:
        self._states[index] = state


class _ScratchFile:
    """One tensor per chunk in a file; a tensor that changes its size gets a new place."""

    def __init__(self, folder: str | Path | None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the object
        weakref.finalize(self, self._file.close)
        self._folder = folder or tempfile.gettempdir()
        self._end = 0
        self._places: dict[int, tuple[int, Tensor]] = {}

    def read(self, index: int) -> State:
        if index not in self._places:
            return None
        place, like = self._places[index]
        self._file.seek(place)
        values = bytearray(self._file.read(like.numel() * like.element_size()))
        return torch.frombuffer(values, dtype=like.dtype).reshape(like.shape).to(like.device)

    def write(self, index: int, state: State) -> None:
        if state is None:
            self._places.pop(index, None)
            return
        place, like = self._places.get(index, (self._end, None))
        if like is None or like.shape != state.shape or like.dtype != state.dtype:
            place = self._end
            self._end += state.numel() * state.element_size()
        # Only the form of the state: a tensor of one element, spread.
        self._places[index] = (place, state.new_empty(1).expand(state.shape))
        values = np.ascontiguousarray(state.cpu().numpy())
        try:
            self._file.seek(place)
            self._file.write(values.data)
        except OSError as error:
            raise OSError(
                error.errno,
                f"{error.strerror}: exposures of the samples are kept in a scratch file in {self._folder}, which needs "
                f"more than {self._end / 1e9:.1f} GB there; choose another folder with the variable TMPDIR",
            ) from error
