"""``dnmf refit``: the files it promises, and what it refuses."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from dnmf.criteria import MIN_COHORT_SAMPLES
from dnmf.signatures import example_catalog, read_exposures, write_catalog

pytestmark = pytest.mark.usefixtures("without_pictures")

Run = Callable[..., Result]
SHORT = "SBS1,SBS2,SBS3,SBS5,SBS13"


@pytest.fixture(scope="session")
def genomes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight of the example genomes as a file."""
    path = tmp_path_factory.mktemp("genomes") / "genomes.tsv"
    catalog = example_catalog()
    write_catalog(type(catalog)(catalog.counts.iloc[:8]), path)
    return path


@pytest.fixture(scope="session")
def refitted(
    genomes: Path, dnmf: Run, leave_out_pictures: Callable[[], AbstractContextManager[None]]
) -> tuple[Path, Result]:
    out = genomes.parent / "out"
    with leave_out_pictures():
        result = dnmf("refit", genomes, "-o", out, "--prior", "Breast-AdenoCA")
    assert result.exit_code == 0, result.stderr
    return out, result


def test_the_promised_files_are_there(refitted: tuple[Path, Result]) -> None:
    out, result = refitted
    plots = {f"plots/{n}.{e}" for n in ("exposures", "intervals", "fit") for e in ("png", "svg")}
    tables = {"exposures.tsv", "intervals.tsv", "presence.tsv", "fit.tsv", "run.json"}
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert found == plots | tables | {"report.html"}
    assert str(out / "report.html") in result.stdout.replace("\n", "")
    assert "Prior: the exposures of the tumour type Breast-AdenoCA" in result.stdout


def test_exposures_are_in_the_fields_layout_and_sum_to_what_is_assigned(
    refitted: tuple[Path, Result],
) -> None:
    exposures = read_exposures(refitted[0] / "exposures.tsv")
    fit = pd.read_csv(refitted[0] / "fit.tsv", sep="\t", index_col=0)
    assert list(exposures.index) == list(fit.index)
    assert exposures.shape[1] == 86
    assigned = fit["Total Mutations"] * (1 - fit["Unassigned_%"] / 100)
    assert (exposures.sum(axis=1) - assigned).abs().max() <= 1


def test_intervals_are_in_mutations_and_hold_the_estimates(refitted: tuple[Path, Result]) -> None:
    table = pd.read_csv(refitted[0] / "intervals.tsv", sep="\t")
    assert (table["Lower 90%"] <= table["Mutations"] + 1e-3).all()
    assert (table["Mutations"] <= table["Upper 90%"] + 1e-3).all()
    exposures = read_exposures(refitted[0] / "exposures.tsv")
    largest = table.loc[table["Mutations"].idxmax()]
    written = exposures.loc[largest["Samples"], largest["Signature"]]
    assert abs(written - largest["Mutations"]) <= 1


def test_the_table_of_fits_names_its_two_tests(refitted: tuple[Path, Result]) -> None:
    fit = pd.read_csv(refitted[0] / "fit.tsv", sep="\t")
    p = fit[["p: the reference can explain this sample", "p: this answer explains it"]]
    assert p.to_numpy().min() >= 0
    assert p.to_numpy().max() <= 1
    assert (fit["Dispersion"] >= 1).all()
    assert set(fit["Method"]) == {"network"}


def test_what_is_not_called_is_written_as_zero(refitted: tuple[Path, Result]) -> None:
    exposures = read_exposures(refitted[0] / "exposures.tsv")
    presence = pd.read_csv(refitted[0] / "presence.tsv", sep="\t", index_col=0)
    assert ((exposures == 0).sum(axis=1) > 20).all()
    assert presence.shape == exposures.shape


def test_the_record_says_which_prior_was_used(refitted: tuple[Path, Result]) -> None:
    record = json.loads((refitted[0] / "run.json").read_text())
    assert record["parameters"]["prior"] == record["prior"]["name"] == "Breast-AdenoCA"
    assert record["prior"]["kind"] == "tumour type"
    assert len(record["input"]["sha256"]) == 64


def test_the_page_stands_alone_and_names_every_sample(refitted: tuple[Path, Result]) -> None:
    page = (refitted[0] / "report.html").read_text(encoding="utf-8")
    assert "https://" not in page
    assert "default-src 'none'" in page
    for sample in example_catalog().sample_names[:8]:
        assert page.count(sample) >= 1
    assert "90 % interval" in page


@pytest.mark.parametrize("method", ["kl", "nnls", "sparse"])
def test_classic_methods_write_no_presence(
    method: str, genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    out = tmp_path / "out"
    result = dnmf("refit", genomes, "-o", out, "--method", method, "--reference", SHORT, "-q")
    assert result.exit_code == 0, result.stderr
    assert not (out / "presence.tsv").exists()
    fit = pd.read_csv(out / "fit.tsv", sep="\t")
    assert set(fit["Method"]) == {method}


@pytest.mark.parametrize(
    "options", [["--reference", SHORT], ["--build", "hg38", "--assay", "exome"]]
)
def test_the_network_answers_any_reference(
    options: list[str], genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    out = tmp_path / "out"
    result = dnmf("refit", genomes, "-o", out, *options)
    assert result.exit_code == 0, result.stderr
    assert set(pd.read_csv(out / "fit.tsv", sep="\t")["Method"]) == {"network"}
    assert "Method: network" in result.stdout


def test_a_table_of_exposures_is_a_prior_and_never_replaced(
    genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    rows = [f"Breast,T{i},{i + 1},{2 * i},3,5,0" for i in range(40)]
    table = tmp_path / "tumours.csv"
    table.write_text("\n".join([f"Cancer Types,Sample Names,{SHORT}", *rows]) + "\n")
    out = tmp_path / "out"
    result = dnmf("refit", genomes, "-o", out, "--reference", SHORT, "--prior", table)
    assert result.exit_code == 0, result.stderr
    assert "Prior: the exposures in tumours.csv" in result.stdout
    prior = json.loads((out / "run.json").read_text())["prior"]
    assert (prior["kind"], prior["rows"]) == ("file", 40)
    assert len(prior["file"]["sha256"]) == 64
    assert "the exposures in tumours.csv" in (out / "report.html").read_text(encoding="utf-8")
    earlier = out / "exposures.tsv"
    refused = dnmf("refit", genomes, "-o", out, "--prior", earlier, "--overwrite")
    assert refused.exit_code == 2
    assert "is inside it" in refused.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reference", "cosmic-v9"], "no reference 'cosmic-v9'"),
        (["--reference", "cosmic-v3.4-GRCh37", "--build", "GRCh38"], "Leave one of the two out"),
        (["--prior", "Breast-Adeno"], "Breast-AdenoCA"),
        (["--prior", "cohort"], f"{MIN_COHORT_SAMPLES}"),
        (["--prior", "none", "--tumour-type", "Liver-HCC"], "give --prior alone"),
        (
            ["--model", "breast.json"],
            "--model breast.json: networks are no longer trained or chosen",
        ),
    ],
)
def test_bad_options_exit_2_with_a_reason_and_write_nothing(
    options: list[str], message: str, genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    out = tmp_path / "out"
    result = dnmf("refit", genomes, "-o", out, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--tumour-type", "--cohort"])
def test_former_options_still_work_and_say_the_new_ones(
    option: str, genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    out = tmp_path / "out"
    command = ("refit", genomes, "-o", out, "--reference", SHORT, "--method", "auto", "-q")
    result = dnmf(*command, option, "Breast-AdenoCA")
    assert result.exit_code == 0, result.stderr
    notices = result.stderr.splitlines()
    assert notices == [
        f"Warning: {option} TYPE is now called --prior TYPE; the former name goes with version 0.3.",
        "Warning: the method auto is now called network: it answers every sample; "
        "the former name goes with version 0.3.",
    ]
    parameters = json.loads((out / "run.json").read_text())["parameters"]
    assert (parameters["prior"], parameters["method"]) == ("Breast-AdenoCA", "network")


def test_help_shows_the_options_of_today_only(dnmf: Run) -> None:
    shown = dnmf("refit", "--help").stdout
    assert "--prior" in shown
    for former in ("--model", "--tumour-type", "auto"):
        assert former not in shown


@pytest.mark.parametrize("arguments", [["refit", "t.csv", "-o", "m.json", "--steps", "3"], []])
def test_who_trains_is_told_what_to_do_instead(arguments: list[str], dnmf: Run) -> None:
    result = dnmf("train", *arguments)
    assert result.exit_code == 2
    assert "one network takes every reference" in result.stderr
    assert "--prior FILE" in result.stderr
    assert " train " not in dnmf("--help").stdout


def test_an_existing_output_is_replaced_only_when_asked(
    genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    out = tmp_path / "out"
    command = ("refit", genomes, "-o", out, "--method", "nnls", "--reference", SHORT, "-q")
    assert dnmf(*command).exit_code == 0
    assert dnmf(*command).exit_code == 2
    assert dnmf(*command, "--overwrite").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_panel_is_refitted_with_its_own_sites(
    genomes: Path, tmp_path: Path, dnmf: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    genome, panel, out = tmp_path / "genome.fa", tmp_path / "panel.bed", tmp_path / "out"
    genome.write_text(">chr1\n" + "".join(rng.choice(list("ACGT"), 50_000)) + "\n")
    panel.write_text("chr1\t100\t9000\n")
    command = ("refit", genomes, "-o", out, "--assay", panel)
    missing = dnmf(*command)
    assert missing.exit_code == 2
    assert "--genome FILE.fa" in missing.stderr
    result = dnmf(*command, "--genome", genome)
    assert result.exit_code == 0, result.stderr
    fit = pd.read_csv(out / "fit.tsv", sep="\t")
    assert set(fit["Method"]) == {"network"}
    assert "in the regions of panel.bed" in (out / "report.html").read_text(encoding="utf-8")
