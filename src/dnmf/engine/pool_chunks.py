"""Chunks on the workers of a pool, and the choice of who works on chunks."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from torch import Tensor

from dnmf.engine.chunks import Chunks, ChunkStep, LocalChunks, RowStep, Sums
from dnmf.engine.samples import Samples
from dnmf.exceptions import InputDataError
from dnmf.executors import Executor, is_dask_client, opened

T = TypeVar("T")


def chunks_for(samples: Samples, executor: Executor | None) -> Chunks:
    """Return chunks that this process, a pool of ``concurrent.futures`` or the workers of a Dask cluster work on.

    Raises
    ------
    InputDataError
        ``executor`` is none of these.
    """
    if executor is None:
        return LocalChunks(samples)
    if is_dask_client(executor):
        from dnmf.engine.dask_chunks import DaskChunks

        return DaskChunks(samples, executor)
    if not callable(getattr(executor, "submit", None)):
        raise InputDataError(
            f"executor: a {type(executor).__name__} has no method `submit`. Give a pool of concurrent.futures, or a "
            "dask.distributed.Client."
        )
    return PoolChunks(samples, executor)


class PoolChunks(LocalChunks):
    """Chunks that a pool works on: each is read here, and travels to a worker of another process at every pass.

    Parameters
    ----------
    samples : Samples
    executor : concurrent.futures.Executor
    """

    def __init__(self, samples: Samples, executor: Executor) -> None:
        super().__init__(samples)
        self._executor = executor

    def each(self, step: ChunkStep, shared: Any) -> Iterator[Sums]:
        """Apply a step to every chunk and yield the sums of each."""
        for index, (state, sums) in enumerate(self._in_order(step, shared)):
            self._states.write(index, state)
            yield sums

    def rows(self, step: RowStep, shared: Any) -> Iterator[Tensor]:
        """Yield rows chunk by chunk; see :class:`dnmf.engine.chunks.Chunks`."""
        return self._in_order(step, shared)

    def _in_order(self, step: Callable[..., T], shared: Any) -> Iterator[T]:
        """Yield what the step returns for every chunk, of which a few are read ahead."""
        with opened(self._executor) as workers:
            waiting: deque[Any] = deque()
            for index in range(len(self.samples.bounds)):
                chunk, state = self.samples.chunk(index), self._states.read(index)
                waiting.append(workers.submit(step, chunk, state, shared))
                if len(waiting) > 2 * workers.n_tasks:
                    yield workers.result(waiting.popleft())
            while waiting:
                yield workers.result(waiting.popleft())
