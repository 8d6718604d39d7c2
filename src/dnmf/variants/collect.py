"""All rows of all files as one table, and as numbers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.variants.normalise import Variants, Words, trimmed
from dnmf.variants.rows import VariantRows

_CATEGORIES = ("file", "sample", "contig", "ref", "alt", "outcome", "context")


@dataclass(frozen=True)
class Collected:
    """The rows of all files: ``frame`` is that of `VariantRows`; ``records`` has name, size and SHA-256 of each."""

    frame: pd.DataFrame
    records: tuple[Mapping[str, Any], ...]
    has_context: bool  # whether every file has the column

    def categories(self, column: str) -> "pd.Index[str]":
        """Return the distinct texts of a column."""
        return self.frame[column].cat.categories

    def codes(self, column: str) -> NDArray[np.int64]:
        """Return the number in the categories of each entry of a column; -1 for none."""
        return self.frame[column].cat.codes.to_numpy().astype(np.int64)


def collect(parts: Iterable[VariantRows], check: Callable[[VariantRows], None]) -> Collected:
    """Return the rows of all parts, each looked at by ``check`` as it comes."""
    frames, records, has_context = [], [], True
    for part in parts:
        check(part)
        frame = part.frame
        if "context" not in frame:
            has_context = has_context and not len(frame)
            frame = frame.assign(context=pd.Categorical([None] * len(frame)))
        frames.append(frame)
        if part.record:
            records.append(part.record)
    if len(frames) == 1:
        return Collected(frames[0].reset_index(drop=True), tuple(records), has_context)
    columns: dict[str, Any] = {}
    for name in (
        "file",
        "line",
        "sample",
        "contig",
        "position",
        "written",
        "ref",
        "alt",
        "outcome",
        "context",
    ):
        own = [frame[name] for frame in frames]
        if name in _CATEGORIES:
            columns[name] = _joined(own)
        else:
            columns[name] = np.concatenate([column.to_numpy() for column in own])
    return Collected(pd.DataFrame(columns), tuple(records), has_context)


def _joined(columns: "list[pd.Series[Any]]") -> "pd.Categorical[Any]":
    """Return columns of categories one below the other, their categories in order of appearance.

    pandas joins only categories of one type, and those of a file without rows have none.
    """
    places: dict[str, int] = {}
    codes = []
    for column in columns:
        own = [places.setdefault(text, len(places)) for text in column.cat.categories.tolist()]
        codes.append(np.array([*own, -1], dtype=np.int64)[column.cat.codes])
    return pd.Categorical.from_codes(np.concatenate(codes), pd.Index(list(places), dtype=str))


def as_numbers(collected: Collected, contig: NDArray[np.int64]) -> Variants:
    """Return the rows as numbers; ``contig`` has those of the contigs' categories."""
    refs, alts = collected.categories("ref"), collected.categories("alt")
    words = Words.of(refs.append(alts))
    ref, alt = collected.codes("ref"), collected.codes("alt")
    alt = np.where(alt >= 0, alt + len(refs), alt)
    kind, cut, size = trimmed(words, ref, alt)
    named = collected.codes("contig")
    return Variants(
        sample=collected.codes("sample"),
        contig=np.where(named >= 0, contig[named], -1) if len(contig) else named,
        position=collected.frame["position"].to_numpy(np.int64),
        words=words,
        ref=ref,
        alt=alt,
        kind=kind,
        cut=cut,
        size=size,
        context=collected.codes("context"),
        contexts=Words.of(collected.categories("context")),
    )
