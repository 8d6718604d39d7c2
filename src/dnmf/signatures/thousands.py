"""Numbers as other locales write them: marks between thousands, commas before decimals."""

import re

import numpy as np
from numpy.typing import NDArray

# A row of integers and of numbers with a point between thousands; "2.5" or "0.250" show that points are decimal.
_ROW = re.compile(r"(?:\s*(?:[1-9]\d{0,2}\.\d{3}|\d+)\s*\t)*")
# Numbers with a point from which there are enough to take it for one between thousands though others have none there.
_ENOUGH = 20
_MARKED = re.compile(r"([+-]?\d{1,3}(?:([.,'’`\s])\d{3})(?:\2\d{3})*)([.,]\d+)?")
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+)")


class PointsInThousands:
    """Whether the cells of a table of counts, shown row by row, have points between thousands: 2.360 for 2360.

    Then every number with a point has one to three digits before it, the first not 0, and three behind it. Where
    integers above 999 have none, many such numbers are needed, or a name that says counts.
    """

    def __init__(self) -> None:
        self._possible = True
        self._points = 0
        self._first: int | None = None

    def look(self, row: int, cells: str) -> None:
        """Look at the cells of a row, joined by tabs."""
        if self._possible and "." in cells:
            self._possible = _ROW.fullmatch(cells + "\t") is not None
            self._points += cells.count(".")
            self._first = row if self._first is None else self._first

    def first_row(self, values: NDArray[np.float64], *names: str) -> int | None:
        """Return the first row with such a point, or None.

        ``values`` are the numbers as they were read, ``names`` those of the file and its columns.
        """
        if not self._possible or self._first is None:
            return None
        counted = any("count" in name.lower() for name in names)
        sure = values.max() < 1000 or self._points >= _ENOUGH or counted
        return self._first if sure else None


def point_in_thousands(cell: str) -> str:
    """Say what is wrong with a cell that has a point between thousands; empty if it has none."""
    if "." not in cell:
        return ""
    digits = cell.strip().replace(".", "")
    return (
        f"a point between thousands? All numbers with a point have three digits behind it. Write {digits}, or "
        f"{cell.strip()}0 if it is a decimal point"
    )


def other_notation(cell: str) -> str:
    """Say how a number of another locale is written here; empty if the cell is no number."""
    text = cell.strip()
    marked, decimal = _MARKED.fullmatch(text), _DECIMAL_COMMA.fullmatch(text)
    if marked:
        whole = re.sub(r"[^\d+-]", "", marked[1]) + (marked[3] or "").replace(",", ".")
    how = f"write {whole}" if marked else ""
    if decimal:
        how += f"{' or ' if marked else 'write '}{decimal[1] or 0}.{decimal[2]}"
    return (
        f"not a number (write a point before decimals, and nothing between thousands: {how})"
        if how
        else ""
    )
