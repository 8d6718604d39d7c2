"""Pipes, damaged and large files on the command line: read once, recorded as read, refused in a sentence."""

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest
from typer.testing import Result

from dnmf.cli.inputs import Mutations
from dnmf.cli.options import ReferenceChoice
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.extraction import ExtractionRun
from dnmf.signatures import ID83, MutationCatalog, load_reference, write_signatures

pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture
def piped(tmp_path: Path) -> Callable[[Path], Path]:
    """Give a file as a named pipe, into which another thread writes it once."""

    def give(file: Path) -> Path:
        pipe = tmp_path / f"{file.name}.pipe{len(list(tmp_path.iterdir()))}"
        os.mkfifo(pipe)
        Thread(target=pipe.write_bytes, args=(file.read_bytes(),), daemon=True).start()
        return pipe

    return give


@pytest.fixture
def unpictured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write reports without pictures, which take most of the time."""
    monkeypatch.setattr("dnmf.refit.save.draw_refit_pictures", lambda *_: {})
    monkeypatch.setattr("dnmf.refit.save.render_refit_page", lambda *_: "")


@pytest.fixture
def tumours(tmp_path: Path) -> Path:
    path = tmp_path / "tumours.csv"
    rows = [f"Liver-HCC,T{i},{i + 1},{2 * i},3" for i in range(30)]
    path.write_text("\n".join(["Cancer Types,Sample Names,SBS1,SBS5,SBS4", *rows]) + "\n")
    return path


def recorded(out: Path) -> tuple[str, int, str]:
    record = json.loads((out / "run.json").read_text())["input"]
    return record["name"], record["bytes"], record["sha256"]


def of_file(path: Path, name: str) -> tuple[str, int, str]:
    content = path.read_bytes()
    return name, len(content), hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("assay", "sites"), [("exome", "an exome"), ("panel.bed", r"the regions of panel\.bed")]
)
def test_a_catalog_of_indels_has_the_reference_that_its_variants_would_have(assay, sites):
    given = ReferenceChoice(build="GRCh38", assay=assay, genome=Path("genome.fa"))
    indels = MutationCatalog(pd.DataFrame([[1] * 83], ["a"], list(ID83.labels)), "", ID83)
    mutations = Mutations([indels], "ID83.tsv", False, given)
    with pytest.warns(DoubtfulDataWarning, match=f"ID83: its .* cannot be converted to {sites}"):
        options = mutations.reference_options(indels)
    assert [options[name] for name in ("build", "assay", "genome")] == [None] * 3


def test_a_pipe_that_is_extracted_and_resumed_is_recorded_as_it_was_read(
    dnmf: Callable[..., Result], piped, catalog_file: Path, tmp_path: Path
) -> None:
    pipe, out = piped(catalog_file), tmp_path / "out"
    options = ("-k", "2", "-o", out, "--restarts", "2", "--epochs", "5", "--workers", "1")
    result = dnmf("extract", pipe, *options)
    assert result.exit_code == 0, result.stderr
    assert recorded(out) == of_file(catalog_file, str(pipe))
    kept = ExtractionRun.finished(out).catalog
    assert (kept.source, kept.file["bytes"]) == recorded(out)[:2]


@pytest.mark.usefixtures("unpictured")
def test_a_refit_records_its_input_as_it_was_read_whatever_becomes_of_it(
    dnmf: Callable[..., Result], piped, catalog_file: Path, tmp_path: Path, monkeypatch
) -> None:
    import dnmf as package

    read_catalog, before = package.read_catalog, of_file(catalog_file, "catalog.tsv")
    pipe = piped(catalog_file)

    def read_and_change(path: Path) -> package.MutationCatalog:
        catalog = read_catalog(path)
        catalog_file.write_text("changed")
        return catalog

    monkeypatch.setattr(package, "read_catalog", read_and_change)
    options = ("--reference", "SBS1,SBS5", "--method", "kl", "--overwrite", "-o", tmp_path / "out")
    for given, name in ((catalog_file, "catalog.tsv"), (pipe, str(pipe))):
        result = dnmf("refit", given, *options)
        assert result.exit_code == 0, result.stderr
        assert recorded(tmp_path / "out") == (name, *before[1:])


def test_transform_plot_match_and_simulate_read_a_pipe(
    dnmf: Callable[..., Result],
    piped,
    extraction: tuple[Path, Path, Result],
    tumours: Path,
    tmp_path: Path,
) -> None:
    catalog, out, _ = extraction
    result = dnmf("transform", out, piped(catalog), "-o", tmp_path / "exposures.tsv")
    assert result.exit_code == 0, result.stderr
    for name in ("signatures", "exposures"):
        result = dnmf("plot", piped(out / f"{name}.tsv"), "-o", tmp_path / f"{name}.png")
        assert result.exit_code == 0, result.stderr
        assert name in result.stdout
    result = dnmf("match", piped(out / "signatures.tsv"))
    assert result.exit_code == 0, result.stderr
    result = dnmf("simulate", "--samples", 3, "--cohort", piped(tumours), "-o", tmp_path / "drawn")
    assert result.exit_code == 0, result.stderr


@pytest.mark.usefixtures("unpictured")
def test_a_prior_is_read_once_and_recorded_as_it_was_read(
    dnmf: Callable[..., Result], piped, catalog_file: Path, tumours: Path, tmp_path: Path
) -> None:
    pipe, out = piped(tumours), tmp_path / "out"
    options = ("--reference", "SBS1,SBS4,SBS5", "--prior", pipe)
    result = dnmf("refit", catalog_file, *options, "-o", out)
    assert result.exit_code == 0, result.stderr
    file = json.loads((out / "run.json").read_text())["prior"]["file"]
    assert (file["name"], file["bytes"], file["sha256"]) == of_file(tumours, str(pipe))


def test_a_table_of_signatures_is_no_cohort(dnmf: Callable[..., Result], tmp_path: Path) -> None:
    reference = tmp_path / "reference.tsv"
    write_signatures(load_reference("SBS1,SBS5"), reference)
    result = dnmf("simulate", "--samples", 3, "--cohort", reference, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "not exposures" in result.stderr
    assert "dnmf match" in result.stderr
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_read_ends_with_a_sentence(
    dnmf: Callable[..., Result], tumours: Path, catalog_file: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("dnmf.inputs._WRITER_SECONDS", 0.1)
    (tmp_path / "link").symlink_to("gone.tsv")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(tumours.read_bytes())[:-20])
    commands = {
        "refit": (),
        "plot": (),
        "match": (),
        "extract": ("-k", 2),
        "simulate": ("--samples", 3),
    }
    words = {
        "link": "is a link to gone.tsv",
        "loop": "symbolic links",
        "fifo": "no program has written",
        "cut.gz": "truncated or damaged",
    }
    for command, options in commands.items():
        for name, problem in words.items():
            given = ("--cohort", tmp_path / name) if command == "simulate" else (tmp_path / name,)
            suffix = {"plot": ".png"}.get(command, "")
            result = dnmf(command, *given, *options, "-o", tmp_path / f"out{suffix}")
            assert result.exit_code == 2, (command, name)
            assert problem in result.stderr, (command, name)
            assert "Nothing was written" in result.stderr


def test_an_option_before_the_command_lifts_the_limit_of_inputs(
    dnmf: Callable[..., Result], catalog_file: Path, tmp_path: Path
) -> None:
    refused = dnmf("--max-input", "1kB", "plot", catalog_file, "-o", tmp_path / "a.png")
    assert refused.exit_code == 2
    assert "the limit of an input is 1,000 bytes" in refused.stderr
    assert "dnmf --max-input" in refused.stderr
    result = dnmf("--max-input", "1MB", "plot", catalog_file, "-o", tmp_path / "a.png")
    assert result.exit_code == 0, result.stderr
    for size in ("much", "0"):
        assert "is no size" in dnmf("--max-input", size, "plot", catalog_file).stderr
