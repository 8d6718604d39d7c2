"""FASTA files: their sequences one after the other, and an index that leads to any base of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.inputs import input_blocks, read_input

BASES = "ACGT"
UNKNOWN = 4
_CODES = bytes(
    BASES.index(chr(byte).upper()) if chr(byte).upper() in BASES else UNKNOWN for byte in range(256)
)
CODES = np.frombuffer(_CODES, dtype=np.uint8)
"""The code of each byte of text: A C G T in either case are 0 to 3, all else is 4."""

# Bases, each a byte in memory. The longest human chromosome has 249 million, the longest of wheat 851.
_LONGEST = 1 << 30
# Bytes of a line with a name.
_LONGEST_HEADER = 1 << 16
_WHAT = "a genome as FASTA"


@dataclass(frozen=True)
class Contig:
    """Where the bases of a contig are in the unpacked file: the columns of a ``.fai`` file.

    ``length`` and ``line_bases`` count bases, ``offset`` and ``line_bytes`` bytes. ``line_bases`` is 0 where lines
    within the contig differ in length, so that no formula leads to a base.
    """

    name: str
    length: int
    offset: int
    line_bases: int
    line_bytes: int

    def byte(self, position: int) -> int:
        """Return where the base at a position is, counted from the first base."""
        line, column = divmod(position, self.line_bases)
        return line * self.line_bytes + column


def read_fasta(path: str | Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the name and the bases, as in ``CODES``, of each sequence of a FASTA file or pipe, plain or gzipped.

    Raises
    ------
    InputDataError
        If the file cannot be read, is not FASTA, or a sequence is far longer than a chromosome.
    """
    name: str | None = None
    bases = bytearray()
    for header, text, _ in _pieces(path):
        if header is not None:
            if name is not None:
                yield name, np.frombuffer(bases, dtype=np.uint8)
            name, bases = header, bytearray()
        bases += text.translate(_CODES, b"\r\n")
        if len(bases) > _LONGEST:
            raise _too_long(path, name)
    yield name or "", np.frombuffer(bases, dtype=np.uint8)


def index_fasta(path: Path) -> list[Contig]:
    """Return where each sequence of a FASTA file is, from one pass over it.

    Raises
    ------
    InputDataError
        As `read_fasta`.
    """
    contigs: list[Contig] = []
    lines: _Lines | None = None
    for header, text, offset in _pieces(path):
        if header is not None:
            if lines is not None:
                contigs.append(lines.contig())
            lines = _Lines(header, offset)
        if lines is not None:
            lines.add(text, offset)
    return [*contigs, lines.contig()] if lines is not None else contigs


def read_fai(path: Path) -> list[Contig]:
    """Return the contigs of a ``.fai`` file.

    Raises
    ------
    InputDataError
        If a line is none of an index; the message names it.
    """
    contigs = []
    text = read_input(path, what="the index of a FASTA file").content.decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        name, *cells = line.split("\t")
        try:
            length, offset, line_bases, line_bytes = (int(cell) for cell in cells[:4])
            if min(length, offset) < 0 or not 0 <= line_bases <= line_bytes:
                raise ValueError
            if length and not line_bases:
                raise ValueError
        except ValueError:
            raise InputDataError(
                f"{path}, line {number}: expected name, length, offset, bases and bytes of a line, found "
                f"{line[:60]!r}. Remove the file, or make it again with `samtools faidx`."
            ) from None
        contigs.append(Contig(name, length, offset, line_bases, line_bytes))
    return contigs


class _Lines:
    """What is known of the lines of one sequence while they come in pieces."""

    def __init__(self, name: str, offset: int) -> None:
        self._name, self._offset = name, offset
        self._line_bytes = 0  # of the first line, with its end; 0 until it has come
        self._ends = self._returns = 0  # line ends and carriage returns up to the last base
        self._tail = (0, 0)  # the same behind it
        self._size = 0  # bytes up to the last base
        self._first_uneven: int | None = (
            None  # bytes up to the end of a line that is not as long as the first
        )
        self._windows_ends = False
        self._last = b""  # byte of the piece before

    def add(self, text: bytes, offset: int) -> None:
        body = text.rstrip(b"\r\n")
        start = offset - self._offset
        ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")) + (start + 1)
        if not self._line_bytes and len(ends):
            self._line_bytes = int(ends[0])
            before = int(ends[0]) - 2 - start
            self._windows_ends = (text[before : before + 1] if before >= 0 else self._last) == b"\r"
        if self._first_uneven is None and len(ends):
            uneven = ends[ends % self._line_bytes != 0]
            self._first_uneven = int(uneven[0]) if len(uneven) else None
        if body:
            self._ends += self._tail[0] + body.count(b"\n")
            self._returns += self._tail[1] + body.count(b"\r")
            self._tail = (0, 0)
            self._size = start + len(body)
        self._last = text[-1:] or self._last
        rest = text[len(body) :]
        self._tail = (self._tail[0] + rest.count(b"\n"), self._tail[1] + rest.count(b"\r"))

    def contig(self) -> Contig:
        length = self._size - self._ends - self._returns
        line_bytes = self._line_bytes or self._size + 1
        even = (
            (self._first_uneven is None or self._size < self._first_uneven)
            and self._ends == self._size // line_bytes
            and self._returns == (self._ends if self._windows_ends else 0)
        )
        line_bases = line_bytes - (2 if self._windows_ends else 1) if even else 0
        return Contig(self._name, length, self._offset, line_bases, line_bytes)


def _pieces(path: str | Path) -> Iterator[tuple[str | None, bytes, int]]:
    """Yield the lines of each sequence in pieces: its name with the first piece, the text, and the place of the text.

    The place is in bytes of the unpacked file.
    """
    blank = 0  # bytes before the first name
    name: str | None = None
    # What may be the beginning of a line with a name is looked at again with the next block.
    rest, place = b"\n", -1  # the file begins at 0: the first name has a line end before it, too
    for block in _and_an_end(input_blocks(path, what=_WHAT)):
        text = rest + block
        keep = len(text) - text.endswith(b"\n") if block else len(text)
        last = text.rfind(b"\n>", 0, keep)
        if block and last >= 0 and text.find(b"\n", last + 1, keep) < 0:
            keep = last
        first, *records = text[:keep].split(b"\n>")
        blank += len(first) if name is None else 0
        if name is None and (first.strip() or blank > _LONGEST_HEADER):
            raise InputDataError(f"{path} is not FASTA: it does not begin with '>'.")
        if name is not None and first:
            yield None, first, place
        place += len(first)
        for record in records:
            header, end, body = record.partition(b"\n")
            words = header.decode("utf-8", "replace").split(maxsplit=1)
            name = words[0] if words else ""
            place += 2 + len(header) + len(end)
            yield name, body, place
            place += len(body)
        rest = text[keep:]
        if len(rest) > _LONGEST_HEADER:
            raise _too_long(path, name)
    if name is None:
        raise InputDataError(f"{path} is empty: expected the genome as FASTA.")


def _and_an_end(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield from (block for block in blocks if block)
    yield b""


def _too_long(path: str | Path, name: str | None) -> InputDataError:
    return InputDataError(
        f"{path}: after the name {name!r} a line or sequence is longer than any of a genome. Expected "
        "FASTA: lines of '>' and a name, each above the lines of its bases."
    )
