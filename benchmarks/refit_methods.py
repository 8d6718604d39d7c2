"""`dnmf refit` as a user gets it: every method and what `auto` makes of it, on tumours and on evenly drawn mixtures.

    python benchmarks/refit_methods.py EXPOSURES.csv [--reference cosmic-v3-GRCh38] [--out benchmarks/results]

Writes refit_methods.csv. Tumours are those that no training used. Four CPU minutes.
"""

import argparse
import csv
import subprocess
import warnings
from pathlib import Path

import pandas as pd
import torch

from dnmf import MutationCatalog, load_reference, refit_exposures
from dnmf.refit import read_tumour_exposures
from dnmf.refit.evaluation import fitting_error
from refit_table import Setting, draw

COUNTS, METHODS = (100, 500, 2_000, 50_000), ("network", "auto", "kl", "nnls", "sparse")
SAMPLES_PER_TYPE = 50


def main() -> None:
    """Parse arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exposures", type=Path)
    parser.add_argument("--reference", default="cosmic-v3-GRCh38")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", UserWarning)
    reference = load_reference(arguments.reference)
    W = reference.profiles.to_numpy()
    tumours = read_tumour_exposures(arguments.exposures, reference.names)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    rows = []
    for mutations in COUNTS:
        for setting in (
            Setting(mutations),
            Setting(mutations, noise="negative-binomial"),
            Setting(mutations, prior="3 to 6 signatures at random"),
        ):
            test = draw(setting, tumours, W, seed=0, size=SAMPLES_PER_TYPE)
            rows += measured(
                setting.prior, mutations, setting.noise, test.counts, test.shares, reference
            )
    with (arguments.out / "refit_methods.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "reference", "commit"])
        writer.writeheader()
        writer.writerows(
            {**row, "reference": arguments.reference, "commit": commit} for row in rows
        )


def measured(prior, mutations, noise, counts, truth, reference):  # type: ignore[no-untyped-def]
    """One row a method."""
    names = [f"S{i}" for i in range(len(counts))]
    catalog = MutationCatalog(pd.DataFrame(counts, index=names, columns=reference.profiles.columns))
    rows = []
    for method in METHODS:
        result = refit_exposures(catalog, reference, method=method)
        shares = result.exposures.div(result.exposures.sum(axis=1), axis=0).to_numpy()
        total = counts.sum(axis=1, keepdims=True)
        lower, upper = (
            ends.to_numpy() / total for ends in (result.exposure_lower, result.exposure_upper)
        )
        inside = (truth >= lower - 1e-7) & (truth <= upper + 1e-7)
        rows.append(
            {
                "prior": prior,
                "mutations": mutations,
                "noise": noise,
                "method": method,
                "samples": len(counts),
                "fitting_error": round(float(fitting_error(shares, truth).mean()), 5),
                "coverage_present": round(float(inside[truth > 0].mean()), 4),
                "false_alarms": round(float((result.fit["p_value"] < 0.05).mean()), 4),
                "not_by_network": round(float((result.fit["method"] != "network").mean()), 4),
            }
        )
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
