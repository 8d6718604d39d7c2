"""Commands that take variants: what is counted, said and written."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.cli.options import VariantChoice
from dnmf.signatures import SBS96, MutationCatalog, load_reference, write_catalog

HEADER = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
OTHER = dict(zip("ACGT", "CATG", strict=True))


@pytest.fixture
def genome(tmp_path: Path) -> tuple[Path, str]:
    bases = "".join(np.random.default_rng(3).choice(list("ACGT"), 4000))
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{bases}\n")
    return path, bases


@pytest.fixture
def folder(genome: tuple[Path, str], tmp_path: Path) -> Path:
    """Two samples, each of 40 substitutions, a doublet, a deletion and a row that did not pass."""
    _, bases = genome
    folder = tmp_path / "calls"
    folder.mkdir()
    for name, shift in (("a", 0), ("b", 7)):
        rows = [(place, bases[place], OTHER[bases[place]]) for place in range(50, 850, 20)]
        rows += [(place, bases[place], OTHER[bases[place]]) for place in (1000, 1001)]
        rows += [(1200, bases[1200:1202], bases[1200])]
        text = "".join(
            f"chr1\t{p + 1 + shift}\t.\t{bases[p + shift : p + shift + len(r)]}\t"
            f"{bases[p + shift] if len(r) > 1 else OTHER[bases[p + shift]]}\t.\tPASS\t.\n"
            for p, r, _ in rows
        )
        text += f"chr1\t1301\t.\t{bases[1300]}\t{OTHER[bases[1300]]}\t.\tLowQual\t.\n"
        (folder / f"{name}.vcf").write_text(f"##fileformat=VCFv4.2\n{HEADER}{text}")
    return folder


def test_count_writes_catalogs_and_says_what_became_of_the_rows(dnmf, genome, folder, tmp_path):
    out = tmp_path / "out"
    done = dnmf("count", folder, "--genome", genome[0], "-o", out)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("counted: 86 (")
    assert any(line.startswith("filtered: 2 (") and "--filters all" in line for line in lines)
    assert "SBS96: 80 mutations in 2 of 2 samples" in lines
    assert "DBS78: 2 mutations in 2 of 2 samples" in lines
    assert "ID83: 2 mutations in 2 of 2 samples" in lines
    both = dnmf(
        "count", folder, "--genome", genome[0], "-o", out, "--overwrite", "--filters", "all",
        "--doublets", "both", "--classes", "SBS96",
    )  # fmt: skip
    assert both.exit_code == 0
    assert "SBS96: 86 mutations in 2 of 2 samples" in both.stdout
    assert {path.name for path in out.iterdir()} == {
        "SBS96.tsv", "variants.tsv.gz", "discarded.tsv", "count.json", "run.json",
    }  # fmt: skip


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("command", ["count", "refit"])
def test_results_are_written_before_they_are_printed(
    dnmf, genome, folder, tmp_path, command, monkeypatch
):
    def gone(_):
        raise BrokenPipeError

    for module in ("count", "inputs", "refit"):
        monkeypatch.setattr(f"dnmf.cli.{module}.say", gone)
    options = ("--classes", "SBS96", *(() if command == "count" else ("--method", "kl")))
    with pytest.raises(BrokenPipeError):
        dnmf(command, folder, "--genome", genome[0], *options, "-o", tmp_path / "out")
    assert (tmp_path / "out" / "run.json").is_file()
    assert (tmp_path / "out" / "SBS96.tsv").is_file()


def test_nothing_counted_is_an_error_with_the_reasons(dnmf, genome, tmp_path):
    path = tmp_path / "a.vcf"
    path.write_text(f"{HEADER}chr1\t5\t.\t{genome[1][4]}\t*\t.\tPASS\t.\n")
    done = dnmf("count", path, "--genome", genome[0], "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "nothing was counted" in done.stderr
    assert "allele: 1 (100.0%)" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("without_pictures")
def test_refit_of_variants_answers_all_classes(dnmf, genome, folder, tmp_path):
    out = tmp_path / "out"
    done = dnmf("refit", folder, "--genome", genome[0], "-o", out, "--method", "kl")
    assert done.exit_code == 0
    assert "build of the variants is not known: GRCh37 is assumed" in done.stderr
    assert (
        "Genome: genome.fa, build not known. Reference: COSMIC v3.4 SBS, GRCh37; COSMIC v3.4 DBS, GRCh37; "
        "COSMIC v3.4 ID, GRCh37"
    ) in done.stdout
    folders = {path.name for path in out.iterdir() if path.is_dir()}
    assert folders == {"SBS96", "DBS78", "ID83", "plots"}
    assert {"variants.tsv.gz", "discarded.tsv", "count.json", "ID83.tsv"} <= {
        path.name for path in out.iterdir()
    }
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.index('id="counting"') < page.index('id="SBS96"') < page.index('id="ID83"')
    exposures = pd.read_csv(out / "SBS96" / "exposures.tsv", sep="\t", index_col=0)
    assert exposures.index.tolist() == ["a", "b"]

    one = tmp_path / "one"
    options = ("--genome", genome[0], "--classes", "SBS96", "--method", "kl")
    assert dnmf("refit", folder, *options, "-o", one).exit_code == 0
    # As of one catalog, with the files of the count.
    assert pd.read_csv(one / "exposures.tsv", sep="\t", index_col=0).equals(exposures)
    assert (one / "variants.tsv.gz").is_file()
    assert not (one / "SBS96").exists()


@pytest.mark.usefixtures("without_pictures")
def test_a_panel_restricts_counts_and_reference_alike(dnmf, genome, folder, tmp_path):
    bed = tmp_path / "panel.bed"
    bed.write_text("chr1\t0\t500\n")
    done = dnmf(
        "refit", folder, "--genome", genome[0], "--assay", bed, "-o", tmp_path / "out", "--method",
        "kl",
    )  # fmt: skip
    assert done.exit_code == 0
    assert any(line.startswith("outside: ") for line in done.stdout.splitlines())
    record = json.loads((tmp_path / "out" / "SBS96" / "run.json").read_text())
    assert "panel.bed" in record["parameters"]["reference"]
    assert "ID83 has no answer" in done.stdout


def test_blind_extraction_is_of_one_class(dnmf, genome, folder, tmp_path):
    out = tmp_path / "out"
    options = ("--genome", genome[0], "-k", 2, "--restarts", 0, "--epochs", 2, "-o", out)
    refused = dnmf("extract", folder, *options)
    assert refused.exit_code == 2
    assert "--classes SBS96" in refused.stderr
    done = dnmf("extract", folder, *options, "--classes", "SBS96", "--reference", "none")
    assert done.exit_code == 0, done.stderr
    assert (out / "variants.tsv.gz").is_file()


@pytest.mark.usefixtures("without_pictures")
def test_catalogs_of_several_classes_are_answered_together(dnmf, tmp_path):
    paths = []
    for family in ("SBS", "ID"):
        known = load_reference(f"{family}1,{family}2")
        counts = pd.DataFrame(
            np.rint(known.profiles.to_numpy() * 500), ["x", "y"], list(known.profiles.columns)
        )
        paths.append(tmp_path / f"{family}.tsv")
        write_catalog(MutationCatalog(counts, "", known.schema), paths[-1])
    done = dnmf("refit", *paths, "-o", tmp_path / "out", "--method", "kl")
    assert done.exit_code == 0
    assert (tmp_path / "out" / "ID83" / "report.html").is_file()
    assert not (tmp_path / "out" / "variants.tsv.gz").exists()


def test_inputs_that_do_not_go_together_are_refused(dnmf, folder, tmp_path):
    catalog = tmp_path / "catalog.tsv"
    counts = pd.DataFrame(np.ones((2, 96)), ["x", "y"], list(SBS96.labels))
    write_catalog(MutationCatalog(counts), catalog)
    for arguments, words in (
        ((catalog, folder), "Give catalogs or variants, not both"),
        ((catalog, catalog), "Give one catalog for each class"),
        ((catalog, "--filters", "all"), "--filters says how variants are counted"),
    ):
        done = dnmf("refit", *arguments, "-o", tmp_path / "out")
        assert done.exit_code == 2
        assert words in " ".join(done.stderr.split())
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("classes", "several"),
    [
        (None, True),
        ("SBS96", False),
        ("SBS96,", False),
        ("SBS96, SBS96", False),
        ("SBS96,ID83", True),
    ],
)
def test_several_classes_are_different_ones(classes, several):
    assert VariantChoice(classes=classes).several is several
