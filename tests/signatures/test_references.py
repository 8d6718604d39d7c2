"""References are found by every name a user may try, for every build and assay."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.signatures import (
    ARTEFACTS,
    CN48,
    DBS78,
    ID83,
    SBS96,
    SV32,
    ChannelSchema,
    SignatureSet,
    load_reference,
    read_signatures,
    write_signatures,
)

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("build", "assay", "name"),
    [
        (None, None, "cosmic-v3.4-GRCh37"),
        ("GRCh38", None, "cosmic-v3.4-GRCh38"),
        ("GRCh37", "exome", "cosmic-v3.4-GRCh37-exome"),
        (None, "exome", "cosmic-v3.4-GRCh37-exome"),
        ("GRCh38", "exome", "cosmic-v3.4-GRCh38-exome"),
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


@pytest.mark.parametrize("build", ["GRCh37", "GRCh38"])
def test_an_exome_that_is_not_shipped_is_converted(build: str) -> None:
    converted = load_reference("cosmic-v3.6", build=build, assay="exome")
    assert f"converted from {build} to {build}-exome" in converted.source
    published = load_reference(f"cosmic-v3.4-{build}-exome").profiles.loc["SBS1"]
    np.testing.assert_allclose(converted.profiles.loc["SBS1"], published, atol=1e-4)


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
        ("nothing-like-it", "Expected cosmic-v3, cosmic-v3.4, .* a file of signatures, or names"),
        ("", "no reference ''"),
        ("mine.tsv", "mine.tsv: no such file"),
        ("folder/mine", "no such file"),
        ("SBS40", "SBS40 is split into SBS40a, SBS40b, SBS40c here"),
        ("SBS22,SBS1", "no signature 'SBS22' in COSMIC v3.4 SBS, GRCh37. SBS22 is split into"),
        ("SBS1a", "SBS1a is not split off from SBS1 here"),
        ("SBS1,SBS1", "SBS1 is named twice"),
        ("SBS1,SSB5", "no signature 'SSB5'.*Did you mean SBS5"),
        (
            "cosmic-v3-DBS",
            "COSMIC v3 has no DBS signatures here: give cosmic-v3.4-DBS or cosmic-v3.6-DBS",
        ),
        (
            "cosmic-v3.4-ID-GRCh38",
            "these signatures are here for GRCh37, not for GRCh38, and only SBS",
        ),
        ("cosmic-v3.4-SV-exome", "these signatures are here for GRCh38, not for GRCh38-exome"),
        ("DBS99", "no signature 'DBS99' in COSMIC v3.4 DBS, GRCh37"),
        ("DBS22", "no signature 'DBS22'.* It is in cosmic-v3.6-DBS-GRCh37,"),
        ("SBS1,DBS2", "SBS1 and DBS2 have different channels"),
        (",", "no signature is named"),
        ("SBS100", "cosmic-v3.6-GRCh37, cosmic-v3.6-GRCh38: load that whole reference"),
    ],
)
def test_wrong_names_are_explained(name: str, message: str) -> None:
    with pytest.raises(InputDataError, match=message):
        load_reference(name)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("DBS1,DBS4", "cosmic-v3.4-DBS-GRCh37"),
        ("id2", "cosmic-v3.4-ID-GRCh37"),
        ("CN9", "cosmic-v3.4-CN-GRCh37"),
        ("SV4,SV1", "cosmic-v3.4-SV-GRCh38"),
    ],
)
def test_names_of_signatures_say_their_class(name: str, full: str) -> None:
    whole = load_reference(full)
    names = name.upper().split(",")
    np.testing.assert_array_equal(load_reference(name).profiles, whole.profiles.loc[names])


@pytest.mark.parametrize("schema", [SBS96, DBS78, ID83, CN48, SV32], ids=lambda schema: schema.name)
def test_a_name_without_a_class_means_the_class_of_the_data(schema: ChannelSchema) -> None:
    found = load_reference("cosmic-v3.6", channels=schema)
    pd.testing.assert_frame_equal(
        found.profiles, load_reference(f"cosmic-v3.6-{schema.family}").profiles
    )


def test_builds_and_exomes_of_doublets_are_the_published_ones(tmp_path: Path) -> None:
    for build, assay, name in (
        ("hg38", None, "cosmic-v3.6-DBS-GRCh38"),
        (None, "exome", "cosmic-v3.6-DBS-GRCh37-exome"),
        ("GRCh38", "exome", "cosmic-v3.6-DBS-GRCh38-exome"),
    ):
        found = load_reference("cosmic-v3.6-DBS", build=build, assay=assay)
        assert found.target == name.removeprefix("cosmic-v3.6-DBS-")
        pd.testing.assert_frame_equal(found.profiles, load_reference(name).profiles)
    with pytest.raises(InputDataError, match="for GRCh37, not for GRCh37-exome, and only SBS"):
        load_reference("ID1,ID2", assay="exome")
    own = load_reference("DBS2,DBS4")
    with pytest.raises(ChannelMismatchError, match="the 96 SBS channels only"):
        load_reference(own, made_for="GRCh37", assay="exome")
    (tmp_path / "panel.bed").write_text("chr1\t0\t9\n")
    with pytest.raises(ChannelMismatchError, match="the 96 SBS channels only"):
        load_reference(
            "DBS2", assay=str(tmp_path / "panel.bed"), genome=tmp_path / "there_is_none.fa"
        )


def test_files_and_names_make_one_reference(tmp_path: Path) -> None:
    path = tmp_path / "denovo.tsv"
    own = load_reference("SBS3,SBS8").profiles.rename(index={"SBS3": "SBS96A", "SBS8": "SBS96B"})
    write_signatures(SignatureSet(own), path)
    found = load_reference(f"{path}, SBS5,SBS1")
    assert found.names == ["SBS96A", "SBS96B", "SBS5", "SBS1"]
    assert found.source == f"{path} and COSMIC v3.4 SBS, GRCh37"
    np.testing.assert_allclose(found.profiles.loc[own.index], own, rtol=1e-12)
    assert found.profiles.loc[["SBS5", "SBS1"]].equals(load_reference("SBS5,SBS1").profiles)
    assert load_reference([path, "SBS5", "SBS1"]).profiles.equals(found.profiles)
    whole = load_reference(["cosmic-v3.6", SignatureSet(own)], exclude="artefacts")
    assert {"SBS96B", "SBS1"} < set(whole.names)
    other = load_reference(f"{path},SBS5", made_for="hg38")
    pd.testing.assert_frame_equal(
        other.profiles.loc[["SBS5"]], load_reference("SBS5", build="GRCh38").profiles
    )
    with pytest.raises(InputDataError, match=r"SBS1: in .*SBS, GRCh37 and again in .*SBS, GRCh38"):
        load_reference(["SBS1", load_reference("SBS1", build="GRCh38")])
    with pytest.raises(InputDataError, match="are used as they are, so --build GRCh38"):
        load_reference(f"{path},SBS5", build="hg38")
    with pytest.raises(ChannelMismatchError, match=r"SBS96 channels, .* has DBS78"):
        load_reference(f"{path},DBS5")


def test_signatures_are_excluded_by_name(tmp_path: Path) -> None:
    whole = load_reference()
    without = load_reference(exclude=" sbs5, Artefacts")
    assert set(whole.names) - set(without.names) == ARTEFACTS & set(whole.names) | {"SBS5"}
    assert without.profiles.equals(whole.profiles.loc[without.names])
    assert without.source == whole.source
    path = tmp_path / "own.tsv"
    write_signatures(load_reference("SBS1,SBS5,SBS60"), path)
    assert load_reference(path, exclude=["artifacts"]).names == ["SBS1", "SBS5"]
    assert load_reference("ID1,ID2", exclude="artefacts").names == ["ID1", "ID2"]
    for exclude, message in (
        ("SSB5", "no signature 'SSB5'.*Did you mean SBS5"),
        ("SBS40", "split into SBS40a"),
        ("SBS1,SBS5,SBS60", "nothing is left without SBS1, SBS5, SBS60"),
    ):
        with pytest.raises(InputDataError, match=message):
            load_reference(path if "left" in message else "cosmic-v3.4", exclude=exclude)
