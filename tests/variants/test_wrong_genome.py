"""Variants of another genome are refused early, and both genomes are named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures.builds import BUILD_BY_LENGTH_OF_1
from dnmf.variants import VariantCounts, count_variants

Count = Callable[..., VariantCounts]
BASES = "".join(np.random.default_rng(5).choice(list("ACGT"), 600))
ROWS = [("1", at, BASES[at - 1], "A" if BASES[at - 1] != "A" else "C") for at in range(5, 595, 4)]


def test_another_build_by_the_bases(counted: Count) -> None:
    assert counted({"1": BASES}, ROWS).outcomes["counted"].sum() == len(ROWS)
    shifted = [(contig, at + 1, ref, alt) for contig, at, ref, alt in ROWS]
    with pytest.raises(
        InputDataError, match=r"s\.vcf: \d+ of 148 rows \([\d.]+ %\) have a REF that"
    ):
        counted({"1": BASES}, shifted)


def test_a_few_other_bases_are_told(counted: Count) -> None:
    wrong = [("1", at, "A" if BASES[at - 1] != "A" else "C", "G") for at in range(7, 27, 4)]
    wrong = [row for row in wrong if row[2] != row[3]]
    with pytest.warns(DoubtfulDataWarning, match=rf"{len(wrong)} of .*the first is line 3, 1:7"):
        found = counted({"1": BASES}, [*wrong, *ROWS])
    assert found.outcomes["reference_mismatch"].sum() == len(wrong)
    # Of fewer than 20 rows any share may be chance.
    with pytest.warns(DoubtfulDataWarning, match="They are not counted"):
        counted({"1": BASES}, [*wrong, *ROWS[:10]])
    with (
        pytest.warns(DoubtfulDataWarning, match="nothing was counted of t"),
        pytest.warns(DoubtfulDataWarning, match=r"t\.vcf: 1 of 1 rows \(100 %\)"),
    ):
        counted({"1": BASES}, {"s": ROWS, "t": wrong[:1]})


def test_another_file_of_the_run_does_not_hide_it(counted: Count) -> None:
    shifted = [(contig, at + 1, ref, alt) for contig, at, ref, alt in ROWS[:25]]
    with pytest.raises(InputDataError, match=r"t\.vcf: \d+ of 25 rows"):
        counted({"1": BASES}, {"s": ROWS, "t": shifted})


def test_small_files_are_judged_together(counted: Count) -> None:
    wrong = [(contig, at + 1, ref, alt) for contig, at, ref, alt in ROWS if BASES[at] != ref]
    every_one = {f"s{k}": wrong[10 * k : 10 * k + 10] for k in range(6)}
    with pytest.raises(InputDataError, match=r"s0\.vcf.*: 60 of 60 rows \(100 %\)"):
        counted({"1": BASES}, {"fitting": ROWS, **every_one})
    # The warning of several files is one.
    two = {f"s{k}": [wrong[k], *ROWS[25 * k : 25 * k + 24]] for k in range(2)}
    words = r"s0\.vcf.*s1\.vcf.*: 2 of 50 rows \(4 %\).*the first is .*s0\.vcf, line"
    with pytest.warns(DoubtfulDataWarning, match=words) as told:
        counted({"1": BASES}, two)
    assert len([one for one in told if "have a REF" in str(one.message)]) == 1


def vcf(tmp_path: Path, *header: str) -> Path:
    path = tmp_path / "a.vcf"
    lines = ["##fileformat=VCFv4.2", *header, "#CHROM\tPOS\tID\tREF\tALT"]
    lines += [f"{contig}\t{at}\t.\t{ref}\t{alt}" for contig, at, ref, alt in ROWS]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def genome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("dnmf.caches.cache_folder", lambda: None)
    monkeypatch.setitem(BUILD_BY_LENGTH_OF_1, 600, "GRCh38")
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{BASES}\n>chrM\nACGT\n")
    return path


def test_another_build_by_the_lengths_of_the_header(tmp_path: Path, genome: Path) -> None:
    length = "##contig=<ID=1,length=249250621>"
    words = r"header says that 1 has 249,250,621 bases \(GRCh37\), but in .* 600 \(GRCh38\)"
    with pytest.raises(InputDataError, match=words):
        count_variants(vcf(tmp_path, length), genome)
    fitting = "##contig=<ID=1,length=600>", "##contig=<ID=7,length=5>"
    count_variants(vcf(tmp_path, *fitting), genome)
    # The mitochondrial genome, in which hg19 and GRCh37 differ, matters only where it is counted.
    other = "##contig=<ID=MT,length=9>"
    count_variants(vcf(tmp_path, other), genome)
    with pytest.raises(InputDataError, match="header says that MT has 9 bases"):
        count_variants(vcf(tmp_path, other), genome, mitochondria=True)


@pytest.mark.parametrize("build", ["GRCh37", "hg19", "37", "b37", "mm10", "GRCm38"])
def test_another_build_by_its_name(tmp_path: Path, genome: Path, build: str) -> None:
    path = tmp_path / "a.maf"
    names = [
        "Chromosome",
        "Start_Position",
        "Reference_Allele",
        "Tumor_Seq_Allele2",
        "Tumor_Sample_Barcode",
    ]
    for written in (build, "GRCh38"):
        rows = ["\t".join([*names, "NCBI_Build"])]
        rows += ["\t".join([*map(str, row), "s", written]) for row in ROWS]
        path.write_text("\n".join(rows) + "\n")
        if written == "GRCh38":
            count_variants(path, genome)
            continue
        with pytest.raises(InputDataError, match=f"its variants are of {build}, but .* is GRCh38"):
            count_variants(path, genome)
