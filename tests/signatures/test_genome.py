"""Genomes in all their files: the same bases, and only files that are whole and fit together."""

import gzip
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from dnmf.exceptions import InputDataError
from dnmf.signatures.genome import Genome, read_sequences

LINE = 50
CONTIGS = {"chr1": 1234, "chr2": 150, "chrM": 77, "empty": 0}
Sequences = dict[str, str]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr("dnmf.caches.cache_folder", lambda: folder)
    return folder


@pytest.fixture(scope="module")
def sequences() -> Sequences:
    rng = np.random.default_rng(3)
    drawn = {n: "".join(rng.choice(list("ACGTacgtNR"), size)) for n, size in CONTIGS.items()}
    return drawn | {"chr2": "N" * 20 + drawn["chr2"][20:-9] + "n" * 9}


def fasta(sequences: Sequences, line: int = LINE, end: str = "\n") -> bytes:
    text = ""
    for name, bases in sequences.items():
        text += f">{name} of {len(bases)} > bases{end}"
        text += "".join(bases[at : at + line] + end for at in range(0, len(bases), line))
    return text.encode()


def fai(sequences: Sequences) -> str:
    """The index by the definition of samtools: name, bases, place of the first, bases and bytes of a line."""
    rows, place = [], 0
    for name, bases in sequences.items():
        place += len(f">{name} of {len(bases)} > bases\n")
        rows.append(f"{name}\t{len(bases)}\t{place}\t{LINE}\t{LINE + 1}\n")
        place += len(bases) + -(-len(bases) // LINE)
    return "".join(rows)


def bgzip(content: bytes, block: int = 300) -> bytes:
    members = []
    for at in (*range(0, len(content), block), len(content)):
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        part = content[at : at + block]
        body = packer.compress(part) + packer.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(body) + 25)
        members.append(head + body + struct.pack("<II", zlib.crc32(part), len(part)))
    return b"".join(members)


def two_bit(sequences: Sequences, order: str = "<", version: int = 0) -> bytes:
    """UCSC's format: runs of N beside the bases, which are two bits each, T C A G; a run in lower case, too."""
    place_format = order + ("Q" if version else "I")
    records = []
    for bases in sequences.values():
        known = [base in "ACGTacgt" for base in bases]
        edges = [at for at in range(1, len(bases)) if known[at] != known[at - 1]]
        pieces = list(zip([0, *edges], [*edges, len(bases)], strict=True)) if bases else []
        unknown = [(start, end - start) for start, end in pieces if not known[start]]
        codes = ["TCAG".index(b.upper()) if k else 0 for b, k in zip(bases, known, strict=True)]
        codes += [0] * (-len(codes) % 4)
        packed = bytes(
            64 * a + 16 * b + 4 * c + d
            for a, b, c, d in zip(codes[::4], codes[1::4], codes[2::4], codes[3::4], strict=True)
        )
        numbers = [len(bases), len(unknown), *(s for s, _ in unknown), *(n for _, n in unknown)]
        numbers += [1, 0, 5, 0]
        records.append(struct.pack(f"{order}{len(numbers)}I", *numbers) + packed)
    head = struct.pack(f"{order}4I", 0x1A412743, version, len(sequences), 0)
    place = len(head) + sum(1 + len(name) + struct.calcsize(place_format) for name in sequences)
    for name, record in zip(sequences, records, strict=True):
        head += bytes([len(name)]) + name.encode() + struct.pack(place_format, place)
        place += len(record)
    return head + b"".join(records)


def write(folder: Path, name: str, content: bytes, index: str | None = None) -> Path:
    path = folder / name
    path.write_bytes(content)
    if index is not None:
        (folder / f"{name}.fai").write_text(index)
    return path


def files(folder: Path, sequences: Sequences) -> list[Path]:
    text = fasta(sequences)
    uneven = text.replace(b"\n", b"", 2).replace(b"bases", b"bases\n", 1)
    return [
        write(folder, "plain.fa", text),
        write(folder, "indexed.fa", text, fai(sequences)),
        write(folder, "no_last_line_end.fa", text.rstrip()),
        write(folder, "windows.fa", fasta(sequences, end="\r\n")),
        write(folder, "one_line.fa", fasta(sequences, line=5000)),
        write(folder, "uneven.fa", uneven),
        write(folder, "packed.fa.gz", gzip.compress(text)),
        write(folder, "blocks.fa.gz", bgzip(text)),
        write(folder, "indexed.fa.bgz", bgzip(text, 77), fai(sequences)),
        *(
            write(folder, f"{name}{version}.2bit", two_bit(sequences, order, version))
            for name, order in (("little", "<"), ("big", ">"))
            for version in (0, 1)
        ),
    ]


def test_every_file_has_the_same_bases(
    tmp_path: Path, sequences: Sequences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnmf.signatures.genome._MAPPED", 260)
    monkeypatch.setattr("dnmf.signatures.genome._UNPACKED", 120)
    rng = np.random.default_rng(0)
    for path in files(tmp_path, sequences):
        genome = Genome.open(path)
        assert dict(genome.lengths) == {n: len(s) for n, s in sequences.items()}, path
        for name in ("chrM", "chr1", "chr2", "empty"):
            bases = sequences[name].upper()
            codes = ["ACGT".find(base) % 5 for base in bases]
            assert genome.codes(name).tolist() == codes, path
            around = [4] * 9 + codes + [4] * 20
            starts = rng.integers(-9, len(bases) + 9, size=60)
            expected = [around[start + 9 : start + 16] for start in starts]
            assert genome.windows(name, starts, 7).tolist() == expected, path
        read = {name: own.tolist() for name, own in read_sequences(path)}
        assert read == {n.removeprefix("chr"): genome.codes(n).tolist() for n in sequences}, path


def test_blocks_that_are_read_do_not_change_the_index(
    tmp_path: Path, sequences: Sequences, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = fasta(sequences), fasta(sequences, end="\r\n")
    monkeypatch.setattr("dnmf.signatures.genome.kept_file", lambda *_: None)
    for number, text in enumerate(texts):
        path = write(tmp_path, f"{number}.fa", text)
        for block in (1, 2, 3, 7, 49, 50, 51, 52, 53):
            monkeypatch.setattr("dnmf.inputs._BLOCK", block)
            genome = Genome.open(path)
            assert genome.codes("chrM").tolist() == [
                "ACGT".find(base) % 5 for base in sequences["chrM"].upper()
            ]
            assert type(genome._source).__name__ == "_Text"


def test_the_index_is_kept_in_the_cache_and_never_beside_the_file(
    tmp_path: Path, sequences: Sequences, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "plain.fa", fasta(sequences))
    before = sorted(tmp_path.iterdir())
    lengths = Genome.open(path).lengths
    assert sorted(tmp_path.iterdir()) == before
    (kept,) = cache.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr("dnmf.signatures.genome.index_fasta", None)
        assert Genome.open(path).lengths == lengths
    kept.write_text("damaged")
    assert Genome.open(path).lengths == lengths
    path.write_bytes(fasta({"chr9": "ACGT"}))
    os.utime(path, ns=(1, 1))
    assert Genome.open(path).contigs == ("chr9",)


def test_names_differ_by_chr_and_as_m_and_mt(tmp_path: Path) -> None:
    path = write(tmp_path, "a.fa", fasta({"chr1": "A", "chrM": "C", "2": "G", "chrUn_KI2v1": "A"}))
    genome = Genome.open(path)
    asked = ("1", "chr1", "MT", "chrMT", "M", "chr2", "2", "KI2v1", "Un_KI2v1", "3")
    found = ["chr1", "chr1", "chrM", "chrM", "chrM", "2", "2", None, "chrUn_KI2v1", None]
    assert [genome.find(name) for name in asked] == found
    both = Genome.open(write(tmp_path, "b.fa", fasta({"chr1": "A", "1": "C"})))
    assert [both.find("chr1"), both.find("1"), both.find("CHR1")] == ["chr1", "1", None]


def test_the_build_is_known_by_chromosome_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnmf.signatures.genome.BUILD_BY_LENGTH_OF_1", {4: "GRCh38"})
    genome = Genome.open(write(tmp_path, "a.fa", fasta({"1": "ACGT", "2": "ACG"})))
    assert genome.build == "GRCh38"
    assert genome.record() == {
        "name": "a.fa",
        "bytes": genome.path.stat().st_size,
        "build": "GRCh38",
        "contigs": 2,
        "bases": 7,
        "lengths": {"1": 4, "2": 3},
    }
    assert Genome.open(write(tmp_path, "b.fa", fasta({"2": "ACGT"}))).build is None


def changed(index: str, line: int, column: int, by: int) -> str:
    rows = [row.split("\t") for row in index.splitlines()]
    rows[line][column] = str(int(rows[line][column]) + by)
    return "".join("\t".join(row) + "\n" for row in rows)


@pytest.mark.parametrize("kind", ["plain", "bgzip"])
def test_an_index_of_another_file_is_refused(
    tmp_path: Path, sequences: Sequences, kind: str
) -> None:
    own = fai(sequences)
    wrong = [changed(own, 1, column, by) for column in (1, 2, 3, 4) for by in (-1, 1)]
    wrong += [
        own.replace("chr2", "chr3"),
        own.splitlines(keepends=True)[0],
        "".join(own.splitlines(keepends=True)[1:]),
        changed(own, 0, 1, 100_000),
    ]
    text = fasta(sequences)
    for number, index in enumerate(wrong):
        path = write(tmp_path, f"{number}.fa", bgzip(text) if kind == "bgzip" else text, index)
        with pytest.raises(InputDataError, match=rf"{number}\.fa\.fai is not the index of"):
            Genome.open(path)


def test_a_file_that_is_no_index_is_told_by_its_line(tmp_path: Path, sequences: Sequences) -> None:
    path = write(tmp_path, "a.fa", fasta(sequences), fai(sequences) + "chr5\tlong\n")
    with pytest.raises(InputDataError, match=r"a\.fa\.fai, line 5: expected name, length"):
        Genome.open(path)


def test_two_contigs_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.fa", b">1\nAC\n>1 again\nGT\n")
    with pytest.raises(InputDataError, match="more than one sequence 1"):
        Genome.open(path)


def test_a_2bit_file_that_is_cut_is_refused(tmp_path: Path, sequences: Sequences) -> None:
    whole = two_bit(sequences)
    for size in (6, 20, 40, 200, len(whole) - 1):
        path = write(tmp_path, f"{size}.2bit", whole[:size])
        with pytest.raises(InputDataError, match=r"2bit file is truncated or damaged"):
            Genome.open(path)
    path = write(tmp_path, "new.2bit", two_bit(sequences, version=2))
    with pytest.raises(InputDataError, match="2bit of version 2, known are 0 and 1"):
        Genome.open(path)


def test_a_bgzip_file_that_is_cut_or_damaged_is_refused(
    tmp_path: Path, sequences: Sequences
) -> None:
    whole = bgzip(fasta(sequences))
    for size in (len(whole) - 28, len(whole) - 40, 500):  # the last: without its empty block
        with pytest.raises(InputDataError, match="truncated or damaged"):
            Genome.open(write(tmp_path, f"{size}.fa.gz", whole[:size]))
    damaged = whole[:400] + b"\xff" + whole[401:]
    indexed = write(tmp_path, "i.fa.gz", damaged, fai(sequences))
    with pytest.raises(InputDataError, match="truncated or damaged"):
        Genome.open(indexed).codes("chr1")


def test_a_bgzip_file_is_unpacked_once_for_all_looks_at_a_contig(
    tmp_path: Path, sequences: Sequences, monkeypatch: pytest.MonkeyPatch
) -> None:
    genome = Genome.open(write(tmp_path, "a.fa.gz", bgzip(fasta(sequences))))
    once = genome.codes("chr1")

    def again(*_: object, **__: object) -> bytes:
        raise AssertionError("unpacked again")

    monkeypatch.setattr("dnmf.signatures.bgzip.zlib.decompress", again)
    assert (genome.codes("chr1") == once).all()
    assert (genome.windows("chr1", np.array([9, 2]), 1)[:, 0] == once[[9, 2]]).all()


def test_what_is_no_genome_is_refused(tmp_path: Path) -> None:
    for content, words in ((b"", "is empty"), (b"##fileformat=VCF\n", "is not FASTA")):
        with pytest.raises(InputDataError, match=words):
            Genome.open(write(tmp_path, "a.fa", content))
    with pytest.raises(InputDataError, match="no such file"):
        Genome.open(tmp_path / "gone.fa")
    with pytest.raises(InputDataError, match="is a folder"):
        Genome.open(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputDataError, match="save it as a file"):
        Genome.open(tmp_path / "pipe")


def test_many_contigs(tmp_path: Path) -> None:
    sequences = {f"c{number}": "ACGTACG"[: number % 8] for number in range(2000)}
    for path in (
        write(tmp_path, "a.fa", fasta(sequences)),
        write(tmp_path, "b.fa", fasta(sequences), fai(sequences)),
        write(tmp_path, "c.2bit", two_bit(sequences)),
    ):
        genome = Genome.open(path)
        assert len(genome.contigs) == 2000
        assert genome.contigs is genome.contigs  # asked for every contig: it must not be made anew
        assert genome.codes("c1999").tolist() == [0, 1, 2, 3, 0, 1, 2]
