"""What every measurement of refit shares: which tumours may guide a choice, and which only test the result; samples
drawn from them; scores; the table of results."""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from dnmf.criteria import present_from
from dnmf.refit.tumours import read_tumour_exposures
from paper.provenance import commit, machine

Array = NDArray[np.float64]
Words = NDArray[np.str_]
Part = Literal["test", "choice", "training"]

RESULTS = Path(__file__).parent / "results"
TEST_TYPES = (
    "Liver-HCC",
    "Stomach-AdenoCA",
    "Head-SCC",
    "ColoRect-AdenoCA",
    "Lung-AdenoCA",
    "Skin-Melanoma",
    "Lymph-BNHL",
    "CNS-GBM",
)
"""The eight tumour types of Medo et al. 2024."""

FALSE_ALARMS = 0.05
"""p-value below which a test of fit raises the alarm: how often it may do so for samples that are explained."""

# Ends of intervals may miss the truth by this share of a sample: rounding.
ROUNDING = 1e-7

# Refit was first designed on the test tumours of a split without salt: those are not tested on any more.
SALT = "dnmf-refit-2:"
SPLIT = (
    f"n = SHA-256 of {SALT!r} + sample name, first 32 bits, modulo 60. Test: n < 20 unless the same of the name alone, "
    "modulo 20, is < 5. Choice: n from 20 to 26. Training: all others."
)


def part_of(sample: str) -> Part:
    """Return what a tumour is used for, by the SHA-256 of its name.

    "training": the shipped summaries and the network are fitted to it. "choice": settings are chosen on it.
    "test": nothing is chosen on it; the published tables are measured on it.

    Examples
    --------
    >>> part_of("SP117655")
    'training'
    """
    number = _number(SALT + sample) % 60
    if number < 20 and _number(sample) % 20 >= 5:
        return "test"
    return "choice" if 20 <= number < 27 else "training"


def in_part(samples: list[str], part: Part) -> NDArray[np.bool_]:
    """Return which samples belong to a part of the split."""
    return np.array([part_of(sample) == part for sample in samples], dtype=bool)


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


class Tumours:
    """Tumours with known exposures to the signatures of one reference, by part and tumour type.

    Parameters
    ----------
    path : Path
        Table of exposures as PCAWG published it.
    names : sequence of str
        Signatures of the reference, in order.
    measured : "choice" or "test"
        The part that samples are drawn from.
    """

    def __init__(self, path: Path, names: Sequence[str], measured: Part) -> None:
        found = read_tumour_exposures(path, names)
        self.names = list(names)
        self.samples = found.samples
        self.shares = found.shares.astype(np.float64)
        self.shares /= self.shares.sum(axis=1, keepdims=True)
        self.types = np.array([found.type_names[number - 1] for number in found.types])
        self.measured = in_part(found.samples, measured)
        self.training = in_part(found.samples, "training")

    def draw(
        self, size: int, rng: np.random.Generator, types: Sequence[str] = TEST_TYPES
    ) -> tuple[Array, Words]:
        """Return shares (n, k) of measured tumours, ``size`` of each type with replacement, and their types (n,)."""
        rows = [
            rng.choice(np.flatnonzero(self.measured & (self.types == name)), size) for name in types
        ]
        return self.shares[np.concatenate(rows)], np.repeat(np.array(types), size)

    def distinct(
        self, size: int, rng: np.random.Generator, types: Sequence[str]
    ) -> NDArray[np.int_]:
        """Return the rows of ``size`` different tumours of some types: first the measured ones, then those of training.

        For types that the network under test was not trained on: neither part guided anything there.
        """
        of_types = np.isin(self.types, types)
        first = rng.permutation(np.flatnonzero(of_types & self.measured))
        then = rng.permutation(np.flatnonzero(of_types & self.training & ~self.measured))
        chosen: NDArray[np.int_] = rng.permutation(np.concatenate([first, then])[:size])
        return chosen


def is_present(shares: Array, totals: Array) -> NDArray[np.bool_]:
    """Return which signatures count as present in samples with these numbers of mutations (n,)."""
    return (shares > 0) & (shares >= present_from(totals)[:, None])


def fitting_error(shares: Array, truth: Array) -> Array:
    """Return half the absolute difference of the shares of each sample: 0 is perfect, 1 all wrong."""
    error: Array = 0.5 * np.abs(shares - truth).sum(axis=1)
    return error


def presence_scores(
    called: NDArray[np.bool_], present: NDArray[np.bool_], types: Words
) -> dict[str, float]:
    """Return precision, sensitivity and F1 of calls over the samples of each type, mean over types."""
    scores = []
    for name in np.unique(types):
        rows = types == name
        n_called, n_present = called[rows].sum(), present[rows].sum()
        hits = (called[rows] & present[rows]).sum()
        scores.append(
            (hits / max(n_called, 1), hits / max(n_present, 1), 2 * hits / (n_called + n_present))
        )
    means = np.mean(scores, axis=0)
    return dict(zip(("precision", "sensitivity", "f1"), map(float, means), strict=True))


def interval_scores(
    truth: Array, lower: Array, upper: Array, called: NDArray[np.bool_], present: NDArray[np.bool_]
) -> dict[str, float]:
    """Return how often 90 % intervals hold the truth of present and of called signatures, and their mean width."""
    inside = (truth >= lower - ROUNDING) & (truth <= upper + ROUNDING)
    return {
        "coverage_present": float(inside[present].mean()),
        "coverage_called": float(inside[called].mean()) if called.any() else float("nan"),
        "interval_width_present": float((upper - lower)[present].mean()),
    }


def write_rows(path: Path, rows: list[dict[str, Any]], same: Sequence[str], **stamp: Any) -> None:
    """Write a table of results, each row with commit, versions and machine.

    Rows of an earlier run stay, except those that agree with a new row in the columns ``same``.
    """
    stamp |= {"commit": commit(), "numpy": np.__version__, "torch": torch.__version__}
    stamp |= {"machine": machine()}
    new = pd.DataFrame([row | stamp for row in rows]).round(5)
    if path.is_file():
        old = pd.read_csv(path)
        # An empty cell is read as missing.
        keys = [pd.MultiIndex.from_frame(t[list(same)].fillna("").astype(str)) for t in (old, new)]
        kept = ~keys[0].isin(keys[1])
        new = pd.concat([old[kept], new], ignore_index=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    new.to_csv(path, index=False)


def options(description: str, *, part: bool = True) -> argparse.ArgumentParser:
    """Return the options that the refit benchmarks share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if part:
        parser.add_argument(
            "exposures", type=Path, help="table of exposures, as PCAWG published it"
        )
        parser.add_argument(
            "--part",
            choices=("choice", "test"),
            default="choice",
            help="tumours that are measured; nothing may be chosen after a look at 'test'",
        )
    parser.add_argument("--seeds", type=int, default=3, help="draws of samples")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser
