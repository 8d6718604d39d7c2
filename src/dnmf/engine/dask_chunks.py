"""Chunks on the workers of a Dask cluster. The package ``distributed`` is an optional extra."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

from dnmf.engine.checks import check_known_features
from dnmf.engine.chunks import (
    CHUNKS_ADDED,
    ChunkStep,
    RowStep,
    State,
    Sums,
    add,
    groups_of,
    total_of,
)
from dnmf.engine.samples import Samples
from dnmf.engine.sources import Dask
from dnmf.exceptions import InputDataError
from dnmf.executors import check_workers, kept, run_on_one_thread, workers_found

# A task costs the scheduler about a millisecond: it takes so many chunks that there are this many tasks per thread.
TASKS_PER_THREAD = 8
# Part of the workers' memory up to which the blocks of a Dask array are kept, not computed at every pass.
KEPT_PART = 0.5


class DaskChunks:
    """Chunks that Dask's workers work on; data and states stay with them, only sums travel.

    Data in files (``np.memmap``, zarr, HDF5) are read by the workers, at every pass. A Dask array is kept in the memory
    of the workers if half of that suffices, else it is computed at every pass. What is in the memory of this process is
    sent once. If a worker is lost, others read its chunks again and repeat its passes: the result is the same.

    Parameters
    ----------
    samples : Samples
    client : dask.distributed.Client
        Every worker must have the same version of dnmf; tasks compute on one thread.

    Raises
    ------
    InputDataError
        A worker has no dnmf, or another version; it cannot read a file.
    WorkersLostError
        Workers end at the same chunk again and again, or the scheduler is gone.
    """

    def __init__(self, samples: Samples, client: Any) -> None:
        if samples.device.type != "cpu":
            raise InputDataError(
                f"the data are on {samples.device}: Dask's workers compute on the CPU. Give them there."
            )
        check_workers(client)
        self.samples, self._client = samples, client
        n, n_tasks = len(samples.bounds), TASKS_PER_THREAD * max(sum(client.nthreads().values()), 1)
        size = -(-n // n_tasks)
        self._grouped = size > CHUNKS_ADDED
        if self._grouped:
            size = -(-size // CHUNKS_ADDED) * CHUNKS_ADDED
        self._numbers = [(first, min(first + size, n)) for first in range(0, n, size)]
        self._blocks = [kept(client, _Block(samples.part(*at), *at)) for at in self._numbers]
        self._kept: list[Any] | None = None
        if samples.in_files:
            self._kept = [None] * len(self._blocks)
        elif not isinstance(samples.source, Dask):
            self._kept = [kept(client, self._read(*at)) for at in self._numbers]
        elif _nbytes(samples) <= KEPT_PART * _memory(client):
            self._kept = self._computed(samples.source)
        self._states: list[Any] = [None] * len(self._blocks)
        self._checked = False

    def run(self, step: ChunkStep, shared: Any) -> Sums:
        """Apply a step to every chunk; see :class:`dnmf.engine.chunks.Chunks`."""
        client, common = self._client, kept(self._client, shared)
        known = np.zeros(self.samples.n_features, dtype=bool)
        with workers_found():
            # The old states are no longer referred to here: each is dropped as soon as the next one is there.
            self._states = client.map(
                run_on_one_thread,
                [_run] * len(self._blocks),
                self._blocks,
                self._data(),
                self._states,
                [step] * len(self._blocks),
                [common] * len(self._blocks),
                [self._grouped] * len(self._blocks),
                pure=False,
            )
            answers = client.map(itemgetter(1), self._states, pure=False)

            def in_order() -> Iterator[Sums]:
                # Not as they come; each is let go of once it is added.
                while answers:
                    sums, known_here = answers.pop(0).result()
                    known[known_here] = True
                    yield from sums

            total = _sum_of_groups(in_order()) if self._grouped else total_of(in_order())
        if not self._checked:
            check_known_features(known)
            self._checked = True
        return total

    def rows(self, step: RowStep, shared: Any) -> Iterator[Tensor]:
        """Yield rows chunk by chunk; see :class:`dnmf.engine.chunks.Chunks`."""
        client, common = self._client, kept(self._client, shared)
        blocks = zip(self._blocks, self._data(), self._states, strict=True)
        # What is not yet asked for is computed ahead only as far as it keeps the workers busy.
        ahead = 2 * max(sum(client.nthreads().values()), 1)
        waiting: list[Any] = []
        with workers_found():
            for block, data, states in blocks:
                waiting.append(
                    client.submit(
                        run_on_one_thread, _rows, block, data, states, step, common, pure=False
                    )
                )
                if len(waiting) > ahead:
                    yield from waiting.pop(0).result()
            while waiting:
                yield from waiting.pop(0).result()

    def _read(self, first: int, last: int) -> list[Any]:
        bounds = self.samples.bounds
        return [self.samples.source.read(i, *bounds[i]) for i in range(first, last)]

    def _data(self) -> list[Any]:
        """Return the data of every block: what the workers keep, or nothing where they read."""
        if self._kept is not None:
            return self._kept
        assert isinstance(self.samples.source, Dask)
        return self._computed(self.samples.source)

    def _computed(self, source: Dask) -> list[list[Any]]:
        """Let the workers compute the chunks of a Dask array; its own chunks need not be ours."""
        bounds = self.samples.bounds
        array = source.X.rechunk({0: tuple(last - first for first, last in bounds)})
        chunks = self._client.compute(list(array.to_delayed()[:, 0]))
        return [list(chunks[first:last]) for first, last in self._numbers]


@dataclass(frozen=True)
class _Block:
    """Consecutive chunks, for a task; numbers are those among all chunks."""

    samples: Samples
    first: int
    last: int

    def given(self, data: Sequence[Any] | None) -> Samples:
        """Return the samples with data that do not come from files."""
        return self.samples if data is None else self.samples.with_chunks(data, self.first)

    def work(
        self, samples: Samples, before: "_After | None", step: Any, shared: Any
    ) -> Iterator[Any]:
        """Yield what a step returns of each chunk; ``before`` is the result of the last pass."""
        for index in range(self.first, self.last):
            state = None if before is None else before[0][index - self.first]
            try:
                chunk = samples.chunk(index)
            except FileNotFoundError as error:
                raise InputDataError(
                    f"a Dask worker cannot find {error.filename}: files must be where all workers see them."
                ) from None
            yield step(chunk, state, shared)


_After: TypeAlias = tuple[list[State], tuple[list[Sums], np.ndarray]]


def _run(
    block: _Block,
    data: Sequence[Any] | None,
    before: _After | None,
    step: ChunkStep,
    shared: Any,
    grouped: bool,
) -> _After:
    samples, states = block.given(data), list[State]()

    def sums_of_chunks() -> Iterator[Sums]:
        for state, sums in block.work(samples, before, step, shared):
            states.append(state)
            yield sums

    sums = list(groups_of(sums_of_chunks()) if grouped else sums_of_chunks())
    return states, (sums, samples.known_features)


def _sum_of_groups(groups: Iterator[Sums]) -> Sums:
    total: Sums = {}
    for group in groups:
        add(total, group)
    return total


def _rows(
    block: _Block,
    data: Sequence[Any] | None,
    before: _After | None,
    step: RowStep,
    shared: Any,
) -> list[Tensor]:
    return list(block.work(block.given(data), before, step, shared))


def _nbytes(samples: Samples) -> int:
    return samples.n_samples * samples.n_features * samples.source.dtype.itemsize


def _memory(client: Any) -> float:
    """Return the bytes that the workers together may use."""
    limits = client.run(_memory_limit).values()
    return sum(limit or math.inf for limit in limits)


def _memory_limit(dask_worker: Any) -> int | None:
    limit: int | None = dask_worker.memory_manager.memory_limit
    return limit
