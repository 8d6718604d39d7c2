"""``dnmf extract`` without -k: guided by a reference."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pandas as pd
import pytest
from typer.testing import Result

from dnmf.cli.guided import _show_guided
from dnmf.extraction import GuidedResult
from dnmf.signatures import load_reference, simulate_catalog, write_catalog

pytestmark = pytest.mark.usefixtures("without_pictures")

Run = Callable[..., Result]
LIST = "SBS1,SBS2,SBS4,SBS7a,SBS13,SBS18"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    truth = load_reference("SBS1,SBS2,SBS7a")
    catalog, _ = simulate_catalog(truth, 24, mean_burden=2000, sparsity=0.3, random_state=0)
    path = tmp_path_factory.mktemp("cohort") / "cohort.tsv"
    write_catalog(catalog, path)
    return path


@pytest.fixture(scope="module")
def done(
    cohort: Path, dnmf: Run, leave_out_pictures: Callable[[], AbstractContextManager[None]]
) -> tuple[Path, Result]:
    out = cohort.parent / "out"
    with leave_out_pictures():
        result = dnmf("extract", cohort, "-o", out, "--reference", LIST, "--seed", 3)
    assert result.exit_code == 0, result.stderr
    return out, result


def test_it_ends_with_what_was_found_and_the_path_of_the_report(done: tuple[Path, Result]) -> None:
    out, result = done
    for name in ("SBS1", "SBS2", "SBS7a"):
        assert name in result.stdout
    assert "3 known signatures, none novel" in result.stdout
    assert result.stdout.rstrip().endswith(str(out / "report.html"))
    evidence = pd.read_table(out / "evidence.tsv", index_col=0)
    assert set(evidence.index) == {"SBS1", "SBS2", "SBS7a"}


def test_the_terminal_lists_signatures_as_the_page_does(
    done: tuple[Path, Result], capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = pd.read_table(done[0] / "evidence.tsv", index_col=0).sort_values("mutations")
    result = SimpleNamespace(
        evidence=evidence,
        equivalents=pd.DataFrame(columns=["signature", "equivalent", "nats"]),
        reference=load_reference(LIST),
        matches=pd.DataFrame(),
        catalog=SimpleNamespace(counts=[]),
        seconds={"total": 0.0},
        known=list(evidence.index),
        novel=[],
    )
    _show_guided(cast(GuidedResult, result), Path("report.html"))
    shown = capsys.readouterr().out
    places = [shown.index(f" {name} ") for name in evidence.index[::-1]]
    assert places == sorted(places)


def test_progress_goes_to_stderr(done: tuple[Path, Result]) -> None:
    assert "known signatures" in done[1].stderr
    assert "novel signatures" in done[1].stderr
    assert "known signatures:" not in done[1].stdout


def test_an_existing_output_needs_overwrite(
    done: tuple[Path, Result], cohort: Path, dnmf: Run
) -> None:
    refused = dnmf("extract", cohort, "-o", done[0], "--reference", LIST)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr


def test_its_model_answers_new_samples_and_there_is_nothing_to_report_from(
    done: tuple[Path, Result], cohort: Path, dnmf: Run, tmp_path: Path
) -> None:
    assert dnmf("transform", done[0], cohort, "-o", tmp_path / "new.tsv").exit_code == 0
    refused = dnmf("report", done[0])
    assert refused.exit_code == 2
    assert "without -k takes about a minute: repeat it" in refused.stderr


def test_an_interrupted_run_leaves_nothing(
    dnmf: Run, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dnmf.guided_extraction", interrupted)
    result = dnmf("extract", cohort, "-o", tmp_path / "out")
    assert result.exit_code == 130
    assert f"Interrupted. Nothing was written to {tmp_path / 'out'}." in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "option",
    [
        ("--restarts", 5),
        ("--l1", "auto"),
        ("--l2", 0.1),
        ("--layers", 5),
        ("--epochs", 9),
        ("--preset", "paper"),
    ],
)
def test_options_of_blind_extraction_need_a_number(
    dnmf: Run, cohort: Path, tmp_path: Path, option: tuple[str, object]
) -> None:
    refused = dnmf("extract", cohort, "-o", tmp_path / "out", *option)
    assert refused.exit_code == 2
    assert option[0] in refused.stderr
    assert "give -k, too" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_a_reference_a_number_is_needed_and_enough(
    dnmf: Run, cohort: Path, tmp_path: Path
) -> None:
    args = ("extract", cohort, "-o", tmp_path / "out", "--reference", "none")
    refused = dnmf(*args)
    assert refused.exit_code == 2
    assert "-k 2:15" in refused.stderr
    assert "--reference cosmic-v3.4" in refused.stderr
    blind = dnmf(*args, "-k", 2, "--restarts", 0, "--epochs", 2)
    assert blind.exit_code == 0, blind.stderr
    assert pd.read_table(tmp_path / "out" / "matches.tsv").empty


def test_doublets_are_compared_with_the_references_of_doublets(dnmf: Run, tmp_path: Path) -> None:
    truth = load_reference("DBS1,DBS2,DBS4")
    catalog, _ = simulate_catalog(truth, 24, mean_burden=400, sparsity=0.3, random_state=0)
    write_catalog(catalog, tmp_path / "doublets.tsv")
    done = dnmf("extract", tmp_path / "doublets.tsv", "-o", tmp_path / "out", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    evidence = pd.read_table(tmp_path / "out" / "evidence.tsv", index_col=0)
    assert {"DBS1", "DBS2", "DBS4"} <= set(evidence.index)
