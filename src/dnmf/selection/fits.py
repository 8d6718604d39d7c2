"""All fits of all numbers of components: whoever computes them, and from what was finished before."""

import math
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor, from_numpy

from dnmf.executors import Workers
from dnmf.progress import Progress
from dnmf.selection.candidate import Candidate, finish_candidate
from dnmf.selection.model import DataModel
from dnmf.selection.restarts import restart


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
    """What every fit needs.

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
        workers: Workers,
        *,
        kept: Kept | None = None,
        progress: Progress | None = None,
    ) -> dict[int, Candidate]:
        """Return the candidate of every number.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of components.
        workers : Workers
            Who computes; each one fit at a time.
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
        X, model, seed = workers.share(self.X), self.model, self.seed
        running: dict[Future[Any], tuple[int, int]] = {}
        while tasks or ready or running:
            while len(running) < workers.n_tasks and (ready or tasks):
                task: Future[Any]
                if ready:
                    k, index = ready.pop(), -1
                    in_order = [found[k][i] for i in range(n_fits)]
                    task = workers.submit(finish_candidate, X, in_order, model, seed)
                else:
                    k, index = tasks.pop(0)
                    task = workers.submit(restart, X, k, index, model, seed)
                running[task] = (k, index)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                k, index = running.pop(future)
                if index < 0:
                    candidates[k] = workers.result(future)
                    if kept is not None:
                        kept.save_candidate(candidates[k])
                    continue
                # Cloned as what is kept is: of a process elsewhere it may be aligned otherwise.
                found[k][index] = workers.result(future).clone()
                if kept is not None:
                    kept.save_restart(k, index, found[k][index].numpy())
                if len(found[k]) == n_fits:
                    ready.append(k)
                done += 1
                report("fits", done, total, math.nan)
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
