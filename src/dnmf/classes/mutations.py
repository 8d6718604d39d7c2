"""Back to each mutation: the most likely signature of every variant that was counted."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.classes.answers import Result
from dnmf.extraction import GuidedResult
from dnmf.refit import RefitResult, signature_probabilities
from dnmf.variants import VariantCounts
from dnmf.variants.annotate import AnnotatedVcf, annotated_vcfs
from dnmf.variants.save import MoreColumns, count_tables

_KEYS = ["sample", "class", "channel", "strand"]
# Their channels are written as those of SBS96 beside the strand.
_STRANDED = ("SBS288", "SBS384")
_FIRST = ["signature", "probability", "lower", "upper"]


def variant_signatures(
    counts: VariantCounts, results: Mapping[str, RefitResult], *, random_state: int = 0
) -> pd.DataFrame:
    """Return every variant with the signature that most likely made it.

    Parameters
    ----------
    counts : VariantCounts
        The variants.
    results : mapping of RefitResult
        Refits of ``counts.catalogs``, by name of the class.
    random_state : int
        As for `signature_probabilities`.

    Returns
    -------
    DataFrame
        The lines and columns of ``counts.variants``, and: ``signature``, the most likely one; its ``probability`` with
        ``lower`` and ``upper``, the 5th and 95th percentile; then the probability of each signature that is called in
        any sample. All are given that a signature of the reference made the variant: unassigned ones are left out.
        Empty and NaN where nothing was counted, or in a class or sample without answer. A line of several events has
        the signatures of all, separated by ``;``, and no numbers.

    Examples
    --------
    >>> from dnmf import count_variants, refit_exposures
    >>> counts = count_variants("calls", "hg38.2bit", classes=["SBS96"])  # doctest: +SKIP
    >>> result = refit_exposures(counts.catalogs["SBS96"])  # doctest: +SKIP
    >>> variant_signatures(counts, {"SBS96": result})[["position", "signature", "probability"]]  # doctest: +SKIP
    """
    codes, table = _assigned(counts, results, random_state)
    more = table.take(codes).set_axis(counts.variants.index)
    return pd.concat([counts.variants, more], axis=1)


def mutation_tables(
    counts: VariantCounts, results: Mapping[str, Result]
) -> dict[str, Callable[[Path], object]]:
    """Return what writes each file of a count, by name, with the signatures of the variants.

    ``variants.tsv.gz`` has the columns of `variant_signatures`; ``annotated`` is a folder with a copy of each VCF, see
    `dnmf.variants.annotate.annotated_vcfs`.

    Parameters
    ----------
    counts : VariantCounts
        What was counted.
    results : mapping
        The result of each class, by its name.

    Warns
    -----
    DoubtfulDataWarning
        If a VCF cannot be annotated.
    """
    refits = {
        name: result.refit if isinstance(result, GuidedResult) else result
        for name, result in results.items()
    }
    codes, table = _assigned(counts, refits, 0)
    texts = ["\t".join(map(_cell, row)) for row in table.itertuples(index=False)]
    found = counts.variants[["file", "line", "sample", "alt", "class", "channel"]].assign(
        **{name: table[name].take(codes).to_numpy() for name in _FIRST}
    )
    tables = count_tables(counts, MoreColumns(list(table.columns), codes, texts))
    if copies := annotated_vcfs(found):
        tables["annotated"] = partial(_write_copies, copies)
    return tables


def _write_copies(copies: Mapping[str, AnnotatedVcf], folder: Path) -> None:
    folder.mkdir()
    for name, copy in copies.items():
        copy.write(folder / name)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if np.isnan(value) else f"{value:.4g}"


def _assigned(
    counts: VariantCounts, results: Mapping[str, RefitResult], random_state: int
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Return a table of the distinct samples and channels of the variants, and the row of each variant in it."""
    keys = counts.variants[_KEYS].apply(lambda own: own.astype(object).where(own.notna(), ""))
    codes = np.asarray(keys.groupby(_KEYS, sort=False).ngroup(), dtype=np.int64)
    distinct = keys[~pd.Series(codes).duplicated().to_numpy()].reset_index(drop=True)
    found = {name: _of_class(result, random_state) for name, result in results.items()}
    table = pd.DataFrame(np.nan, distinct.index, _FIRST[1:])
    table.insert(0, "signature", pd.Series("", distinct.index, dtype=object))
    for name, own in found.items():
        rows = np.flatnonzero(distinct["class"] == name)
        labels = [distinct["sample"][rows], _channels(distinct.take(rows), name)]
        part = own.reindex(pd.MultiIndex.from_arrays(labels)).set_axis(rows)
        part["signature"] = part["signature"].fillna("")
        new = [column for column in own.columns if column not in table]
        table = table.join(part[new])
        table.loc[rows, _FIRST] = part[_FIRST]
    named = {name: own["signature"].to_dict() for name, own in found.items()}
    for row in np.flatnonzero(distinct["class"].str.contains(";")).tolist():
        sample, classes, channels = (str(distinct[key][row]) for key in _KEYS[:3])
        events = zip(classes.split(";"), channels.split(";"), strict=True)
        single = [named.get(name, {}).get((sample, channel), "") for name, channel in events]
        table.loc[[row], "signature"] = ";".join(single)
    return codes, table


def _channels(rows: pd.DataFrame, name: str) -> "pd.Series[str]":
    """Return the channels of rows in the class of a refit, which may have the strand beside the channel."""
    if name not in _STRANDED:
        return rows["channel"]
    return rows["strand"] + ":" + rows["channel"]


def _of_class(result: RefitResult, random_state: int) -> pd.DataFrame:
    """Return, by sample and channel, the most likely signature with its range, and the probability of every one."""
    found = signature_probabilities(result, random_state=random_state)
    by = ["sample", "channel"]
    most = found.loc[found.groupby(by, sort=False)["probability"].idxmax()].set_index(by)
    some = most["probability"] > 0
    most = most[_FIRST].where(some).astype({"signature": object})
    most["signature"] = most["signature"].fillna("")
    every = found.pivot(index=by, columns="signature", values="probability").fillna(0.0)
    called = [name for name in result.reference.names if name in every]
    return most.join(every[called])
