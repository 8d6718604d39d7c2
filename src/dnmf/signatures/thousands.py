"""Numbers as other locales write them: marks between thousands, commas before decimals."""

import re

import numpy as np
from numpy.typing import NDArray

# A row of numbers below a million with points between thousands; "2.5" or "0.250" show that points are decimal.
_ROW = re.compile(r"(?:\s*(?:[1-9]\d{0,2}\.\d{3}|\d{1,3})\s*\t)*")
_MARKED = re.compile(r"([+-]?\d{1,3}(?:([.,'’`\s])\d{3})(?:\2\d{3})*)([.,]\d+)?")
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+)")


class PointsInThousands:
    """Whether the cells of a table of counts, shown row by row, have points between thousands: 2.360 for 2360.

    Then every number with a point has one to three digits before it, the first not 0, and three behind it, and no other
    number has more than three digits.
    """

    def __init__(self) -> None:
        self._possible = True
        self._first: int | None = None

    def look(self, row: int, cells: str) -> None:
        """Look at the cells of a row, joined by tabs."""
        if self._possible and "." in cells:
            self._possible = _ROW.fullmatch(cells + "\t") is not None
            self._first = row if self._first is None else self._first

    def first_row(self, values: NDArray[np.float64]) -> int | None:
        """Return the first row with such a point, or None; ``values`` are the numbers as they were read."""
        return self._first if self._possible and values.size and values.max() < 1000 else None


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
