"""Alleles and filters of variant files, and the frame that all readers make."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.variants.distinct import Texts

_NO_ALLELE = "."


def allele(text: str) -> str:
    """Return an allele in capitals, empty for ``-``, and ``.`` for an empty one.

    Examples
    --------
    >>> [allele(text) for text in ("a", "-", "", "<del>")]
    ['A', '', '.', '<DEL>']
    """
    text = text.strip().upper()
    return "" if text == "-" else text or _NO_ALLELE


@dataclass(frozen=True, eq=False)
class Alternatives:
    """The alleles of ALT, which may be several in a row, separated by commas.

    Attributes
    ----------
    number : array (rows,)
        Alleles of each row.
    """

    number: NDArray[np.int64]
    _first: NDArray[np.int64]
    _codes: NDArray[np.int64]
    _values: list[str]

    @classmethod
    def of(cls, alt: Texts) -> "Alternatives":
        """Split a column ALT."""
        split = [[allele(part) for part in text.split(",")] for text in alt.values]
        values = list(dict.fromkeys(part for parts in split for part in parts))
        places = {value: place for place, value in enumerate(values)}
        codes = np.array([places[part] for parts in split for part in parts], dtype=np.int64)
        numbers = [len(parts) for parts in split]
        ends = dict(zip(alt.values, np.cumsum(numbers).tolist(), strict=True))
        number = alt.numbers(lambda text: text.count(",") + 1)
        return cls(number, alt.numbers(ends.__getitem__) - number, codes, values)

    def pick(self, rows: NDArray[np.int64], which: NDArray[np.int64]) -> Texts:
        """Return an allele of each of some rows, by its place in ALT, from 0."""
        return Texts(self._codes[self._first[rows] + which], self._values)

    def all_of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return each of some rows as often as it has alleles, and the places of these in ALT, from 0."""
        number = self.number[rows]
        before = np.repeat(np.cumsum(number) - number, number)
        return np.repeat(rows, number), np.arange(len(before), dtype=np.int64) - before


def filter_test(filters: str | Collection[str]) -> Callable[[str], bool]:
    """Return what tells whether a value of FILTER is one of those that are kept.

    A value may be several, separated by semicolons or commas: all must be kept. An empty one is ``.``.

    Examples
    --------
    >>> kept = filter_test(("PASS", "."))
    >>> kept("PASS"), kept(""), kept("PASS;weak_evidence")
    (True, True, False)

    Raises
    ------
    InputDataError
        No filter is named.
    """
    names = filters.split(",") if isinstance(filters, str) else filters
    kept = {name.strip() for name in names} - {""}
    if "all" in kept:
        return lambda text: True
    if not kept:
        raise InputDataError("no value of FILTER to keep: name some, as in PASS and '.', or 'all'.")
    return lambda text: all(part.strip() in kept for part in re.split("[;,]", text or _NO_ALLELE))


def outcomes(rows: int, **decided: NDArray[np.bool_]) -> Texts:
    """Return the outcome of each row: the first that is true of it, empty for none."""
    codes = np.zeros(rows, dtype=np.int8)
    for code, which in reversed(list(enumerate(decided.values(), 1))):
        codes[which] = code
    return Texts(codes, ["", *decided])


def variant_frame(
    file: str,
    lines: NDArray[np.int64],
    columns: dict[str, Texts],
    position: NDArray[np.int64],
    written: NDArray[np.int64],
    samples: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the frame of `dnmf.variants.rows.VariantRows`.

    Parameters
    ----------
    file : str
        Path of the file.
    lines : array (rows,)
        Number of the line of each row, from 1.
    columns : dict of Texts
        ``sample``, ``contig``, ``ref``, ``alt``, ``outcome``, and ``context`` if there is one.
    position : array (rows,)
        Of the first base, from 0.
    written : array (rows,)
        Position in the file, from 1: with an empty allele another base may be named there than the first.
    samples : sequence of str
        Samples of the file in its order, with or without a row; others follow in the order of their rows.
    """
    ref, alt = columns["ref"], columns["alt"]
    nothing = ref.where(lambda text: not text) & alt.where(lambda text: not text)
    if nothing.any():
        none = Texts.constant(_NO_ALLELE, len(lines))
        columns = {**columns, "ref": ref.or_else(none, nothing), "alt": alt.or_else(none, nothing)}
    numbers = {"position": position, "written": written}
    order = ("sample", "contig", *numbers, "ref", "alt", "outcome", "context")
    frame: dict[str, Any] = {"file": Texts.constant(file, len(lines)).categorical(), "line": lines}
    for name in order:
        if name in numbers:
            frame[name] = numbers[name]
        elif name in columns:
            frame[name] = columns[name].categorical(samples if name == "sample" else ())
    return pd.DataFrame(frame)


def no_variants(file: str, samples: Iterable[str] = ()) -> pd.DataFrame:
    """Return the frame of a file without rows."""
    names = ("sample", "contig", "ref", "alt", "outcome")
    none = np.zeros(0, dtype=np.int64)
    return variant_frame(file, none, {name: Texts(none, []) for name in names}, none, none, samples)
