"""Findings and lists of names, as every part of a report words them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing to know about a result: ``caution`` may change a conclusion, ``note`` explains one."""

    level: Literal["caution", "note"]
    title: str
    text: str


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
