"""Print the tables of `results/unsupervised.csv` that the documentation shows: ratios to the true signatures.

python benchmarks/summarise_unsupervised.py [--results DIR]
"""

import argparse
from pathlib import Path

import pandas as pd

from paper.datasets import BREAST, SIMULATED
from protocol import RESULTS


def mean_over_folds(rows: pd.DataFrame, folds: int) -> pd.DataFrame:
    """Average every figure over the folds that all methods have finished."""
    counted = rows.groupby(["set", "method", "inference"])["fold"].transform("nunique")
    figures = rows[counted >= folds].drop(columns=["fold"])
    return figures.groupby(["set", "method", "inference"]).mean(numeric_only=True)


def by_set(table: pd.DataFrame, method: str, inference: str) -> pd.DataFrame:
    return table.xs((method, inference), level=("method", "inference"))


def simulated(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per set: costs over those of the true signatures, recovery, agreement with the exact solution."""
    means = mean_over_folds(rows, 5)
    floor = by_set(means, "true-signatures", "exact")
    columns = {}
    for method in ("sklearn-cd", "anls", "dnmf"):
        exact = by_set(means, method, "exact")
        for figure in ("mean", "median", "trimmed"):
            columns[f"{method} {figure}"] = exact[figure] / floor[figure]
        for figure in ("found_90", "found_95", "found_99", "seconds_dictionary"):
            columns[f"{method} {figure}"] = exact[figure]
    network, exact = by_set(rows_ratio(rows), "dnmf", "network"), by_set(means, "dnmf", "network")
    columns["network / exact, worst fold"] = network["over_exact"]
    columns["same support"] = exact["same_support"]
    columns["dnmf seconds"] = exact["seconds"]
    return pd.DataFrame(columns).reindex([s for s in SIMULATED if s in floor.index])


def rows_ratio(rows: pd.DataFrame) -> pd.DataFrame:
    """Worst fold of the network's cost over the exact cost for the same dictionary."""
    keys = ["set", "method", "fold"]
    exact = rows[rows.inference == "exact"].set_index(keys)["mean"]
    network = rows[rows.inference == "network"].set_index(keys)["mean"]
    worst = (network / exact).dropna().groupby(["set", "method"]).max().rename("over_exact")
    return worst.to_frame().assign(inference="network").set_index("inference", append=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--results", type=Path, default=RESULTS)
    rows = pd.read_csv(options.parse_args().results / "unsupervised.csv")
    pd.set_option("display.width", 250, "display.max_columns", 40, "display.precision", 3)
    table = simulated(rows[rows["set"] != BREAST])
    for part in (
        [c for c in table if "mean" in c or "median" in c or "trimmed" in c],
        [c for c in table if "found" in c],
        [c for c in table if "seconds" in c or "network" in c or "support" in c],
    ):
        print(table[part].to_string(), "\n")
    print(table[[c for c in table if "found" in c]].sum().to_string(), "\n")
    breast = rows[rows["set"] == BREAST]
    if len(breast):
        figures = ["mean", "median", "trimmed", "seconds"]
        print(breast.groupby(["method", "inference"])[figures].mean().to_string())


if __name__ == "__main__":
    main()
