"""The numbers behind the paper's figures, as one tidy table beside ours."""

from pathlib import Path

import pandas as pd

from paper.cells import LEARNED
from paper.datasets import BREAST, SIMULATED
from paper.plan import LAYERS, PENALTIES

MATCH = ["experiment", "set", "fold", "method", "penalty", "layers"]


def read_published(data: Path) -> pd.DataFrame:
    """Return the published numbers: one row a figure, set, fold, method, penalty and depth.

    ``fold`` is -1 in figure 4, of which the means over folds were published. The penalty of figure 3's "no
    regularisation" is 1, which is where the notebook leaves it.
    """
    folder = data / "published"
    rows = []
    figure_3, figure_5, figure_6 = (pd.read_csv(folder / f"fig_{n}.csv") for n in (3, 5, 6))
    for number, name in enumerate(SIMULATED, 1):
        for column, penalty in ((f"super_reg_{number}", LEARNED), (f"super_no_reg{number}", "1")):
            rows += _column("3", "supervised", name, "dnmf", penalty, LAYERS, figure_3[column])
        rows += _column(
            "5", "supervised", name, "dnmf", LEARNED, LAYERS, figure_5[f"dnmf_{number}"]
        )
        for penalty in PENALTIES:
            column = f"mu_{penalty}_{number}"
            rows += _column("5", "supervised", name, "mu", penalty, 0, figure_5[column])
        rows += _unsupervised("6", name, figure_6, number)
    rows += _unsupervised("7", BREAST, pd.read_csv(folder / "fig_6_brca_cv.csv"), 1)
    figure_4 = pd.read_csv(folder / "fig_4.csv")
    for row, name in enumerate(SIMULATED):
        for label, value in figure_4.iloc[row].items():
            kind, layers = str(label).split("_")
            experiment = {"super": "supervised", "unsuper": "unsupervised"}[kind]
            penalty = LEARNED if kind == "super" else "0"
            rows.append(("4", experiment, name, -1, "dnmf", penalty, int(layers), float(value)))
    return pd.DataFrame(rows, columns=["figure", *MATCH, "published"])


def _unsupervised(
    figure: str, name: str, table: pd.DataFrame, number: int
) -> list[tuple[object, ...]]:
    rows = []
    for method, layers in (("dnmf", LAYERS), ("mu", 0)):
        for penalty in PENALTIES:
            values = table[f"{method}_{penalty}_{number}"]
            rows += _column(figure, "unsupervised", name, method, penalty, layers, values)
    return rows


def _column(
    figure: str,
    experiment: str,
    name: str,
    method: str,
    penalty: str,
    layers: int,
    values: "pd.Series[float]",
) -> list[tuple[object, ...]]:
    return [
        (figure, experiment, name, fold, method, penalty, layers, float(value))
        for fold, value in enumerate(values)
    ]


def read_results(path: Path) -> pd.DataFrame:
    """Return the table of finished cells, its keys as they were written."""
    return pd.read_csv(path, dtype={"penalty": str, "method": str, "inference": str, "set": str})


def compare_with_published(results: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of protocol ``authors`` beside the published numbers, with their ratio.

    Figure 4 is compared by means over folds, and only where all five were computed.
    """
    ours = results[(results["protocol"] == "authors") & results["reported"].notna()]
    ours = ours[[*MATCH, "reported"]]
    single = published[published["figure"] != "4"].merge(ours, on=MATCH)
    group = [key for key in MATCH if key != "fold"]
    means = ours.groupby(group, as_index=False)["reported"].agg(["mean", "size"])
    means = means[means["size"] == 5].rename(columns={"mean": "reported"}).drop(columns="size")
    depth = published[published["figure"] == "4"].merge(means, on=group)
    table = pd.concat([single, depth], ignore_index=True)
    table["ratio"] = table["reported"] / table["published"]
    return table
