"""Trinucleotides of regions and genome, and what they make of signatures."""

import gzip
import os
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.inputs import input_limit
from dnmf.signatures import SignatureSet, load_reference, restrict_signatures, seen_parts
from dnmf.signatures.genome import read_sequences
from dnmf.signatures.regions import read_regions
from dnmf.signatures.sites import TRINUCLEOTIDES, count_sites

LENGTHS = {"chr1": 5000, "chr2": 3000, "chrM": 400}


def keep_in(folder: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnmf.caches.cache_folder", lambda: folder)


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
    monkeypatch.setattr("dnmf.inputs._BLOCK", 7)
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
    assert chosen.opportunity is not None
    parts = (load_reference("SBS1,SBS5").profiles * chosen.opportunity).sum(axis=1)
    np.testing.assert_allclose(seen_parts(chosen), parts / parts.mean())
    flat = SignatureSet(chosen.profiles.iloc[:1].rename({"SBS1": "own"}) * 0 + 1 / 96)
    together = load_reference([flat, chosen.select(["SBS5", "SBS1"])])
    assert seen_parts(together)[1] / seen_parts(together)[2] == pytest.approx(
        parts["SBS5"] / parts["SBS1"]
    )


def test_the_build_of_a_genome_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fasta: Path
) -> None:
    monkeypatch.setattr("dnmf.signatures.sites.BUILD_BY_LENGTH_OF_1", {5000: "GRCh38"})
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
    with pytest.raises(InputDataError, match="line 1: expected chromosome"):
        read_regions(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"1\t5\t9\n1\t0\t9223372036854775808\n", "line 2: no chromosome is as long"),
        (b"1\t5\t9\n1\t0\t" + b"9" * 5000, "line 2: expected chromosome"),
        (b"1\t5\t1_0\n", "line 1: expected chromosome"),
        (b"1\t5\t9\nchr\xe9\t1\t2\n", "line 2: found the byte 0xe9"),
        (b"1\t5\t9\n\x00", "line 2: found a NUL byte"),
        (b"1\t5\t9\r1\t5\r", "line 2: expected chromosome"),
        (gzip.compress(b"1\t5\t9\n" * 99, mtime=0)[:-9], "truncated or damaged"),
        (b"", "no region in it"),
    ],
)
def test_a_damaged_bed_file_is_refused_with_its_line(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "panel.bed"
    path.write_bytes(content)
    with pytest.raises(InputDataError, match=f"panel.bed.*{words}"):
        read_regions(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_bed_file_of_any_encoding_and_line_end(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "panel.bed"
    path.write_bytes("chr1\t5\t9\r2\t0\t1\r\n2\t1\t7\n".encode(encoding))
    found = {name: own.tolist() for name, own in read_regions(path).items()}
    assert found == {"1": [[5, 9]], "2": [[0, 7]]}


def test_more_regions_than_the_limit_allows(tmp_path: Path) -> None:
    panel = bed(tmp_path, *["chr1 1 2"] * 100)
    with input_limit(20_000), pytest.raises(InputDataError, match="more than 78 lines"):
        read_regions(panel)


@pytest.mark.parametrize("place", [0, 11, 15, 200, -5])
def test_a_damaged_genome_is_refused(tmp_path: Path, fasta: Path, place: int) -> None:
    packed = bytearray(gzip.compress(fasta.read_bytes()))
    packed[place] ^= 0xFF
    (tmp_path / "genome.fa.gz").write_bytes(packed)
    with pytest.raises(InputDataError, match=r"genome\.fa\.gz.*(damaged|not FASTA)"):
        count_sites(bed(tmp_path, "chr1 10 40"), tmp_path / "genome.fa.gz")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"ACGT", "does not begin with '>'"),
        (gzip.compress(b"\n" * 80_000_000, mtime=0), "does not begin with '>'"),
        (b">1 " + b"x" * 3_000_000, "longer than any of a genome"),
        (b">1\rACGT\r" * 300_000, "longer than any of a genome"),
        (b">1\n" + b"ACGT" * 10, "after the name '1' a line or sequence"),
    ],
)
def test_a_genome_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, words: str
) -> None:
    monkeypatch.setattr("dnmf.signatures.fasta._LONGEST", 39)
    path = tmp_path / "genome.fa"
    path.write_bytes(content)
    with pytest.raises(InputDataError, match=words):
        list(read_sequences(path))


def test_sequences_are_whole_wherever_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "genome.fa"
    path.write_bytes(b"\n>chr1 a>b\nAC\nGT\n\n>2\n>\r\nNA\r\n>chrX\nT")
    for block in (*range(1, 40), 1 << 20):
        monkeypatch.setattr("dnmf.inputs._BLOCK", block)
        found = {name: codes.tolist() for name, codes in read_sequences(path)}
        assert found == {"1": [0, 1, 2, 3], "2": [], "": [4, 0], "X": [3]}


def test_regions_and_genome_may_be_pipes(tmp_path: Path, fasta: Path) -> None:
    panel = bed(tmp_path, "chr1 10 4000")
    expected = count_sites(panel, fasta)
    pipes = tmp_path / "pipe.bed", tmp_path / "pipe.fa"
    for pipe, file in zip(pipes, (panel, fasta), strict=True):
        os.mkfifo(pipe)
        Thread(target=pipe.write_bytes, args=(file.read_bytes(),), daemon=True).start()
    assert count_sites(*pipes) == expected
