"""Computing cells on several processes, each result written at once by the one that started them."""

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.connection import wait
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from paper import (
    protocol_authors,
    protocol_ours_supervised,
    protocol_ours_unsupervised,
    protocol_paper,
    training_cost_and_run_time,
)
from paper.cells import KEYS, Cell, Method, Row, with_keys
from paper.datasets import folds, load_dataset
from paper.table import Table

Watch = Callable[[Cell, int, int], None]
METHODS: dict[str, dict[tuple[str, str], Method]] = {
    "authors": protocol_authors.METHODS | training_cost_and_run_time.METHODS,
    "paper": protocol_paper.METHODS,
    "ours": protocol_ours_supervised.METHODS
    | protocol_ours_unsupervised.METHODS
    | training_cost_and_run_time.METHODS,
}


def compute(cell: Cell, data: Path) -> list[Row]:
    """Return the rows of one cell; a function of its arguments alone."""
    dataset = load_dataset(data, cell.set)
    experiment, _, mutations = cell.experiment.partition("poisson ")
    if mutations:
        experiment = "supervised"
        dataset = protocol_ours_supervised.poisson_counts(dataset, int(mutations))
    train, test = list(folds(dataset.X))[cell.fold]
    method = METHODS[cell.protocol][experiment, cell.method]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too few iterations are part of what is compared
        return with_keys(cell, method(dataset, train, test, cell))


def run_cells(
    cells: Sequence[Cell], data: Path, table: Table, *, workers: int = 2, watch: Watch | None = None
) -> None:
    """Compute the cells that the table has not, and write each when it is done.

    Every worker is a process of one thread, also where there is only one, so that their number does not change a
    result. Cells that are timed run last, alone. When this is interrupted, the workers end and finished cells stay.

    Parameters
    ----------
    cells : sequence of Cell
        What to compute.
    data : Path
        Folder of the data sets.
    table : Table
        Where to write.
    workers : int
        Processes.
    watch : callable(cell, done, total), optional
        Called for every finished cell.
    """
    missing = [cell for cell in cells if not table.has(*(getattr(cell, key) for key in KEYS))]
    timed = [cell for cell in missing if cell.experiment == "run time"]
    others = [cell for cell in missing if cell.experiment != "run time"]
    done = 0
    for part, n_processes in ((others, workers), (timed, 1)):
        if not part:
            continue
        with ProcessPoolExecutor(
            n_processes, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare
        ) as pool:
            futures = {pool.submit(compute, cell, data): cell for cell in part}
            try:
                for future in as_completed(futures):
                    table.add(*future.result())
                    done += 1
                    if watch is not None:
                        watch(futures[future], done, len(missing))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for child in multiprocessing.active_children():
                    child.terminate()
                raise


def _prepare() -> None:
    """Make a worker of this process: one thread, no traceback on Ctrl-C, no life after its parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
