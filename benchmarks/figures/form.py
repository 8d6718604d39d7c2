"""How figures are read from `results/` and written into pages: tables in Markdown, numbers, sentences."""

from collections.abc import Iterable, Sequence
from functools import cache

import pandas as pd

from protocol import RESULTS

NONE = "-"


@cache
def results(name: str) -> pd.DataFrame:
    """Return `results/NAME.csv`; what a table needs is selected from it, never written into it."""
    return pd.read_csv(RESULTS / f"{name}.csv")


def only(rows: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Return the rows that have these values in these columns; None stands for an empty cell.

    Examples
    --------
    >>> only(pd.DataFrame({"set": ["a", "b"], "fold": [1, 1]}), set="b", fold=1)["set"].tolist()
    ['b']
    """
    for column, value in values.items():
        rows = rows[rows[column].isna() if value is None else rows[column] == value]
    return rows


def one(rows: pd.DataFrame, column: str, **values: object) -> float:
    """Return the one number that the rows with these values have; more or fewer rows are an error."""
    found = only(rows, **values)
    if len(found) != 1:
        raise LookupError(f"{len(found)} rows instead of one have {values}")
    return float(found[column].iloc[0])


def fixed(value: float, decimals: int = 2) -> str:
    """Return a number with so many decimals and a comma every thousand; nothing where nothing was measured.

    Examples
    --------
    >>> fixed(1234.567, 1), fixed(float("nan"))
    ('1,234.6', '-')
    """
    # Adding 0 makes a zero of a negative zero.
    return NONE if pd.isna(value) else f"{round(float(value), decimals) + 0.0:,.{decimals}f}"


def digits(value: float, count: int = 3) -> str:
    """Return a number with so many significant digits, no exponent, no needless zero before the point.

    Examples
    --------
    >>> digits(0.0320123), digits(45.781), digits(1624.2)
    ('0.0320', '45.8', '1,620')
    """
    if pd.isna(value):
        return NONE
    text = f"{float(f'{value:.{count}g}'):#,.{count}g}" if value else "0"
    return f"{float(f'{value:.{count}g}'):,.0f}" if "e" in text else text.rstrip(".")


def percent(part: float, decimals: int = 0) -> str:
    """Return a share as a percentage, without the sign."""
    return fixed(100 * part, decimals)


def times(values: Iterable[str]) -> str:
    """Return numbers of the same thing at several bounds: `11 / 10 / 8`."""
    return " / ".join(values)


def least_and_most(values: Iterable[float], decimals: int = 2) -> tuple[str, str]:
    """Return the ends of a range.

    Examples
    --------
    >>> least_and_most([0.256, 0.124, 0.2])
    ('0.12', '0.26')
    """
    numbers = pd.Series(list(values))
    return fixed(numbers.min(), decimals), fixed(numbers.max(), decimals)


def near_one(value: float) -> str:
    """Return a share with two decimals, and three where two would say 0.99 or 1.00."""
    return fixed(value, 2 if value < 0.99 else 3)


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table, with a blank line before and after it.

    Examples
    --------
    >>> print(markdown(["set", "error"], [["a", "0.1"]]).strip())
    | set | error |
    |---|---|
    | a | 0.1 |
    """
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for line in lines:
        if len(line) != len(head):
            raise ValueError(f"{len(line)} cells under {len(head)} heads: {line}")
        rows.append(f"| {' | '.join(line)} |")
    # An empty cell is one space wide.
    return (
        "\n"
        + "\n".join(rows).replace("|  |", "| |").replace("|  |", "| |").replace("|  |", "| |")
        + "\n"
    )
