"""The search over numbers of signatures of a catalog: by several workers, resumed from a checkpoint."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from dnmf.executors import Executor, opened
from dnmf.extraction.arguments import filled_counts
from dnmf.extraction.checkpoint import Checkpoint
from dnmf.progress import Progress
from dnmf.search.count_noise import CountNoise, estimate_count_noise
from dnmf.selection import DEFAULT_RESTARTS, ComponentSelection, CountModel, Fits
from dnmf.signatures import MutationCatalog
from dnmf.threads import one_thread


@dataclass(frozen=True)
class Selection(ComponentSelection):
    """What was found for every number of signatures, see :class:`dnmf.selection.ComponentSelection`.

    Attributes
    ----------
    noise : CountNoise
        Of the samples with mutations.
    """

    noise: CountNoise

    @property
    def signatures(self) -> np.ndarray:
        """A copy of the chosen ones: read from a file or computed, their memory is then laid out alike."""
        return self.chosen.components.copy(order="C")


def run_identity(catalog: MutationCatalog, seed: int, n_restarts: int) -> dict[str, Any]:
    """Return what finished work depends on, for a checkpoint.

    Parameters
    ----------
    catalog : MutationCatalog
        The input.
    seed, n_restarts : int
        As for `dnmf.extract_signatures`.
    """
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
    with lock, one_thread(), opened(executor, workers) as pool:
        model = CountModel(estimate_count_noise(X))
        fits = Fits(X, model, n_restarts, seed)
        candidates = fits.run(n_signatures, pool, kept=checkpoint, progress=progress)
    found = ComponentSelection.of(candidates, model)
    table = found.table.rename_axis("n_signatures")
    return Selection(candidates, table, found.choice, model.noise)
