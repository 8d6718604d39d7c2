"""Methods side by side: points per data set, and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import ArrayLike

from dnmf.plotting import signature_colours

GREY = "#8c959f"
MARKERS = "osD^vPX<>h"
WRITTEN_OUT = 1e-3, 1e5  # an axis whose numbers are all between has no powers of ten
WIDTH_OF_POINTS = 0.5  # of the distance between two names
PANEL_INCHES, LEGEND_LINE_INCHES = 4.4, 0.145


@dataclass(frozen=True)
class PointPanel:
    """One panel of points.

    Attributes
    ----------
    title, y : str
        What it shows, and the label of the (logarithmic) axis.
    names : sequence of str
        Where the points stand, from left to right.
    series : mapping of str to (len(names),) array
        Values of each method; what is not finite or not positive is left out.
    hollow : set of str
        Series drawn as rings, in the colour of the series that follows: the published numbers of a rerun.
    """

    title: str
    y: str
    names: Sequence[str]
    series: Mapping[str, ArrayLike]
    hollow: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CurvePanel:
    """One panel of curves.

    Attributes
    ----------
    title, x, y : str
        What it shows, and the labels of the axes (the second is logarithmic).
    curves : mapping of str to (x, y)
        Each with its own colour and a place in the legend.
    faint : sequence of (x, y)
        Drawn thinly behind them.
    faint_name : str
        What those are.
    """

    title: str
    x: str
    y: str
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]]
    faint: Sequence[tuple[ArrayLike, ArrayLike]] = ()
    faint_name: str = ""


def plot_points(panels: Sequence[PointPanel]) -> Figure:
    """Draw one panel per entry, side by side, all points on logarithmic axes.

    Examples
    --------
    >>> panel = PointPanel("Two methods", "error", ["a", "b"], {"one": [1, 10], "two": [2, 5]})
    >>> len(plot_points([panel]).axes)
    1
    """
    rows = max(len(panel.series) for panel in panels)
    names_inches = 0.058 * max(len(name) for panel in panels for name in panel.names)
    figure, every_axes = _page(len(panels), rows, below=0.25 + names_inches)
    for panel, axes in zip(panels, every_axes, strict=True):
        _label(axes, panel.title, "", panel.y, grid="y")
        series = {name: np.asarray(values, dtype=float) for name, values in panel.series.items()}
        half = WIDTH_OF_POINTS / 2
        offsets = np.linspace(-half, half, len(series)) if len(series) > 1 else [0.0]
        colours = signature_colours(len(series))
        places, look = np.arange(len(panel.names)), 0
        for offset, (name, values) in zip(offsets, series.items(), strict=True):
            seen, hollow = np.isfinite(values) & (values > 0), name in panel.hollow
            axes.plot(
                places[seen] + offset,
                values[seen],
                linestyle="none",
                marker=MARKERS[look % len(MARKERS)],
                markersize=5.4 if hollow else 3.8,
                markeredgecolor=colours[look],
                markeredgewidth=1.0,
                markerfacecolor="white" if hollow else colours[look],
                label=name,
            )
            look += not hollow
        _log_scale(axes, list(series.values()))
        axes.set_xticks(places, panel.names, rotation=90, fontsize=7)
        axes.set_xlim(-0.6, len(panel.names) - 0.4)
        _legend_below(axes, 0.35 + names_inches)
    return figure


def plot_curves(panels: Sequence[CurvePanel]) -> Figure:
    """Draw one panel of curves per entry, side by side.

    Examples
    --------
    >>> panel = CurvePanel("A cost", "iteration", "cost", {"one": ([1, 2, 3], [9.0, 3.0, 1.0])})
    >>> plot_curves([panel]).axes[0].get_yscale()
    'log'
    """
    rows = max(len(panel.curves) + bool(panel.faint) for panel in panels)
    figure, every_axes = _page(len(panels), rows, below=0.5)
    for panel, axes in zip(panels, every_axes, strict=True):
        _label(axes, panel.title, panel.x, panel.y, grid="both")
        for index, (x, y) in enumerate(panel.faint):
            name = "_not in the legend" if index else panel.faint_name
            axes.plot(x, y, color=GREY, linewidth=0.7, alpha=0.8, label=name)
        colours = signature_colours(len(panel.curves))
        for colour, (name, (x, y)) in zip(colours, panel.curves.items(), strict=True):
            axes.plot(x, y, color=colour, linewidth=1.7, marker="o", markersize=2.2, label=name)
        every = [np.asarray(y, dtype=float) for _, y in (*panel.faint, *panel.curves.values())]
        _log_scale(axes, every)
        _legend_below(axes, 0.5)
    return figure


def _page(n_panels: int, legend_rows: int, *, below: float) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, with room for legends under them."""
    under = below + LEGEND_LINE_INCHES * legend_rows + 0.1
    width, height = PANEL_INCHES * n_panels, 2.9 + under
    figure = Figure(figsize=(width, height))
    size = (PANEL_INCHES - 0.85) / width, 1 - (under + 0.42) / height
    corners = [((i * PANEL_INCHES + 0.72) / width, under / height) for i in range(n_panels)]
    return figure, [figure.add_axes((*corner, *size)) for corner in corners]


def _label(axes: Axes, title: str, x: str, y: str, *, grid: str) -> None:
    axes.set_title(title, loc="left", pad=7, fontsize=10, fontweight="bold")
    axes.set_xlabel(x, fontsize=8.5)
    axes.set_ylabel(y, fontsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.grid(True, axis=grid, color="#e4e7eb", linewidth=0.7)
    axes.set_axisbelow(True)


def _log_scale(axes: Axes, values: Sequence[np.ndarray]) -> None:
    drawn = np.concatenate([v[np.isfinite(v) & (v > 0)] for v in values] or [np.empty(0)])
    if not drawn.size:
        return
    low, high = float(drawn.min()), float(drawn.max())
    axes.set_yscale("log")
    steps = (1.0, 2.0, 5.0) if high < 100 * low else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=steps, numticks=10))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(low / 1.6, high * 1.6)
    if WRITTEN_OUT[0] < low and high < WRITTEN_OUT[1]:
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))


def _legend_below(axes: Axes, below: float) -> None:
    """Put the legend ``below`` inches under the axes: points are everywhere inside."""
    height = axes.get_position().height * axes.figure.get_size_inches()[1]
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -below / height),
        frameon=False,
        fontsize=7.5,
        labelspacing=0.25,
        borderpad=0,
        borderaxespad=0,
    )
