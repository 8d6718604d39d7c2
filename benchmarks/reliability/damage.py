"""Random damage to bytes, to the cells of a table, and to the entries of JSON."""

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable
from random import Random
from typing import Any

from reliability.parser import Grid

CELLS = (
    *("", " ", "nan", "NA", "inf", "-inf", "1e308", "1e309", "-0", "-1", "-1e-12", "1_000", "1,000", "1.000", "2.360"),
    *("1 000", "1'000", "0x10", "1e5", " 7 ", "٣", "５", "½", "1\x1d", "\x00", "TRUE", "=1+1", "-", "1e-320"),
    *("9" * 400, "1.5.2", "1e", "+3", "3.", ".5", "#REF!", "10%", "\ufeff1", "1\u00a0000", "1\u200b", '"', "0", "7"),
)  # fmt: skip
NAMES = (
    *("", " ", "=cmd|' /C calc'!A0", "@SUM(A1)", "[/b]", "<script>x</script>", "\u202eabc", "\u200b", "x" * 5000),
    *("a\tb", "a\nb", "a\rb", "a,b", "a;b", '"', 'say "a"', "'", "../../x", "é", "名", "🧬", "nan", "NA", "0", "1.5"),
    *("A[C>A]A", "SBS5", "\x07", "\x1d", "\x85", "\u2028", "#S1", "Total", "Sum", "sep=,", "None", "True", "\ufeffS"),
)  # fmt: skip
JSON_VALUES: tuple[Any, ...] = (
    *(None, [], {}, "", "é", "x" * 10_000, -1, 0, 1, 2, 3, 100_000, 10**30, 0.5, 1e300, float("inf"), float("nan")),
    *(True, False, [1] * 1000, [None], {"a": 1}, "DNMF", [[[[]]]], -0.0, "1", [0.1, 0.2]),
)  # fmt: skip
DELIMITERS = "\t\t,,;; "  # R separates by blanks and quotes all text
# One in this many spoilt files is a small gzip that unpacks to more than a reader should hold.
BOMBS = 2_000
_BOMB = {byte: gzip.compress(byte * 8_000_000, mtime=0) for byte in (b"\0", b"\n", b"1\t")}


def spoil(rng: Random, content: bytes) -> bytes:
    """Return bytes with one random damage."""
    size = len(content)
    start, other = rng.randint(0, size), rng.randint(0, size)
    stop = min(size, start + rng.choice((1, 1, 1, 2, 8, 100)))
    kind = rng.randrange(18) if rng.random() < 0.5 else rng.randrange(11)
    if kind == 0:
        return content[:start]
    if kind == 1:
        return content[:start] + content[stop:]
    if kind == 2:
        return content[:start] + content[min(start, other) : max(start, other)] + content[start:]
    if kind == 3:
        return content[:other] + content[start:stop] + content[other:]
    if kind == 4:
        return content[start:]
    if kind in (5, 6, 7, 8) and size:
        at = min(start, size - 1)
        flipped = content[at] ^ (1 << rng.randrange(8))
        byte = flipped if kind < 7 else rng.choice(b'\0\t\n\r ",;#=-.0e\x1d\x7f\x80\xe9\xff')
        return content[:at] + bytes([byte]) + content[at + 1 :]
    if kind == 9:
        piece = rng.choice((b'"', b"\n", b"\r", b"\0", b",", b"\t", b"\xef\xbb\xbf", b"\xe9", b"#"))
        return content[:start] + piece * rng.choice((1, 1, 1, 3, 1000)) + content[start:]
    if kind == 10:
        return rng.choice(
            (b"", b"\n", b'"', b"\xff\xfe", b"\x1f\x8b", b"{", b"PK\x03\x04", content * 2)
        )
    if kind == 11:
        return rng.choice((bz2.compress, lzma.compress))(content)
    if kind == 12 and not rng.randrange(BOMBS // 36):
        return _BOMB[rng.choice(sorted(_BOMB))] * 200
    packed = gzip.compress(content, compresslevel=1, mtime=0)
    if kind == 13:
        return packed[: rng.randrange(len(packed))]
    if kind == 14:
        at = rng.randrange(len(packed))
        return packed[:at] + bytes([packed[at] ^ (1 << rng.randrange(8))]) + packed[at + 1 :]
    if kind == 15:
        return packed + rng.choice((b"\0", b"\0" * 512, b"rest", content, packed))
    text = content.decode("utf-8", "replace")
    if kind == 16:
        return text.encode(
            rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "utf-7")),
            "replace",
        )
    return (
        text.replace("a", "é")
        .replace("A", "Ä")
        .encode(rng.choice(("latin-1", "cp1252", "cp437")), "replace")
    )


def rendered(rng: Random, grid: Grid) -> bytes:
    """Write a table in a random style that changes nothing of what it says."""
    buffer = io.StringIO()
    delimiter = rng.choice(DELIMITERS)
    quotes = (csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    csv.writer(
        buffer,
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL if delimiter == " " else rng.choice(quotes),
        lineterminator=rng.choice(("\n", "\n", "\r\n", "\r")),
    ).writerows(grid)
    text = buffer.getvalue()
    if rng.random() < 0.2:
        text = text.rstrip("\r\n")
    content = text.encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16")))
    return gzip.compress(content, compresslevel=1, mtime=0) if rng.random() < 0.1 else content


def disturb(rng: Random, grid: Grid) -> Grid:
    """Return a table with one random change that may change what it says."""
    if not grid or not grid[0] or len({len(row) for row in grid}) > 1:
        return grid
    rows = [list(row) for row in grid]
    at = rng.randrange(len(rows))
    width = len(rows[0])
    column, target = rng.randrange(width), rng.randrange(width)

    def each(change: Callable[[list[str], int], object]) -> None:
        for number, row in enumerate(rows):
            change(row, number)

    kind = rng.randrange(22)
    if kind < 6:
        for _ in range(rng.choice((1, 1, 1, 2, 10))):
            rng.choice(rows[1:] or rows)[rng.randrange(width)] = rng.choice(CELLS)
    elif kind < 9:
        rows[0][column] = rng.choice(NAMES)
    elif kind == 9:
        rows[at][0] = rng.choice(NAMES)
    elif kind == 10:
        rows.insert(rng.randrange(len(rows)), list(rows[at]))
    elif kind == 11:
        del rows[at]
    elif kind == 13:
        each(lambda row, _: row.insert(target, row[column]))
    elif kind == 14 and width > 1:
        each(lambda row, _: row.pop(column))
    elif kind == 15:
        rows[at] = rows[at][:column] if rng.random() < 0.5 else rows[at] + ["1"] * rng.randint(1, 3)
    elif kind == 16:
        rows.insert(
            at,
            [rng.choice(("", "#", "# a comment", "sep=,", "##"))]
            + [""] * rng.choice((0, width - 1)),
        )
    elif kind == 17:
        words = rng.choice((("note", "text"), ("Total", "1"), ("", "5"), ("age", "51"), ("", "")))
        each(lambda row, number: row.insert(column, words[bool(number)]))
    elif kind == 18:  # as R's write.table and pandas' to_csv number rows
        each(lambda row, number: row.insert(0, str(number) if number else ""))
        if rng.random() < 0.5:
            del rows[0][0]
    elif kind == 19:
        rows = [list(cells) for cells in zip(*rows, strict=True)]
    elif kind == 20:
        each(
            lambda row, _: row.__setitem__(
                column, rng.choice((row[column].lower(), f" {row[column]} "))
            )
        )
    else:
        each(
            lambda row, number: row.__setitem__(
                column, rng.choice(CELLS) if number else row[column]
            )
        )
    return rows or [[""]]


def alter(rng: Random, entries: Any) -> Any:
    """Return JSON entries with one of them replaced, removed or added."""
    if isinstance(entries, dict) and entries:
        key = rng.choice(sorted(entries))
        kind = rng.randrange(8)
        if kind == 0:
            return {name: value for name, value in entries.items() if name != key}
        if kind == 1:
            return {**entries, rng.choice(("unknown", key.upper(), "")): rng.choice(JSON_VALUES)}
        return {**entries, key: alter(rng, entries[key])}
    if isinstance(entries, list) and entries and rng.random() < 0.7:
        at = rng.randrange(len(entries))
        kind = rng.randrange(4)
        if kind < 2:
            return [*entries[:at], *entries[at + kind :], *entries[at : at + 1]]
        return [*entries[:at], alter(rng, entries[at]), *entries[at + 1 :]]
    return rng.choice(JSON_VALUES)
