"""Mutation channels: their canonical order and every spelling of their labels that circulates.

Two row orders of the 96 substitution channels are in use, so rows are always matched by label,
never by position.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product

import pandas as pd

from dnmf.exceptions import ChannelMismatchError

_SHOWN = 5
"""How many labels an error message lists before it says 'and n more'."""


@dataclass(frozen=True)
class ChannelSchema:
    """A set of mutation channels in canonical order, with the parser of their spellings.

    Parameters
    ----------
    name : str
        What the field calls the set, e.g. ``"SBS96"``.
    labels : tuple of str
        Canonical labels in canonical order: the columns of every table in memory.
    parse : callable, optional
        Turns the label cells of one row into a canonical label, or None if they are not one. It
        gets one string per label column. The default accepts the canonical labels themselves.
    label_widths : tuple of int
        How many label columns a file may have: ``(1, 2)`` for ``A[C>A]A`` and ``C>A,ACA``.
    accepted : str
        The accepted spellings in words, for error messages.

    Examples
    --------
    >>> SBS96.canonical("t[g>t]t"), SBS96.canonical(("C>A", "ACA")), SBS96.canonical("SBS1")
    ('A[C>A]A', 'A[C>A]A', None)
    """

    name: str
    labels: tuple[str, ...] = field(repr=False)
    parse: Callable[[Sequence[str]], str | None] | None = field(
        default=None, repr=False, compare=False
    )
    label_widths: tuple[int, ...] = field(default=(1,), repr=False)
    accepted: str = field(default="the canonical labels", repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def file_order(self) -> tuple[str, ...]:
        """The labels sorted as text: the row order of SigProfiler matrices and COSMIC downloads."""
        return tuple(sorted(self.labels))

    def canonical(self, spelling: str | Sequence[str]) -> str | None:
        """Return the canonical label for one spelling, or None if it is not a channel here."""
        parts = (spelling,) if isinstance(spelling, str) else tuple(spelling)
        if self.parse is not None:
            return self.parse(parts)
        label = parts[0].strip()
        return label if len(parts) == 1 and label in self.labels else None

    def positions(
        self, spellings: Sequence[str | Sequence[str]], *, source: str, places: Sequence[str]
    ) -> list[int]:
        """Return where each channel of the schema stands among ``spellings``, in canonical order.

        Parameters
        ----------
        spellings : sequence of str or of label parts
            The labels of a table as they are written there.
        source, places : str, sequence of str
            Name of the table, and where each label stands in it (``"line 7"``), for error messages.

        Raises
        ------
        ChannelMismatchError
            If a channel is missing, given twice or not known; the message lists them.
        """
        found: dict[str, int] = {}
        unknown: list[int] = []
        for index, spelling in enumerate(spellings):
            label = self.canonical(spelling)
            if label is None:
                unknown.append(index)
            elif label in found:
                first = found[label]
                raise ChannelMismatchError(
                    f"{source}: channel {label} is given twice, as {_written(spellings[first])} in "
                    f"{places[first]} and as {_written(spelling)} in {places[index]}. Remove one "
                    "of them, or add them up if they are the two strands of one channel."
                )
            else:
                found[label] = index
        missing = [label for label in self.labels if label not in found]
        if missing or unknown:
            raise ChannelMismatchError(
                self._mismatch(
                    source, missing, [f"{_written(spellings[i])} ({places[i]})" for i in unknown]
                )
            )
        return [found[label] for label in self.labels]

    def reorder(self, frame: pd.DataFrame, *, source: str = "the table") -> pd.DataFrame:
        """Return ``frame`` with its columns named and ordered canonically.

        Parameters
        ----------
        frame : DataFrame (samples or signatures, channels)
            Columns in any order and spelling; two column levels stand for two label columns.

        Raises
        ------
        ChannelMismatchError
            If the columns are not exactly the channels of the schema.

        Examples
        --------
        >>> frame = pd.DataFrame([range(96)], columns=SBS96.file_order)
        >>> SBS96.reorder(frame).columns.tolist() == list(SBS96.labels)
        True
        """
        spellings = [
            tuple(map(str, label)) if isinstance(label, tuple) else str(label)
            for label in frame.columns
        ]
        known = sum(self.canonical(spelling) is not None for spelling in spellings)
        if known == 0 and any(self.canonical(str(label)) is not None for label in frame.index):
            raise ChannelMismatchError(
                f"{source}: the channels are in the rows, expected them in the columns. Give the "
                "transpose (frame.T)."
            )
        places = [f"column {number}" for number in range(1, len(spellings) + 1)]
        order = self.positions(spellings, source=source, places=places)
        ordered = frame.iloc[:, order]
        ordered.columns = pd.Index(self.labels)
        return ordered

    def _mismatch(self, source: str, missing: list[str], unknown: list[str]) -> str:
        complaints = []
        if missing:
            complaints.append(f"missing: {few(missing)}")
        if unknown:
            complaints.append(f"not recognised: {few(unknown)}")
        return (
            f"{source}: found {len(self) - len(missing)} of the {len(self)} {self.name} channels; "
            f"{'; '.join(complaints)}. Exactly these {len(self)} channels are needed, each once (0 "
            f"where there are no mutations). Accepted spellings: {self.accepted}."
        )


def few(items: Sequence[str]) -> str:
    """Join the first items of a list and count the rest: ``"a, b, c, d, e and 3 more"``."""
    shown = ", ".join(items[:_SHOWN])
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"


def _written(spelling: str | Sequence[str]) -> str:
    return repr(spelling if isinstance(spelling, str) else ",".join(spelling))[:40]


_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_SPELLINGS = (
    re.compile(r"(?P<five>[ACGT])\[(?P<ref>[ACGT])>(?P<alt>[ACGT])\](?P<three>[ACGT])"),
    # SignatureAnalyzer's four letters: reference, alternative, 5' base, 3' base.
    re.compile(r"(?P<ref>[ACGT])(?P<alt>[ACGT])(?P<five>[ACGT])(?P<three>[ACGT])"),
    re.compile(
        r"(?P<ref>[ACGT])>(?P<alt>[ACGT])[,;:|_]?(?P<five>[ACGT])(?P<middle>[ACGT])(?P<three>[ACGT])"
    ),
    re.compile(
        r"(?P<five>[ACGT])(?P<middle>[ACGT])(?P<three>[ACGT])[,;:|_]?(?P<ref>[ACGT])>(?P<alt>[ACGT])"
    ),
)


def _parse_sbs96(parts: Sequence[str]) -> str | None:
    """Read one SBS96 label; a purine reference is turned to the pyrimidine of the other strand.

    >>> _parse_sbs96(["A[A>C]G"]), _parse_sbs96(["ACAG"]), _parse_sbs96(["G>T", "TGT"])
    ('C[T>G]T', 'C[T>G]T', 'A[C>A]A')
    """
    text = "".join(",".join(parts).upper().split())
    for pattern in _SPELLINGS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        bases = match.groupdict()
        ref, alt, five, three = (bases[name] for name in ("ref", "alt", "five", "three"))
        if ref == alt or bases.get("middle", ref) != ref:
            return None
        if ref in "AG":
            ref, alt = ref.translate(_COMPLEMENT), alt.translate(_COMPLEMENT)
            five, three = three.translate(_COMPLEMENT), five.translate(_COMPLEMENT)
        return f"{five}[{ref}>{alt}]{three}"
    return None


SBS96 = ChannelSchema(
    name="SBS96",
    labels=tuple(
        f"{five}[{change}]{three}"
        for change in ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
        for five, three in product("ACGT", repeat=2)
    ),
    parse=_parse_sbs96,
    label_widths=(1, 2),
    accepted="A[C>A]A, two columns C>A and ACA, or SignatureAnalyzer's A[A>C]A and ACAA",
)
"""The 96 single-base substitutions in their trinucleotide context, in plot (PCAWG) order."""
