"""Trinucleotides of regions and genome, and what they make of signatures."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures import load_reference, restrict_signatures
from dnmf.signatures.regions import read_regions
from dnmf.signatures.sites import TRINUCLEOTIDES, count_sites

LENGTHS = {"chr1": 5000, "chr2": 3000, "chrM": 400}


def keep_in(folder: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnmf.signatures.sites.cache_folder", lambda: folder)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    keep_in(tmp_path / "cache", monkeypatch)


@pytest.fixture
def sequences() -> dict[str, str]:
    rng = np.random.default_rng(0)
    return {name: "".join(rng.choice(list("ACGTacgt"), size)) for name, size in LENGTHS.items()}


@pytest.fixture
def fasta(tmp_path: Path, sequences: dict[str, str]) -> Path:
    lines = []
    for name, bases in sequences.items():
        lines.append(f">{name} a > b, of length {len(bases)}")
        lines += [bases[start : start + 61] for start in range(0, len(bases), 61)]
    path = tmp_path / "genome.fa"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def bed(tmp_path: Path, *regions: str) -> Path:
    path = tmp_path / "panel.bed"
    path.write_text("".join("\t".join(r.split()) + "\n" for r in regions), encoding="ascii")
    return path


def counted_one_by_one(sequences: dict[str, str], positions: set[tuple[str, int]]) -> list[int]:
    """Base by base: the trinucleotide around each position, turned to a pyrimidine in the middle."""
    turned = str.maketrans("ACGT", "TGCA")
    counts = dict.fromkeys(TRINUCLEOTIDES, 0)
    for name, position in positions:
        word = sequences[name][position - 1 : position + 2].upper() if position > 0 else ""
        if len(word) == 3 and "N" not in word:
            counts[word if word[1] in "CT" else word[::-1].translate(turned)] += 1
    return list(counts.values())


def test_counts_are_those_of_a_count_base_by_base(
    tmp_path: Path, fasta: Path, sequences: dict[str, str]
) -> None:
    # Unsorted, overlapping, touching, at both ends of a chromosome, with and without "chr".
    panel = bed(
        tmp_path, "chr2 2900 3000", "chr1 100 300 GENE", "1 250 400", "chr1 400 420", "2 0 50"
    )
    regions = {("chr1", p) for p in range(100, 420)}
    regions |= {("chr2", p) for p in [*range(50), *range(2900, 3000)]}
    found = count_sites(panel, fasta)
    assert found.regions == counted_one_by_one(sequences, regions)
    nuclear = {(n, p) for n, size in LENGTHS.items() if n != "chrM" for p in range(size)}
    assert found.genome == counted_one_by_one(sequences, nuclear)
    assert found.unknown == 0
    assert found.build is None


def test_blocks_and_compression_do_not_matter(
    tmp_path: Path, fasta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = bed(tmp_path, "chr1 10 4000")
    whole = count_sites(panel, fasta)
    packed = tmp_path / "genome.fa.gz"
    packed.write_bytes(gzip.compress(fasta.read_bytes().replace(b"\n", b"\r\n")))
    monkeypatch.setattr("dnmf.signatures.genome._BLOCK", 7)
    monkeypatch.setattr("dnmf.signatures.sites._SLICE", 100)
    assert count_sites(panel, packed) == whole


def test_a_genome_is_read_once(
    tmp_path: Path, fasta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = bed(tmp_path, "chr1 10 4000")
    first = count_sites(panel, fasta)

    def unexpected(*_: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr("dnmf.signatures.sites._count", unexpected)
        assert count_sites(panel, fasta) == first
    other = bed(tmp_path, "chr1 10 3000")
    assert count_sites(other, fasta) != first


def test_counts_do_not_need_a_place_to_keep_them(
    tmp_path: Path, fasta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    for folder in (blocked, None):
        keep_in(folder, monkeypatch)
        assert sum(count_sites(bed(tmp_path, "chr1 10 4000"), fasta).regions) == 3990


def test_unknown_bases_are_left_out_and_told(tmp_path: Path) -> None:
    genome = tmp_path / "genome.fa"
    genome.write_text(">1\n" + "ACGTTGCATCGA" * 50 + "N" * 300 + "\n", encoding="ascii")
    panel = bed(tmp_path, "1 0 900")
    assert count_sites(panel, genome).unknown == pytest.approx(300 / 898, abs=0.002)
    with pytest.warns(DoubtfulDataWarning) as told:
        restrict_signatures(load_reference("SBS1,SBS5"), panel, genome, build="GRCh37")
    assert "33% of the regions are unknown bases" in str(told[0].message)
    assert "the regions have no" in str(told[1].message)
    with pytest.raises(InputDataError, match="hold no known base"):
        count_sites(bed(tmp_path, "1 700 800"), genome)


def test_regions_that_are_the_genome_change_nothing(tmp_path: Path, fasta: Path) -> None:
    panel = bed(tmp_path, "chr1 0 5000", "chr2 0 3000")
    signatures = load_reference("SBS1,SBS5")
    found = restrict_signatures(signatures, panel, fasta, build="GRCh37")
    np.testing.assert_allclose(found.profiles, signatures.profiles, rtol=1e-12)


def test_signatures_follow_the_sites(tmp_path: Path) -> None:
    """Twice as much A[C]G in the regions as in the genome: twice the odds of a mutation there."""
    words = "".join(sorted({a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"}))
    genome = tmp_path / "genome.fa"
    genome.write_text(f">1\n{words * 20}\n>2\n{words * 10}{'ACG' * 200}\n", encoding="ascii")
    chosen = load_reference(
        "SBS1,SBS5", assay=str(bed(tmp_path, f"2 1 {len(words) * 10 + 599}")), genome=genome
    )
    before = load_reference("SBS1,SBS5").profiles.loc["SBS5"]
    odds = chosen.profiles.loc["SBS5"] / before
    counts = count_sites(tmp_path / "panel.bed", genome)
    place = {word: number for number, word in enumerate(TRINUCLEOTIDES)}
    for one, other in (("ACG", "ATT"), ("GCG", "CTA")):
        expected = (counts.regions[place[one]] / counts.genome[place[one]]) / (
            counts.regions[place[other]] / counts.genome[place[other]]
        )
        channel, second = (
            f"{w[0]}[{w[1]}>{'A' if w[1] == 'C' else 'G'}]{w[2]}" for w in (one, other)
        )
        assert odds[channel] / odds[second] == pytest.approx(expected, rel=1e-9)
    assert "in the regions of panel.bed" in chosen.source


def test_the_build_of_a_genome_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fasta: Path
) -> None:
    monkeypatch.setattr("dnmf.signatures.sites._LENGTH_OF_1", {5000: "GRCh38"})
    with pytest.raises(InputDataError, match="is GRCh38, by the length of chromosome 1"):
        load_reference("cosmic-v3.4", assay=str(bed(tmp_path, "1 0 90")), genome=fasta)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("chr7 0 10", "has no chromosome 7, on which .* has regions"),
        ("chr1 4990 5001", "ends at 5,001, but in .* it has 5,000 bases"),
        ("chr1 10 10", "line 1: the region 10 to 10 is empty"),
        ("chr1 10", "line 1: expected chromosome, start and end"),
        ("# nothing", "no region in it"),
    ],
)
def test_regions_that_do_not_fit_are_refused(
    tmp_path: Path, fasta: Path, region: str, message: str
) -> None:
    with pytest.raises(InputDataError, match=message):
        count_sites(bed(tmp_path, region), fasta)


def test_files_that_are_no_genome_are_refused(tmp_path: Path, fasta: Path) -> None:
    panel = bed(tmp_path, "1 0 10")
    other = tmp_path / "other.fa"
    for content, message in (
        ("", "is empty"),
        ("ACGT\n", "does not begin with '>'"),
        (">x\nAC\n", "1 to|chromosome 1"),
    ):
        other.write_text(content)
        with pytest.raises(InputDataError, match=message):
            count_sites(panel, other)
    with pytest.raises(InputDataError, match="Give the genome they belong to"):
        load_reference("cosmic-v3.4", assay=str(panel))
    with pytest.raises(InputDataError, match="only read to count the sites"):
        load_reference("cosmic-v3.4", genome=fasta)
    with pytest.raises(InputDataError, match="no such file"):
        load_reference("cosmic-v3.4", assay="gone.bed", genome=fasta)


def test_a_bed_file_may_have_headers_and_be_packed(tmp_path: Path) -> None:
    path = tmp_path / "panel.bed.gz"
    path.write_bytes(gzip.compress(b"browser x\ntrack name=a\n#c\n\nchrX 5 9\nchrX 1 5\n"))
    assert {name: own.tolist() for name, own in read_regions(path).items()} == {"X": [[1, 9]]}
    path.write_bytes(b"not gzip")
    with pytest.raises(InputDataError, match="is not a BED file"):
        read_regions(path)
