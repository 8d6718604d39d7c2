"""Methods side by side: points per data set, and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from dnmf.plotting import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vPX<>h"
_PLAIN = 1e-3, 1e5  # numbers between are written out
_SPREAD = 0.5  # of the place of a name is taken by its points
_LINE_OF_LEGEND = 0.145  # inches


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
        Series drawn as rings, in the colour of the series that follows: numbers of others, to be met.
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
    faint: Sequence[tuple[ArrayLike, ArrayLike]] = field(default_factory=tuple)
    faint_name: str = ""


def plot_points(panels: Sequence[PointPanel], *, figure: "Figure | None" = None) -> "Figure":
    """Draw one panel per entry, side by side, all points on logarithmic axes.

    Parameters
    ----------
    panels : sequence of PointPanel
        What to draw.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Examples
    --------
    >>> panel = PointPanel("Two methods", "error", ["a", "b"], {"one": [1, 10], "two": [2, 5]})
    >>> len(plot_points([panel]).axes)
    1
    """
    rows = max(len(panel.series) for panel in panels)
    longest = max(len(name) for panel in panels for name in panel.names)
    fig, boxes = _page(figure, len(panels), rows, below=0.25 + 0.058 * longest)
    for panel, box in zip(panels, boxes, strict=True):
        ax = fig.add_axes(box)
        _style.dress(ax, grid="y")
        _style.label_axes(ax, y=panel.y, title=panel.title)
        series = {name: np.asarray(values, dtype=float) for name, values in panel.series.items()}
        offsets = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(series)) if len(series) > 1 else [0.0]
        colours = _style.signature_colours(len(series))
        places, look = np.arange(len(panel.names)), 0
        for index, (name, values) in enumerate(series.items()):
            seen = np.isfinite(values) & (values > 0)
            colour = colours[look]
            ax.plot(
                places[seen] + offsets[index],
                values[seen],
                linestyle="none",
                marker=_MARKERS[look % len(_MARKERS)],
                markersize=5.4 if name in panel.hollow else 3.8,
                markeredgecolor=colour,
                markeredgewidth=1.0,
                markerfacecolor="white" if name in panel.hollow else colour,
                label=f"series {index}",
            )
            look += name not in panel.hollow
        _log_scale(ax, list(series.values()))
        ax.set_xticks(places, [_style.drawable(name, 40) for name in panel.names])
        for label in ax.get_xticklabels():
            label.set(rotation=90, fontsize=7, color=_style.INK)
        ax.set_xlim(-0.6, len(panel.names) - 0.4)
        _legend_below(ax, list(series), 0.35 + 0.058 * longest)
    return fig


def plot_curves(panels: Sequence[CurvePanel], *, figure: "Figure | None" = None) -> "Figure":
    """Draw one panel of curves per entry, side by side.

    Parameters
    ----------
    panels : sequence of CurvePanel
        What to draw.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Examples
    --------
    >>> panel = CurvePanel("A cost", "iteration", "cost", {"one": ([1, 2, 3], [9.0, 3.0, 1.0])})
    >>> plot_curves([panel]).axes[0].get_yscale()
    'log'
    """
    rows = max(len(panel.curves) + bool(panel.faint) for panel in panels)
    fig, boxes = _page(figure, len(panels), rows, below=0.5)
    for panel, box in zip(panels, boxes, strict=True):
        ax = fig.add_axes(box)
        _style.dress(ax, grid="both")
        _style.label_axes(ax, x=panel.x, y=panel.y, title=panel.title)
        names = list(panel.curves)
        for index, (x, y) in enumerate(panel.faint):
            label = "faint" if index == 0 else "_more of them"
            ax.plot(x, y, color=_style.FRAME, linewidth=0.7, alpha=0.8, label=label)
        if panel.faint:
            names = [panel.faint_name, *names]
        for colour, (x, y) in zip(
            _style.signature_colours(len(panel.curves)), panel.curves.values(), strict=True
        ):
            ax.plot(x, y, color=colour, linewidth=1.7, marker="o", markersize=2.2, label="curve")
        every = [np.asarray(y, dtype=float) for _, y in (*panel.faint, *panel.curves.values())]
        _log_scale(ax, every)
        _legend_below(ax, names, 0.5)
    return fig


def _page(
    figure: "Figure | None", n_panels: int, legend_rows: int, *, below: float
) -> "tuple[Figure, list[tuple[float, float, float, float]]]":
    """Return a figure and the boxes of its panels, with room for legends under them."""
    under = below + _LINE_OF_LEGEND * legend_rows + 0.1
    fig = _style.page(figure, 4.4 * n_panels, 2.9 + under)
    width, height = fig.get_size_inches()
    cell = width / n_panels
    boxes = [
        (
            (i * cell + 0.72) / width,
            under / height,
            (cell - 0.85) / width,
            1 - (under + 0.42) / height,
        )
        for i in range(n_panels)
    ]
    return fig, boxes


def _log_scale(ax: "Axes", values: Sequence[np.ndarray]) -> None:
    every = np.concatenate([v[np.isfinite(v) & (v > 0)].ravel() for v in values] or [np.empty(0)])
    if every.size:
        _style.log_axis(ax, "y", float(every.min()), float(every.max()))
        ax.set_ylim(float(every.min()) / 1.6, float(every.max()) * 1.6)
        if _PLAIN[0] < every.min() and every.max() < _PLAIN[1]:
            ax.yaxis.set_major_formatter(_style.plain_numbers())


def _legend_below(ax: "Axes", names: list[str], below: float) -> None:
    """Put the legend under the axes, ``below`` inches down: points are everywhere inside."""
    figure: Any = ax.figure
    height = ax.get_position().height * figure.get_size_inches()[1]
    legend = ax.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -below / height),
        frameon=False,
        fontsize=7.5,
        labelspacing=0.25,
        borderpad=0,
        borderaxespad=0,
    )
    _style.name_legend(legend, names)
