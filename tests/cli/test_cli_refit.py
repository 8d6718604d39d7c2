"""``dnmf refit``: the files it promises, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from dnmf.signatures import example_catalog, read_exposures, write_catalog

pytestmark = pytest.mark.usefixtures("unpainted")

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
def refitted(genomes: Path, dnmf: Run) -> tuple[Path, Result]:
    out = genomes.parent / "out"
    result = dnmf("refit", genomes, "-o", out, "--tumour-type", "Breast-AdenoCA")
    assert result.exit_code == 0, result.stderr
    return out, result


def test_the_promised_files_are_there(refitted: tuple[Path, Result]) -> None:
    out, result = refitted
    plots = {f"plots/{n}.{e}" for n in ("exposures", "intervals", "fit") for e in ("png", "svg")}
    tables = {"exposures.tsv", "intervals.tsv", "presence.tsv", "fit.tsv", "run.json"}
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert found == plots | tables | {"report.html"}
    assert str(out / "report.html") in result.stdout.replace("\n", "")
    assert "Answered by" in result.stdout


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


def test_the_record_says_who_answered_and_how(refitted: tuple[Path, Result]) -> None:
    record = json.loads((refitted[0] / "run.json").read_text())
    assert record["model"] == "refit-cosmic-v3.4-GRCh37"
    assert record["parameters"]["tumour_type"] == "Breast-AdenoCA"
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


def test_a_list_of_signatures_falls_back_to_the_likelihood_and_says_so(
    genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    out = tmp_path / "out"
    result = dnmf("refit", genomes, "-o", out, "--reference", SHORT, "--build", "GRCh38")
    assert result.exit_code == 0
    assert "maximum likelihood (kl) is used instead of a network" in result.stderr
    assert "no network was trained" in (out / "report.html").read_text(encoding="utf-8")
    assert json.loads((out / "run.json").read_text())["warnings"]


def test_an_exome_of_another_build_is_refitted_by_the_exomes_network(
    genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    out = tmp_path / "out"
    result = dnmf("refit", genomes, "-o", out, "--build", "GRCh38", "--assay", "exome", "-q")
    assert result.exit_code == 0, result.stderr
    assert "the sites of the GRCh37 exome" in result.stderr
    record = json.loads((out / "run.json").read_text())
    assert record["model"] == "refit-cosmic-v3.4-GRCh37-exome"
    assert "the sites of the GRCh37 exome" in record["warnings"][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reference", "cosmic-v9"], "no reference 'cosmic-v9'"),
        (["--reference", "cosmic-v3.4-GRCh37", "--build", "GRCh38"], "Leave one of the two out"),
        (["--tumour-type", "Breast"], "does not know the tumour type 'Breast'"),
        (["--method", "network", "--reference", "SBS1,SBS5"], "no network was trained"),
        (["--model", "no-such-model"], "no refit model 'no-such-model'"),
        (["--method", "network", "--model", "refit-cosmic-v3.4-GRCh38"], "not the profiles"),
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


def test_the_former_name_of_the_tumour_type_still_works_and_says_the_new_one(
    genomes: Path, tmp_path: Path, dnmf: Run
) -> None:
    result = dnmf("refit", genomes, "-o", tmp_path / "out", "--cohort", "Breast")
    assert result.exit_code == 2
    assert "--cohort is now called --tumour-type" in result.stderr
    assert "does not know the tumour type 'Breast'" in result.stderr


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
    # No network was trained for this panel: that is said, and the selection answers.
    assert "not the profiles of cosmic-v3.4-GRCh37" not in result.stderr
    assert "(sparse) is used instead of a network" in result.stderr.replace("\n", " ")
    fit = pd.read_csv(out / "fit.tsv", sep="\t")
    assert set(fit["Method"]) == {"sparse"}
    assert "in the regions of panel.bed" in (out / "report.html").read_text(encoding="utf-8")
