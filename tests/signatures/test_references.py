"""References are found by every name a user may try, for every build and assay."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures import SignatureSet, load_reference, read_signatures, write_signatures

DATA = Path(__file__).parents[1] / "data"


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
    chosen = load_reference("cosmic-v3.4", build=build, assay=assay)
    np.testing.assert_array_equal(chosen.profiles, load_reference(name).profiles)


def test_a_list_is_taken_from_the_reference_of_the_build() -> None:
    chosen = load_reference("SBS5,SBS1", build="GRCh38")
    whole = load_reference("cosmic-v3.4-GRCh38").select(["SBS5", "SBS1"])
    np.testing.assert_array_equal(chosen.profiles, whole.profiles)
    assert chosen.names == ["SBS5", "SBS1"]


def test_an_exome_that_is_not_shipped_is_converted() -> None:
    converted = load_reference("cosmic-v3.6", assay="exome")
    assert "converted from GRCh37 to GRCh37-exome" in converted.source
    published = load_reference("cosmic-v3.4-GRCh37-exome").profiles.loc["SBS1"]
    np.testing.assert_allclose(converted.profiles.loc["SBS1"], published, atol=1e-4)
    with pytest.warns(DoubtfulDataWarning, match="the sites of the GRCh37 exome"):
        other = load_reference("cosmic-v3.4", build="GRCh38", assay="exome")
    np.testing.assert_allclose(
        other.profiles, load_reference("cosmic-v3.4-GRCh37-exome").profiles, atol=2e-6
    )


@pytest.mark.parametrize("build", ["hg38", "HG38", "grch38", "GRCh38.p13", "b38"])
def test_a_build_has_many_names(build: str, tmp_path: Path) -> None:
    usual = load_reference("cosmic-v3.4", build="GRCh38").profiles
    pd.testing.assert_frame_equal(load_reference(build=build).profiles, usual)
    pd.testing.assert_frame_equal(load_reference(f"cosmic-v3.4-{build}").profiles, usual)
    pd.testing.assert_frame_equal(
        load_reference("cosmic-v3.4-hg38", build=build.upper()).profiles, usual
    )
    own = load_reference("SBS1,SBS5")
    converted = load_reference(own, build=build, made_for="hg19").profiles
    pd.testing.assert_frame_equal(converted, usual.loc[["SBS1", "SBS5"]], atol=2e-6)


def test_contradictions_and_gaps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="Leave one of the two out"):
        load_reference("cosmic-v3.4-exome", assay="genome")
    with pytest.raises(InputDataError, match="expected a build of GRCh37, GRCh38"):
        load_reference("cosmic-v3.4", build="mm10")
    with pytest.raises(InputDataError, match="expected genome, exome or a file of regions"):
        load_reference("cosmic-v3.4", assay="panel")
    with pytest.raises(InputDataError, match="is not a file, so dnmf knows"):
        load_reference("SBS1,SBS5", build="GRCh38", made_for="GRCh37")
    path = tmp_path / "own.tsv"
    write_signatures(load_reference("SBS1,SBS5"), path)
    with pytest.raises(InputDataError, match="signatures of your own are used as they are"):
        load_reference(str(path), build="GRCh38")
    assert load_reference(str(path)).names == ["SBS1", "SBS5"]


@pytest.mark.parametrize("source", ["GRCh37", "GRCh38", "GRCh37-exome"])
def test_a_file_made_for_one_target_becomes_the_published_one_of_another(
    tmp_path: Path, source: str
) -> None:
    path = tmp_path / "own.tsv"
    write_signatures(load_reference(f"cosmic-v3.4-{source}"), path)
    for build, assay in (("GRCh37", "genome"), ("GRCh38", "genome"), ("GRCh37", "exome")):
        found = load_reference(str(path), build=build, assay=assay, made_for=source)
        published = load_reference("cosmic-v3.4", build=build, assay=assay)
        np.testing.assert_allclose(found.profiles, published.profiles, atol=3e-6)
    same = load_reference(str(path), made_for=source)
    np.testing.assert_allclose(same.profiles, load_reference(f"cosmic-v3.4-{source}").profiles)


def test_signatures_in_memory_are_those_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    own = load_reference("SBS1,SBS5")
    write_signatures(own, path)
    assert load_reference(own) is own
    from_memory = load_reference(own, assay="exome", made_for="GRCh37")
    from_file = load_reference(path, assay="exome", made_for="GRCh37")
    np.testing.assert_allclose(from_memory.profiles, from_file.profiles, rtol=1e-12)
    with pytest.raises(InputDataError, match="GRCh37: signatures of your own are used"):
        load_reference(own, build="GRCh38")


def test_a_file_named_like_cosmics_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = load_reference("SBS5").profiles.rename(index={"SBS5": "SBS1"})
    write_signatures(SignatureSet(mine), "COSMIC_mine.tsv")
    found = load_reference("COSMIC_mine.tsv").profiles
    np.testing.assert_allclose(found, mine, rtol=1e-12)


def test_a_list_of_signatures_keeps_its_order() -> None:
    whole = load_reference("cosmic-v3.4")
    chosen = load_reference("SBS5, sbs40A,SBS1")
    assert chosen.names == ["SBS5", "SBS40a", "SBS1"]
    assert chosen.profiles.equals(whole.profiles.loc[chosen.names])
    assert load_reference(["SBS5", "SBS1"]).names == ["SBS5", "SBS1"]
    assert load_reference("SBS1").names == ["SBS1"]
    # Longer than a file name may be.
    assert load_reference(",".join(whole.names)).names == whole.names


def test_a_file_of_ones_own() -> None:
    path = DATA / "signatures_pcawg.csv"
    expected = read_signatures(path).profiles
    assert load_reference(path).profiles.equals(expected)
    assert load_reference(str(path)).profiles.equals(expected)


def test_a_file_in_the_working_folder_needs_no_extension(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").write_bytes((DATA / "signatures_pcawg.csv").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert load_reference("mine").names == ["SBS1", "SBS5"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cosmic-v3.5", "no reference 'cosmic-v3.5'. Did you mean cosmic-v3"),
        ("cosmc-v3.4", "Did you mean cosmic-v3.4"),
        ("nothing-like-it", "Expected one of cosmic-v3, .* a file of signatures, or names"),
        ("", "no reference ''"),
        ("mine.tsv", "mine.tsv: no such file"),
        ("folder/mine", "no such file"),
        ("SBS40", "SBS40 is split into SBS40a, SBS40b, SBS40c here"),
        ("SBS22,SBS1", "no signature 'SBS22' in COSMIC v3.4 SBS, GRCh37. SBS22 is split into"),
        ("SBS1a", "SBS1a is not split off from SBS1 here"),
        ("SBS1,SBS1", "SBS1 is named twice"),
        ("SBS1,SSB5", "no signature 'SSB5'.*Did you mean SBS5"),
        ("SBS100", "cosmic-v3.6-GRCh37, cosmic-v3.6-GRCh38: load that whole reference"),
    ],
)
def test_wrong_names_are_explained(name: str, message: str) -> None:
    with pytest.raises(InputDataError, match=message):
        load_reference(name)
