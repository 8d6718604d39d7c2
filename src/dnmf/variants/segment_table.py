"""Tables of copy number segments: which program wrote them, and their cells by what they mean."""

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.inputs import InputFile, InputStream, check_table_size, decode, text_lines
from dnmf.signatures.channels import few

WHAT = (
    "a table of copy number segments (ASCAT, Battenberg, FACETS, PURPLE, Sequenza, ABSOLUTE, GDC)"
)
"""What is expected, for messages."""

# Headers by what they mean, in small letters, of letters and digits only; the first that is there counts.
SAMPLE_COLUMNS = (
    "sample",
    "samples",
    "sampleid",
    "samplename",
    "gdcaliquot",
    "tumorsamplebarcode",
    "id",
)
_PLACE = {
    "chromosome": ("chr", "chrom", "chromosome", "contig", "seqnames"),
    "start": ("start", "startpos", "startposition", "locstart", "chromstart", "chromosomestart"),
    "end": ("end", "endpos", "endposition", "locend", "chromend", "chromosomeend"),
}


@dataclass(frozen=True)
class SegmentCaller:
    """How a program writes the copy number of a segment.

    Copies of all alleles in ``total``, of the rarer one in ``minor``, or those of two alleles in ``pair``. Missing
    copies of the rarer allele are 0 where ``minor_may_miss``; copy numbers are no integers where ``fractional``.
    """

    name: str
    total: str = ""
    minor: str = ""
    pair: tuple[str, str] | None = None
    subclonal: tuple[str, str] | None = None
    minor_may_miss: bool = False
    fractional: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by which the program is told."""
        return (*filter(None, (self.total, self.minor)), *(self.pair or ()))


_CALLERS = (
    SegmentCaller("Battenberg", pair=("nmaj1a", "nmin1a"), subclonal=("nmaj2a", "nmin2a")),
    SegmentCaller("FACETS", "tcnem", "lcnem", minor_may_miss=True),
    SegmentCaller("ASCAT", pair=("nmajor", "nminor")),
    SegmentCaller("ASCAT_NGS", "tumourtcn", "tumourbcn"),
    SegmentCaller("ASCAT_NGS", "tumortcn", "tumorbcn"),
    SegmentCaller("PURPLE", "copynumber", "minorallelecopynumber", fractional=True),
    SegmentCaller("GDC", pair=("majorcopynumber", "minorcopynumber")),
    SegmentCaller("ABSOLUTE", pair=("modalhscn1", "modalhscn2")),
    SegmentCaller("Sequenza", "cnt", pair=("a", "b")),
)
_MISSING = ("", "na", "nan", ".", "null")


def holds_segments(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a table of copy number segments, by its header; a pipe can be read only once, and is none.

    Parameters
    ----------
    path : path
        Any file.
    """
    if not Path(path).is_file():
        return False
    try:
        content = next(InputStream(path, WHAT).blocks(), b"")
    except InputDataError:
        return False
    lines = content.decode("utf-8", "replace").lstrip("\ufeff").splitlines()
    at = _header_line(lines)
    return at is not None and _caller(_names(_cells(lines[at]))) is not None


@dataclass(frozen=True, eq=False)
class SegmentTable:
    """The cells of a table, found by the names of their columns."""

    source: str
    headers: list[str]
    names: dict[str, int]  # column of each header, in small letters and digits
    cells: pd.DataFrame  # of text, by column
    lines: list[int]  # number of each row's line in the file

    def place(self, row: int) -> str:
        """File and line of a row, for messages."""
        return f"{self.source}, line {self.lines[row]}"

    def header(self, name: str) -> str:
        """Return the header of a column, as it is written."""
        return self.headers[self._at(name)]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column, or of the first that stands for a place."""
        return self.cells[self._at(name)].tolist()

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return the numbers of a column, NaN where they are missing."""
        cells = self.cells[self._at(name)]
        values = pd.to_numeric(
            cells.where(~cells.str.lower().isin(_MISSING), "nan"), errors="coerce"
        )
        bad = np.flatnonzero(values.isna() & ~cells.str.lower().isin(_MISSING) | np.isinf(values))
        if len(bad):
            raise InputDataError(
                f"{self.place(bad[0])}: found {cells.iloc[bad[0]]!r} in {self.header(name)!r}, expected a number. "
                "Correct it or remove the line."
            )
        return values.to_numpy(dtype=np.float64)

    def _at(self, name: str) -> int:
        return next(self.names[own] for own in _PLACE.get(name, (name,)) if own in self.names)


def read_segment_table(file: InputFile) -> SegmentTable:
    """Return the cells of a table with one header.

    Raises
    ------
    InputDataError
        There is no header or no row, or a row has another number of cells.
    """
    lines = list(text_lines(decode(file.content, file.path, what=WHAT)))
    at = _header_line(lines)
    if at is None:
        raise InputDataError(f"{file.path}: is empty. Expected {WHAT}.")
    headers, delimiter = _cells(lines[at]), _delimiter(lines[at])
    check_table_size(file.path, len(lines), len(headers))
    reader = csv.reader(
        (line.strip("\r\n ") for line in lines[at + 1 :]),
        delimiter=delimiter,
        skipinitialspace=True,
    )
    try:
        rows = [(reader.line_num + at + 1, row) for row in reader if any(row) and row[0][:1] != "#"]
    except csv.Error as error:
        raise InputDataError(
            f"{file.path}, line {reader.line_num + at + 1}: cannot be split into cells ({error}). Correct or remove it."
        ) from error
    if not rows:
        raise InputDataError(
            f"{file.path}: has a header (line {at + 1}), but no segments below it."
        )
    if len(rows[0][1]) == len(headers) + 1:
        headers.insert(0, "")  # names of rows, for which R writes no header
    for line, row in rows:
        row += [""] * (len(headers) - len(row))  # spreadsheets leave out empty cells at the end
        if len(row) != len(headers):
            raise InputDataError(
                f"{file.path}, line {line}: has {len(row)} cells, the header (line {at + 1}) has {len(headers)}. "
                "Correct or remove the line."
            )
    cells = pd.DataFrame([row for _, row in rows], dtype=str)
    cells = cells.apply(lambda column: column.str.strip())
    return SegmentTable(file.path, headers, _names(headers), cells, [line for line, _ in rows])


def _header_line(lines: Sequence[str]) -> int | None:
    """Return which line is the header: the first that names the columns of segments, or that is no comment."""
    for number, line in enumerate(lines):
        comment = line.startswith("#")
        if line.strip() and (not comment or _caller(_names(_cells(line))) is not None):
            return number
    return None


def _delimiter(header: str) -> str:
    return next((mark for mark in "\t;," if mark in header), " ")


def _cells(header: str) -> list[str]:
    cells = header.strip("\r\n ").split(_delimiter(header))
    return [cell.strip().strip('"').strip() for cell in cells if cell or _delimiter(header) != " "]


def _names(headers: Sequence[str]) -> dict[str, int]:
    """Return the column of every header, in small letters and digits; of two the first counts."""
    names: dict[str, int] = {}
    for column, header in enumerate(headers):
        names.setdefault(re.sub(r"[^a-z0-9]", "", header.lower()), column)
    return names


def _caller(names: dict[str, int]) -> SegmentCaller | None:
    """Return the program whose columns these are, if those of places are there, too."""
    if any(not set(own) & set(names) for own in _PLACE.values()):
        return None
    return next((caller for caller in _CALLERS if set(caller.columns) <= set(names)), None)


def checked_caller(table: SegmentTable) -> SegmentCaller:
    """Return the program whose columns a table has.

    Raises
    ------
    InputDataError
        Columns of places or copy numbers are missing.
    """
    caller = _caller(table.names)
    if caller is None:
        missing = [place for place, own in _PLACE.items() if not set(own) & set(table.names)]
        if missing:
            what = f"has no column for the {' and the '.join(missing)} of a segment"
        else:
            what = (
                "has no columns of copy numbers of both alleles (log ratios, or all copies together, do not tell which "
                "allele is lost)"
            )
        raise InputDataError(
            f"{table.source}: {what}; its columns are {few(table.headers)}. Expected {WHAT} with its columns under "
            "their own names, such as sample, chr, startpos, endpos, nMajor and nMinor."
        )
    return caller
