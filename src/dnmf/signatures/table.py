"""Text tables as they come: delimiter, encoding, compression, and the place of every cell.

The text is scanned twice rather than kept as cells: 100,000 samples fit in memory as numbers, not
as strings.
"""

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.inputs import (
    InputFile,
    check_row_size,
    check_table_size,
    decode,
    read_input,
    text_lines,
)

LEAD = 4
"""How many cells at the start of every row are kept as text: no layout has more label columns."""

_ROWS_TO_FIND_DELIMITER = 20
_MISSING = {"", "na", "n/a", "nan", "none", "null", "-", ".", "?"}


@dataclass(frozen=True)
class TextTable:
    """A delimited text table whose layout is not known yet."""

    source: str  # the path, for messages
    text: str
    delimiter: str
    width: int  # number of columns, the same in every row
    head: list[list[str]]  # the first two rows in full: headers
    lead: list[list[str]]  # the first LEAD cells of every row that is not blank
    lines: list[int]  # the 1-based line in the file of each of these rows
    record: dict[str, Any] = field(default_factory=dict)  # name, bytes and sha256 of the file

    def numbers(self, first_row: int, first_column: int, *, unit: str) -> NDArray[np.float64]:
        """Return the cells right of ``first_column`` and below ``first_row`` as numbers.

        ``unit`` says in messages what a cell should hold (``"a count"``).

        Raises
        ------
        InputDataError
            If a cell is not a finite number >= 0; the message names its line and column.
        """
        values = np.empty((len(self.lines) - first_row, self.width - first_column))
        rows = islice(_rows(self.text, self.delimiter, self.source), first_row, None)
        for index, (_, row) in enumerate(rows):
            cells = row[first_column : self.width]
            try:
                values[index] = list(map(float, cells))
                # float() reads "1_000", but in a table an underscore belongs to a misplaced name.
                readable = "_" not in "".join(cells)
            except ValueError:
                readable = False
            if not readable:
                raise self._bad_cell(row, first_row + index, first_row, first_column, unit)
        bad_rows = np.flatnonzero(~(np.isfinite(values) & (values >= 0)).all(axis=1))
        if bad_rows.size:
            at = first_row + int(bad_rows[0])
            _, row = next(islice(_rows(self.text, self.delimiter, self.source), at, None))
            raise self._bad_cell(row, at, first_row, first_column, unit)
        return values

    def _bad_cell(
        self, cells: list[str], row: int, header_depth: int, first_column: int, unit: str
    ) -> InputDataError:
        """Describe the first bad cell of a row that is known to have one."""
        column, problem = next(
            (column, problem)
            for column, cell in enumerate(cells[: self.width])
            if column >= first_column and (problem := _problem(cell))
        )
        label = " ".join(cell.strip() for cell in cells[:first_column])
        header = " ".join(line[column].strip() for line in self.head[:header_depth]).strip()
        name = repr(header) if header else f"{column + 1} (without a name)"
        return InputDataError(
            f"{self.source}, line {self.lines[row]} ({label}), "
            f"column {name}: found {cells[column][:40]!r}, {problem}. "
            f"Expected {unit}: correct the cell, or remove its row or column if the data are not "
            "known."
        )


def read_table(file: str | os.PathLike[str] | InputFile) -> TextTable:
    """Read a delimited text file, compressed (gzip) or not.

    Raises
    ------
    InputDataError
        If the file cannot be read (see ``dnmf.inputs.read_input``), is not text, is empty, or its
        rows differ in length.
    """
    found = read_input(file, what="a text table")
    source, record, content = found.path, found.record, [found.content]
    del found  # without a name the content goes as soon as it has been decoded
    return replace(parse_table(content.pop(), source=source), record=record)


def parse_table(content: bytes, *, source: str) -> TextTable:
    """Take apart the content of a file; see ``read_table``."""
    text = decode(content, source)
    del content
    if not text.strip("\t;, \r\n"):
        raise InputDataError(f"{source}: the file is empty. Expected a header line and rows.")
    delimiter = _find_delimiter(text, source)
    head: list[list[str]] = []
    lead: list[list[str]] = []
    lines: list[int] = []
    last_used = 0
    try:
        for line, row in _rows(text, delimiter, source):
            if len(head) < 2:
                head.append(row)
            if len(row) != len(head[0]):
                raise InputDataError(_ragged(source, line, row, head[0], delimiter))
            check_table_size(source, len(lines) + 1, len(row))
            lead.append(row[:LEAD])
            lines.append(line)
            # Columns without a name and without a value (trailing delimiters) are dropped.
            last_used += max(
                (i for i, cell in enumerate(row[last_used:], 1) if cell.strip()), default=0
            )
    except csv.Error as error:
        raise InputDataError(
            f"{source}, after line {lines[-1] if lines else 0}: cannot be split into cells "
            f"({error}). No cell may have more than {csv.field_size_limit():,} characters. Look for a long cell, "
            'or a quotation mark (") that is opened but not closed.'
        ) from error
    return TextTable(source, text, delimiter, last_used, head, lead, lines)


def _rows(text: str, delimiter: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the 1-based number of its first line."""
    line, characters, blank = 1, 0, 0

    def lines() -> Iterator[str]:
        nonlocal characters
        for part in text_lines(text):
            characters += len(part)
            check_row_size(source, line, characters)
            yield part

    reader = csv.reader(lines(), delimiter=delimiter)
    for row in reader:
        characters = 0
        if any(cell and not cell.isspace() for cell in row):
            yield line, row
        else:
            blank += 1
            check_table_size(source, blank, 0)
        line = reader.line_num + 1


def _find_delimiter(text: str, source: str) -> str:
    """Return the delimiter that cuts the first rows into equally many cells; tab comes first."""
    scores: dict[str, tuple[int, int]] = {}
    for delimiter in "\t;,":
        try:
            widths = [
                len(row)
                for _, row in islice(_rows(text, delimiter, source), _ROWS_TO_FIND_DELIMITER)
            ]
        except csv.Error:
            continue
        matching = sum(width == widths[0] for width in widths) if widths[0] > 1 else 0
        if delimiter == "\t" and matching == len(widths):
            return delimiter
        scores[delimiter] = (matching, widths[0])
    return max(scores, key=lambda delimiter: scores[delimiter], default="\t")


def _ragged(source: str, line: int, row: list[str], header: list[str], delimiter: str) -> str:
    name = {"\t": "tabs", ",": "commas", ";": "semicolons"}[delimiter]
    message = (
        f"{source}, line {line} ({row[0].strip()[:40]!r}): found {len(row)} cells separated by "
        f"{name}, expected {len(header)} as in the header. Add or remove cells so that all rows "
        "are equally long."
    )
    if len(row) == len(header) + 1:
        message += " If R wrote the file: give write.table col.names=NA to name the label column."
    return message


def _problem(cell: str) -> str:
    """Say what is wrong with a cell that should be a number >= 0; empty if nothing is."""
    text = cell.strip()
    if text.lower() in _MISSING:
        return "a missing value"
    try:
        value = float(text.replace("_", " "))
    except ValueError:
        if re.fullmatch(r"[+-]?[\d.]*,\d+", text):
            return "not a number (write a point before decimals, and nothing between thousands)"
        return "text instead of a number"
    if np.isnan(value):
        return "a missing value"
    if np.isinf(value):
        return "an infinite number"
    return "a negative number" if value < 0 else ""
