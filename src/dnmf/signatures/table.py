"""Text tables as they come: delimiter, encoding, compression, and the place of every cell.

The text is scanned twice rather than kept as cells: 100,000 samples fit in memory as numbers, not
as strings.
"""

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePath
from statistics import mode
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.inputs import (
    InputFile,
    check_row_size,
    check_table_size,
    count_lines,
    decode,
    read_input,
    text_lines,
)
from dnmf.signatures.cells import (
    is_counter,
    is_missing,
    is_number,
    is_text,
    least_numbers,
    number_problem,
    zero_rounding_errors,
)
from dnmf.signatures.kinds import refuse_binary, refuse_other_text
from dnmf.signatures.thousands import PointsInThousands, point_in_thousands

LEAD = 4
"""How many cells at the start of every row are kept as text: no layout has more label columns."""

_ROWS_TO_FIND_DELIMITER = 20
_DELIMITERS = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "blanks"}
_NO_CELLS = re.compile(r"[\s;,\"]*+\Z")
# What may stand before the header: blank lines, comments, Excel's line with the delimiter.
_BEFORE_HEADER = re.compile(
    r"[^\S\r\n]*+(?:(?P<comment>\"?#)[^\r\n]*|\"?sep=(?P<delimiter>[^\r\n])[^\r\n]*)?(?:\r\n|\r|\n)",
    re.IGNORECASE,
)
SAMPLE_HEADERS = {
    *("sample", "samples", "sample name", "sample names", "sample_name", "sample_names"),
    *("sample id", "sample_id", "sampleid", "samplename", "tumor_sample_barcode"),
}
"""Headers, in small letters, of columns that name samples."""

CHANNEL_HEADERS = {
    *("mutation type", "mutation types", "mutationtype", "mutation_type", "mutation", "mutations"),
    *("type", "subtype", "context", "trinucleotide", "trinuc", "channel", "channels", "bases"),
    *("substitution type", "somatic mutation type", "signature", "signatures"),
}
"""Headers, in small letters, of columns that hold channels or signatures."""


@dataclass(frozen=True)
class TextTable:
    """A delimited text table whose layout is not known yet."""

    source: str  # the path, for messages
    text: str
    start: int  # where the header starts in the text
    delimiter: str
    width: int  # number of columns, the same in every row
    head: list[list[str]]  # the first two rows in full: headers
    lead: list[list[str]]  # the first LEAD cells of every row that is not blank
    lines: list[int]  # the 1-based line in the file of each of these rows
    record: dict[str, Any] = field(default_factory=dict)  # name, bytes and sha256 of the file

    def column(self, column: int) -> list[str]:
        """Return the cells of one column, the header first."""
        if column < LEAD:
            return [row[column] for row in self.lead]
        rows = islice(self._rows(), 1, None)
        return [self.head[0][column], *(row[column] for _, row in rows)]

    def row(self, row: int) -> list[str]:
        """Return the cells of one row; 0 is the header."""
        return self.head[row] if row < 2 else next(islice(self._rows(), row, None))[1]

    def text_columns(self, first_row: int, columns: Sequence[int]) -> list[int]:
        """Return those of the columns that hold text and not a single number from ``first_row`` on."""
        if first_row >= len(self.lines):
            return []
        first = self.row(first_row)
        left = [column for column in columns if not is_number(first[column])]
        with_text: set[int] = set()
        for _, row in islice(self._rows(), first_row, None) if left else ():
            left = [column for column in left if is_text(row[column]) or is_missing(row[column])]
            with_text.update(column for column in left if is_text(row[column]))
        return [column for column in left if column in with_text]

    def numbers(
        self,
        rows: Sequence[int],
        columns: Sequence[int],
        *,
        headers: Sequence[int] = (0,),
        labels: Sequence[int] = (0,),
        items_in: Literal["rows", "columns"],
        unit: str,
        in_mutations: bool = True,
    ) -> NDArray[np.float64]:
        """Return the cells of some rows and columns, both in ascending order, as numbers.

        A negative number that is a rounding error of the sum of its item (sample or signature, in
        rows or in columns) is read as 0, with one warning. For messages: ``headers`` are the rows that name a column,
        ``labels`` the columns that name a row, and ``unit`` is what a cell should hold (``"a count"``). Numbers
        ``in_mutations`` may be large: points between their thousands are refused.

        Raises
        ------
        InputDataError
            If a cell is not a finite number >= 0; the message names its line and column.
        """
        values = np.empty((len(rows), len(columns)))
        wanted = set(rows)
        of_row = (row for at, (_, row) in enumerate(self._rows()) if at in wanted)
        block = slice(columns[0], columns[-1] + 1)
        is_block = len(columns) == columns[-1] + 1 - columns[0]
        bad, least = None, np.zeros((1, 1))
        points = PointsInThousands()
        for index, row in enumerate(of_row):
            cells = row[block] if is_block else [row[column] for column in columns]
            try:
                values[index] = list(map(float, cells))
                joined = "\t".join(cells)
                # float() reads "1_000", but in a table an underscore belongs to a misplaced name.
                readable = "_" not in joined
                if in_mutations:
                    points.look(index, joined)
            except ValueError:
                readable = False
            if not readable:
                bad = index
                break
        else:
            least = least_numbers(values, axis=int(items_in == "rows"))
            bad_rows = np.flatnonzero(~(np.isfinite(values) & (values >= least)).all(axis=1))
            bad = int(bad_rows[0]) if bad_rows.size else None
        if bad is not None:
            limits = np.broadcast_to(least, values.shape)[bad]
            raise self._bad_cell(rows[bad], columns, limits, headers, labels, unit)
        if (bad := points.first_row(values, PurePath(self.source).name, *self.head[0])) is not None:
            raise self._bad_cell(rows[bad], columns, None, headers, labels, unit)
        zero_rounding_errors(values, self.source)
        return values

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        return _rows(self.text, self.delimiter, self.start, self.source)

    def _bad_cell(
        self,
        row: int,
        columns: Sequence[int],
        limits: NDArray[np.float64] | None,
        headers: Sequence[int],
        labels: Sequence[int],
        unit: str,
    ) -> InputDataError:
        """Describe the first bad cell of a row that is known to have one; without ``limits`` a point in thousands."""
        cells = self.row(row)
        problems = (
            point_in_thousands(cells[column])
            if limits is None
            else number_problem(cells[column], float(limits[index]))
            for index, column in enumerate(columns)
        )
        column, problem = next(found for found in zip(columns, problems, strict=False) if found[1])
        label = " ".join(cells[at].strip() for at in labels)
        header = " ".join(self.head[at][column].strip() for at in headers).strip()
        name = repr(header) if header else f"{column + 1} (without a name)"
        return InputDataError(
            f"{self.source}, line {self.lines[row]} ({label}), column {name}: found {cells[column][:40]!r}, "
            f"{problem}. Expected {unit}: correct the cell, or remove its row or column if the data are not known."
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
    refuse_binary(content, source)
    text = decode(content, source)
    del content
    refuse_other_text(text, source)
    start, delimiter = _header(text, source)
    if _NO_CELLS.match(text, start):
        raise InputDataError(f"{source}: the file is empty. Expected a header line and rows.")
    delimiter = delimiter or _find_delimiter(text, start, source)
    head: list[list[str]] = []
    lead: list[list[str]] = []
    lines: list[int] = []
    width = 0
    without_corner = False  # R's header of a table with row names
    try:
        for line, row in _rows(text, delimiter, start, source):
            if len(head) < 2:
                head.append(row)
            if len(lines) == 1:
                without_corner = len(row) == len(head[0]) + 1
            if len(row) != len(head[0]) + without_corner:
                if without_corner and len(row) == len(head[0]):
                    line, row = lines[1], head[1]
                    without_corner = False
                raise InputDataError(
                    _ragged(source, line, row, lines, head, delimiter, without_corner)
                )
            check_table_size(source, len(lines) + 1, len(row))
            lead.append(row[:LEAD])
            lines.append(line)
            # Columns without a name and without a value (trailing delimiters) are dropped.
            width += max((i for i, cell in enumerate(row[width:], 1) if cell.strip()), default=0)
    except csv.Error as error:
        raise InputDataError(
            f"{source}, after line {lines[-1] if lines else 0}: cannot be split into cells "
            f"({error}). No cell may have more than {csv.field_size_limit():,} characters. Look for a long cell, "
            'or a quotation mark (") that is opened but not closed.'
        ) from error
    if without_corner and width > len(head[0]):
        head[0].insert(0, "")
        lead[0] = head[0][:LEAD]
        names_labels = head[0][1].strip().lower() in SAMPLE_HEADERS | CHANNEL_HEADERS
        if names_labels and not is_counter([row[0] for row in lead[1:]]):
            del head[0][0]  # the header of the labels is there, that of another column is missing
            raise InputDataError(_ragged(source, lines[1], head[1], lines, head, delimiter, False))
    return TextTable(source, text, start, delimiter, width, head, lead, lines)


def _rows(text: str, delimiter: str, start: int, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are neither blank nor a comment, each with the 1-based number of its first line."""
    before = count_lines(text[:start])
    line, characters, left_out, width = before, 0, 0, 0

    def lines() -> Iterator[str]:
        nonlocal characters
        for part in text_lines(text, start):
            characters += len(part)
            check_row_size(source, line, characters)
            body = part.rstrip("\r\n")
            # Blanks at the end of a line separate nothing.
            yield body.rstrip(" ") + part[len(body) :] if delimiter == " " else part

    reader = csv.reader(lines(), delimiter=delimiter, skipinitialspace=delimiter != "\t")
    for row in reader:
        characters = 0
        if any(cell and not cell.isspace() for cell in row):
            is_comment = width and len(row) != width and row[0].lstrip().startswith("#")
            # Nothing that holds a number is taken for a comment.
            if not (is_comment and not any(map(is_number, row[1:]))):
                width = len(row)
                yield line, row
                line = before + reader.line_num
                continue
        left_out += 1
        check_table_size(source, left_out, 0)
        line = before + reader.line_num


def _header(text: str, source: str) -> tuple[int, str]:
    """Return where the header starts, and the delimiter if a line above tells it."""
    start, lines, comment, delimiter = 0, 0, None, ""
    while match := _BEFORE_HEADER.match(text, start):
        quoted = match["comment"] == '"#'
        comment = match.start() if quoted else match.end("comment") if match["comment"] else None
        delimiter = match["delimiter"] or delimiter
        start, lines = match.end(), lines + 1
        check_table_size(source, lines, 0)
    if comment is None:
        return start, delimiter
    # Is the last comment the header, as in "#Mutation Type"? Then rows of numbers follow it.
    last = text[comment:start]
    (_, first), (_, second) = (
        next(_rows(part, delimiter or _find_delimiter(text, start, source), at, source), (0, [""]))
        for part, at in ((last, 0), (text, start))
    )
    if len(second) - len(first) not in (0, 1) or not any(map(is_number, second[1:])):
        return start, delimiter
    # Without a cell for the labels, "#1" is the name of the first sample.
    is_name = len(first) < len(second) and text[comment] not in '" '
    return comment - is_name, delimiter


def _find_delimiter(text: str, start: int, source: str) -> str:
    """Return the delimiter that cuts the first rows into equally many cells; tab comes first, the blank last."""
    scores: dict[str, tuple[int, int]] = {}
    for delimiter in _DELIMITERS:
        try:
            rows = _rows(text, delimiter, start, source)
            first = [row for _, row in islice(rows, _ROWS_TO_FIND_DELIMITER)]
        except csv.Error:
            continue
        if delimiter == " " and any(cell in (",", ";") for row in first for cell in row):
            continue  # blanks around another delimiter
        # R's header is one cell shorter than the rows below it; titles may stand above it.
        widths = [len(row) for row in first]
        header, body = widths[:1], widths[1:] or widths
        width = mode(body) if body else 0
        matching = body.count(width) if width > 1 else 0
        matching += len(body) < len(widths) and matching > 0 and width - header[0] in (0, 1)
        if delimiter == "\t" and matching == len(widths) > 0:
            return delimiter
        split = [columns for rows, columns in scores.values() if rows]
        if delimiter != " " or not split or (matching == len(widths) and width > max(split)):
            scores[delimiter] = (matching, width)
    return max(scores, key=lambda delimiter: scores[delimiter], default="\t")


def _ragged(
    source: str,
    line: int,
    row: list[str],
    lines: list[int],
    head: list[list[str]],
    delimiter: str,
    without_corner: bool,
) -> str:
    name = _DELIMITERS.get(delimiter, f"{delimiter!r}")
    if not without_corner and len(head[0]) == 1 and len(row) > 2:
        return (
            f"{source}, line {lines[0]}: has one cell ({head[0][0].strip()[:40]!r}), but line {line} has {len(row)} "
            f"separated by {name}. Expected the header: remove titles above it, or let them begin with #."
        )
    expected = (
        f"{len(head[1])} as in the rows above"
        if without_corner
        else f"{len(head[0])} as in the header"
    )
    return (
        f"{source}, line {line} ({row[0].strip()[:40]!r}): found {len(row)} cells separated by "
        f"{name}, expected {expected}. Add or remove cells so that all rows are equally long."
    )
