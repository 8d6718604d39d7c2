"""What the cells of text tables hold: numbers, text, nothing, or what was meant for a number."""

import re
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import DoubtfulDataWarning
from dnmf.signatures.thousands import other_notation

ROUNDING = 1e-9
"""How far below 0 a number may be and still be 0 with a rounding error, as a share of its sample's sum."""

_MISSING = {
    *("", "na", "n/a", "nan", "none", "null", "-", ".", "?"),
    *("#n/a", "#ref!", "#div/0!", "#value!", "#name?", "#num!", "#null!"),  # of spreadsheets
}


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, which may be missing (``nan``)."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def is_text(cell: str) -> bool:
    """Whether a cell has letters and is neither a number in some notation nor a word for a missing one."""
    return (
        any(letter.isalpha() for letter in cell)
        and not is_number(cell)
        and not is_missing(cell)
        and not re.fullmatch(r"\s*[+-]?[\d.,'’\s]+(?:e[+-]?\d+)?\s*", cell, re.IGNORECASE)
    )


def is_counter(cells: Sequence[str]) -> bool:
    """Whether cells number the rows: 0, 1, 2, ... or 1, 2, 3, ... in any order."""
    # No longer than Python reads at any setting: int() refuses thousands of digits.
    if not all(cell.strip().isdecimal() and len(cell) < 600 for cell in cells):
        return False
    numbers = sorted(int(cell) for cell in cells)
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(cells)))


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or holds a word for a missing number."""
    return cell.strip().lower() in _MISSING


def number_problem(cell: str, least: float) -> str:
    """Say what is wrong with a cell that should be a number >= ``least``; empty if nothing is."""
    text = cell.strip()
    if is_missing(cell):
        return "a missing value"
    try:
        # float() reads "1_000"; in a table an underscore belongs to a misplaced name.
        value = float("text" if "_" in text else text)
    except ValueError:
        return other_notation(cell) or "text instead of a number"
    if np.isnan(value):
        return "a missing value"
    if np.isinf(value):
        return "an infinite number"
    return "a negative number" if value < least else ""


def least_numbers(values: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Return the least numbers that are 0 with a rounding error, by the sums along an axis of what is finite."""
    finite = np.isfinite(values)
    summands = values if finite.all() else np.where(finite, values, 0.0)
    with np.errstate(over="ignore"):
        totals = summands.sum(axis=axis, keepdims=True)
    least: NDArray[np.float64] = -ROUNDING * np.clip(totals, 0.0, np.finfo(np.float64).max)
    return least


def zero_rounding_errors(values: NDArray[np.float64], source: str) -> None:
    """Set numbers below 0 to 0, with one warning, and -0 to 0 without; ``least_numbers`` allows them."""
    if (values < 0).any():
        warnings.warn(
            f"{source}: read {(values < 0).sum()} numbers as 0 that are less by a rounding error, down to "
            f"{values.min():.3g}.",
            DoubtfulDataWarning,
            stacklevel=5,
        )
    values[values <= 0] = 0.0
