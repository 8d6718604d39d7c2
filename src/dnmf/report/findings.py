"""Findings and lists of names, as every part of a report words them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

MOST_LISTED = 4
"""Names that a sentence lists."""


@dataclass(frozen=True)
class Finding:
    """One thing to know about a result: ``caution`` may change a conclusion, ``note`` explains one."""

    level: Literal["caution", "note"]
    title: str
    text: str


def in_order(warnings: Iterable[str], *findings: Iterable[Finding]) -> list[Finding]:
    """Return the warnings of a run and the findings about its result, cautions first."""
    found = [Finding("caution", "Warning during the run", text) for text in warnings]
    return sorted(chain(found, *findings), key=lambda finding: finding.level != "caution")


def n_samples(n: int, one: str, more: str) -> str:
    """Return ``1 sample holds``, ``2 samples hold``."""
    return f"1 sample {one}" if n == 1 else f"{n:,} samples {more}"


def listing(names: Sequence[str], most: int = MOST_LISTED, total: int | None = None) -> str:
    """Return ``a, b and c``, or the first few and how many more; of ``total`` names, which may not all be given.

    Examples
    --------
    >>> listing(["a", "b", "c"]), listing(["a", "b", "c"], most=2)
    ('a, b and c', 'a, b and 1 more')
    """
    shown, total = list(names[:most]), len(names) if total is None else total
    if total > most:
        return f"{', '.join(shown)} and {total - most:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
