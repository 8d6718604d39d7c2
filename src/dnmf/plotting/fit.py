"""How well the extracted signatures explain each sample."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dnmf.criteria import LOW_COSINE
from dnmf.plotting import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_NAMED_SAMPLES = 6
# Of more samples evenly spaced ones are drawn, from the lowest cosine to the highest: they tell the same.
_MAX_DRAWN_SAMPLES = 4000


def plot_fit(
    fit: pd.DataFrame, *, unit: str = "mutations", figure: "Figure | None" = None
) -> "Figure":
    """Draw the cosine between spectrum and reconstruction: its distribution, and against the mutations.

    Parameters
    ----------
    fit : DataFrame
        One row per sample with the columns ``mutations`` and ``cosine``. Samples without mutations
        are left out and counted in the axis label.
    unit : str
        What ``mutations`` counts.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Returns
    -------
    Figure
        Two axes. Samples below `dnmf.criteria.LOW_COSINE` are marked in both, and the worst of them named.

    Examples
    --------
    >>> table = pd.DataFrame({"mutations": [900.0, 80.0], "cosine": [0.99, 0.7]}, index=["a", "b"])
    >>> len(plot_fit(table).axes)
    2
    """
    filled = fit[fit["mutations"] > 0]
    fig = _style.page(figure, 10.4, 3.7)
    width, height = fig.get_size_inches()
    tall, across = max(height - 1.0, 0.5), max(width - 1.9, 1.0)
    left = _style.add_axes(fig, 0.75, 0.55, 0.42 * across, tall)
    right = _style.add_axes(fig, 1.7 + 0.42 * across, 0.55, 0.58 * across, tall)
    lowest = float(filled["cosine"].min()) if len(filled) else LOW_COSINE
    start = float(np.floor(min(lowest, 0.95) * 20) / 20)
    for ax in (left, right):
        _style.style_axes(ax, grid="y" if ax is left else "both")
    _draw_distribution(left, filled, start)
    _draw_against_mutations(right, filled, start, unit)
    notes = []
    if len(filled) > _MAX_DRAWN_SAMPLES:
        notes.append(f"{_MAX_DRAWN_SAMPLES:,} of {len(filled):,} samples, evenly spaced by cosine")
    empty = len(fit) - len(filled)
    if empty:
        notes.append(f"{_style.count_words(empty, 'sample')} without any not shown")
    if notes:
        right.set_xlabel(f"{unit.capitalize()} in the sample ({'; '.join(notes)})")
    return fig


def _draw_distribution(ax: "Axes", filled: pd.DataFrame, start: float) -> None:
    from matplotlib.ticker import MaxNLocator

    middle = float(filled["cosine"].median()) if len(filled) else None
    title = "No sample with mutations" if middle is None else f"Median cosine {middle:.3f}"
    _style.label_axes(ax, x="Cosine of spectrum and reconstruction", y="Samples", title=title)
    # 0.9 falls on an edge of the bins, so that no bar holds samples from both sides of it.
    step = 0.0025 if start >= 0.95 else 0.005 if start >= 0.85 else 0.01 if start >= 0.6 else 0.02
    edges = np.round(np.arange(start, 1 + step / 2, step), 6)
    counts, _ = np.histogram(np.clip(filled["cosine"], start, 1), bins=edges)
    low = edges[:-1] < LOW_COSINE - 1e-9
    colours = np.where(low, _style.ALERT, _style.signature_colours(1)[0])
    ax.bar(edges[:-1], counts, width=step * 0.9, align="edge", color=colours, linewidth=0, zorder=2)
    ax.set(xlim=(start, 1), ylim=(0, max(counts.max(), 1) * 1.12))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=2))
    if middle is not None:
        ax.axvline(middle, color=_style.INK, linewidth=1.0, linestyle="--", zorder=3)


def _draw_against_mutations(ax: "Axes", filled: pd.DataFrame, start: float, unit: str) -> None:
    low = filled["cosine"] < LOW_COSINE
    counted = _style.count_words(int(low.sum()), "sample") if low.any() else "No sample"
    title = f"{counted} below {LOW_COSINE:g}"
    _style.label_axes(ax, x=f"{unit.capitalize()} in the sample", y="Cosine", title=title)
    size = float(np.clip(2500 / max(len(filled), 1), 5, 26))
    style: dict[str, Any] = {"s": size, "alpha": 0.65, "linewidth": 0, "zorder": 3}
    blue = _style.signature_colours(1)[0]
    drawn = filled
    if len(filled) > _MAX_DRAWN_SAMPLES:
        places = np.linspace(0, len(filled) - 1, _MAX_DRAWN_SAMPLES).astype(int)
        drawn = filled.iloc[np.argsort(filled["cosine"].to_numpy(), kind="stable")[places]]
    drawn_low = drawn["cosine"] < LOW_COSINE
    for rows, colour, marker in ((~drawn_low, blue, "o"), (drawn_low, _style.ALERT, "D")):
        part = drawn[rows]
        ax.scatter(part["mutations"], part["cosine"], color=colour, marker=marker, **style)
    ax.axhline(LOW_COSINE, color=_style.ALERT, linewidth=0.9, linestyle="--", zorder=2)
    least, most = (
        (filled["mutations"].min(), filled["mutations"].max()) if len(filled) else (1.0, 10.0)
    )
    _style.log_axis(ax, "x", least / 1.4, most * 1.4)
    ax.set(xlim=(least / 1.4, most * 1.4), ylim=(start, 1 + 0.02 * (1 - start)))
    ax.xaxis.set_major_formatter(_style.plain_numbers())
    for name, row in drawn[drawn_low].nsmallest(_MAX_NAMED_SAMPLES, "cosine").iterrows():
        to_left = row["mutations"] > np.sqrt(least * most)
        ax.annotate(
            _style.drawable(name, 22), (row["mutations"], row["cosine"]),
            xytext=(-5 if to_left else 5, 0), textcoords="offset points",
            ha="right" if to_left else "left", va="center", **_style.text_style(7.5,
            colour=_style.ALERT),
        )  # fmt: skip
