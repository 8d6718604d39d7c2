"""A parser of tables that shares no code with dnmf, and the comparison of an answer with the bytes it was read from."""

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product

import pandas as pd

EQUAL, UNKNOWN = "equal", "not comparable"
LEFT_OUT = {"accuracy", "cancer types", "cancer type"}
# Largest share of an item's total that a negative number may have to be read as 0.
NEGATIVE_ROUNDING = 1e-9
# Letters of a long name that a warning must show.
SHOWN = 20
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MARKS = {
    **{b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32"},
    **{b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"},
}
_COMPLEMENT = str.maketrans("ACGT", "TGCA")

Grid = list[list[str]]
Spellings = Mapping[str, str]


def unpacked(content: bytes) -> bytes | None:
    """Return content as it is, or what was packed by gzip; None if that is damaged."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    found = b""
    while content.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        try:
            found += member.decompress(content)
        except zlib.error:
            return None
        if not member.eof:
            return None
        # Members of gzip may follow each other, and be padded with zeros.
        content = member.unused_data.lstrip(b"\0")
    return None if content else found


def text_of(content: bytes) -> str | None:
    """Return the text of a file, packed by gzip or not; None if it is none."""
    plain = unpacked(content)
    if plain is None:
        return None
    encoding = next((name for mark, name in _MARKS.items() if plain.startswith(mark)), "utf-8-sig")
    try:
        return plain.decode(encoding)
    except UnicodeDecodeError:
        return None


def grid_of(text: str, delimiter: str) -> Grid:
    """Cut text into cells: quotes count at the start of a cell, a line ends with CR, LF or both, blanks are one."""
    if '"' not in text and delimiter != " ":
        return [line.split(delimiter) for line in re.split("\r\n|\r|\n", text)]
    rows: Grid = [[]]
    cell, quoted, at = "", False, 0
    while at < len(text):
        letter = text[at]
        if quoted and letter == '"' and text[at + 1 : at + 2] == '"':
            cell += '"'
            at += 1
        elif quoted:
            quoted = letter != '"'
            cell += letter if quoted else ""
        elif letter == '"' and not cell and (at == 0 or text[at - 1] in f"{delimiter}\r\n"):
            quoted = True
        elif letter == delimiter == " " and (text[:at][-1:] or " ") in " \r\n":
            pass
        elif letter == delimiter:
            rows[-1].append(cell)
            cell = ""
        elif letter in "\r\n":
            rows[-1].append(cell)
            rows.append([])
            cell = ""
            at += text[at : at + 2] == "\r\n"
        else:
            cell += letter
        at += 1
    rows[-1].append(cell)
    return rows


def number(cell: str) -> float | None:
    """Return a plain decimal number; None for anything else."""
    return float(cell) if _NUMBER.fullmatch(cell := cell.strip()) else None


def bare(label: str) -> str:
    """Return the capitals and digits of a label: whatever stands between them says nothing."""
    return re.sub("[^A-Z0-9]", "", label.upper())


def _substitution_spellings() -> list[dict[str, str]]:
    """Return, for each order in which bases are written, what the bases of a label mean."""
    tables: list[dict[str, str]] = [{} for _ in range(6)]
    for five, ref, alt, three in product("ACGT", repeat=4):
        if ref == alt:
            continue
        bases = five + ref + alt + three
        if ref in "AG":
            bases = bases.translate(_COMPLEMENT)[::-1]
            bases = bases[0] + bases[2] + bases[1] + bases[3]
        label = f"{bases[0]}[{bases[1]}>{bases[2]}]{bases[3]}"
        context, change = five + ref + three, ref + alt
        words = (
            *(five + change + three, change + context, context + change),
            *(context + five + alt + three, change + five + three, context + alt),
        )
        for table, word in zip(tables, words, strict=True):
            table[word] = label
    return tables


SUBSTITUTIONS: Sequence[Spellings] = _substitution_spellings()


def compare(
    answer: pd.DataFrame,
    content: bytes,
    warnings: Sequence[str],
    spellings: Sequence[Spellings] | None = None,
    *,
    scaled: bool = False,
) -> str:
    """Say whether every number of a table of answers stands in the file, and nothing of the file is lost unsaid.

    Parameters
    ----------
    answer : DataFrame (items, keys)
        Samples or signatures by channels, or samples by signatures.
    content, warnings
        The file, and what the reader said about it.
    spellings : sequence of mappings, optional
        Ways to turn a label of the file into a key; without them labels are names as they are.
    scaled : bool
        Whether rows of the answer are divided by their sums.

    Returns
    -------
    str
        ``EQUAL``, ``UNKNOWN`` (no arrangement that is known here fits the file), or what differs.
    """
    text = text_of(content)
    if text is None:
        return "accepted, but the file is not text"
    named = [{str(key): str(key) for key in answer.columns}]
    tables = named if spellings is None else [*spellings, *named]
    differs = UNKNOWN
    for grid in grids_of(text):
        for turned in (False, True):
            for verdict in _verdicts(grid, answer, tables, warnings, turned=turned, scaled=scaled):
                if verdict == EQUAL:
                    return EQUAL
                differs = verdict
    return differs


def grids_of(text: str) -> Iterator[Grid]:
    """Yield the ways to cut text into cells, with and without comments, blank lines left out."""
    for delimiter in "\t,; ":
        if delimiter not in text:
            continue
        rows = [row for row in grid_of(text, delimiter) if any(cell.strip() for cell in row)]
        said = [row for at, row in enumerate(rows) if not _is_remark(row, first=at == 0)]
        for rest in [said, rows] if 1 < len(said) < len(rows) else [rows]:
            yield rest
            if len(rest) > 1 and len(rest[1]) == len(rest[0]) + 1:  # R leaves out the corner
                yield [["", *rest[0]], *rest[1:]]


def _is_remark(row: list[str], *, first: bool) -> bool:
    """Whether a line is a comment without numbers, or Excel's note of the delimiter."""
    start = row[0].strip().lower()
    return (first and start.startswith("sep=")) or (
        start.startswith("#") and not any(number(cell) is not None for cell in row)
    )


def _verdicts(
    grid: Grid,
    answer: pd.DataFrame,
    tables: Sequence[Spellings],
    warnings: Sequence[str],
    *,
    turned: bool,
    scaled: bool,
) -> Iterator[str]:
    """Yield a verdict for each arrangement in which all items and all keys are found; ``turned``: items are rows."""
    width = max(map(len, grid))
    grid = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in grid]
    if turned:
        grid = [list(column) for column in zip(*grid, strict=True)]
    items, keys = ([str(name) for name in axis] for axis in (answer.index, answer.columns))
    for header, row in enumerate(grid[:4]):
        often = Counter(row)
        places = {cell: at for at, cell in enumerate(row) if often[cell] == 1}
        if not all(item in places for item in items):
            continue
        columns = [places[item] for item in items]
        others = [at for at in range(len(row)) if at not in columns]
        for labels in [(at,) for at in others] + list(pairwise(others)):
            for table in tables:
                rows = _key_rows(grid, labels, table)
                if rows is None or rows.keys() != set(keys):
                    continue
                numbers = [[grid[rows[key]][at] for key in keys] for at in columns]
                if wrong := _wrong_number(numbers, answer, scaled=scaled):
                    yield wrong
                    continue
                if columns != sorted(columns):
                    yield "the order of the items changed"
                    continue
                lost = [
                    (row[at] or str(at + 1), [line[at] for line in grid])
                    for at in others
                    if at not in labels and not (turned and at == 2 and _is_name_line(grid, at))
                ]
                lost += [
                    (line[labels[0]], line)
                    for at, line in enumerate(grid)
                    if at not in (header, *rows.values())
                ]
                unsaid = [
                    name
                    for name, cells in lost
                    if any(cells)
                    and name.lower() not in LEFT_OUT
                    # Before the first header a # marks the line: it is no part of the name.
                    and not any(
                        repr(name.removeprefix("#")[:SHOWN])[1:-1] in warning
                        for warning in warnings
                    )
                ]
                yield f"left out unsaid: {unsaid[0][:40]!r}" if unsaid else EQUAL


def _is_name_line(grid: Grid, at: int) -> bool:
    """Whether a line has one cell: pandas writes the name of the rows so, under two header lines."""
    return sum(bool(line[at]) for line in grid) == 1


def _key_rows(grid: Grid, labels: tuple[int, ...], table: Spellings) -> dict[str, int] | None:
    rows: dict[str, int] = {}
    for at, line in enumerate(grid):
        label = ",".join(line[column] for column in labels)
        key = table.get(label) or table.get(bare(label))
        if key is not None and rows.setdefault(key, at) != at:
            return None
    return rows


def _wrong_number(numbers: Grid, answer: pd.DataFrame, *, scaled: bool) -> str:
    for item, cells, values in zip(answer.index, numbers, answer.to_numpy().tolist(), strict=True):
        read = [number(cell) for cell in cells]
        if None in read:
            return f"{item!r}: {cells[read.index(None)][:40]!r} is no number"
        written = [value for value in read if value is not None]
        total = math.fsum(written)
        lowest = -NEGATIVE_ROUNDING * abs(total)
        written = [0.0 if lowest < value < 0 else value for value in written]
        for cell, before, value in zip(cells, written, values, strict=True):
            after = before / math.fsum(written) if scaled and total else before
            if not (value == before or (scaled and math.isclose(value, after, rel_tol=1e-9))):
                return f"{item!r}: {cell[:40]!r} was read as {value!r}"
    return ""
