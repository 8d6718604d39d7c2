"""``transform``, ``match``, ``plot``, ``references`` and ``demo``."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def test_transform_of_the_training_catalog_gives_its_exposures(
    dnmf: Callable[..., Result], extraction: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    catalog, out, _ = extraction
    result = dnmf("transform", out, catalog, "-o", tmp_path / "exposures.tsv")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "exposures.tsv").read_text() == (out / "exposures.tsv").read_text()


def test_transform_matches_channels_by_label_and_keeps_the_order_of_samples(
    dnmf: Callable[..., Result],
    extraction: tuple[Path, Path, Result],
    write_rows: Callable[..., Path],
    catalog_rows: list[list[str]],
    tmp_path: Path,
) -> None:
    rows = [catalog_rows[0], *sorted(catalog_rows[1:], key=lambda row: row[0][2:5])]
    shuffled = write_rows([[row[0], *row[:0:-1]] for row in rows], "shuffled.tsv")
    result = dnmf(
        "transform", extraction[1] / "model.json", shuffled, "-o", tmp_path / "exposures.tsv"
    )
    assert result.exit_code == 0, result.stderr
    expected = pd.read_table(extraction[1] / "exposures.tsv", index_col=0)
    pd.testing.assert_frame_equal(
        pd.read_table(tmp_path / "exposures.tsv", index_col=0), expected[::-1]
    )


def test_transform_refuses_an_existing_file_unless_told(
    dnmf: Callable[..., Result], extraction: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    catalog, out, _ = extraction
    target = tmp_path / "exposures.tsv"
    target.write_text("mine")
    assert dnmf("transform", out, catalog, "-o", target).exit_code == 2
    assert target.read_text() == "mine"
    assert dnmf("transform", out, catalog, "-o", target, "--overwrite").exit_code == 0
    assert target.read_text() == (out / "exposures.tsv").read_text()


def test_match_finds_a_reference_in_itself(dnmf: Callable[..., Result], tmp_path: Path) -> None:
    from dnmf.signatures import load_reference, write_signatures

    names = ["SBS5", "SBS1", "SBS7a"]
    source = tmp_path / "signatures.tsv"
    write_signatures(load_reference("cosmic-v3.4").select(names), source)
    result = dnmf("match", source, "-o", tmp_path / "matches.tsv")
    assert result.exit_code == 0, result.stderr
    matches = pd.read_table(tmp_path / "matches.tsv")
    assert list(matches["found"]) == list(matches["reference"]) == names
    np.testing.assert_allclose(matches["cosine"], 1.0, atol=1e-6)
    for name in names:
        assert name in result.stdout


def test_match_with_a_list_compares_with_nothing_else(
    dnmf: Callable[..., Result], extraction: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    result = dnmf(
        "match",
        extraction[1] / "signatures.tsv",
        "--reference",
        "SBS1,SBS5",
        "-o",
        tmp_path / "matches.tsv",
    )
    assert result.exit_code == 0, result.stderr
    matches = pd.read_table(tmp_path / "matches.tsv")
    assert set(matches["reference"]) | set(matches["second_reference"]) == {"SBS1", "SBS5"}


def test_match_compares_with_the_reference_of_an_assay(
    dnmf: Callable[..., Result], extraction: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    from dnmf import load_reference, match_to_reference, read_signatures

    found = extraction[1] / "signatures.tsv"
    result = dnmf("match", found, "--assay", "exome", "-o", tmp_path / "matches.tsv")
    assert result.exit_code == 0, result.stderr
    assert "GRCh37 exome" in " ".join(result.stdout.split())
    expected = match_to_reference(read_signatures(found), load_reference(assay="exome"))
    written = pd.read_table(tmp_path / "matches.tsv")
    assert list(written["reference"]) == list(expected["reference"])
    np.testing.assert_allclose(written["cosine"], expected["cosine"])


@pytest.mark.parametrize(
    ("kind", "suffix"), [("catalog", ".png"), ("signatures", ".svg"), ("exposures", ".pdf")]
)
def test_plot_draws_each_kind_of_file(
    dnmf: Callable[..., Result],
    extraction: tuple[Path, Path, Result],
    tmp_path: Path,
    kind: str,
    suffix: str,
) -> None:
    source = extraction[0] if kind == "catalog" else extraction[1] / f"{kind}.tsv"
    image = tmp_path / f"figure{suffix}"
    result = dnmf("plot", source, "-o", image)
    assert result.exit_code == 0, result.stderr
    assert kind in result.stdout
    assert image.read_bytes().startswith(MAGIC[suffix])
    assert list(tmp_path.iterdir()) == [image]


def test_plot_writes_beside_the_file_by_default_and_replaces_nothing(
    dnmf: Callable[..., Result], extraction: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    source = shutil.copy(extraction[1] / "exposures.tsv", tmp_path / "mine.tsv")
    assert dnmf("plot", source).exit_code == 0
    assert (tmp_path / "mine.png").read_bytes().startswith(MAGIC[".png"])
    again = dnmf("plot", source)
    assert again.exit_code == 2
    assert "mine.png" in again.stderr


def test_references_lists_names_that_load(dnmf: Callable[..., Result]) -> None:
    from dnmf.signatures import load_reference

    done = dnmf("references")
    names = done.stdout.split()
    assert "The default is cosmic-v3.4." in done.stderr
    assert "--prior: Biliary-AdenoCA, " in done.stderr
    assert "cosmic-v3.4" in names
    for name in names:
        family = next(
            (part for part in ("DBS", "ID", "CN", "SV") if part in name.split("-")), "SBS"
        )
        assert f"{family}1" in load_reference(name).names


@pytest.mark.usefixtures("without_pictures")
def test_demo_finds_known_signatures_of_breast_cancer(
    dnmf: Callable[..., Result], tmp_path: Path
) -> None:
    result = dnmf("demo", "-o", tmp_path / "demo")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.rstrip().endswith(str(tmp_path / "demo" / "report.html"))
    evidence = pd.read_table(tmp_path / "demo" / "evidence.tsv", index_col="signature")
    # Ageing, APOBEC mutagenesis and failing repair: in every published analysis of these genomes.
    assert {"SBS1", "SBS2", "SBS3", "SBS13"} <= set(evidence.index)
    assert pd.read_table(tmp_path / "demo" / "fit.tsv")["Cosine Similarity"].median() >= 0.97
