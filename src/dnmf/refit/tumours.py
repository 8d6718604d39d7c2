"""Exposures of real tumours as training data: reading, naming, and the split that keeps test tumours out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError

TUMOUR_TYPE, SAMPLE = "Cancer Types", "Sample Names"
NOT_SIGNATURES = (TUMOUR_TYPE, SAMPLE, "Accuracy")
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
    """

    shares: NDArray[np.float32]
    types: NDArray[np.int64]
    type_names: list[str]
    samples: list[str]
    renamed: dict[str, str]
    unseen: list[str]

    def part(self, part: Part) -> NDArray[np.bool_]:
        """Return which tumours belong to a part of the split."""
        return np.array([part_of(sample) == part for sample in self.samples])


def read_tumour_exposures(path: str | Path, signatures: Sequence[str]) -> TumourExposures:
    """Read a table of exposures with a tumour type and a sample name in each row, as PCAWG published it.

    Parameters
    ----------
    path : path
        CSV or TSV with the columns ``Cancer Types``, ``Sample Names`` and one for each signature, in mutations.
    signatures : sequence of str
        Of the reference. SBS22 and SBS40 count as SBS22a and SBS40a where the reference splits them.

    Raises
    ------
    InputDataError
        If a column is missing, no signature is known, or a number is missing or negative.
    """
    path = Path(path)
    table = pd.read_csv(path, sep=None, engine="python", dtype={TUMOUR_TYPE: str, SAMPLE: str})
    for column in (TUMOUR_TYPE, SAMPLE):
        if column not in table or table[column].isna().any():
            raise InputDataError(f"{path}: expected a column {column!r} without missing entries")
    values = table.drop(columns=[c for c in NOT_SIGNATURES if c in table])
    renamed = {
        old: new
        for old, new in SUCCESSORS.items()
        if old in values and old not in signatures and new in signatures
    }
    values = values.rename(columns=renamed)
    unknown = [str(name) for name in values if name not in set(signatures)]
    values = values.apply(pd.to_numeric, errors="coerce")
    numbers = values.to_numpy(np.float64)
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        row, column = np.argwhere(~(numbers >= 0) | ~np.isfinite(numbers))[0]
        raise InputDataError(
            f"{path}, line {row + 2}, column {values.columns[column]}: expected a number of mutations >= 0"
        )
    lost = values[unknown].sum().sum()
    if len(unknown) == values.shape[1] or lost > 0.05 * numbers.sum():
        raise InputDataError(
            f"{path}: {lost / max(numbers.sum(), 1):.0%} of the mutations belong to signatures that the reference "
            f"lacks ({', '.join(unknown[:5])}, ...): the exposures were made with another reference"
        )
    known = values.reindex(columns=list(signatures), fill_value=0.0).to_numpy(np.float64)
    kept = known.sum(axis=1) > 0
    known, table = known[kept], table[kept]
    names = sorted(table[TUMOUR_TYPE].unique())
    index = {name: number for number, name in enumerate(names, start=1)}
    return TumourExposures(
        shares=(known / known.sum(axis=1, keepdims=True)).astype(np.float32),
        types=np.array([index[name] for name in table[TUMOUR_TYPE]], dtype=np.int64),
        type_names=names,
        samples=list(table[SAMPLE]),
        renamed=renamed,
        unseen=[s for s, total in zip(signatures, known.sum(axis=0), strict=True) if total == 0],
    )
