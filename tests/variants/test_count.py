"""From rows to channels and outcomes, rule by rule, on a genome that can be read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.variants import OUTCOMES, VariantCounts, count_variants

#         1234567890123456789012345678901234567890
ONE = "ACGTTTTTACACACGGATCNNACGTTGCATTAGGTTAGCA"
GENOME = {"chr1": ONE, "chrM": "ACGTACGTAA", "chr2": "TTACGTACGTCC"}
Count = Callable[..., VariantCounts]
Channels = Callable[[VariantCounts], dict[str, dict[str, int]]]

CASES = [
    # A substitution has the neighbours of the pyrimidine.
    ([("1", 3, "G", "A")], {"A[C>T]G": 1}, ["counted"]),
    ([("chr1", 4, "t", "c")], {"G[T>C]T": 1}, ["counted"]),
    # Two bases in one row or in two are a doublet and no substitution; three are neither.
    ([("1", 2, "CG", "AA")], {"CG>TT": 1}, ["counted"]),
    ([("1", 2, "C", "A"), ("1", 3, "G", "A")], {"CG>TT": 1}, ["counted"] * 2),
    ([("1", 3, "G", "A"), ("1", 2, "C", "A")], {"CG>TT": 1}, ["counted"] * 2),
    ([("1", 2, "CGT", "AAA")], {}, ["mnv"]),
    ([("1", 2, "C", "A"), ("1", 3, "G", "A"), ("1", 4, "T", "A")], {}, ["mnv"] * 3),
    # What both alleles begin and end with is cut; a base that is kept parts two events.
    ([("1", 1, "ACG", "ACA")], {"A[C>T]G": 1}, ["counted"]),
    ([("1", 1, "ACGT", "ACCA")], {"AC>TG": 1}, ["counted"]),
    ([("1", 2, "CGT", "AGA")], {"A[C>A]G": 1, "G[T>A]T": 1}, ["counted"]),
    ([("1", 2, "CGTT", "AATC")], {"CG>TT": 1, "T[T>C]T": 1}, ["counted"]),
    # A base with two changes belongs to no run.
    (
        [("1", 2, "C", "A,T"), ("1", 3, "G", "A")],
        {"A[C>A]G": 1, "A[C>T]G": 2},
        ["counted"] * 3,
    ),
    # The same change again, however written.
    ([("1", 3, "G", "A"), ("1", 3, "GT", "AT")], {"A[C>T]G": 1}, ["counted", "duplicate"]),
    ([("1", 2, "CG", "AA"), ("1", 3, "G", "A")], {"CG>TT": 1}, ["counted", "duplicate"]),
    ([("1", 4, "TT", "T"), ("1", 7, "TT", "T")], {"1:Del:T:4": 1}, ["counted", "duplicate"]),
    ([("1", 4, "T", "TT"), ("1", 8, "T", "TT")], {"1:Ins:T:5": 1}, ["counted", "duplicate"]),
    ([("1", 9, "A", "ACA"), ("1", 10, "C", "CAC")], {"2:Ins:R:3": 1}, ["counted", "duplicate"]),
    # An indel has the channel of its leftmost place, wherever it is written.
    ([("1", 10, "CAC", "C")], {"2:Del:R:2": 1}, ["counted"]),
    ([("1", 8, "TAC", "T")], {"2:Del:R:2": 1}, ["counted"]),
    ([("1", 10, "C", "CACAC")], {"4:Ins:R:1": 1}, ["counted"]),
    ([("1", 31, "TAGG", "T")], {"3:Del:R:0": 1}, ["counted"]),
    ([("1", 29, "ATTAGG", "A")], {"5:Del:M:4": 1}, ["counted"]),
    ([("1", 30, "TTAGGT", "T")], {"5:Del:M:4": 1}, ["counted"]),
    # The first base of a contig, written with the base after it or with none.
    ([("2", 1, "TTA", "A")], {"2:Del:R:0": 1}, ["counted"]),
    ([("2", 1, "T", "-")], {"1:Del:T:1": 1}, ["counted"]),
    ([("2", 12, "-", "C")], {"1:Ins:C:2": 1}, ["counted"]),
    # An unknown neighbour; an unknown base two away does not matter.
    ([("1", 19, "C", "A")], {}, ["context"]),
    ([("1", 18, "T", "A")], {"A[T>A]C": 1}, ["counted"]),
    ([("2", 1, "T", "A")], {}, ["context"]),
    # What is no variant that can be counted.
    ([("1", 3, "A", "G")], {}, ["reference_mismatch"]),
    ([("1", 40, "AC", "A")], {}, ["reference_mismatch"]),
    ([("1", 41, "A", "C")], {}, ["reference_mismatch"]),
    ([("1", 4_000_000_000, "A", "C")], {}, ["reference_mismatch"]),
    ([("2", 13, "-", "C")], {}, ["reference_mismatch"]),
    ([("1", 41, "-", "C")], {}, ["reference_mismatch"]),
    ([("1", 1, "ACG", "T")], {}, ["complex"]),
    ([("1", 3, "G", "G")], {}, ["no_change"]),
    ([("1", 3, "G", "*,<DEL>,N,.,G[1:5[")], {}, ["allele"] * 5),
    ([("1", 3, "G", "A", "LowQual")], {}, ["filtered"]),
    ([("GL000220.1", 3, "G", "A")], {}, ["contig"]),
    ([("MT", 3, "G", "A")], {}, ["mitochondrial"]),
]


@pytest.mark.parametrize(("rows", "expected", "outcomes"), CASES)
@pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
def test_rows_are_counted_by_the_rules(
    counted: Count, channels: Channels, rows: Any, expected: dict[str, int], outcomes: list[str]
) -> None:
    # In another sample something is counted: a run in which nothing is would be an error.
    found = counted(GENOME, {"other": [("2", 4, "C", "A")], "s": rows})
    own = found.variants[found.variants["sample"] == "s"]
    assert own["outcome"].tolist() == outcomes
    assert channels(found)["s"] == expected
    assert found.outcomes.to_numpy().sum() == len(found.variants)
    shown = [c for cell in own["channel"].dropna() for c in cell.split(";")]
    assert set(shown) == set(channels(found)["s"])


EVERYTHING = [
    ("1", 3, "G", "A"),  # A[C>T]G
    ("1", 9, "AC", "CA"),  # AC>CA
    ("1", 4, "TT", "T"),  # 1:Del:T:4
    ("2", 4, "C", "A"),  # A[C>A]G
    ("M", 3, "G", "A"),  # A[C>T]G
    ("2", 8, "C", "A", "LowQual"),  # A[C>A]G
]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"A[C>T]G": 1, "A[C>A]G": 1, "AC>CA": 1, "1:Del:T:4": 1}),
        ({"mitochondria": True}, {"A[C>T]G": 2, "A[C>A]G": 1, "AC>CA": 1, "1:Del:T:4": 1}),
        ({"filters": "all"}, {"A[C>T]G": 1, "A[C>A]G": 2, "AC>CA": 1, "1:Del:T:4": 1}),
        ({"filters": ["LowQual"], "classes": ["SBS96"]}, {"A[C>A]G": 1}),
        (
            {"doublets": "both"},
            {"A[C>T]G": 1, "A[C>A]G": 1, "AC>CA": 1, "1:Del:T:4": 1, "G[T>G]A": 1, "A[C>A]A": 1},
        ),
        (
            {"doublets": "both", "classes": ["SBS96"]},
            {"A[C>T]G": 1, "A[C>A]G": 1, "G[T>G]A": 1, "A[C>A]A": 1},
        ),
        ({"classes": ["DBS78"]}, {"AC>CA": 1}),
        ({"classes": ["ID83", "SBS96"]}, {"1:Del:T:4": 1, "A[C>T]G": 1, "A[C>A]G": 1}),
        ({"classes": ["SBS1536"]}, {"AA[C>T]GT": 1, "TA[C>A]GT": 1}),
    ],
)
def test_options(
    counted: Count, channels: Channels, options: Any, expected: dict[str, int]
) -> None:
    found = counted(GENOME, EVERYTHING, **options)
    assert list(found.catalogs) == list(options.get("classes", ("SBS96", "DBS78", "ID83")))
    assert found.outcomes.to_numpy().sum() == len(EVERYTHING)
    assert channels(found)["s"] == expected


def test_a_row_of_another_class_says_so(counted: Count) -> None:
    found = counted(GENOME, EVERYTHING, classes=["SBS96"])
    assert found.variants["outcome"].tolist() == [
        "counted",
        "other_class",
        "other_class",
        "counted",
        "mitochondrial",
        "filtered",
    ]
    assert set(found.outcomes.columns) == set(OUTCOMES)


def test_the_position_of_a_row_is_that_of_its_file(counted: Count) -> None:
    rows = [("2", 11, "-", "C"), ("2", 1, "T", "-"), ("2", 4, "C", "CA")]
    assert counted(GENOME, rows).variants["position"].tolist() == [11, 1, 4]


def test_what_is_told_of_a_count(counted: Count, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    found = counted(GENOME, EVERYTHING, progress=lambda *step: steps.append(step[:3]))
    assert {phase for phase, _, _ in steps} >= {"reading variants", "counting substitutions"}
    assert found.genome["name"] == "genome.fa"
    assert found.genome["contigs"] == 3
    assert found.parameters["filters"] == ["PASS", "."]
    assert [file["name"] for file in found.files] == ["s.vcf"]
    row = found.variants.iloc[1]
    assert row.drop("file").to_dict() == {
        "line": 4,
        "sample": "s",
        "contig": "1",
        "position": 9,
        "ref": "AC",
        "alt": "CA",
        "outcome": "counted",
        "class": "DBS78",
        "channel": "AC>CA",
        "strand": np.nan,
    }


def test_samples_share_nothing(counted: Count, channels: Channels) -> None:
    """The same variant in two samples is two; bases of two samples make no doublet."""
    rows = {
        "a": [("1", 2, "C", "A"), ("1", 4, "TT", "T")],
        "b": [("1", 2, "C", "A"), ("1", 4, "TT", "T")],
        "c": [("1", 3, "G", "A")],
    }
    found = counted(GENOME, rows)
    assert channels(found) == {
        "a": {"A[C>A]G": 1, "1:Del:T:4": 1},
        "b": {"A[C>A]G": 1, "1:Del:T:4": 1},
        "c": {"A[C>T]G": 1},
    }


def test_events_are_counted_where_they_begin(
    counted: Count, channels: Channels, tmp_path: Path
) -> None:
    """Regions hold an event by its first base, after it was moved to the left; runs are found before."""
    (tmp_path / "panel.bed").write_text("track x\nchr1\t3\t4\nchr1\t1\t2\nchr1\t8\t9\n")
    rows = [
        ("1", 2, "CG", "AA"),  # begins inside
        ("1", 10, "C", "A"),  # outside
        ("1", 9, "AC", "A"),  # the base deleted is outside, and so is its anchor's neighbour
        ("1", 7, "TT", "T"),  # moved to base 4: inside
        ("1", 8, "T", "TA"),  # before base 9: inside
    ]
    found = counted(GENOME, rows, regions=tmp_path / "panel.bed")
    assert channels(found)["s"] == {"CG>TT": 1, "1:Del:T:4": 1, "1:Ins:T:1": 1}
    assert found.variants["outcome"].tolist() == [
        "counted",
        "outside",
        "outside",
        "counted",
        "counted",
    ]
    (tmp_path / "panel.bed").write_text("chr9\t3\t4\n")
    with pytest.raises(InputDataError, match="has regions on 9, none of which is a contig"):
        counted(GENOME, rows, regions=tmp_path / "panel.bed")
    (tmp_path / "panel.bed").write_text("chr9\t3\t4\n1\t0\t40\n")
    with pytest.warns(DoubtfulDataWarning, match="has regions on 9, which no contig"):
        counted(GENOME, rows, regions=tmp_path / "panel.bed")


def test_every_mitochondrial_contig_of_the_genome_is_one(counted: Count) -> None:
    rows = [("chrM", 2, "C", "A"), ("chrMT", 2, "C", "A"), ("1", 2, "C", "A")]
    found = counted({**GENOME, "chrMT": "ACGT"}, rows)
    assert found.variants["outcome"].tolist() == ["mitochondrial", "mitochondrial", "counted"]


TRANSCRIPTS = """Gene\tTranscript\tChromosome\tStrand\tStart\tEnd
g1\tt1\t1\t1\t2\t4
g2\tt2\t1\t-1\t4\t9
g3\tt3\t1\t-1\t7\t8
g4\tt4\t7\t1\t7\t8
"""


def test_strands(counted: Count, channels: Channels, tmp_path: Path) -> None:
    """On the + strand a pyrimidine is untranscribed, and a purine transcribed; of both, half go to each."""
    table = tmp_path / "transcripts.tsv"
    table.write_text(f"# release 110\n\n{TRANSCRIPTS}")
    rows = [
        ("1", 2, "C", "A"),  # +
        ("1", 4, "T", "C"),  # both
        ("1", 6, "T", "C"),  # -
        ("1", 9, "A", "C"),  # -, purine
        ("1", 11, "A", "C"),  # neither
    ]
    found = counted(GENOME, rows, classes=["SBS384", "SBS96"], transcripts=table)
    assert found.variants["strand"].tolist() == list("UBTUN")
    by_strand = found.catalogs["SBS384"].counts.loc["s"].groupby(lambda label: label[0]).sum()
    assert by_strand.to_dict() == {"T": 1, "U": 2, "B": 1, "N": 1}
    several = {
        "s": rows,
        "t": [("1", 4, "T", "C")],
        "u": [("chr1", 4, "T", "A"), ("chr1", 6, "T", "A")],
    }
    found = counted(GENOME, several, classes=["SBS288"], transcripts=table)
    assert channels(found)["t"] == {"T:G[T>C]T": 1}
    assert channels(found)["u"] == {"T:G[T>A]T": 1, "T:T[T>A]T": 1}
    with pytest.raises(InputDataError, match="For SBS288 give a table of transcripts"):
        counted(GENOME, rows, classes=["SBS288"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("g\tt\t1\t1\t2\t4\ng\tt\t1\t?\t2\t4\n", "line 2: expected gene, transcript"),
        ("g\tt\t1\t1\t5\t4\n", "line 1: expected gene, transcript"),
        ("g\tt\t9\t1\t2\t4\n", "no transcript in it is on a contig"),
        ("", "no transcript in it"),
    ],
)
def test_transcripts_that_are_none_are_refused(
    counted: Count, tmp_path: Path, content: str, words: str
) -> None:
    table = tmp_path / "transcripts.tsv"
    table.write_text(content)
    with pytest.raises(InputDataError, match=words):
        counted(GENOME, EVERYTHING, transcripts=table)


MAF = "Chromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2\tTumor_Sample_Barcode\tCONTEXT\n"


def test_the_column_context_stands_for_a_genome(tmp_path: Path, channels: Channels) -> None:
    rows = [
        ("1", 12, "C", "A", "s", "CATATCGGGCT"),  # T[C>A]G
        ("1", 31, "G", "A", "s", "CATATGTGGCT"),  # T[G>A]T
        ("1", 32, "T", "C", "s", "ATATGTGGCTA"),  # with the one above a doublet
        ("1", 50, "AC", "GT", "s", "CATATACGGCTA"),  # a doublet in one row
        ("1", 60, "C", "A", "s", "CATATTGGGCT"),  # REF is another
        ("1", 70, "C", "A", "s", "NA"),
        ("1", 80, "C", "A", "s", "CATANCGGGCT"),
        ("1", 90, "C", "-", "s", "CATATTCGGGCT"),
    ]
    path = tmp_path / "a.maf"
    path.write_text(MAF + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    with pytest.warns(DoubtfulDataWarning, match="its column CONTEXT does not have there"):
        found = count_variants(path, classes=["SBS96", "DBS78"])
    assert channels(found)["s"] == {"T[C>A]G": 1, "AC>GT": 2}
    assert found.variants["outcome"].tolist() == [
        *["counted"] * 4,
        "reference_mismatch",
        "context",
        "context",
        "other_class",
    ]
    with pytest.raises(InputDataError, match=r"For ID83 the genome is needed.*--classes"):
        count_variants(path)


def test_without_a_genome_or_its_bases_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.vcf"
    path.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n1\t5\t.\tC\tA\n")
    with pytest.raises(InputDataError, match=r"a\.vcf: give the genome of the variants"):
        count_variants(path, classes=["SBS96"])


def test_nothing_counted_is_an_error_with_the_reasons(counted: Count) -> None:
    rows = [("1", 3, "G", "A", "LowQual"), ("M", 3, "G", "A"), ("M", 4, "T", "A")]
    with pytest.raises(InputDataError, match="nothing was counted") as error:
        counted(GENOME, rows)
    assert "filtered: 1" in str(error.value)
    assert "mitochondrial: 2" in str(error.value)
    assert "--mitochondria" in str(error.value)
    with pytest.raises(InputDataError, match=r"^\w+\.vcf: nothing was counted\. There is no row"):
        counted(GENOME, [])


def test_a_sample_in_which_nothing_is_counted_is_named(counted: Count) -> None:
    with pytest.warns(DoubtfulDataWarning, match="nothing was counted of t"):
        found = counted(GENOME, {"s": EVERYTHING, "t": [], "u": EVERYTHING})
    assert found.catalogs["SBS96"].sample_names == ["s", "t", "u"]
    assert found.catalogs["SBS96"].empty_samples == ["t"]
    assert any("nothing was counted of t" in message for message in found.warnings)


def test_contigs_that_the_genome_does_not_have_are_listed(counted: Count) -> None:
    rows = [*EVERYTHING, ("7", 1, "A", "C"), ("8", 1, "A", "C"), ("8", 2, "A", "C")]
    with pytest.warns(
        DoubtfulDataWarning, match=r"rows on contigs .* 3 in all, .*: 8 \(2\), 7 \(1\)"
    ):
        counted(GENOME, rows)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": ["SBS97"]}, "SBS97 cannot be counted from variants: there are SBS96"),
        ({"classes": ["CN48"]}, "CN48 is counted from tables of copy number segments"),
        ({"classes": []}, "no class cannot be counted"),
        ({"doublets": "all"}, "doublets is 'separate' or 'both', not 'all'"),
    ],
)
def test_options_that_do_not_exist(counted: Count, options: Any, words: str) -> None:
    with pytest.raises(InputDataError, match=words):
        counted(GENOME, EVERYTHING, **options)
