"""Choosing a shipped reference by build and assay."""

from pathlib import Path

import numpy as np
import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures import choose_reference, load_reference, write_signatures


@pytest.mark.parametrize(
    ("build", "assay", "name"),
    [
        (None, None, "cosmic-v3.4-GRCh37"),
        ("GRCh38", None, "cosmic-v3.4-GRCh38"),
        ("GRCh37", "exome", "cosmic-v3.4-GRCh37-exome"),
        (None, "exome", "cosmic-v3.4-GRCh37-exome"),
        ("grch38", "Genome", "cosmic-v3.4-GRCh38"),
    ],
)
def test_build_and_assay_name_a_shipped_reference(
    build: str | None, assay: str | None, name: str
) -> None:
    chosen = choose_reference("cosmic-v3.4", build=build, assay=assay)
    np.testing.assert_array_equal(chosen.profiles, load_reference(name).profiles)


def test_a_list_is_taken_from_the_reference_of_the_build() -> None:
    chosen = choose_reference("SBS5,SBS1", build="GRCh38")
    whole = load_reference("cosmic-v3.4-GRCh38").select(["SBS5", "SBS1"])
    np.testing.assert_array_equal(chosen.profiles, whole.profiles)
    assert chosen.names == ["SBS5", "SBS1"]


def test_an_exome_that_is_not_shipped_is_converted() -> None:
    converted = choose_reference("cosmic-v3.6", assay="exome")
    assert "converted from GRCh37 to GRCh37-exome" in converted.source
    published = load_reference("cosmic-v3.4-GRCh37-exome").profiles.loc["SBS1"]
    np.testing.assert_allclose(converted.profiles.loc["SBS1"], published, atol=1e-4)
    with pytest.warns(DoubtfulDataWarning, match="the sites of the GRCh37 exome"):
        other = choose_reference("cosmic-v3.4", build="GRCh38", assay="exome")
    np.testing.assert_allclose(
        other.profiles, load_reference("cosmic-v3.4-GRCh37-exome").profiles, atol=2e-6
    )


def test_contradictions_and_gaps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="Leave one of the two out"):
        choose_reference("cosmic-v3.4-exome", assay="genome")
    with pytest.raises(InputDataError, match="expected a build of GRCh37, GRCh38"):
        choose_reference("cosmic-v3.4", build="hg19")
    with pytest.raises(InputDataError, match="expected genome, exome or a file of regions"):
        choose_reference("cosmic-v3.4", assay="panel")
    with pytest.raises(InputDataError, match="is not a file, so dnmf knows"):
        choose_reference("SBS1,SBS5", build="GRCh38", made_for="GRCh37")
    path = tmp_path / "own.tsv"
    write_signatures(load_reference("SBS1,SBS5"), path)
    with pytest.raises(InputDataError, match="a file is used as it is"):
        choose_reference(str(path), build="GRCh38")
    assert choose_reference(str(path)).names == ["SBS1", "SBS5"]


@pytest.mark.parametrize("source", ["GRCh37", "GRCh38", "GRCh37-exome"])
def test_a_file_made_for_one_target_becomes_the_published_one_of_another(
    tmp_path: Path, source: str
) -> None:
    path = tmp_path / "own.tsv"
    write_signatures(load_reference(f"cosmic-v3.4-{source}"), path)
    for build, assay in (("GRCh37", "genome"), ("GRCh38", "genome"), ("GRCh37", "exome")):
        found = choose_reference(str(path), build=build, assay=assay, made_for=source)
        published = choose_reference("cosmic-v3.4", build=build, assay=assay)
        np.testing.assert_allclose(found.profiles, published.profiles, atol=3e-6)
    same = choose_reference(str(path), made_for=source)
    np.testing.assert_allclose(same.profiles, load_reference(f"cosmic-v3.4-{source}").profiles)
