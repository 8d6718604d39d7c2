"""How certain the exposures of each sample are."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dnmf.exceptions import InputDataError
from dnmf.plotting import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_PANELS, _COLUMNS = 12, 3
_MAX_SAMPLES = 600


def plot_intervals(
    exposures: pd.DataFrame,
    lower: pd.DataFrame,
    upper: pd.DataFrame,
    *,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draw the share of the largest signatures in every sample with its interval, one panel a signature.

    Samples are ordered by their share, in each panel anew; the interval is a bar, the estimate a dot.

    Parameters
    ----------
    exposures, lower, upper : DataFrame (n, k)
        Mutations, as `dnmf.RefitResult` holds them. Samples without mutations are left out.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Returns
    -------
    Figure
        Up to 12 axes, for the signatures with most mutations.

    Raises
    ------
    InputDataError
        The tables differ in their samples or signatures, or are empty.

    Examples
    --------
    >>> table = pd.DataFrame({"SBS1": [120.0, 40.0], "SBS5": [10.0, 300.0]}, index=["a", "b"])
    >>> len(plot_intervals(table, 0.5 * table, 2 * table).axes)
    2
    """
    if exposures.empty or exposures.shape != lower.shape or exposures.shape != upper.shape:
        raise InputDataError(
            f"exposures of {exposures.shape}, lower ends of {lower.shape} and upper ends of {upper.shape}: three "
            "tables with the same samples and signatures are needed, at least one of each."
        )
    totals = exposures.sum(axis=1)
    filled = np.flatnonzero(totals.to_numpy() > 0)
    sums = exposures.sum(axis=0).sort_values(ascending=False, kind="stable")
    shown = [str(name) for name in sums.index[:_MAX_PANELS] if sums[name] > 0]
    shown = shown or [str(sums.index[0])]
    n_rows = -(-len(shown) // _COLUMNS)
    fig = _style.page(figure, 10.4, 0.55 + 2.0 * n_rows)
    for place, name in enumerate(shown):
        ax = _panel(fig, place, n_rows)
        scale = totals.to_numpy()[filled]
        columns = (frame[name].to_numpy(dtype=float)[filled] for frame in (exposures, lower, upper))
        _draw(ax, *(values / scale for values in columns))
        _style.label_axes(ax, title=_style.drawable(name, 24))
        if place % _COLUMNS == 0:
            ax.set_ylabel("Share of sample", **_style.text_style(8.5, colour=_style.MUTED))
    counted = _style.count_words(len(filled), "sample")
    fig.text(
        0.5, 0.12 / fig.get_size_inches()[1], f"{counted}, in each panel ordered by share",
        ha="center", va="bottom", **_style.text_style(8.5, colour=_style.MUTED),
    )  # fmt: skip
    return fig


def _panel(fig: "Figure", place: int, n_rows: int) -> "Axes":
    width, height = fig.get_size_inches()
    row, column = divmod(place, _COLUMNS)
    across, down = (width - 0.75) / _COLUMNS, (height - 0.55) / n_rows
    left, bottom = 0.7 + column * across, height - (row + 1) * down + 0.12
    ax = _style.add_axes(fig, left, bottom, across - 0.45, down - 0.5)
    _style.style_axes(ax)
    return ax


def _draw(ax: "Axes", share: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    from matplotlib.ticker import PercentFormatter

    order = np.argsort(-share, kind="stable")
    n = len(order)
    if n > _MAX_SAMPLES:  # evenly spaced samples tell the same and stay light
        order = order[np.linspace(0, n - 1, _MAX_SAMPLES).astype(int)]
    x = np.linspace(0, max(n - 1, 1), len(order)) if n else np.zeros(0)
    blue = _style.signature_colours(1)[0]
    size = float(np.clip(220 / max(len(order), 1), 0.6, 5.0))
    ends = np.clip(high[order], 0, 1)
    ax.vlines(x, low[order], ends, color=blue, alpha=0.35, linewidth=size, zorder=2)
    ax.scatter(x, share[order], s=size * 2.2, color=_style.INK, linewidth=0, zorder=3)
    ax.set_xlim(-0.5, max(n - 0.5, 0.5))
    ax.set_xticks([])
    ax.set_ylim(0, max(float(ends.max(initial=0.0)) * 1.08, 0.02))
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
