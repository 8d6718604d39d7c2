"""The picture of `docs/explanation/unsupervised.md`: quality against seconds, one point a set."""

from matplotlib.figure import Figure

from figures.unsupervised import means, over_floor
from paper.datasets import SIMULATED

METHODS = {
    "dnmf": ("dnmf (default)", "#1b6ca8", "o"),
    "anls": ("alternating least squares", "#4c9f70", "s"),
    "sklearn-cd": ("scikit-learn, coordinate descent", "#d98324", "^"),
    "kl-mu": ("Kullback-Leibler updates", "#8d6fb0", "v"),
    "mu-best-of-10": ("multiplicative updates, best of 10", "#7a7a7a", "P"),
    "paper": ("the paper's DNMF", "#a23b3b", "D"),
}


def draw() -> Figure:
    """One panel, all methods."""
    figure = Figure(figsize=(9.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for method, (label, colour, marker) in METHODS.items():
        inference = "network" if method == "paper" else "exact"
        seconds = means(method, inference)["seconds"].reindex(list(SIMULATED))
        ratios = over_floor(method, "trimmed", inference)
        axes.scatter(seconds, ratios, label=label, color=colour, marker=marker, s=36)
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
