"""The whole of it: check the data, compute what is missing, draw and summarise."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from paper.cells import KEYS, VALUES, Cell
from paper.datasets import SIMULATED, check_files, expected_files, files_of
from paper.figures import draw_figures
from paper.protocol_ours_unsupervised import RESTARTS, SEED
from paper.provenance import provenance
from paper.published import compare_with_published, read_published, read_results
from paper.running import Watch, run_cells
from paper.summary import summarise_run
from paper.table import Table
from paper.training_cost_and_run_time import N_STARTS

RESULTS, RECORD, SUMMARY, COMPARISON = "results.csv", "run.json", "summary.md", "published.csv"


@dataclass(frozen=True)
class Outcome:
    """What a run left.

    Attributes
    ----------
    summary : str
        Markdown.
    files : list of Path
        Everything written.
    """

    summary: str
    files: list[Path]


def run_paper(
    cells: Iterable[Cell],
    data: Path,
    out: Path,
    *,
    workers: int = 2,
    watch: Watch | None = None,
) -> Outcome:
    """Compute the cells that ``out`` does not have yet, then write its figures and summary.

    Parameters
    ----------
    cells : iterable of Cell
        See `paper.plan.plan`.
    data, out : Path
        Folder of the paper's data, and of the results: created, or gone on with.
    workers : int
        Processes.
    watch : callable(cell, done, total), optional
        Called for every finished cell.

    Raises
    ------
    InputDataError
        A file of the data is missing or altered; ``out`` is then not created. Or ``out`` holds results of another
        version.
    """
    chosen = list(cells)
    sets = sorted({cell.set for cell in chosen})
    check_files(data, sets)
    out.mkdir(parents=True, exist_ok=True)
    table = Table(out / RESULTS, KEYS, VALUES)
    checksums = {f: s for f, s in expected_files().items() if f in _inputs(sets)}
    record = provenance() | {
        "OpenBLAS kernels": os.environ.get("OPENBLAS_CORETYPE", "chosen by OpenBLAS"),
        "seed": SEED,
        "seeds of starts": f"MU {SEED} to {RESTARTS - 1}; figure 8: 1 to {N_STARTS}",
        "folds": "KFold(5, shuffle=True, random_state=1)",
        "protocols": "authors, paper, ours",
        "simulated sets": sum(name in SIMULATED for name in sets),
        "inputs": checksums,
    }
    (out / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    run_cells(chosen, data, table, workers=workers, watch=watch)
    return write_outcome(data, out)


def _inputs(sets: Iterable[str]) -> set[str]:
    return {file for name in sets for file in files_of(name).values()}


def write_outcome(data: Path, out: Path) -> Outcome:
    """Write figures and summary of the results that are in ``out``."""
    results, published = read_results(out / RESULTS), read_published(data)
    summary = summarise_run(results, published)
    (out / SUMMARY).write_text(summary, encoding="utf-8")
    beside = compare_with_published(results, published)
    beside.to_csv(out / COMPARISON, index=False, float_format="%.6g", lineterminator="\n")
    figures = draw_figures(results, published, out)
    return Outcome(
        summary, [out / name for name in (RESULTS, RECORD, SUMMARY, COMPARISON)] + figures
    )
