"""One choice of a reference and of a prior, for several classes."""

import pytest

from dnmf.classes import class_options, class_prior
from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning
from dnmf.signatures import DBS78, ID83, SBS96, load_reference


def loaded(channels, *args, **options):
    return load_reference(**class_options(channels, *args, **options), channels=channels)


def test_a_list_means_the_signatures_of_each_class():
    names = "SBS1,ID2,SBS5,ID1"
    assert loaded(SBS96, names).names == ["SBS1", "SBS5"]
    assert loaded(ID83, names).names == ["ID2", "ID1"]
    with pytest.raises(ChannelMismatchError, match="names no signature of this class"):
        loaded(DBS78, names)


def test_a_signature_is_excluded_from_its_class_only():
    assert "SBS5" not in loaded(SBS96, exclude="SBS5,ID1,artefacts").names
    assert len(loaded(DBS78, exclude="SBS5,ID1,artefacts")) == len(loaded(DBS78))


def test_the_reference_is_for_the_build_of_the_genome_where_there_are_builds():
    assert loaded(SBS96, genome_build="GRCh38").target == "GRCh38"
    assert loaded(DBS78, genome_build="GRCh38").target == "GRCh38"
    assert loaded(ID83, genome_build="GRCh38").names == loaded(ID83).names


@pytest.mark.parametrize(
    ("channels", "build", "options"),
    [
        (SBS96, "GRCh38", {"reference": "cosmic-v3.4-GRCh37"}),
        (SBS96, "GRCh38", {"build": "hg19"}),
        (SBS96, "mm10", {}),
        (ID83, "mm10", {}),
    ],
)
def test_a_reference_for_another_build_than_the_genome_is_told(channels, build, options):
    with pytest.warns(DoubtfulDataWarning, match=f"is for GRCh37, the variants are of {build}"):
        assert loaded(channels, **options, genome_build=build).target == "GRCh37"


def test_a_build_that_is_assumed_is_told():
    with pytest.warns(DoubtfulDataWarning, match="not known: GRCh37 is assumed .* --build"):
        assert loaded(DBS78, genome_build="").target == "GRCh37"
    # One profile for all builds, or a build that was chosen: nothing is assumed.
    assert loaded(ID83, genome_build="").target == "GRCh37"
    assert loaded(SBS96, build="GRCh38", genome_build="").target == "GRCh38"
    assert loaded(SBS96, "cosmic-v3.4-GRCh38", genome_build="").target == "GRCh38"


def test_what_cannot_be_converted_to_an_assay_is_that_of_genomes_with_a_warning():
    assert loaded(DBS78, assay="exome").target.endswith("exome")
    with pytest.warns(DoubtfulDataWarning, match="ID83: its signatures cannot be converted"):
        assert loaded(ID83, assay="exome", build="GRCh38").names == loaded(ID83).names
    with pytest.warns(DoubtfulDataWarning, match=r"the regions of panel\.bed"):
        assert loaded(DBS78, assay="panel.bed", genome="genome.fa").target == "GRCh37"
    options = class_options(SBS96, assay="panel.bed", genome="genome.fa")
    assert (options["assay"], options["genome"]) == ("panel.bed", "genome.fa")


def test_a_prior_is_used_where_it_knows_the_signatures(tmp_path):
    substitutions, indels = loaded(SBS96), loaded(ID83)
    table = tmp_path / "exposures.tsv"
    table.write_text("Samples\tID1\tID2\na\t3\t4\n")
    assert class_prior("Breast-AdenoCA", substitutions, 20) == "Breast-AdenoCA"
    assert class_prior(str(table), indels, 20) == str(table)
    assert [class_prior(prior, indels, 20) for prior in (None, "cohort", "none")] == [
        None,
        "cohort",
        "none",
    ]
    for prior, reference in (("pan-cancer", indels), (str(table), substitutions)):
        with pytest.warns(DoubtfulDataWarning, match="knows none of its signatures"):
            assert class_prior(prior, reference, 20) is None


def test_a_class_of_few_samples_has_the_usual_prior_instead_of_the_cohort():
    indels = loaded(ID83)
    with pytest.warns(DoubtfulDataWarning, match="ID83: the prior cohort needs at least .* are 3"):
        assert class_prior("cohort", indels, 3) is None
