"""``dnmf bench paper``: what it writes, what it refuses, what an interruption leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from dnmf.cli.main import app
from paper import paper


def run(*args: object) -> Result:
    result = CliRunner().invoke(app, ["bench", "paper", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_it_writes_results_figures_and_a_summary_and_goes_on_where_it_was(
    tmp_path: Path, small_data: Path, checksums_of: Callable[[Path], None]
) -> None:
    checksums_of(small_data)
    out = tmp_path / "out"
    args = ["--data", small_data, "-o", out, "--sets", "pancreas_sp", "--folds", "0"]
    first = run(*args, "--figures", "3", "--workers", "1")
    assert first.exit_code == 0, first.stderr
    assert {path.name for path in out.iterdir()} == {
        "results.csv",
        "run.json",
        "summary.md",
        "published.csv",
        "figure_3.png",
    }
    assert (out / "summary.md").read_text().strip() in first.stdout.replace("\n\n\n", "\n\n")
    assert "5 of 5 done" in first.stderr
    assert "min left" in first.stderr
    table = pd.read_csv(out / "results.csv")
    assert set(table["protocol"]) == {"authors", "paper"}
    assert set(table["penalty"]) == {"learned", "0", "1"}
    beside = pd.read_csv(out / "published.csv")
    assert (beside["ratio"] == beside["reported"]).all()  # the published numbers here are ones
    record = json.loads((out / "run.json").read_text())
    assert {"commit", "dnmf", "torch", "scikit-learn", "seed", "inputs"} <= set(record)
    before = (out / "results.csv").read_bytes()
    again = run(*args, "--figures", "3")
    assert again.exit_code == 0
    assert "done" not in again.stderr
    assert (out / "results.csv").read_bytes() == before


def test_wrong_data_are_told_and_nothing_is_created(tmp_path: Path, small_data: Path) -> None:
    """The small set has the name of a published one, and not its content."""
    out = tmp_path / "out"
    result = run("--data", small_data, "-o", out, "--sets", "pancreas_sp")
    assert result.exit_code == 2
    assert "differs from the published one: SHA-256" in result.stderr
    assert "Expected layout: simulated/syn.SET/" in result.stderr
    assert f"Nothing was written to {out}." in result.stderr
    assert not out.exists()
    missing = run("--data", tmp_path / "nowhere", "-o", out, "--quick")
    assert missing.exit_code == 2
    assert "published/fig_3.csv is missing" in missing.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--figures", "9"], "'9' is none of 3, 4, 5, 6, 7, 8, noise, time"),
        (["--sets", "pancreas"], "'pancreas' is none of pancreas_sp, pancreas_sa"),
        (["--folds", "5"], "'5' is none of 0, 1, 2, 3, 4"),
        (["--quick", "--folds", "0"], "--quick chooses figures, sets and folds"),
        (["--figures", "8", "--sets", "pancreas_sp"], "there is nothing to compute"),
    ],
)
def test_wrong_choices_are_told(tmp_path: Path, args: list[str], message: str) -> None:
    result = run("--data", tmp_path, "-o", tmp_path / "out", *args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to another process")
def test_ctrl_c_keeps_finished_cells_and_says_how_to_go_on(
    tmp_path: Path, small_data: Path
) -> None:
    out = tmp_path / "out"
    script = tmp_path / "script.py"
    script.write_text(
        "import signal, sys\n"
        "from paper import paper\n"
        "from dnmf.cli.main import app\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    paper.check_files = lambda *args: None\n"
        f"    app(['bench', 'paper', '--data', {str(small_data)!r}, '-o', {str(out)!r}, '--figures', '6',\n"
        "         '--sets', 'pancreas_sp', '--workers', '1'])\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        first_line = process.stderr.readline()  # one cell is finished
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        started = time.monotonic()
        process.wait(timeout=20)
        assert time.monotonic() - started < 10
    assert " done, about " in first_line
    assert process.returncode == 130
    assert f"What was finished is in {out}; the same command goes on from there." in rest
    assert "Traceback" not in rest
    assert len(pd.read_csv(out / paper.RESULTS)) >= 1
