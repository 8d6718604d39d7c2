"""A genome in a FASTA file (plain, gzip or bgzip) or a 2bit file, and any of its bases without reading all."""

import json
import mmap
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import astuple
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnmf.caches import kept_file
from dnmf.exceptions import InputDataError
from dnmf.inputs import input_blocks
from dnmf.signatures.bgzip import Blocks
from dnmf.signatures.builds import BUILD_BY_LENGTH_OF_1
from dnmf.signatures.channels import few
from dnmf.signatures.fasta import CODES, UNKNOWN, Contig, index_fasta, read_fai, read_fasta
from dnmf.signatures.regions import contig_key, plain_name
from dnmf.signatures.twobit import MAGIC, TwoBit
from dnmf.storage import write_whole

_GZIP = b"\x1f\x8b"
# Bytes of text that are mapped, or unpacked, at a time: what is mapped counts as memory of the process.
_MAPPED, _UNPACKED = 1 << 28, 1 << 22
# Bytes that are copied rather than mapped: mapping a part takes as long as copying some kilobytes.
_SMALL = 1 << 14
# Bytes of a line with a name.
_HEADER = 1 << 16
# Contigs whose lengths a record has: all chromosomes, and the longest of thousands of scaffolds.
_RECORDED_CONTIGS = 100
_WHAT = "a genome as FASTA or 2bit"


class _Source(Protocol):
    """Where bases come from."""

    @property
    def lengths(self) -> Mapping[str, int]: ...

    def windows(self, name: str, starts: NDArray[np.int64], width: int) -> NDArray[np.uint8]: ...


class Genome:
    r"""The contigs of a genome, by the names that its file has.

    Attributes
    ----------
    path : Path
        Of the file.
    lengths : mapping of int
        Bases of each contig, in the order of the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "small.fa").write_text(">chr1\nACGT\nNA\n")
    ...     genome = Genome.open(Path(folder, "small.fa"))
    ...     genome.lengths, genome.find("1"), genome.codes("chr1").tolist()
    ({'chr1': 6}, 'chr1', [0, 1, 2, 3, 4, 0])
    """

    def __init__(self, path: Path, source: _Source) -> None:
        self.path, self._source = path, source
        self.lengths = source.lengths

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Genome":
        """Open a genome; FASTA without ``.fai`` is read once, and the index kept in the system's folder for caches.

        Raises
        ------
        InputDataError
            If the file is no genome, cannot be read twice (a pipe), is truncated, or its ``.fai`` is not its own.
        """
        path = Path(path)
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise InputDataError(
                f"{path}: is a pipe or device, expected {_WHAT}. It is read in many places: save it as a file."
            )
        start = _start(path)
        if not start:
            next(input_blocks(path, what=_WHAT), b"")  # says what is wrong with it
        if start[:4] in MAGIC:
            return cls(path, TwoBit(path))
        blocks = Blocks.of(path) if start[:2] == _GZIP else None
        packed = start[:2] == _GZIP and blocks is None
        contigs = None if packed else _index_beside(path, blocks)
        if contigs is None:
            contigs = _kept_index(path)
        names = Counter(contig.name for contig in contigs)
        if twice := [name for name, count in names.items() if count > 1]:
            raise InputDataError(f"{path}: has more than one sequence {few(twice)}. Rename them.")
        uneven = any(contig.length and not contig.line_bases for contig in contigs)
        return cls(
            path, _Streamed(path, contigs) if packed or uneven else _Text(path, contigs, blocks)
        )

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @cached_property
    def contigs(self) -> tuple[str, ...]:
        """Names of the contigs, in the order of the file."""
        return tuple(self.lengths)

    @cached_property
    def build(self) -> str | None:
        """The build, by the length of chromosome 1; None for none that is known."""
        one = self.find("1")
        return None if one is None else BUILD_BY_LENGTH_OF_1.get(self.lengths[one])

    @cached_property
    def _by_key(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for name in self.lengths:
            key = contig_key(name)
            found[key] = None if key in found else name  # None: two contigs have this name
        return found

    def find(self, contig: str) -> str | None:
        """Return the name here of a contig: the same, or one that differs by ``chr`` or as M and MT; else None."""
        return contig if contig in self.lengths else self._by_key.get(contig_key(contig))

    def windows(self, contig: str, starts: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        """Return ``width`` bases from each position on, (n, width): A C G T are 0 to 3, 4 is unknown or off the contig.

        Positions count from 0 and may be negative. Contigs are cheapest in the order of the file.
        """
        return self._source.windows(contig, np.ascontiguousarray(starts, dtype=np.int64), width)

    def codes(self, contig: str) -> NDArray[np.uint8]:
        """Return all bases of a contig, as `windows` has them."""
        bases: NDArray[np.uint8] = self.windows(
            contig, np.zeros(1, np.int64), self.lengths[contig]
        )[0]
        return bases

    def record(self) -> dict[str, Any]:
        """Return what a record of a run says of the genome: name, bytes, build, contigs, bases, longest contigs."""
        longest = sorted(self.lengths.items(), key=lambda item: -item[1])[:_RECORDED_CONTIGS]
        return {
            "name": self.name,
            "bytes": self.path.stat().st_size,
            "build": self.build,
            "contigs": len(self.lengths),
            "bases": sum(self.lengths.values()),
            "lengths": dict(longest),
        }


def read_sequences(genome: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the name (without ``chr``) and the bases of each contig of a genome, which may be FASTA in a pipe.

    Raises
    ------
    InputDataError
        As `Genome.open`.
    """
    if _start(genome)[:4] in MAGIC:
        opened = Genome.open(genome)
        yield from ((plain_name(name), opened.codes(name)) for name in opened.contigs)
        return
    yield from ((plain_name(name), codes) for name, codes in read_fasta(genome))


def _start(path: Path) -> bytes:
    """Return the first bytes of a file; none of what is not there or no regular file."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(len(MAGIC[0]))
    except (OSError, ValueError):
        pass
    return b""


def _kept_index(path: Path) -> list[Contig]:
    kept = kept_file("genome", path)
    if kept is not None:
        with suppress(OSError, ValueError, TypeError):
            return [Contig(*row) for row in json.loads(kept.read_text("utf-8"))]
    contigs = index_fasta(path)
    if kept is not None:
        with suppress(OSError):  # a full disk costs time, no result
            write_whole(kept, json.dumps([astuple(contig) for contig in contigs]))
    return contigs


def _index_beside(path: Path, blocks: "Blocks | None") -> list[Contig] | None:
    """Return the ``.fai`` of a file, if there is one; its places are those of the unpacked text."""
    fai = path.with_name(f"{path.name}.fai")
    if not fai.is_file():
        return None
    contigs = read_fai(fai)
    text = _Text(path, contigs, blocks)
    end = 0
    for contig in sorted(contigs, key=lambda contig: contig.offset):
        if not text.is_at(contig, end):
            raise InputDataError(
                f"{fai} is not the index of {path}: it says that the bases of {contig.name!r} begin at byte "
                f"{contig.offset:,}, in lines of {contig.line_bases} bases, and the file has something else there. "
                "Remove the index, or make it again with `samtools faidx`."
            )
        end = contig.offset + (contig.byte(contig.length - 1) + 1 if contig.length else 0)
    if text.read(end, text.size).tobytes().strip():
        raise InputDataError(
            f"{fai} is not the index of {path}: the file goes on behind the last contig of the index. Remove the "
            "index, or make it again with `samtools faidx`."
        )
    return contigs


class _Text:
    """Contigs in the text of a FASTA file, plain or bgzipped, of which only what is needed is read."""

    def __init__(self, path: Path, contigs: list[Contig], blocks: "Blocks | None") -> None:
        self._path, self._blocks = path, blocks
        self._contigs = {contig.name: contig for contig in contigs}
        self.lengths = {contig.name: contig.length for contig in contigs}
        self.size = path.stat().st_size if blocks is None else blocks.size
        # From, up to, and the bytes of what was mapped last: mapping it anew takes longer than looking bases up.
        self._mapped = (0, 0, np.empty(0, dtype=np.uint8))

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return the bytes of the unpacked file from ``start`` up to ``stop``, or its end."""
        stop = min(stop, self.size)
        if start >= stop:
            return np.empty(0, dtype=np.uint8)
        if self._blocks is not None:
            return self._blocks.read(start, stop)
        if stop - start < _SMALL:
            return np.frombuffer(self._map[start:stop], dtype=np.uint8)
        if not self._mapped[0] <= start <= stop <= self._mapped[1]:
            self._mapped = (
                start,
                stop,
                np.memmap(self._path, np.uint8, "r", start, (stop - start,)),
            )
        part: NDArray[np.uint8] = self._mapped[2][start - self._mapped[0] : stop - self._mapped[0]]
        return part

    @cached_property
    def _map(self) -> mmap.mmap:
        with self._path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def is_at(self, contig: Contig, end: int) -> bool:
        """Whether a contig is where its index says, after a name and nothing else since the end of the one before."""
        before = (
            self.read(max(end, contig.offset - _HEADER), contig.offset).tobytes().strip(b"\r\n")
        )
        words = before.decode("utf-8", "replace")
        if (
            not words.startswith(">")
            or "\n" in words
            or (words[1:].split(maxsplit=1) or [""])[0] != contig.name
        ):
            return False
        if not contig.length:
            return True
        last = contig.offset + contig.byte(contig.length - 1)
        first_line = self.read(contig.offset, contig.offset + min(contig.line_bytes, 1 << 16))
        if len(first_line) == contig.line_bytes and contig.length > contig.line_bases:
            ends = first_line[contig.line_bases :].tobytes()
            if ends not in (b"\n", b"\r\n") or b"\n" in first_line[: contig.line_bases].tobytes():
                return False
        return last < self.size and self.read(last + 1, last + 2).tobytes() in (b"\n", b"\r", b"")

    def windows(self, name: str, starts: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        from dnmf.signatures._genome_numba import text_windows

        contig = self._contigs[name]
        out = np.full((len(starts), width), UNKNOWN, dtype=np.uint8)
        if not contig.length or not width or not len(starts):
            return out
        bytes_at_once = _MAPPED if self._blocks is None else _UNPACKED
        bases_at_once = max(bytes_at_once // contig.line_bytes, 1) * contig.line_bases
        parts = np.clip(starts, 0, contig.length - 1) // bases_at_once
        in_order = bool((parts[1:] >= parts[:-1]).all())
        order = None if in_order else np.argsort(parts, kind="stable")
        sorted_parts = parts if order is None else parts[order]
        bounds = np.flatnonzero(np.diff(sorted_parts, prepend=-1, append=-1))
        for low, high in pairwise(bounds):
            base = int(sorted_parts[low]) * bases_at_once
            chosen = slice(low, high) if order is None else order[low:high]
            own = starts[chosen] - base
            # What is unpacked is no more than is needed; what is mapped, the same for windows of any width.
            needed = bases_at_once if self._blocks is None else int(own.max())
            length = min(needed + width, contig.length - base)
            if length <= 0:
                continue
            place = contig.offset + contig.byte(base)
            text = self.read(place, place + contig.byte(length - 1) + 1)
            windows = out[chosen]
            text_windows(text, contig.line_bases, contig.line_bytes, length, own, CODES, windows)
            if order is not None:
                out[chosen] = windows
        return out


class _Streamed:
    """Contigs of a file that can only be read from its beginning: gzip, or lines of all lengths."""

    def __init__(self, path: Path, contigs: list[Contig]) -> None:
        self._path = path
        self.lengths = {contig.name: contig.length for contig in contigs}
        self._stream: Iterator[tuple[str, NDArray[np.uint8]]] = iter(())
        self._name: str | None = None
        self._codes = np.empty(0, dtype=np.uint8)

    def windows(self, name: str, starts: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        from dnmf.signatures._genome_numba import text_windows

        self._go_to(name)
        out = np.empty((len(starts), width), dtype=np.uint8)
        length = len(self._codes)
        same = np.arange(UNKNOWN + 1, dtype=np.uint8)
        text_windows(self._codes, max(length, 1), max(length, 1), length, starts, same, out)
        return out

    def _go_to(self, name: str) -> None:
        for again in (False, True):
            if again:
                self._stream = read_fasta(self._path)
            while self._name != name:
                self._name, self._codes = next(self._stream, (None, np.empty(0, dtype=np.uint8)))
                if self._name is None:
                    break
            if self._name == name:
                return
        raise InputDataError(f"{self._path} was changed while it was read. Start again.")
