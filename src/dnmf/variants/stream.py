"""A text file of any size: its first lines one by one, then its rows, some columns of many rows at a time."""

import codecs
import csv
import os
import re
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.inputs import InputStream, check_row_size, count_lines
from dnmf.variants.distinct import Texts

WHAT = "VCF, MAF or SigProfiler's text format"
"""What is expected, for messages."""

REPLACED = "\ufffd"
"""What a byte becomes that is no text."""

# Rows that are read at a time; fewer where a row has many columns that are used.
_ROWS = 1 << 18
_CELLS = 1 << 22
# Base of the last of a contig, far beyond any that is known.
_LAST_POSITION = 1 << 40
_LINE_END = re.compile(rb"[\r\n](?:(?<=\r)\n)?")
_WIDE_TEXT = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
# The texts that must be UTF-8.
_NAMES = ("sample", "contig")
# How files of variants or reads begin, unpacked, that are no text, and what to do.
_BINARY = {
    b"BCF": "is BCF, the binary form of VCF. Convert it: bcftools view {name} -Oz -o {stem}.vcf.gz",
    b"BAM\x01": "is BAM: reads, not variants. Call variants first",
    b"CRAM": "is CRAM: reads, not variants. Call variants first",
    b"TBI\x01": "is the index of another file. Give that file",
    b"CSI\x01": "is the index of another file. Give that file",
}


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of a file: the number of the line of each, its texts and numbers by what they mean."""

    lines: NDArray[np.int64]
    texts: dict[str, Texts]
    numbers: "dict[str, pd.Series[Any]]"

    def take(self, rows: NDArray[Any]) -> "Chunk":
        """Return some of the rows, by number or mask."""
        return Chunk(
            self.lines[rows],
            {name: column.take(rows) for name, column in self.texts.items()},
            {name: column[rows] for name, column in self.numbers.items()},
        )


class RowStream:
    """The lines of a file or pipe, read once."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        self._input = InputStream(path, WHAT)
        self._blocks = self._checked()
        self._rest, self._start = b"", 0  # what was read, and from where on it was not handed on
        self._peeked: tuple[str, int] | None = None  # the next line, where the one after it starts
        self._line = 1  # that is handed on next
        self._ends = 0  # of lines, in what was read
        self._tail_bytes = self._tail_tabs = 0  # after the last end of a line
        self._failure: Exception | None = None

    def record(self) -> dict[str, Any]:
        """Return name, size and SHA-256 of the file, once all of it was read."""
        return self._input.record()

    def close(self) -> None:
        """Close the file, whether or not it was read to its end."""
        self._blocks.close()

    def peek(self, least: int) -> bytes:
        """Return what comes next without handing it on: ``least`` bytes or more, but for the end of the file."""
        blocks, size = [self._rest[self._start :]], len(self._rest) - self._start
        while size < least and (block := next(self._blocks, b"")):
            blocks.append(block)
            size += len(block)
        if len(blocks) > 1:
            self._rest, self._start, self._peeked = b"".join(blocks), 0, None
        return self._rest[self._start :]

    def peek_line(self) -> str:
        """Return the next line without its end and without handing it on."""
        return self._next_line()[0]

    def next_line(self) -> str:
        """Return the next line without its end."""
        line, self._start = self._next_line()
        self._peeked = None
        self._line += 1
        return line

    @property
    def place(self) -> str:
        """File and number of the next line, for messages."""
        return f"{self.name}, line {self._line}"

    @property
    def ended(self) -> bool:
        """Whether all lines were handed on."""
        return self._start == len(self._rest) and not self.peek(1)

    def check_end(self, width: int) -> None:
        """Refuse a file, read to its end, whose last row has fewer columns and no end of line: it was cut off there."""
        if self._tail_bytes and self._tail_tabs < width - 1:
            raise InputDataError(
                f"{self.name}, line {self._ends + 1}: the file ends within this row, which has {self._tail_tabs + 1} "
                f"of {width} columns: it is truncated. Copy or download it again."
            )

    def chunks(
        self,
        texts: Mapping[str, int],
        numbers: Mapping[str, int],
        *,
        width: int,
        header: Sequence[str] = (),
    ) -> Iterator[Chunk]:
        """Yield the rows that are left, without blank lines, comments and repeated headers.

        Parameters
        ----------
        texts, numbers : mapping of int
            Columns that are read, from 0, by what they mean.
        width : int
            Columns of a row; in a shorter one the last are empty.
        header : sequence of str
            Names of the columns, if the file has them.

        Raises
        ------
        InputDataError
            A row has more columns, a text that is used is not UTF-8, or the file cannot be read further.
        """
        if self.ended:
            return
        used = {**texts, "first": 0, "beyond": width}
        labels = [f"c{column}" for column in range(width + 1)]
        # A row that pandas takes for the header: with it, all shorter rows are filled up.
        self._rest, self._start = ("\t".join(labels) + "\n").encode() + self._rest[self._start :], 0
        first = self._line
        frames = self._frames(
            usecols=sorted({labels[column] for column in (*used.values(), *numbers.values())}),
            # Not "category", whose texts pandas may take for numbers: 007 would become 7.
            dtype={labels[column]: object for column in used.values()},
            chunksize=max(min(_ROWS, _CELLS // len(used)), 1),
        )
        for frame in frames:
            chunk = Chunk(
                np.arange(first, first + len(frame), dtype=np.int64),
                {name: Texts.of(frame[labels[column]]) for name, column in used.items()},
                {name: frame[labels[column]] for name, column in numbers.items()},
            )
            first += len(frame)
            yield self._rows_only(chunk, used, header)

    def _frames(self, **options: Any) -> Iterator[pd.DataFrame]:
        try:
            with pd.read_csv(  # type: ignore[call-overload]
                self,
                sep="\t",
                engine="c",
                na_filter=False,
                quoting=csv.QUOTE_NONE,
                index_col=False,
                skip_blank_lines=False,
                **options,
            ) as reader:
                while True:
                    with warnings.catch_warnings():
                        # Numbers of some rows, texts of others: positions() says which rows are wrong.
                        warnings.simplefilter("ignore", pd.errors.DtypeWarning)
                        frame = next(reader, None)
                    if frame is None:
                        return
                    yield frame.reset_index(drop=True)
        except InputDataError:
            raise
        except (pd.errors.ParserError, UnicodeError, OverflowError, ValueError) as error:
            if self._failure is not None:
                raise self._failure from None
            raise InputDataError(
                f"{self.name}: cannot be read as a table separated by tabs ({error}). Check the file."
            ) from None

    def _rows_only(self, chunk: Chunk, used: Mapping[str, int], header: Sequence[str]) -> Chunk:
        self.refuse(
            chunk.texts["beyond"].where(lambda text: bool(text.strip())),
            chunk,
            "the row has more columns than there should be. Write the file again, with one tab between columns and "
            "none in them.",
        )
        first = chunk.texts["first"]
        no_row = first.where(lambda text: text.startswith("#"))
        blank = np.ones(len(chunk.lines), dtype=bool)
        for texts in chunk.texts.values():
            blank &= texts.where(lambda text: not text.strip())
        if blank.any():
            for numbers in chunk.numbers.values():
                blank &= (numbers.astype(str).str.strip() == "").to_numpy()
        if header and (again := first.equal_to(header[0])).any():
            for name, column in used.items():
                if column < len(header):
                    names = chunk.texts[name].equal_to(header[column])
                    self.refuse(
                        again & ~names,
                        chunk,
                        "a second header, with other columns: several files were joined. Give them one by one.",
                    )
            no_row |= again
        no_row |= blank
        chunk = chunk.take(~no_row) if no_row.any() else chunk
        for name, texts in chunk.texts.items():
            if name in _NAMES:
                self.refuse(
                    texts.where(lambda text: REPLACED in text),
                    chunk,
                    f"the {name} is not UTF-8 text. Save the file as UTF-8.",
                )
        return chunk

    def refuse(self, rows: NDArray[np.bool_], chunk: Chunk, problem: str) -> None:
        """Raise InputDataError for the first of the rows that have a problem, if there is one."""
        if rows.any():
            raise InputDataError(f"{self.name}, line {chunk.lines[rows.argmax()]}: {problem}")

    def positions(
        self, chunk: Chunk, name: str, absent: Callable[[], NDArray[np.bool_]] | None = None
    ) -> NDArray[np.int64]:
        """Return a column of positions, from 1; 0 in rows that may have none and have none.

        Raises
        ------
        InputDataError
            A position is not a whole number from 1 on.
        """
        numbers = whole_numbers(chunk.numbers[name])
        wrong = numbers < 1
        if wrong.any():
            if absent is not None:
                numbers[wrong & absent()] = 0
                wrong &= ~absent()
            found = str(chunk.numbers[name].iloc[wrong.argmax()])
            self.refuse(
                wrong,
                chunk,
                f"expected a position, a whole number from 1 on, found {found[:40]!r}. Correct the row or delete it.",
            )
        return numbers

    def read(self, _size: int = -1) -> bytes:
        """Return the next block: for pandas, which hides the errors of what it reads from."""
        if self._start < len(self._rest):
            block, self._rest, self._start = self._rest[self._start :], b"", 0
            return block
        try:
            return next(self._blocks, b"")
        except Exception as error:
            self._failure = error
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Only files have this: pandas asks for it."""
        return iter(self.read, b"")

    def _next_line(self) -> tuple[str, int]:
        """Return the next line, and where the one after it starts."""
        if self._peeked is None:
            self._peeked = self._found_line()
        return self._peeked

    def _found_line(self) -> tuple[str, int]:
        looked = self._start
        while True:
            found = _LINE_END.search(self._rest, looked)
            # A CR at the end of what was read may be half of a CRLF.
            if found and not (found.group() == b"\r" and found.end() == len(self._rest)):
                return self._rest[self._start : found.start()].decode(), found.end()
            size = len(self._rest) - self._start
            if len(self.peek(size + 1)) == size:
                return self._rest[self._start :].decode().rstrip("\r"), len(self._rest)
            looked = self._start + max(size - 1, 0)

    def _checked(self) -> Generator[bytes, None, None]:
        """Yield the content as UTF-8, without a byte order mark; bytes that are no text are replaced."""
        decoder = None
        for number, block in enumerate(self._input.blocks()):
            if not number:
                if problem := next(
                    (_BINARY[start] for start in _BINARY if block.startswith(start)), ""
                ):
                    stem = self.name.removesuffix(".bcf")
                    raise InputDataError(
                        f"{self.name}: {problem.format(name=self.name, stem=stem)}."
                    )
                if block.startswith(_WIDE_TEXT):
                    raise InputDataError(
                        f"{self.name}: is UTF-16 or UTF-32 text, expected {WHAT}. Save it as UTF-8."
                    )
                block = block.removeprefix(codecs.BOM_UTF8)
            if (nul := block.find(0)) >= 0:
                line = self._ends + count_lines(block[:nul].decode("latin-1"))
                raise InputDataError(
                    f"{self.name}, line {line}: found a NUL byte: this is a binary file, or damaged; expected {WHAT}."
                )
            self._follow(block)
            if decoder is None and not block.isascii():
                decoder = codecs.getincrementaldecoder("utf-8")("replace")
            if decoder:
                block = decoder.decode(block).encode()
            if block:
                yield block
        if decoder and (left := decoder.decode(b"", final=True)):
            yield left.encode()

    def _follow(self, block: bytes) -> None:
        """Keep how many lines ended, and what there is of the last."""
        self._ends += block.count(b"\n")
        if b"\r" in block:
            self._ends += block.count(b"\r") - block.count(b"\r\n")
        start = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        if start:
            self._tail_bytes = self._tail_tabs = 0
        self._tail_bytes += len(block) - start
        self._tail_tabs += block.count(b"\t", start)
        check_row_size(self.name, self._ends + 1, self._tail_bytes)


def whole_numbers(column: "pd.Series[Any]") -> NDArray[np.int64]:
    """Return numbers or texts as whole numbers, -1 for what is none from 0 on or larger than any position.

    Examples
    --------
    >>> whole_numbers(pd.Series(["7", "1e+05", '"12"', "1.5", "x", "-3"])).tolist()
    [7, 100000, 12, -1, -1, -1]
    """
    if column.dtype.kind in "iu":
        numbers = column.to_numpy()
    else:
        texts = column.astype(str).str.strip().str.strip('"')
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        whole = (numbers >= 0) & (numbers <= _LAST_POSITION) & (numbers % 1 == 0)
    return np.where(whole, numbers, -1).astype(np.int64)
