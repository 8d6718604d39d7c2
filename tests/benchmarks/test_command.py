"""``make paper``: what it writes, what it refuses, what an interruption leaves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from paper import protocol_authors, protocol_paper, provenance, run, workers
from rerun_paper import main

OUTPUT = {"results.csv", "run.json", "summary.md", "published.csv", "figure_3.png"}


def test_it_writes_results_figures_and_a_summary_and_goes_on_where_it_was(
    tmp_path: Path,
    small_data: Path,
    checksums_of: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checksums_of(small_data)
    monkeypatch.setattr(workers, "ProcessPoolExecutor", lambda n, **_: ThreadPoolExecutor(n))
    for protocol in (protocol_authors, protocol_paper):
        monkeypatch.setattr(protocol, "EPOCHS", 5)
    out = tmp_path / "out"
    arguments = ["--data", str(small_data), "-o", str(out), "--workers", "1"]
    arguments += ["--sets", "pancreas_sp", "--folds", "0", "--figures", "3"]
    assert main(arguments) == 0
    printed, progress = capsys.readouterr()
    assert {path.name for path in out.iterdir()} == OUTPUT
    assert (out / "summary.md").read_text() in printed
    assert {line for line in printed.splitlines() if line.startswith(str(out))} == {
        str(out / name) for name in OUTPUT
    }
    assert "5 of 5 done, about 0 min left; " in progress
    table = pd.read_csv(out / "results.csv")
    assert set(table["protocol"]) == {"authors", "paper"}
    assert set(table["penalty"]) == {"learned", "0", "1"}
    beside = pd.read_csv(out / "published.csv")
    assert (beside["ratio"] == beside["reported"]).all()  # the published numbers here are ones
    record = json.loads((out / "run.json").read_text())
    assert {"commit", "dnmf", "torch", "scikit-learn", "seed", "inputs"} <= set(record)
    before = (out / "results.csv").read_bytes()
    assert main(arguments) == 0
    assert "done" not in capsys.readouterr().err
    assert (out / "results.csv").read_bytes() == before


def test_wrong_data_are_told_and_nothing_is_created(
    tmp_path: Path, small_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The small set has the name of a published one, and not its content."""
    out = tmp_path / "out"
    assert main(["--data", str(small_data), "-o", str(out), "--sets", "pancreas_sp"]) == 2
    message = capsys.readouterr().err
    assert "differs from the published one: SHA-256" in message
    assert "Expected layout: simulated/syn.SET/" in message
    assert main(["--data", str(tmp_path / "nowhere"), "-o", str(out), "--quick"]) == 2
    assert "published/fig_3.csv is missing" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--figures", "9"], "'9' is none of 3, 4, 5, 6, 7, 8, noise, time"),
        (["--sets", "pancreas"], "'pancreas' is none of pancreas_sp, pancreas_sa"),
        (["--folds", "5"], "'5' is none of 0, 1, 2, 3, 4"),
        (["--workers", "0"], "--workers 0: at least one process is needed"),
        (["--quick", "--folds", "0"], "--quick chooses figures, sets and folds"),
        (["--figures", "8", "--sets", "pancreas_sp"], "nothing to compute"),
    ],
)
def test_wrong_choices_are_told(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path), "-o", str(tmp_path / "out"), *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_commit_is_that_of_this_checkout_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy without history inside another repository has no commit, not that repository's."""
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    for file in (tmp_path / "code.py", results / "table.csv"):
        file.write_text("1\n")
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "m"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(provenance, "REPOSITORY", tmp_path)
    clean = provenance.commit()
    (results / "table.csv").write_text("2\n")
    assert provenance.commit() == clean != ""
    (tmp_path / "code.py").write_text("2\n")
    assert provenance.commit() == f"{clean}-dirty"
    (tmp_path / "copy").mkdir()
    monkeypatch.setattr(provenance, "REPOSITORY", tmp_path / "copy")
    assert provenance.commit() == ""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to another process")
def test_ctrl_c_keeps_finished_cells_and_says_how_to_go_on(
    tmp_path: Path, small_data: Path
) -> None:
    out = tmp_path / "out"
    script = tmp_path / "script.py"
    script.write_text(
        "import signal, sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "if __name__ == '__main__':\n"
        "    from paper import run\n"
        "    from rerun_paper import main\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    run.check_files = lambda *args: None\n"
        f"    sys.exit(main(['--data', {str(small_data)!r}, '-o', {str(out)!r}, '--figures', 'noise',\n"
        "         '--sets', 'pancreas_sp', '--workers', '1']))\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        finished = next((line for line in process.stderr if " done, about " in line), "")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        process.wait(timeout=60)
    assert finished
    assert process.returncode == 130
    assert f"What was finished is in {out}; the same command goes on from there." in rest
    assert "Traceback" not in rest
    assert len(pd.read_csv(out / run.RESULTS)) >= 1
