"""How much of each signature is in each sample."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dnmf.exceptions import InputDataError
from dnmf.plotting import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_NAMED_SAMPLES = 60
_MAX_NAME_LETTERS = 24
_LEGEND_ROWS = 20
_LEGEND_TITLE = "Share of all mutations"
# With more samples than this the areas are a bitmap inside an SVG file, which would have many megabytes otherwise.
_MAX_VECTOR_SAMPLES = 600
# Of more samples evenly spaced ones are drawn, in their order: a picture has no more columns of points.
_MAX_DRAWN_SAMPLES = 2500
# Ratio of the largest to the median total above which totals are drawn on a log scale: a linear one would flatten most.
_LOG_SCALE_RATIO = 12.0


def plot_exposures(
    exposures: pd.DataFrame, *, unit: str = "mutations", figure: "Figure | None" = None
) -> "Figure":
    """Draw the exposures of all samples as stacked bars: in mutations above, as proportions below.

    Samples are grouped by their dominant signature and ordered by its proportion within a group; samples without
    mutations come last. Up to 60 samples are named; of more than 2,500 so many are drawn, evenly spaced in that order.
    Of more than 40 signatures the largest are drawn, most first, and the rest as ``other signatures``.

    Parameters
    ----------
    exposures : DataFrame (n, k)
        Samples by signatures. Columns named ``other signatures`` and ``unassigned`` are grey.
    unit : str
        What the exposures of a sample sum to.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Returns
    -------
    Figure
        Two axes. The upper one is stacked on a linear scale; where a few samples have far more
        mutations than the rest it shows the totals on a log scale instead, coloured by dominant
        signature, because the parts of a stack cannot be read on a log scale.

    Raises
    ------
    InputDataError
        The table has no samples or no signatures, or a value is negative or not finite.

    Examples
    --------
    >>> table = pd.DataFrame({"SBS1": [120.0, 40.0], "SBS5": [10.0, 300.0]}, index=["a", "b"])
    >>> upper, lower = plot_exposures(table).axes
    >>> [tick.get_text() for tick in lower.get_xticklabels()]
    ['a', 'b']
    """
    _check(exposures)
    exposures, colours = drawn_exposures(exposures)
    ordered, dominant = _sorted(exposures)
    n = min(len(ordered), _MAX_DRAWN_SAMPLES)
    places = np.linspace(0, len(ordered) - 1, n).astype(int)
    ordered, dominant = ordered.iloc[places], dominant[places]
    listed = _listed(exposures, colours)
    fig, upper, lower = _two_axes(ordered, [name for name, _ in listed], figure)
    totals = ordered.sum(axis=1).to_numpy()
    proportions = ordered.to_numpy() / np.where(totals > 0, totals, 1.0)[:, None]

    positive = totals[totals > 0]
    title = f"{unit.capitalize()} per sample"
    if positive.size and totals.max() > _LOG_SCALE_RATIO * np.median(positive):
        _totals_on_log_scale(upper, totals, [colours[index] for index in dominant])
        _style.label_axes(upper, y=f"{unit.capitalize()} (log scale)", title=title)
        upper.text(
            1, 1.03, "coloured by the sample's dominant signature", transform=upper.transAxes,
            ha="right", va="bottom", **_style.text_style(8, colour=_style.MUTED),
        )  # fmt: skip
    else:
        _stack(upper, ordered.to_numpy(), colours)
        upper.set_ylim(0, totals.max() * 1.04 if positive.size else 1.0)
        upper.yaxis.set_major_formatter(_style.plain_numbers())
        _style.label_axes(upper, y=unit.capitalize(), title=title)
    _stack(lower, proportions, colours)
    lower.set_ylim(0, 1)
    lower.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0%", "25%", "50%", "75%", "100%"])
    counted = _style.count_words(len(exposures), "sample")
    counted = counted if n == len(exposures) else f"{n:,} of {counted}, evenly spaced"
    _style.label_axes(
        lower, x=f"{counted}, grouped by dominant signature", y="Proportion", title="Proportions"
    )

    for ax in (upper, lower):
        ax.set_xlim(-0.5 - 0.01 * n, n - 0.5 + 0.01 * n)
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(ax is upper)
    if n <= _MAX_NAMED_SAMPLES:
        names = [_style.drawable(name, _MAX_NAME_LETTERS) for name in ordered.index]
        lower.set_xticks(range(n), names, rotation=90, **_style.text_style(7))
        lower.tick_params(axis="x", length=0, pad=2)
    _legend(fig, upper, listed)
    return fig


def drawn_exposures(exposures: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the signatures to draw, with colours of which no two are the same.

    Where there are more signatures with mutations than colours, the largest are drawn, most first, and the others as
    one.

    Parameters
    ----------
    exposures : DataFrame (n, k)
        Samples by signatures.

    Returns
    -------
    drawn : DataFrame (n, at most 40)
        The samples by the signatures that `plot_exposures` draws.
    colours : list of str
        Of each of these.

    Examples
    --------
    >>> drawn, colours = drawn_exposures(pd.DataFrame({f"S{i}": [i + 1.0] for i in range(41)}))
    >>> drawn.columns[0], drawn.columns[-1], colours[0], colours[-1]
    ('S40', 'other signatures (2)', '#0072B2', '#d0d4d9')
    """
    if exposures.shape[1] > _style.N_COLOURS:
        totals = exposures.sum(axis=0).sort_values(ascending=False, kind="stable")
        present = exposures.columns[(exposures.sum(axis=0) > 0).to_numpy()]
        if len(present) > _style.N_COLOURS:
            names = list(totals.index[: _style.N_COLOURS - 1])
            others = f"{_style.OTHERS} ({len(present) - len(names)})"
            rest = exposures.drop(columns=names).sum(axis=1)
            drawn = pd.concat([exposures[names], rest.rename(others)], axis=1)
            return drawn, [*_style.exposure_colours(names), _style.OTHERS_COLOUR]
        exposures = exposures[present if len(present) else exposures.columns[:1]]
    return exposures, _style.exposure_colours(exposures.columns)


def _check(exposures: pd.DataFrame) -> None:
    if exposures.empty:
        raise InputDataError(
            f"the exposures have {exposures.shape[0]} samples and {exposures.shape[1]} signatures; "
            "at least one of each is needed for a picture."
        )
    values = exposures.to_numpy(dtype=float)
    bad = np.argwhere(~np.isfinite(values) | (values < 0))
    if bad.size:
        row, column = bad[0]
        raise InputDataError(
            f"the exposure of sample {exposures.index[row]!r} to {exposures.columns[column]!r} is "
            f"{values[row, column]}; exposures are mutations, 0 or more."
        )


def _sorted(exposures: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the samples in drawing order, and the column of the dominant signature of each."""
    values = exposures.to_numpy(dtype=float)
    totals = values.sum(axis=1)
    dominant = values.argmax(axis=1)
    largest = values.max(axis=1) / np.where(totals > 0, totals, 1.0)
    # lexsort takes the last key first: empty samples at the end, then groups, then proportion.
    order = np.lexsort((-totals, -largest, dominant, totals <= 0))
    return exposures.iloc[order].astype(float), dominant[order]


def _two_axes(
    ordered: pd.DataFrame, legend_names: list[str], figure: "Figure | None"
) -> "tuple[Figure, Axes, Axes]":
    """Place both axes with margins in inches that hold the sample names and the legend."""
    n, k = len(ordered), len(legend_names)
    named = n <= _MAX_NAMED_SAMPLES
    longest = (
        max(len(_style.drawable(name, _MAX_NAME_LETTERS)) for name in ordered.index) if named else 0
    )
    bottom = 0.42 + 0.068 * longest
    legend = max(_legend_columns(k) * (0.55 + 0.075 * max(map(len, legend_names), default=0)), 1.9)
    left, top, gap = 0.85, 0.35, 0.45
    width = left + legend + (min(9.0, max(3.6, 0.26 * n)) if named else 9.0)
    fig = _style.page(figure, width, 5.3 + bottom)
    width, height = fig.get_size_inches()
    tall = max(height - bottom - top - gap, 1.0) / 2
    across = max(width - left - legend, 1.0)
    upper = _style.add_axes(fig, left, bottom + tall + gap, across, tall)
    lower = _style.add_axes(fig, left, bottom, across, tall)
    for ax in (upper, lower):
        _style.style_axes(ax)
    return fig, upper, lower


def _stack(ax: "Axes", values: np.ndarray, colours: list[str]) -> None:
    """Stack the columns of ``values`` (n, k), one layer each."""
    tops = np.cumsum(values, axis=1)
    for index, colour in enumerate(colours):
        low, high = tops[:, index] - values[:, index], tops[:, index]
        _layer(ax, len(values), np.arange(len(values)), low, high, colour)


def _totals_on_log_scale(ax: "Axes", totals: np.ndarray, dominant: list[str]) -> None:
    """Draw the totals, each in the colour of its dominant signature."""
    floor = 0.7 * totals[totals > 0].min()
    _style.log_axis(ax, "y", floor, totals.max())
    for colour in dict.fromkeys(dominant):
        # One run of neighbours, because samples are sorted by their dominant signature.
        places = np.flatnonzero((np.array(dominant) == colour) & (totals > 0))
        if places.size:
            base = np.full(places.size, floor)
            _layer(ax, totals.size, places, base, totals[places], colour)
    ax.set_ylim(floor, totals.max() * 1.3)
    ax.yaxis.set_major_formatter(_style.plain_numbers())


def _layer(
    ax: "Axes", n: int, places: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str
) -> None:
    """Draw bars at neighbouring places as one artist: apart while few, else joined to one area."""
    from matplotlib.collections import PolyCollection

    half = 0.43 if n <= _MAX_NAMED_SAMPLES else 0.5
    shapes = _style.rectangles(places - half, places + half, low, high)
    edge, width = "white", 0.3
    if n > _MAX_NAMED_SAMPLES:
        # One outline, along the upper corners and back along the lower ones: no seams between bars.
        upper, lower = shapes[:, 1:3].reshape(-1, 2), shapes[:, [0, 3]].reshape(-1, 2)
        shapes = np.concatenate([upper, lower[::-1]])[None]
        edge, width = colour, 0.15
    layer = PolyCollection(
        list(shapes), facecolor=colour, edgecolor=edge, linewidth=width, zorder=2
    )
    layer.set_rasterized(n > _MAX_VECTOR_SAMPLES)
    ax.add_collection(layer, autolim=False)


def _legend_columns(k: int) -> int:
    return max(1, -(-k // _LEGEND_ROWS))


def _listed(exposures: pd.DataFrame, colours: list[str]) -> list[tuple[str, str]]:
    """Return the words and the colour of every signature that has mutations."""
    totals = exposures.to_numpy(dtype=float).sum(axis=0)
    shares = totals / (totals.sum() or 1.0)
    return [
        (f"{_style.drawable(name, 22)}  {'<0.1%' if share < 0.0005 else f'{share:.1%}'}", colour)
        for name, share, colour in zip(exposures.columns, shares, colours, strict=True)
        if share > 0
    ]


def _legend(fig: "Figure", upper: "Axes", listed: list[tuple[str, str]]) -> None:
    from matplotlib.patches import Patch

    k = len(listed)
    handles = [Patch(facecolor=colour, edgecolor="white", linewidth=0) for _, colour in listed]
    box = upper.get_position()
    width, _ = fig.get_size_inches()
    legend = fig.legend(
        handles, [str(index) for index in range(k)], loc="upper left",
        bbox_to_anchor=(box.x1 + 0.12 / width, box.y1 + 0.01), ncols=_legend_columns(k),
        frameon=False, borderaxespad=0, handlelength=1.1, handleheight=1.1, columnspacing=1.0,
        fontsize=8, labelcolor=_style.INK, title=_LEGEND_TITLE, alignment="left",
    )  # fmt: skip
    legend.get_title().set(**_style.text_style(8, colour=_style.MUTED))
    _style.name_legend(legend, [name for name, _ in listed])
