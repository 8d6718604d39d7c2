"""How often the 90 % intervals of a guided extraction hold the truth: realistic cohorts.

    python benchmarks/cohort_intervals.py DATA [--part choice] [--cohorts ...] [--noise ...] [--removed ...]

Writes cohort_intervals.csv, a row for each cohort, noise, draw and reference, after each of them; then prints how often
intervals hold the truth, over all draws of that part. Exposures are compared as shares of a sample, where a signature
is present: ten mutations, or 5 % of the sample. Those of a found signature are compared with the true one that it
matches one to one at cosine 0.9; found ones that match none take no part. A novel profile is compared with the true one
that it matches: all channels, and those in which the true one has at least 1 %.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from cohort_extraction import catalog_of
from cohort_protocol import MATCH, NOISES, Array, Cohort, Mask, cohorts_of, draw_cohort
from dnmf import SignatureSet, guided_extraction
from dnmf.signatures import SBS96
from refit_protocol import RESULTS, ROUNDING, is_present, write_rows

LEAST_CHANNEL = 0.01
"""Probability of a true channel from which it counts among the large ones."""
ROW = ("cohort", "noise", "removed", "seed")
GROUPS = ("exposures", "exposures_beside_novel", "exposures_novel", "channels", "channels_large")


def partners(found: Array, truth: Array) -> tuple[Array, Array]:
    """Return which found profiles (m, f) match which true ones (k, f), one to one at cosine ``MATCH``."""
    a, b = (values / np.linalg.norm(values, axis=1, keepdims=True) for values in (found, truth))
    cosines = a @ b.T
    cosines[cosines < MATCH] = 0
    rows, columns = linear_sum_assignment(-cosines)
    kept = cosines[rows, columns] > 0
    return rows[kept], columns[kept]


def hits_of(cohort: Cohort) -> dict[str, Mask]:
    """Return which intervals of a guided extraction hold the truth, for each of ``GROUPS``.

    exposures: of all signatures. exposures_beside_novel: of known ones in cohorts with a novel one. exposures_novel:
    of novel ones.
    """
    reference = SignatureSet(
        pd.DataFrame(cohort.reference, index=cohort.reference_names, columns=cohort.channels),
        schema=SBS96,
    )
    result = guided_extraction(catalog_of(cohort.counts), reference)
    names, totals = result.signatures.names, cohort.counts.sum(axis=1)
    profiles = result.signatures.profiles[cohort.channels].to_numpy()
    allowed = np.flatnonzero(cohort.present)
    found, true = partners(profiles, cohort.profiles[allowed])
    true = allowed[true]
    shares = (cohort.exposures / cohort.exposures.sum(axis=1, keepdims=True))[:, true]
    lower, upper = (
        table.to_numpy()[:, found] / totals[:, None]
        for table in (result.refit.exposure_lower, result.refit.exposure_upper)
    )
    inside = (shares >= lower - ROUNDING) & (shares <= upper + ROUNDING)
    present = is_present(shares, totals)
    is_novel = np.isin(np.array(names)[found], result.novel)
    hits = {
        "exposures": inside[present],
        "exposures_beside_novel": inside[present & ~is_novel & bool(result.novel)],
        "exposures_novel": inside[present & is_novel],
    }
    new = [names[j] for j in found[is_novel]]
    low, high = (
        table.loc[new, cohort.channels].to_numpy()
        for table in (result.signature_lower, result.signature_upper)
    )
    truth = cohort.profiles[true[is_novel]]
    within = (truth >= low - ROUNDING) & (truth <= high + ROUNDING)
    return hits | {"channels": within.ravel(), "channels_large": within[truth >= LEAST_CHANNEL]}


def row_of(cohort: Cohort, part: str) -> dict[str, Any]:
    """Return one row of the table: numbers of intervals, and of those that hold the truth."""
    row: dict[str, Any] = {
        "part": part,
        "cohort": cohort.name,
        "noise": cohort.noise,
        "removed": cohort.removed,
        "seed": cohort.seed,
    }
    for name, hits in hits_of(cohort).items():
        row |= {name: hits.size, f"{name}_held": int(hits.sum())}
    return row


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return how often intervals hold the truth, over all draws of each noise and removal."""
    sums = table.groupby(["removed", "noise"])[
        [*GROUPS, *(f"{name}_held" for name in GROUPS)]
    ].sum()
    return pd.DataFrame({name: sums[f"{name}_held"] / sums[name] for name in GROUPS})


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the input data")
    parser.add_argument("--part", choices=("choice", "test"), default="choice")
    parser.add_argument("--cohorts", nargs="*", help="only these")
    parser.add_argument("--noise", nargs="*", choices=NOISES, default=NOISES)
    parser.add_argument("--removed", nargs="*", default=("none", "one", "half"))
    parser.add_argument("--seeds", type=int, default=1, help="draws of counts")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    path = chosen.out / "cohort_intervals.csv"
    for seed in range(chosen.seeds):
        for removed in chosen.removed:
            for noise in chosen.noise:
                if noise == "other" and removed != "none":
                    continue
                for name in chosen.cohorts or cohorts_of(chosen.part):
                    cohort = draw_cohort(chosen.data, name, noise, seed, removed)
                    row = row_of(cohort, chosen.part)
                    write_rows(path, [row], ROW)
                    held = row["exposures_held"] / max(row["exposures"], 1)
                    print(f"{name} {noise} {removed} {seed}: {held:.3f}", flush=True)
    table = pd.read_csv(path)
    print(summary(table[table["part"] == chosen.part]).round(3).to_string())


if __name__ == "__main__":
    main()
