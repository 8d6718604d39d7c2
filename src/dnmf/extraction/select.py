"""The search over numbers of signatures: all restarts of all numbers, by several workers, resumed from a checkpoint."""

import hashlib
import math
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import torch

from dnmf.executors import Executor, Workers, opened
from dnmf.extraction.arguments import DEFAULT_RESTARTS, filled_counts
from dnmf.extraction.candidate import Candidate, finish_candidate
from dnmf.extraction.checkpoint import Checkpoint
from dnmf.extraction.choice import Choice, choose, selection_table
from dnmf.extraction.restarts import restart
from dnmf.progress import Progress
from dnmf.search.count_noise import CountNoise, estimate_count_noise
from dnmf.signatures import MutationCatalog
from dnmf.threads import one_thread


@dataclass(frozen=True)
class Selection:
    """What was found for every number of signatures.

    Attributes
    ----------
    candidates : dict
        By number of signatures.
    table : DataFrame
        One row per number, see :func:`dnmf.extraction.choice.selection_table`.
    choice : Choice
        The rule's, or the only number there is.
    noise : CountNoise
        Of the samples with mutations.
    """

    candidates: dict[int, Candidate]
    table: pd.DataFrame
    choice: Choice
    noise: CountNoise

    @property
    def chosen(self) -> Candidate:
        """The candidate with the chosen number of signatures."""
        return self.candidates[self.choice.n_signatures]

    @property
    def signatures(self) -> np.ndarray:
        """A copy of its signatures: read from a file or computed, their memory is then laid out alike."""
        return self.chosen.signatures.copy(order="C")


def run_identity(catalog: MutationCatalog, seed: int, n_restarts: int) -> dict[str, Any]:
    """Return what finished work depends on, for a checkpoint."""
    digest = hashlib.sha256()
    for names in (catalog.counts.index, catalog.counts.columns):
        digest.update("\n".join(map(str, names)).encode() + b"\0")
    digest.update(np.ascontiguousarray(catalog.counts.to_numpy(dtype="<f8")).tobytes())
    return {
        "dnmf": version("dnmf"),
        "catalog_sha256": digest.hexdigest(),
        "seed": seed,
        "restarts": n_restarts,
    }


def select_signatures(
    catalog: MutationCatalog,
    n_signatures: Sequence[int],
    *,
    n_restarts: int = DEFAULT_RESTARTS,
    seed: int = 0,
    workers: int = 1,
    executor: Executor | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Selection:
    """Extract with every number of signatures, from many restarts, and choose the number.

    Parameters
    ----------
    catalog : MutationCatalog
        ``n`` samples; those without mutations are left out.
    n_signatures : sequence of int
        The numbers to try, possible for the catalog (see :func:`dnmf.extraction.arguments.check_numbers`).
    n_restarts : int
        Resampled restarts per number, beside one fit of the data as they are.
    seed : int
        The same seed gives the same numbers, whatever ``workers`` and whatever was resumed.
    workers : int
        Threads; each computes one restart.
    executor : Executor, optional
        Computes the restarts in place of threads: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
    checkpoint : Checkpoint, optional
        Where finished work is kept and looked for.
    progress : callable, optional
        Called in the phase "fits" at the start, with the fits that the checkpoint holds, and after every fit. What it
        raises ends the run.

    Returns
    -------
    Selection

    Raises
    ------
    CheckpointError
        The checkpoint is damaged, or another process computes for it.
    WorkersLostError
        The processes of the executor are gone; what was finished is in the checkpoint.
    """
    X = torch.from_numpy(filled_counts(catalog))
    # Only who computes locks: what is finished is reported while another process goes on.
    computes = checkpoint is not None and not set(n_signatures) <= set(checkpoint.finished())
    lock = checkpoint.locked() if checkpoint is not None and computes else nullcontext()
    with lock, one_thread():
        noise = estimate_count_noise(X)
        with opened(executor, workers) as pool:
            work = _Work(X, noise, n_restarts, seed, checkpoint)
            candidates = work.run(n_signatures, pool, progress)
    table = selection_table(candidates, noise)
    return Selection(candidates, table, choose(table), noise)


class _Work:
    """The fits of a run: which are missing, which can be finished, and their checkpoint."""

    def __init__(
        self,
        X: torch.Tensor,
        noise: CountNoise,
        n_restarts: int,
        seed: int,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.X, self.noise, self.seed, self.checkpoint = X, noise, seed, checkpoint
        self.n_fits = 1 + n_restarts

    def run(
        self, numbers: Sequence[int], workers: Workers, progress: Progress | None
    ) -> dict[int, Candidate]:
        kept = {} if self.checkpoint is None else {k: self.checkpoint.candidate(k) for k in numbers}
        candidates = {k: candidate for k, candidate in kept.items() if candidate is not None}
        found = {k: self._kept(k) for k in numbers if k not in candidates}
        tasks = [(k, i) for k in found for i in range(self.n_fits) if i not in found[k]]
        # The largest first: then the workers end at about the same time.
        tasks.sort(key=lambda task: (-task[0], task[1]))
        ready = [k for k in found if len(found[k]) == self.n_fits]
        total = len(numbers) * self.n_fits
        done = total - len(tasks)
        report: Progress = progress or (lambda *_: None)
        report("fits", done, total, math.nan)
        X, noise = workers.share(self.X), self.noise
        running: dict[Future[Any], tuple[int, int]] = {}
        while tasks or ready or running:
            while len(running) < workers.n_tasks and (ready or tasks):
                if ready:
                    k = ready.pop()
                    in_order = [found[k][index] for index in range(self.n_fits)]
                    task: Future[Any] = workers.submit(
                        finish_candidate, X, in_order, noise, self.seed
                    )
                    running[task] = (k, -1)
                else:
                    k, index = tasks.pop(0)
                    task = workers.submit(restart, X, k, index, noise, self.seed)
                    running[task] = (k, index)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                k, index = running.pop(future)
                if index < 0:
                    candidates[k] = workers.result(future)
                    if self.checkpoint is not None:
                        self.checkpoint.save_candidate(candidates[k])
                    continue
                # Cloned as what is kept is: of a process elsewhere it may be aligned otherwise.
                found[k][index] = workers.result(future).clone()
                if self.checkpoint is not None:
                    self.checkpoint.save_restart(k, index, found[k][index].numpy())
                if len(found[k]) == self.n_fits:
                    ready.append(k)
                done += 1
                report("fits", done, total, math.nan)
        return {k: candidates[k] for k in numbers}

    def _kept(self, k: int) -> dict[int, torch.Tensor]:
        if self.checkpoint is None:
            return {}
        kept = {index: self.checkpoint.restart(k, index) for index in range(self.n_fits)}
        # Cloned into memory that torch aligned: the last bits of a product may depend on the alignment.
        return {index: torch.from_numpy(W).clone() for index, W in kept.items() if W is not None}
