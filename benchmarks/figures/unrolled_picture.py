"""The picture of `docs/explanation/unrolled.md`: errors over layers, and where learning pays."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from figures.unrolled import RULES, rows

LOOKS = {
    "mu": ("#a23b3b", "D"),
    "nalmu": ("#d98324", "^"),
    "weighted-mu": ("#7a7a7a", "P"),
    "projected-gradient": ("#c9a227", "<"),
    "palm": ("#4c9f70", "s"),
    "lp-palm": ("#8d6fb0", "v"),
    "admm": ("#1b6ca8", "o"),
}
UNLEARNED = {"known": ("exact", None), "blind": ("alternating least squares", 100)}
TASKS = {
    ("known", "toy"): "toy",
    ("known", "unmixing"): "unmixing, 20 dB",
    ("known", "unmixing, gain varies"): "unmixing,\ngain varies 20 %",
    ("known", "paper's set"): "paper's set,\n500 counts",
    ("blind", "blind toy"): "blind toy",
    ("blind", "blind unmixing"): "blind unmixing",
}


def plain_decimals(axis: Axis) -> None:
    """Numbers as they are read, at 1, 2 and 5 of every decade."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def against_layers(axes: Axes, tested: pd.DataFrame, part: str, task: str, title: str) -> None:
    """Errors of trained and untrained networks over their depth, beside what needs no training."""
    tested = tested[tested.task == task]
    for method, (colour, marker) in LOOKS.items():
        for trained, style in ((False, "--"), (True, "-")):
            found = tested[(tested.method == method) & (tested.trained == trained)]
            if found.empty:
                continue
            mean = found.groupby("layers").error.mean()
            axes.plot(
                mean.index,
                mean,
                style,
                color=colour,
                marker=marker,
                markersize=4,
                linewidth=1.6 if trained else 0.9,
                label=RULES[method] if trained else None,
            )
    method, layers = UNLEARNED[part]
    best = tested[(tested.method == method) & ~tested.trained]
    best = best if layers is None else best[best.layers == layers]
    axes.axhline(best.error.mean(), color="0.3", linestyle=":", linewidth=1.2)
    axes.set(xscale="log", yscale="log", xlabel="layers", title=title)
    axes.set_xticks([5, 10, 20, 100], ["5", "10", "20", "100"])
    axes.set_ylabel("relative error of the exposures, new samples")
    plain_decimals(axes.yaxis)
    axes.xaxis.set_minor_locator(NullLocator())


def against_nothing(axes: Axes, tested: pd.DataFrame) -> None:
    """Error of what was learned over the best answer that needs no learning, for every task."""
    for place, (part, task) in enumerate(TASKS):
        here = tested[(tested.part == part) & (tested.task == task)]
        floor = here[~here.trained].groupby(["method", "layers"], dropna=False).error.mean().min()
        for method, (colour, marker) in LOOKS.items():
            names = [method, f"{method} + sum"]
            found = here[here.method.isin(names) & here.trained]
            found = found[found.layers == 10].groupby("method").error.mean()
            if len(found):
                axes.plot(found.min() / floor, -place, marker, color=colour, markersize=6)
        exact = here[here.method.isin(["exact", "exact + sum"]) & here.trained]
        if len(exact):
            ratio = exact.groupby("method").error.mean().min() / floor
            axes.plot(ratio, -place, "*", color="black", markersize=9)
        ridge = here[here.method == "ridge"].error.mean() / floor
        axes.plot(ridge, -place, "x", color="0.2", markersize=6)
    axes.axvline(1, color="0.3", linestyle=":", linewidth=1.2)
    axes.set_yticks([-i for i in range(len(TASKS))], TASKS.values())
    axes.set(
        xscale="log",
        xlabel="error over that of the best answer without training",
        title="Ten trained layers: where learning pays",
    )
    plain_decimals(axes.xaxis)
    axes.plot(
        [], [], "*", color="black", markersize=9, linestyle="", label="exact layer, learned W"
    )
    axes.plot([], [], "x", color="0.2", linestyle="", label="ridge regression")
    axes.plot([], [], ":", color="0.3", label="best without training")


def draw() -> Figure:
    """Three panels and one legend, in two rows: letters stay readable at the width of a page."""
    figure = Figure(figsize=(8.5, 8.5), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 0.95))
    known, blind = upper.subplots(1, 2)
    all_tasks = lower.subplots()
    against_layers(known, rows(), "known", "toy", "Dictionary known (solid: trained)")
    against_layers(blind, rows(), "blind", "blind toy", "Dictionary unknown (solid: trained)")
    against_nothing(all_tasks, rows())
    for axes in (known, blind, all_tasks):
        axes.title.set_fontsize(11)
        axes.grid(alpha=0.25)
    handles = {}
    for axes in (known, blind, all_tasks):
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    lower.legend(handles.values(), handles.keys(), frameon=False, loc="outside right upper")
    return figure
