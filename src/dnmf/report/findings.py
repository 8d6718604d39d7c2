"""Findings and lists of names, as every part of a report words them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal


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


def listing(names: Sequence[str], most: int = 4) -> str:
    """Return ``a, b and c``, or the first few and how many more.

    Examples
    --------
    >>> listing(["a", "b", "c"]), listing(["a", "b", "c"], most=2)
    ('a, b and c', 'a, b and 1 more')
    """
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
