"""Computing cells on several processes, each result written at once by the one that started them."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
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
from paper.workers import finished_calls

Watch = Callable[[Cell, int, int], None]
METHODS: dict[str, dict[tuple[str, str], Method]] = {
    "authors": protocol_authors.METHODS | training_cost_and_run_time.METHODS,
    "paper": protocol_paper.METHODS,
    "ours": protocol_ours_supervised.METHODS
    | protocol_ours_unsupervised.METHODS
    | training_cost_and_run_time.METHODS,
}


def compute(cell: Cell, data: Path) -> list[Row]:
    """Return the rows of one cell, computed by one thread; a function of its arguments alone."""
    torch.set_num_threads(1)
    dataset = load_dataset(data, cell.set)
    experiment, _, mutations = cell.experiment.partition("poisson ")
    if mutations:
        experiment = "supervised"
        dataset = protocol_ours_supervised.poisson_counts(dataset, int(mutations))
    train, test = list(folds(dataset.X))[cell.fold]
    method = METHODS[cell.protocol][experiment, cell.method]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too few iterations are part of what is compared
        return with_keys(cell, method(dataset, train, test, cell))


def run_cells(
    cells: Sequence[Cell], data: Path, table: Table, *, workers: int = 2, watch: Watch | None = None
) -> None:
    """Compute the cells that the table has not, and write each when it is done.

    Cells that are timed run last, alone. When this is interrupted, the workers end and finished cells stay.

    Parameters
    ----------
    cells : sequence of Cell
        What to compute.
    data : Path
        Folder of the data sets.
    table : Table
        Where to write.
    workers : int
        Processes; their number changes no result.
    watch : callable(cell, done, total), optional
        Called for every finished cell.
    """
    missing = [cell for cell in cells if not table.has(*(getattr(cell, key) for key in KEYS))]
    timed = [cell for cell in missing if cell.experiment == "run time"]
    others = [cell for cell in missing if cell.experiment != "run time"]
    done = 0
    for part, n_processes in ((others, workers), (timed, 1)):
        calls = [(cell, data) for cell in part]
        if not calls:
            continue
        with closing(finished_calls(compute, calls, n_processes)) as finished:
            for number, rows in finished:
                table.add(*rows)
                done += 1
                if watch is not None:
                    watch(part[number], done, len(missing))
