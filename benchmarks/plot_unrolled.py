"""Draw unrolled NMF, side by side, `docs/images/unrolled.png`, and print the tables of `docs/explanation/unrolled.md`.

python benchmarks/plot_unrolled.py [--results DIR] [--output FILE]
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from protocol import RESULTS

METHODS = {
    "mu": ("the paper's mu", "#a23b3b", "D"),
    "nalmu": ("NALMU", "#d98324", "^"),
    "weighted-mu": ("weighted mu", "#7a7a7a", "P"),
    "projected-gradient": ("LISTA", "#c9a227", "<"),
    "palm": ("PALM", "#4c9f70", "s"),
    "lp-palm": ("PALM, Lp thresholds", "#8d6fb0", "v"),
    "admm": ("ADMM", "#1b6ca8", "o"),
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


def against_layers(axes: Axes, rows: pd.DataFrame, part: str, task: str, title: str) -> None:
    """Errors of trained and untrained networks over their depth, beside what needs no training."""
    rows = rows[rows.task == task]
    for method, (label, colour, marker) in METHODS.items():
        for trained, style in ((False, "--"), (True, "-")):
            found = rows[(rows.method == method) & (rows.trained == trained)]
            if found.empty:
                continue
            mean = found.groupby("layers").error.mean()
            axes.plot(
                mean.index, mean, style, color=colour, marker=marker, markersize=4,
                linewidth=1.6 if trained else 0.9, label=label if trained else None,
            )  # fmt: skip
    method, layers = UNLEARNED[part]
    best = rows[(rows.method == method) & ~rows.trained]
    best = best if layers is None else best[best.layers == layers]
    axes.axhline(best.error.mean(), color="0.3", linestyle=":", linewidth=1.2)
    axes.set(xscale="log", yscale="log", xlabel="layers", title=title)
    axes.set_xticks([5, 10, 20, 100], ["5", "10", "20", "100"])
    axes.set_ylabel("relative error of the exposures, new samples")
    plain_decimals(axes.yaxis)
    axes.xaxis.set_minor_locator(NullLocator())


def against_nothing(axes: Axes, rows: pd.DataFrame) -> None:
    """Error of what was learned over the best answer that needs no learning, for every task."""
    for place, (part, task) in enumerate(TASKS):
        here = rows[(rows.part == part) & (rows.task == task)]
        floor = here[~here.trained].groupby(["method", "layers"], dropna=False).error.mean().min()
        for method, (_, colour, marker) in METHODS.items():
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


KNOWN_COLUMNS = (
    ("toy", ""),
    ("unmixing", ""),
    ("unmixing, gain varies", ""),
    ("unmixing, gain varies", " + sum"),
    ("paper's set", ""),
)


def markdown(title: str, columns: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A table with its title."""
    columns = list(columns)
    rows = [columns, ["---"] * len(columns), *lines]
    return f"\n{title}\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)


def tables(rows: pd.DataFrame) -> str:
    """The tables of the page, means over the draws: networks of ten layers, untrained -> trained."""

    def cell(
        task: str, method: str, value: str = "error", layers: int | None = 10, digits: int = 3
    ) -> str:
        found = rows[(rows.task == task) & (rows.method == method)]
        found = found[found.layers.isna() if layers is None else found.layers == layers]
        means = found.groupby("trained")[value].mean().dropna()
        return " -> ".join(f"{mean:#.{digits}g}" for mean in means) or "-"

    known = [
        [label, *(cell(task, method + suffix) for task, suffix in KNOWN_COLUMNS),
         cell("toy", method, "train_seconds", digits=2).split(" -> ")[-1]]
        for method, (label, *_) in METHODS.items()
        if method in rows[rows.part == "known"].method.unique()
    ]  # fmt: skip
    for method in ("exact", "ridge"):
        cells = [cell(task, method + suffix, layers=None) for task, suffix in KNOWN_COLUMNS]
        known.append(
            [method, *cells, cell("toy", method, "train_seconds", None, 2).split(" -> ")[-1]]
        )
    others = [
        [label, *(cell(task, method, "other_error") for task in ("toy", "unmixing"))]
        for method, (label, *_) in METHODS.items()
        if method in rows[rows.part == "known"].method.unique()
    ]
    others.append(["exact", *(cell(t, "exact", "other_error", None) for t in ("toy", "unmixing"))])
    blind_rows = rows[rows.part == "blind"]
    blind = [
        [f"{METHODS.get(method, (method,))[0]}, {depth or ''}",
         *(cell(task, method, value, depth) for task in ("blind toy", "blind unmixing")
           for value in ("error", "dictionary_error"))]
        for method, depth in (
            ("mean dictionary, exact", None), ("alternating least squares", 100),
            *((m, 10) for m in METHODS if m in blind_rows.method.unique()),
            *((m, 100) for m in METHODS if m in blind_rows.method.unique()),
        )
    ]  # fmt: skip
    speech = rows[rows.part == "speech"]
    spoken = [
        [method, *(cell("speech", method, layers=depth) for depth in (10, 100, None))]
        for method in speech.method.unique()
    ]
    return "\n".join(
        (
            markdown("known", ["", *(t + x for t, x in KNOWN_COLUMNS), "seconds"], known),
            markdown("another dictionary", ["", "toy", "unmixing"], others),
            markdown("blind", ["", "toy H", "toy W", "unmixing H", "unmixing W"], blind),
            markdown("speech, minus dB", ["", "10", "100", "exact"], spoken),
        )
    )


def draw(rows: pd.DataFrame) -> Figure:
    """Three panels and one legend."""
    figure = Figure(figsize=(13.5, 4.6), layout="constrained")
    known, blind, all_tasks = figure.subplots(1, 3)
    against_layers(known, rows, "known", "toy", "Dictionary known (solid: trained)")
    against_layers(blind, rows, "blind", "blind toy", "Dictionary unknown (solid: trained)")
    against_nothing(all_tasks, rows)
    for axes in (known, blind, all_tasks):
        axes.title.set_fontsize(10)
        axes.grid(alpha=0.25)
    handles = {}
    for axes in (known, blind, all_tasks):
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles.keys(), frameon=False, loc="outside right upper")
    return figure


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--results", type=Path, default=RESULTS)
    output = Path(__file__).parents[1] / "docs" / "images" / "unrolled.png"
    options.add_argument("--output", type=Path, default=output)
    chosen = options.parse_args()
    rows = pd.read_csv(chosen.results / "unrolled.csv")
    rows = rows[rows.seeds == "test"]
    draw(rows).savefig(chosen.output, dpi=150)
    print(tables(rows))


if __name__ == "__main__":
    main()
