"""Exposures of tumours with their types, as PCAWG published them: reading and naming."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.inputs import InputFile
from dnmf.signatures.catalog import checked_names
from dnmf.signatures.io import exposure_columns
from dnmf.signatures.table import read_table

TUMOUR_TYPE, SAMPLE = "Cancer Types", "Sample Names"
# Signatures that later versions of COSMIC split in two; the first part takes over the exposures of the whole.
SUCCESSORS = {"SBS22": "SBS22a", "SBS40": "SBS40a"}


def successors(names: Sequence[str], signatures: Sequence[str]) -> list[str]:
    """Return names of a table with those of signatures that a reference has split replaced by the first part's.

    Examples
    --------
    >>> successors(["SBS1", "SBS40"], ["SBS1", "SBS40a", "SBS40b"])
    ['SBS1', 'SBS40a']
    """
    free = set(signatures) - set(names)
    return [
        SUCCESSORS[name] if name not in signatures and SUCCESSORS.get(name) in free else name
        for name in names
    ]


@dataclass(frozen=True)
class TumourExposures:
    """Exposures of tumours to the signatures of one reference.

    Attributes
    ----------
    shares : (m, k)
        Rows sum to 1.
    types : (m,)
        Index of each tumour's type in ``type_names``, counted from 1.
    type_names, samples : list of str
        Types, sorted; names of the tumours.
    file : dict
        Name, size and SHA-256 of the table.
    """

    shares: NDArray[np.float32]
    types: NDArray[np.int64]
    type_names: list[str]
    samples: list[str]
    file: dict[str, Any] = field(default_factory=dict)


def read_tumour_exposures(
    path: str | Path | InputFile, signatures: Sequence[str]
) -> TumourExposures:
    """Read a table of exposures with a tumour type and a sample name in each row, as PCAWG published it.

    Parameters
    ----------
    path : path or InputFile
        CSV or TSV: the columns ``Cancer Types`` and ``Sample Names`` (and ``Accuracy``, which is not read) and one for
        each signature, in mutations. Other columns are left out, or not, as ``read_exposures`` does.
    signatures : sequence of str
        Of the reference. SBS22 and SBS40 count as SBS22a and SBS40a where the reference splits them.

    Returns
    -------
    TumourExposures
        Those of the reference's signatures.

    Raises
    ------
    InputDataError
        If the file cannot be read, a column or name is missing, a sample is there twice, no signature is known, a
        number is missing or negative, or no tumour has mutations.
    """
    table = read_table(path)
    header = [name.strip() for name in table.head[0][: table.width]]
    for name in (TUMOUR_TYPE, SAMPLE):
        if name not in header:
            raise InputDataError(
                f"{table.source}, line {table.lines[0]}: expected a column {name!r} beside the signatures"
            )
    _, columns = exposure_columns(table)
    places = [f"line {line}" for line in table.lines[1:]]
    samples = checked_names(
        table.column(header.index(SAMPLE))[1:], item="sample", source=table.source, places=places
    )
    types = [name.strip() for name in table.column(header.index(TUMOUR_TYPE))[1:]]
    if "" in types:
        raise InputDataError(
            f"{table.source}, {places[types.index('')]}: expected a tumour type in the column {TUMOUR_TYPE!r}"
        )
    found = checked_names(
        [header[column] for column in columns],
        item="signature",
        source=table.source,
        places=[f"line {table.lines[0]}, column {column + 1}" for column in columns],
    )
    values = table.numbers(
        range(1, len(table.lines)),
        columns,
        labels=(header.index(SAMPLE),),
        items_in="rows",
        in_mutations=True,
        unit="a number of mutations (>= 0)",
    )
    column = {name: number for number, name in enumerate(successors(found, signatures))}
    unknown = [name for name in column if name not in set(signatures)]
    lost = values[:, [column[name] for name in unknown]].sum()
    if len(unknown) == len(column) or lost > 0.05 * values.sum():
        raise InputDataError(
            f"{table.source}: {lost / max(values.sum(), 1):.0%} of the mutations belong to signatures that the "
            f"reference lacks ({', '.join(unknown[:5])}, ...): the exposures were made with another reference"
        )
    known = np.zeros((len(samples), len(signatures)))
    for number, name in enumerate(signatures):
        if name in column:
            known[:, number] = values[:, column[name]]
    kept = np.flatnonzero(known.sum(axis=1) > 0)
    if not len(kept):
        raise InputDataError(f"{table.source}: no tumour has mutations. Give at least one.")
    known = known[kept]
    names = sorted({types[row] for row in kept})
    index = {name: number for number, name in enumerate(names, start=1)}
    return TumourExposures(
        shares=(known / known.sum(axis=1, keepdims=True)).astype(np.float32),
        types=np.array([index[types[row]] for row in kept], dtype=np.int64),
        type_names=names,
        samples=[samples[row] for row in kept],
        file=table.record,
    )
