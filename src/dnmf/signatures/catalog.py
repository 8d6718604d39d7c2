"""The two labelled tables of the field: counts per sample and channel, and signatures.

Both are checked when they are made, so code that receives one need not check again.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dnmf.criteria import LARGEST_ENTRY
from dnmf.exceptions import InputDataError
from dnmf.signatures.cells import least_numbers, zero_rounding_errors
from dnmf.signatures.channels import ChannelSchema, few
from dnmf.signatures.kinds import signature_share
from dnmf.signatures.substitutions import SBS96
from dnmf.signatures.unit import how_to_get_counts, why_not_counts

SUM_TOLERANCE = 5e-3
"""How far the sum of a signature may be from 1 before it is refused.

Published signatures are rounded to three significant digits. That changes each probability, and so
their sum, by at most 0.5 %.
"""

_ROUNDING = 1e-12
"""A sum this near to 1 differs from it by floating-point rounding only: the values are kept."""


@dataclass(frozen=True, eq=False)
class MutationCatalog:
    """Mutation counts of samples, one row per sample and one column per channel.

    Parameters
    ----------
    counts : DataFrame (samples, channels)
        Mutations, finite and >= 0 (rounding errors, up to 1e-9 of a sample's sum, become 0); need
        not be integers. Columns in any order and spelling of the
        schema; they are put in canonical order. Row names are made strings, stripped of surrounding
        blanks, and must be unique.
    source : str
        Where the counts come from, e.g. a path; shown in messages and reports.
    schema : ChannelSchema
        What the columns must be.
    file : mapping
        Name, size and SHA-256 of the file that was read, as the record of a run has them; empty if
        there was none.

    Raises
    ------
    ChannelMismatchError
        If the columns are not exactly the channels of the schema.
    InputDataError
        If a value is negative, missing, infinite or text, a sample's largest number is beyond
        1e70 or below 1e-70, or a sample name is empty or used twice.

    Examples
    --------
    >>> counts = pd.DataFrame(np.ones((2, 96)), index=["a", "b"], columns=SBS96.labels)
    >>> MutationCatalog(counts).burdens.tolist()
    [96.0, 96.0]
    """

    counts: pd.DataFrame
    source: str = ""
    schema: ChannelSchema = SBS96
    file: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        table = self.source or "the counts"
        counts = self.schema.reorder(self.counts, source=table)
        counts = checked_frame(counts, item="sample", source=table)
        _check_range(counts, table)
        object.__setattr__(self, "counts", counts)

    def __repr__(self) -> str:
        source = f", source={self.source!r}" if self.source else ""
        return f"MutationCatalog({len(self.counts)} samples x {self.schema.name}{source})"

    @property
    def sample_names(self) -> list[str]:
        """Names of the samples, in row order."""
        return self.counts.index.tolist()

    @property
    def burdens(self) -> "pd.Series[float]":
        """Number of mutations of each sample."""
        return self.counts.sum(axis=1).rename("mutations")

    @property
    def empty_samples(self) -> list[str]:
        """Names of the samples without any mutation."""
        empty = np.flatnonzero(~self.counts.to_numpy().any(axis=1))
        return self.counts.index[empty].tolist()

    @cached_property
    def why_not_counts(self) -> str:
        """Why the values cannot be counts, e.g. ``"every sample sums to 1: these are frequencies"``; else empty."""
        return why_not_counts(self.counts.to_numpy())

    def check_counts(self, purpose: str, otherwise: str = "") -> None:
        """Refuse frequencies, rates and the like for what needs counts, such as ``"refitting"``.

        Raises
        ------
        InputDataError
            The values are no counts; the message says why and what to do, ``otherwise`` included.
        """
        if not self.why_not_counts:
            return
        table = self.source or "the catalog"
        if self.why_not_counts.endswith("frequencies") and signature_share(self.sample_names) > 0.5:
            raise InputDataError(
                f"{table}: this looks like signatures, not samples: each sums to 1, and they are named as signatures "
                f"are ({few(self.sample_names)}). For {purpose} give the counts of samples; dnmf match compares "
                "signatures."
            )
        raise InputDataError(
            f"{table}: {self.why_not_counts}. For {purpose} counts of mutations are needed: "
            f"{how_to_get_counts(self.why_not_counts)}{otherwise}."
        )


@dataclass(frozen=True, eq=False)
class SignatureSet:
    """Mutational signatures, one row per signature and one column per channel.

    Parameters
    ----------
    profiles : DataFrame (signatures, channels)
        Probabilities. Every row must sum to 1 within ``SUM_TOLERANCE`` and is then scaled to sum to
        1 exactly (rows that do so up to floating-point rounding are kept bit for bit).
    source : str
        Where the signatures come from; shown in messages and reports.
    schema : ChannelSchema
        What the columns must be; any order and spelling is accepted.
    target : str
        Genome build and assay that they are for, such as ``"GRCh37-exome"``; empty if not known.
    opportunity : Series (channels,), optional
        How often the sites of each channel occur in the target, relative to the whole genome, up to a factor: what the
        profiles of a panel were weighted with.

    Raises
    ------
    ChannelMismatchError
        If the columns are not exactly the channels of the schema.
    InputDataError
        If a value is negative, missing, infinite or text, a row does not sum to 1, or a name is
        empty or used twice.

    Examples
    --------
    >>> flat = pd.DataFrame(np.full((1, 96), 1 / 96), index=["flat"], columns=SBS96.labels)
    >>> SignatureSet(flat).names
    ['flat']
    """

    profiles: pd.DataFrame
    source: str = ""
    schema: ChannelSchema = SBS96
    target: str = ""
    opportunity: pd.Series | None = None

    def __post_init__(self) -> None:
        table = self.source or "the signatures"
        profiles = self.schema.reorder(self.profiles, source=table)
        profiles = checked_frame(profiles, item="signature", source=table)
        object.__setattr__(self, "profiles", _scaled_to_one(profiles, table))

    def __repr__(self) -> str:
        source = f", source={self.source!r}" if self.source else ""
        return f"SignatureSet({len(self.profiles)} signatures x {self.schema.name}{source})"

    def __len__(self) -> int:
        return len(self.profiles)

    @property
    def names(self) -> list[str]:
        """Names of the signatures, in row order."""
        return self.profiles.index.tolist()

    def select(self, names: Sequence[str]) -> "SignatureSet":
        """Return the named signatures, in the order given.

        Parameters
        ----------
        names : sequence of str
            Upper or lower case, as long as only one signature fits.

        Raises
        ------
        InputDataError
            If a name is not in the set (the message suggests near ones) or is given twice.
        """
        wanted = [names] if isinstance(names, str) else names
        chosen = [self._resolve(name.strip()) for name in wanted]
        twice = sorted({name for name in chosen if chosen.count(name) > 1})
        if twice or not chosen:
            problem = f"{few(twice)} is named twice" if twice else "no signature is named"
            raise InputDataError(f"{problem}. Give each signature once, e.g. {self.names[0]}.")
        return replace(self, profiles=self.profiles.loc[chosen])

    def _suggestion(self, name: str) -> str:
        """Say which signatures of the set a wrong name may have meant; empty if none is near."""
        lower = name.lower()
        parts = [own for own in self.names if lower and own.lower().rstrip("abcdefgh") == lower]
        if parts:
            return f"{name} is split into {', '.join(parts)} here."
        by_lower = {own.lower(): own for own in self.names}
        whole = by_lower.get(lower.rstrip("abcdefgh"))
        if whole:
            return f"{name} is not split off from {whole} here."
        near = [by_lower[own] for own in get_close_matches(lower, by_lower, n=3, cutoff=0.6)]
        return f"Did you mean {' or '.join(near)}?" if near else ""

    def _resolve(self, name: str) -> str:
        if name in self.profiles.index:
            return name
        same = [own for own in self.names if own.lower() == name.lower()]
        if len(same) == 1:
            return same[0]
        where = self.source or "this set of signatures"
        hint = self._suggestion(name) or f"It has {few(self.names)}."
        raise InputDataError(f"no signature {name!r} in {where}. {hint}")


def checked_frame(frame: pd.DataFrame, *, item: str, source: str) -> pd.DataFrame:
    """Return a float64 copy with checked row names; refuse values that are not finite and >= 0.

    Rounding errors below 0 are set to 0, with one warning.
    ``item`` is what a row stands for (``"sample"``), ``source`` the name of the table in messages.
    """
    if not len(frame):
        raise InputDataError(f"{source}: there is no {item} in it. Give at least one.")
    places = [f"row {number}" for number in range(1, len(frame) + 1)]
    names = checked_names(frame.index, item=item, source=source, places=places)
    try:
        values = np.array(frame.to_numpy(dtype=np.float64), order="C")
    except (TypeError, ValueError):
        values = np.array([[_number(cell) for cell in row] for row in frame.to_numpy(dtype=object)])
    bad = ~(np.isfinite(values) & (values >= least_numbers(values, axis=1)))
    if bad.any():
        row, column = (int(index) for index in np.argwhere(bad)[0])
        found: Any = frame.iat[row, column]
        raise InputDataError(
            f"{source}, {item} {names[row]!r} (row {row + 1}), column "
            f"{str(frame.columns[column])!r}: found "
            f"{repr(found) if isinstance(found, str) else found}, expected a number >= 0. Correct "
            f"the value or remove the {item}."
        )
    zero_rounding_errors(values, source)
    return pd.DataFrame(values, index=pd.Index(names), columns=frame.columns)


def _check_range(counts: pd.DataFrame, source: str) -> None:
    """Refuse a sample whose numbers over- or underflow where they are multiplied."""
    largest = LARGEST_ENTRY["float64"]
    top = counts.to_numpy().max(axis=1)
    wrong = np.flatnonzero((top > largest) | ((top > 0) & (top < 1 / largest)))
    if len(wrong):
        row = int(wrong[0])
        raise InputDataError(
            f"{source}, sample {counts.index[row]!r}: its largest number is {top[row]:.3g}, which is no number of "
            f"mutations: 0 or from {1 / largest:g} to {largest:g} can be computed with. Correct or remove the sample."
        )


def checked_names(
    raw: Iterable[Any], *, item: str, source: str, places: Sequence[str]
) -> list[str]:
    """Return names as stripped strings; refuse empty, repeated and unprintable ones.

    ``places`` says where each name stands in the table (``"column 3"``), for the message.
    """
    names = [str(name).strip() for name in raw]
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if not name:
            raise InputDataError(
                f"{source}, {places[index]}: the {item} has no name. Give every {item} a name of "
                "its own."
            )
        # Control characters and lone surrogates cannot be written to a table and read back.
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
            raise InputDataError(
                f"{source}, {places[index]}: the {item} name {name!r} has a control character in "
                "it. Remove it."
            )
        if name in first:
            raise InputDataError(
                f"{source}: the {item} name {name!r} is used twice, in {places[first[name]]} and "
                f"{places[index]}. Rename or remove one of the two {item}s."
            )
        first[name] = index
    return names


def _scaled_to_one(profiles: pd.DataFrame, source: str) -> pd.DataFrame:
    sums = profiles.to_numpy().sum(axis=1)
    off = np.abs(sums - 1.0)
    if (off > SUM_TOLERANCE).any():
        worst = int(np.argmax(off > SUM_TOLERANCE))
        hint = " These look like counts of mutations." if sums[worst] > 2 else ""
        raise InputDataError(
            f"{source}: signature {profiles.index[worst]!r} sums to {sums[worst]:.6g} over its "
            f"{profiles.shape[1]} channels, expected 1 (within {SUM_TOLERANCE}).{hint} If they are "
            "signatures, divide each by its sum."
        )
    return profiles.div(np.where(off > _ROUNDING, sums, 1.0), axis=0)


def _number(cell: object) -> float:
    """Return the cell as a number, NaN if it is none; only to find the bad cell of a table."""
    try:
        return float(cell)  # type: ignore[arg-type]  # whatever float() refuses is what we look for
    except (TypeError, ValueError):
        return float("nan")
