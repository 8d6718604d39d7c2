"""A column of few distinct texts: work is done once for each of them, not for each row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Texts:
    """A text for each row.

    Attributes
    ----------
    codes : array (rows,)
        Place of each row's text in ``values``.
    values : list of str
        The texts, each once; some may be in no row.

    Examples
    --------
    >>> column = Texts(np.array([0, 1, 0]), ["a", "A"])
    >>> column.map(str.upper).values, column.where(str.isupper).tolist()
    (['A'], [False, True, False])
    """

    codes: NDArray[Any]
    values: list[str]

    @classmethod
    def of(cls, column: "pd.Series[Any]") -> "Texts":
        """Return a column of Python's texts."""
        codes, values = pd.factorize(column.to_numpy())
        return cls(codes, list(values))

    @classmethod
    def constant(cls, text: str, rows: int) -> "Texts":
        """Return the same text for every row."""
        return cls(np.zeros(rows, dtype=np.int8), [text])

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str:
        return self.values[int(self.codes[row])]

    def map(self, change: Callable[[str], str]) -> "Texts":
        """Return the column with every text changed; texts that become equal are made one."""
        changed = [change(value) for value in self.values]
        values = list(dict.fromkeys(changed))
        if len(values) == len(changed):
            return Texts(self.codes, changed)
        places = {value: place for place, value in enumerate(values)}
        return Texts(self._look_up([places[value] for value in changed]), values)

    def where(self, test: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Return for each row whether its text passes a test."""
        passed = [test(value) for value in self.values]
        if any(passed):
            return self._look_up(passed).astype(bool)
        return np.zeros(len(self), dtype=bool)

    def equal_to(self, text: str) -> NDArray[np.bool_]:
        """Return for each row whether it has a text."""
        return self.where(lambda value: value == text)

    def numbers(self, number: Callable[[str], int]) -> NDArray[np.int64]:
        """Return a number for each row, made of its text."""
        return self._look_up([number(value) for value in self.values]).astype(np.int64)

    def equals(self, other: "Texts") -> NDArray[np.bool_]:
        """Return for each row whether two columns have the same text."""
        places = {value: place for place, value in enumerate(self.values)}
        same = other.numbers(lambda value: places.get(value, -1)) == self.codes
        return np.asarray(same, dtype=bool)

    def take(self, rows: NDArray[Any]) -> "Texts":
        """Return the texts of some rows, by number or mask."""
        return Texts(self.codes[rows], self.values)

    def or_else(self, other: "Texts", rows: NDArray[np.bool_]) -> "Texts":
        """Return the column with the texts of another in some rows."""
        if not rows.any():
            return self
        codes = np.where(rows, other.codes.astype(np.int64) + len(self.values), self.codes)
        return Texts(codes, self.values + other.values).map(str)

    def categorical(self, first: Iterable[str] = ()) -> "pd.Categorical[Any]":
        """Return the column in pandas' type for categories: some texts, in a row or not, then the others in a row."""
        used = np.flatnonzero(np.bincount(self.codes, minlength=len(self.values)))
        order = {text: place for place, text in enumerate(dict.fromkeys(first))}
        places = np.zeros(len(self.values), dtype=np.int64)
        for code in used.tolist():
            places[code] = order.setdefault(self.values[code], len(order))
        return pd.Categorical.from_codes(places[self.codes], pd.Index(list(order), dtype=str))

    def _look_up(self, of_each_value: list[Any]) -> NDArray[Any]:
        return np.asarray(np.array(of_each_value if self.values else [0])[self.codes])
