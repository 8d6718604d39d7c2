"""The picture of `docs/explanation/unsupervised.md`: quality against seconds, one point a set."""

import pandas as pd
from matplotlib.figure import Figure

from figures.form import results
from paper.datasets import BREAST

METHODS = {
    "dnmf": ("dnmf (default)", "#1b6ca8", "o"),
    "anls": ("alternating least squares", "#4c9f70", "s"),
    "sklearn-cd": ("scikit-learn, coordinate descent", "#d98324", "^"),
    "kl-mu": ("Kullback-Leibler updates", "#8d6fb0", "v"),
    "mu-best-of-10": ("multiplicative updates, best of 10", "#7a7a7a", "P"),
    "paper": ("the paper's DNMF", "#a23b3b", "D"),
}


def points(rows: pd.DataFrame) -> pd.DataFrame:
    """Cost without the worst 1 % over that of the true signatures, and seconds, mean over folds."""
    inference = rows.method.map(lambda m: "network" if m == "paper" else "exact")
    rows = rows[(rows.inference == inference) & (rows["set"] != BREAST)]
    means = rows.groupby(["method", "set"])[["trimmed", "seconds"]].mean()
    floor = means.loc["true-signatures", "trimmed"]
    means["ratio"] = (
        means["trimmed"] / floor.reindex(means.index.get_level_values("set")).to_numpy()
    )
    return means


def draw() -> Figure:
    """One panel, all methods."""
    means = points(results("unsupervised"))
    figure = Figure(figsize=(9.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for method, (label, colour, marker) in METHODS.items():
        if method in means.index:
            found = means.loc[method]
            axes.scatter(
                found["seconds"], found["ratio"], label=label, color=colour, marker=marker, s=36
            )
    axes.axhline(1, color="0.4", linewidth=1, linestyle="--")
    axes.text(
        0.01,
        0.9,
        "true signatures",
        transform=axes.get_yaxis_transform(),
        ha="left",
        va="top",
        color="0.35",
    )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="seconds of one thread, data to trained model",
        ylabel="held-out cost over that of the true signatures\n(mean without the worst 1 % of samples)",
        title="Twelve simulated sets, protocol “ours”, mean over five folds",
    )
    axes.title.set_fontsize(10)
    axes.grid(alpha=0.25, which="major")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
