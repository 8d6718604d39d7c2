"""All fits of all numbers of components: by threads, or by any executor, and from what was finished before."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np
from torch import Tensor, from_numpy

from dnmf.progress import Progress
from dnmf.selection.candidate import Candidate, finish_candidate
from dnmf.selection.model import DataModel
from dnmf.selection.restarts import restart
from dnmf.threads import one_thread


class Kept(Protocol):
    """Where finished work is kept and looked for."""

    def restart(self, k: int, index: int) -> np.ndarray | None:
        """Return the components of a finished restart, or None."""

    def candidate(self, k: int) -> Candidate | None:
        """Return a finished number of components, or None."""

    def save_restart(self, k: int, index: int, components: np.ndarray) -> None:
        """Keep the components of a restart."""

    def save_candidate(self, candidate: Candidate) -> None:
        """Keep a finished number of components."""


@dataclass(frozen=True)
class Fits:
    """What every fit needs; it travels to the workers.

    Attributes
    ----------
    X : (n, f)
        Samples that are not all 0.
    model : DataModel
        Their noise.
    n_restarts : int
        Restarts from resampled data for each number, beside one fit of the data as they are.
    seed : int
        The same seed gives the same numbers, whoever computes them.
    """

    X: Tensor
    model: DataModel
    n_restarts: int
    seed: int

    def run(
        self,
        numbers: Sequence[int],
        *,
        workers: int = 1,
        executor: Any = None,
        kept: Kept | None = None,
        progress: Progress | None = None,
    ) -> dict[int, Candidate]:
        """Return the candidate of every number.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of components.
        workers : int
            Threads; each computes one fit at a time, on one core.
        executor : object with ``submit``, optional
            Who computes instead: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
        kept : Kept, optional
            What was finished before, and where finished work goes.
        progress : callable, optional
            Called in the phase "fits" at the start, with the fits that are kept, and after every fit. What it raises
            ends the work.
        """
        candidates, found = self._kept(numbers, kept)
        n_fits = 1 + self.n_restarts
        tasks = [(k, i) for k in found for i in range(n_fits) if i not in found[k]]
        # The largest first: then the workers end at about the same time.
        tasks.sort(key=lambda task: (-task[0], task[1]))
        ready = [k for k in found if len(found[k]) == n_fits]
        total = len(numbers) * n_fits
        done = total - len(tasks)
        report: Progress = progress or (lambda *_: None)
        report("fits", done, total, math.nan)
        own = ThreadPoolExecutor(workers) if executor is None else None
        pool = executor if own is None else own
        slots = workers if executor is None else len(tasks) + len(numbers)
        # A client of Dask sends the data once, not with every fit.
        work = pool.scatter(self, broadcast=True) if hasattr(pool, "scatter") else self
        running: dict[Any, tuple[int, int]] = {}
        finished: SimpleQueue[Any] = SimpleQueue()
        # One thread for every worker: the workers are the parallelism.
        with one_thread(), own or nullcontext():
            try:
                while tasks or ready or running:
                    while len(running) < slots and (ready or tasks):
                        if ready:
                            k, index = ready.pop(), -1
                            found_k = found.pop(k)
                            in_order = [found_k[i] for i in range(n_fits)]
                            future = pool.submit(_finish, work, in_order)
                        else:
                            k, index = tasks.pop(0)
                            future = pool.submit(_fit, work, k, index)
                        running[future] = (k, index)
                        future.add_done_callback(finished.put)
                    future = finished.get()
                    k, index = running.pop(future)
                    if index < 0:
                        candidates[k] = future.result()
                        if kept is not None:
                            kept.save_candidate(candidates[k])
                        continue
                    found[k][index] = future.result()
                    if kept is not None:
                        kept.save_restart(k, index, found[k][index].numpy())
                    if len(found[k]) == n_fits:
                        ready.append(k)
                    done += 1
                    report("fits", done, total, math.nan)
            except BaseException:
                for future in running:
                    future.cancel()
                if own is not None:
                    own.shutdown(wait=False, cancel_futures=True)
                raise
        return {k: candidates[k] for k in numbers}

    def _kept(
        self, numbers: Sequence[int], kept: Kept | None
    ) -> tuple[dict[int, Candidate], dict[int, dict[int, Tensor]]]:
        """Return the finished numbers, and the finished fits of the others."""
        if kept is None:
            return {}, {k: {} for k in numbers}
        looked_for = {k: kept.candidate(k) for k in numbers}
        candidates = {k: found for k, found in looked_for.items() if found is not None}
        fits: dict[int, dict[int, Tensor]] = {}
        for k in numbers:
            if k not in candidates:
                stored = {i: kept.restart(k, i) for i in range(1 + self.n_restarts)}
                # Cloned into memory that torch aligned: the last bits of a product may depend on the alignment.
                fits[k] = {i: from_numpy(W).clone() for i, W in stored.items() if W is not None}
        return candidates, fits


def _fit(work: Fits, k: int, index: int) -> Tensor:
    with one_thread():
        return restart(work.X, k, index, work.model, work.seed)


def _finish(work: Fits, found: list[Tensor]) -> Candidate:
    with one_thread():
        return finish_candidate(work.X, found, work.model, work.seed)
