"""Cells on one or two processes, resumed, and interrupted."""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from paper.cells import KEYS, VALUES, Cell
from paper.datasets import SIMULATED
from paper.plan import FIGURES, plan, quick_plan
from paper.running import compute, run_cells
from paper.table import Table

SMALL = SIMULATED[0]
CELLS = [
    Cell("authors", "supervised", SMALL, 1, "mu", "1"),
    Cell("authors", "unsupervised", SMALL, 0, "mu", "0"),
    Cell("ours", "unsupervised", SMALL, 0, "alternating"),
    Cell("ours", "unsupervised", SMALL, 0, "dnmf", "0", 3),
]
UNTIMED = [c for c in (*KEYS, *VALUES) if not c.startswith("seconds")]


def results(path: Path) -> list[tuple[str, ...]]:
    import csv

    with path.open(newline="") as file:
        return sorted(tuple(row[c] for c in UNTIMED) for row in csv.DictReader(file))


def test_two_workers_give_what_one_thread_gives_and_finished_cells_are_not_computed_again(
    tmp_path: Path, small_data: Path
) -> None:
    here, workers = (Table(tmp_path / f"{name}.csv", KEYS, VALUES) for name in ("here", "workers"))
    for cell in CELLS:
        here.add(*compute(cell, small_data))
    first = here.path.read_text().splitlines(keepends=True)[:3]  # one cell of two rows
    workers.path.write_text("".join(first))
    workers = Table(workers.path, KEYS, VALUES)
    seen: list[tuple[int, int]] = []
    run_cells(CELLS, small_data, workers, workers=2, watch=lambda c, d, t: seen.append((d, t)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert workers.path.read_text().startswith("".join(first))
    assert results(here.path) == results(workers.path)
    assert len({row[: len(KEYS)] for row in results(workers.path)}) == len(CELLS)


@pytest.mark.skipif(os.name == "nt", reason="sends signals")
def test_a_killed_program_keeps_what_is_finished_and_leaves_no_process(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from paper.table import Table\n"
        "from paper.workers import finished_calls\n"
        "if __name__ == '__main__':\n"
        f"    table = Table(Path({str(path)!r}), ('call',), ('result',))\n"
        "    for number, result in finished_calls(time.sleep, [(0,), (600,), (600,)], 2):\n"
        "        table.add({'call': number, 'result': result})\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 120
        while not (path.exists() and path.read_text().count("\n") > 1):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        assert process.returncode != 0
        deadline = time.monotonic() + 120
        while _alive(process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert Table(path, ("call",), ("result",)).has(0)


def _alive(group: int) -> bool:
    """Whether a process of a group still runs; one that has ended stays listed (Z) until its parent asks."""
    listed = subprocess.run(
        ["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in listed.stdout.splitlines())
    return any(int(row[0]) == group and not row[1].startswith("Z") for row in rows)


def test_the_plan_has_every_figure_protocol_and_baseline_once() -> None:
    cells = plan()
    assert len(cells) == len(set(cells))
    assert {cell.protocol for cell in cells} == {"paper", "authors", "ours"}
    assert {cell.set for cell in cells} == {*SIMULATED, "brca_560"}
    for figure in FIGURES:
        assert set(plan([figure])) <= set(cells)
    assert {c.layers for c in plan(["4"])} == {5, 10, 15, 20}
    order = [cell.fold for cell in cells]
    assert order == sorted(order)


def test_every_experiment_is_planned_for_all_five_folds() -> None:
    folds = defaultdict(set)
    for cell in plan():
        folds[replace(cell, fold=0)].add(cell.fold)
    assert all(planned == {0, 1, 2, 3, 4} for planned in folds.values())


def test_the_quick_plan_is_two_small_sets_of_one_fold() -> None:
    cells = quick_plan()
    assert len({cell.set for cell in cells}) == 2
    assert {cell.fold for cell in cells} == {0}
    assert set(cells) < set(plan())
