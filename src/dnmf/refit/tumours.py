"""Exposures of real tumours as training data: reading, naming, and the split that keeps test tumours out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

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

Part = Literal["test", "calibration", "training"]


# The networks were designed on the test tumours of an earlier split without salt: those are not tested on any more.
SALT = "dnmf-refit-2:"
SPLIT = (
    f"n = SHA-256 of {SALT!r} + sample name, first 32 bits, modulo 60. Test: n < 20 unless the same of the name alone, "
    "modulo 20, is < 5. Calibration: n from 20 to 22. Training: all others."
)


def part_of(sample: str) -> Part:
    """Return what a tumour is used for, by the SHA-256 of its name: a quarter tests, a twentieth calibrates.

    Examples
    --------
    >>> part_of("SP117655")
    'training'
    """
    number = _number(SALT + sample) % 60
    if number < 20 and _number(sample) % 20 >= 5:
        return "test"
    return "calibration" if 20 <= number < 23 else "training"


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


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
    renamed : dict
        Names in the table -> names in the reference.
    unseen : list of str
        Signatures of the reference that no tumour has.
    file : dict
        Name, size and SHA-256 of the table.
    """

    shares: NDArray[np.float32]
    types: NDArray[np.int64]
    type_names: list[str]
    samples: list[str]
    renamed: dict[str, str]
    unseen: list[str]
    file: dict[str, Any] = field(default_factory=dict)

    def part(self, part: Part) -> NDArray[np.bool_]:
        """Return which tumours belong to a part of the split."""
        return np.array([part_of(sample) == part for sample in self.samples])


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
    renamed = {
        old: new
        for old, new in SUCCESSORS.items()
        if old in found and old not in signatures and new in signatures and new not in found
    }
    column = {renamed.get(name, name): number for number, name in enumerate(found)}
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
        renamed=renamed,
        unseen=[s for s, total in zip(signatures, known.sum(axis=0), strict=True) if total == 0],
        file=table.record,
    )
