"""``dnmf extract -k 2:3``: resumed, extended, refused, reported."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import Result

from dnmf.cli.numbers import parse_numbers
from dnmf.extraction import penalty
from dnmf.locks import locked
from dnmf.search import gamma_poisson_search as search
from dnmf.selection import Fits

pytestmark = pytest.mark.usefixtures("without_pictures", "quick_search")

OPTIONS = ["--restarts", 2, "--epochs", 3, "--seed", 5]
SELECTED = {
    "selection.tsv",
    "solutions",
    "signature_intervals.tsv",
    "exposure_lower.tsv",
    "exposure_upper.tsv",
    "verdicts.tsv",
}


def tables(out: Path) -> dict[str, bytes]:
    """Return every file whose bytes must not depend on how the run went."""
    kept = (".tsv", ".safetensors", "model.json")
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.name.endswith(kept)
    }


@pytest.fixture(scope="module")
def selected(
    tmp_path_factory: pytest.TempPathFactory,
    dnmf: Callable[..., Result],
    catalog_rows: list[list[str]],
    quick_search: None,
    leave_out_pictures: Callable[[], AbstractContextManager[None]],
) -> tuple[Path, Path, Result]:
    """Catalog file, output folder and outcome of a run that was not interrupted, by one worker."""
    folder = tmp_path_factory.mktemp("selected")
    catalog = folder / "catalog.tsv"
    catalog.write_text("".join("\t".join(row) + "\n" for row in catalog_rows), encoding="utf-8")
    with leave_out_pictures():
        result = dnmf(
            "extract", catalog, "-k", "2:3", "-o", folder / "out", "--workers", 1, *OPTIONS
        )
    assert result.exit_code == 0, result.stderr
    return catalog, folder / "out", result


@pytest.fixture
def copied(selected: tuple[Path, Path, Result], tmp_path: Path) -> tuple[Path, Path]:
    """A copy of that run that a test may change."""
    catalog, out, _ = selected
    shutil.copytree(out.parent, tmp_path / "run")
    return tmp_path / "run" / catalog.name, tmp_path / "run" / out.name


@pytest.mark.parametrize(
    ("text", "numbers"), [("12", (12,)), ("2:5", (2, 3, 4, 5)), ("8,3,5", (3, 5, 8)), ("4:4", (4,))]
)
def test_numbers_ranges_and_lists(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_numbers(text) == numbers


@pytest.mark.parametrize("text", ["5:2", "0:3", "a:b", "0", "", "2:", "2:3:4", "2,,3", "1:999999"])
def test_what_is_no_range(dnmf: Callable[..., Result], text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_numbers(text)
    result = dnmf("extract", "c.tsv", "-k", text, "-o", "out")
    assert result.exit_code == 2
    assert "Error" in result.stderr


def test_it_says_how_many_and_writes_all_that_led_to_it(
    selected: tuple[Path, Path, Result],
) -> None:
    _, out, result = selected
    assert "3 signatures were chosen of 2 to 3" in result.stdout
    assert {path.name for path in out.iterdir()} >= SELECTED
    assert {path.name for path in (out / "solutions").iterdir()} == {"k002", "k003"}
    table = pd.read_table(out / "selection.tsv", index_col=0)
    assert list(table.index) == [2, 3]
    exposures, low, high = (
        pd.read_table(out / f"{name}.tsv", index_col=0)
        for name in ("exposures", "exposure_lower", "exposure_upper")
    )
    assert (low <= exposures).all(axis=None)
    assert (exposures <= high).all(axis=None)
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert run["selection"]["chosen"] == 3
    assert run["selection"]["restarts"] == 2
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "How many signatures" in page
    assert "Exposures have an uncertainty that is not shown" not in page
    names = {path.name for path in out.parent.iterdir()}
    assert names == {"catalog.tsv", "out", "out.checkpoint"}


# The command with the search of this process, which ends at its next look at a file once a number is finished.
KILLED = """
import os, signal, sys
from pathlib import Path
from dnmf.cli.main import app
from dnmf.search import gamma_poisson_search as search

search.SEARCH_ROUNDS, search.POLISHING_ROUNDS, search.POLISHED, *arguments = map(eval, sys.argv[1:])
kept = arguments[arguments.index("-o") + 1] + ".checkpoint"
finished = [os.path.join(kept, name) for name in ("k002.npz", "k003.npz")]

def die(event, _):
    if event == "open" and any(map(os.path.exists, finished)):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
app(arguments)
"""


@pytest.mark.skipif(os.name == "nt", reason="kills a process")
def test_killed_in_the_middle_the_same_command_ends_with_the_same_bytes(
    selected: tuple[Path, Path, Result], dnmf: Callable[..., Result], tmp_path: Path
) -> None:
    catalog, whole, _ = selected
    out = tmp_path / "out"
    args = ["extract", catalog, "-k", "2:3", "-o", out, *OPTIONS]
    rounds = (search.SEARCH_ROUNDS, search.POLISHING_ROUNDS, search.POLISHED)
    words = [*rounds, *(repr(str(arg)) for arg in (*args, "--workers", 1))]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, words)], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not out.exists()
    assert [path.name for path in (tmp_path / "out.checkpoint").glob("k???.npz")] == ["k003.npz"]
    resumed = dnmf(*args, "--workers", 2)
    assert resumed.exit_code == 0, resumed.stderr
    assert "fits: 0 of" not in resumed.stderr
    assert tables(out) == tables(whole)


def test_a_longer_range_extends_and_replaces_without_asking(
    copied: tuple[Path, Path], dnmf: Callable[..., Result]
) -> None:
    catalog, out = copied
    result = dnmf("extract", catalog, "-k", "2:4", "-o", out, *OPTIONS)
    assert result.exit_code == 0, result.stderr
    assert "fits: 6 of 9" in result.stderr
    assert {path.name for path in (out / "solutions").iterdir()} == {"k002", "k003", "k004"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--seed", 6, "--restarts", 2], "--seed"),
        (["--seed", 5, "--restarts", 3], "--restarts"),
    ],
)
def test_work_on_something_else_is_named_refused_and_left_alone(
    copied: tuple[Path, Path], dnmf: Callable[..., Result], options: list[object], told: str
) -> None:
    catalog, out = copied
    kept = Path(f"{out}.checkpoint")
    before = {path: path.read_bytes() for path in kept.iterdir()}
    refused = dnmf("extract", catalog, "-k", "2:3", "-o", out, *options)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    # Not even so: a report can be written again, the work of a night cannot.
    refused = dnmf("extract", catalog, "-k", "2:3", "-o", out, *options, "--overwrite")
    assert refused.exit_code == 2
    assert told in refused.stderr
    assert {path: path.read_bytes() for path in kept.iterdir()} == before


def test_a_second_command_is_told_of_the_first_and_damage_of_one_file(
    copied: tuple[Path, Path], dnmf: Callable[..., Result]
) -> None:
    catalog, out = copied
    kept = Path(f"{out}.checkpoint")
    command = ["extract", catalog, "-k", "2:3", "-o", out, *OPTIONS]
    with locked(kept / "lock"):
        refused = dnmf(*command)
        assert dnmf("report", out).exit_code == 0
    assert refused.exit_code == 2
    assert f"in use by another run: process {os.getpid()} on " in refused.stderr
    part = kept / "k002.npz"
    content = bytearray(part.read_bytes())
    content[200] ^= 1
    part.write_bytes(content)
    refused = dnmf(*command)
    assert refused.exit_code == 2
    assert "k002.npz is damaged" in refused.stderr


def test_another_catalog_and_another_version_are_refused(
    copied: tuple[Path, Path], dnmf: Callable[..., Result]
) -> None:
    catalog, out = copied
    shutil.rmtree(out)
    text = catalog.read_text(encoding="utf-8")
    catalog.write_text(text.replace("S00", "T00"), encoding="utf-8")
    refused = dnmf("extract", catalog, "-k", "2:3", "-o", out, *OPTIONS)
    assert refused.exit_code == 2
    assert "differs in: the catalog" in refused.stderr
    catalog.write_text(text, encoding="utf-8")
    record = Path(f"{out}.checkpoint") / "run.json"
    identity = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps(identity | {"dnmf": "0.0.1"}), encoding="utf-8")
    for args in (["extract", catalog, "-k", "2:3", "-o", out, *OPTIONS], ["report", out]):
        refused = dnmf(*args)
        assert refused.exit_code == 2
        assert "version of dnmf" in refused.stderr


def test_a_full_disk_is_told_and_what_was_finished_is_kept(
    copied: tuple[Path, Path], dnmf: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, out = copied
    before = tables(out)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        result = dnmf("extract", catalog, "-k", "2:4", "-o", out, *OPTIONS)
    assert result.exit_code == 2
    assert "no space left on device" in result.stderr
    assert "make room" in result.stderr
    assert tables(out) == before
    assert not list(Path(f"{out}.checkpoint").glob("*.part"))
    again = dnmf("extract", catalog, "-k", "2:3", "-o", out, *OPTIONS)
    assert again.exit_code == 0, again.stderr
    assert tables(out) == before


def test_what_is_finished_can_be_reported_and_then_completed(
    copied: tuple[Path, Path], dnmf: Callable[..., Result]
) -> None:
    catalog, out = copied
    whole = tables(out)
    assert dnmf("report", out).exit_code == 0
    assert tables(out) == whole
    (Path(f"{out}.checkpoint") / "k003.npz").unlink()
    shutil.rmtree(out)
    result = dnmf("report", out)
    assert result.exit_code == 0, result.stderr
    assert "Partial: not finished yet are 3 signatures" in result.stdout
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "These results are partial" in page
    result = dnmf("extract", catalog, "-k", "2:3", "-o", out, *OPTIONS)
    assert result.exit_code == 0, result.stderr
    assert tables(out) == whole


def test_nothing_to_report(dnmf: Callable[..., Result], copied: tuple[Path, Path]) -> None:
    _, out = copied
    absent = dnmf("report", out.parent / "absent")
    assert absent.exit_code == 2
    assert "absent.checkpoint" in absent.stderr
    shutil.rmtree(out)
    for path in Path(f"{out}.checkpoint").glob("k*.npz"):
        path.unlink()
    early = dnmf("report", out)
    assert early.exit_code == 2
    assert "no number of signatures is finished" in early.stderr
    assert not out.exists()


def test_ctrl_c_says_how_to_go_on(
    dnmf: Callable[..., Result],
    catalog_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Fits, "run", interrupted)
    result = dnmf("extract", catalog_file, "-k", "2:3", "-o", tmp_path / "out", *OPTIONS)
    assert result.exit_code == 130
    assert "repeat the command to go on" in result.stderr
    assert "out.checkpoint" in result.stderr


def test_a_long_run_is_announced(
    dnmf: Callable[..., Result],
    catalog_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dnmf.cli.blind.LONG_SECONDS", 0.0)
    options = [*OPTIONS, "--workers", 2]
    result = dnmf("extract", catalog_file, "-k", "2", "-o", tmp_path / "out", *options)
    assert result.exit_code == 0, result.stderr
    assert "3 fits to do: about" in result.stderr
    assert "with 2 workers, 0.6 GB of memory" in result.stderr


def test_penalties_left_to_the_data_are_written_down(
    copied: tuple[Path, Path], dnmf: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(penalty, "REFIT_ITERATIONS", 5)
    catalog, out = copied
    args = ["extract", catalog, "-k", 3, "-o", out, *OPTIONS, "--l1", "auto", "--l2", "auto"]
    result = dnmf(*args)
    assert result.exit_code == 0, result.stderr
    curves = pd.read_table(out / "penalties.tsv")
    assert list(curves["penalty"].value_counts()) == [6, 6]
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    for name in ("l1_reg", "l2_reg"):
        assert run["parameters"][name] == run["selection"]["penalties"][name]["chosen"]
    assert "Penalty l1" in (out / "report.html").read_text(encoding="utf-8")


def test_the_papers_preset_takes_no_restarts(
    dnmf: Callable[..., Result], catalog_file: Path, tmp_path: Path
) -> None:
    args = ["extract", catalog_file, "-o", tmp_path / "out", "--preset", "paper", "--epochs", 2]
    refused = dnmf(*args, "-k", 2, "--restarts", 5)
    assert refused.exit_code == 2
    assert "no restarts" in refused.stderr
    done = dnmf(*args, "-k", 2)
    assert done.exit_code == 0, done.stderr
    assert not (tmp_path / "out.checkpoint").exists()
    assert not SELECTED & {path.name for path in (tmp_path / "out").iterdir()}
