"""How the number of signatures, or of components of any matrix, was chosen."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dnmf.exceptions import InputDataError
from dnmf.plotting import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = ["difference", "standard_error", "stable", "silhouette", "least_silhouette", "halves"]
# Height of the axis in standard errors: differences far from the best may leave it.
_MAX_HEIGHT_IN_ERRORS = 40.0


def plot_selection(table: pd.DataFrame, chosen: int, *, figure: "Figure | None" = None) -> "Figure":
    """Draw how well every number of components predicts unseen entries, and how stable it is.

    Parameters
    ----------
    table : DataFrame
        One row per number: the ``table`` of a `dnmf.selection.ComponentSelection`.
    chosen : int
        The number to mark.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Returns
    -------
    Figure
        Two axes: the held-out error above the best stable number with its standard errors (hollow: not stable), and
        silhouettes (mean and least) with the cosine between halves of the samples.

    Raises
    ------
    InputDataError
        The table is empty, lacks a column or the chosen number.

    Examples
    --------
    >>> numbers = pd.Index([2, 3, 4])
    >>> table = pd.DataFrame({name: [1.0, 0.5, 0.0] for name in _COLUMNS}, index=numbers)
    >>> len(plot_selection(table, 3).axes)
    2
    """
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing or chosen not in table.index:
        what = f"a column {missing[0]!r}" if missing else f"a row for {chosen}"
        raise InputDataError(f"the table of numbers lacks {what}.")
    fig = _style.page(figure, 10.4, 3.6)
    width, height = fig.get_size_inches()
    axes = [
        _style.add_axes(fig, left, 0.6, width / 2 - 1.0, height - 1.1)
        for left in (0.8, width / 2 + 0.75)
    ]
    numbers = table.index.to_numpy(dtype=float)
    for ax in axes:
        _style.style_axes(ax)
        ax.axvline(chosen, color=_style.signature_colours(1)[0], linewidth=7, alpha=0.18, zorder=1)
        _number_axis(ax, numbers)
    _draw_differences(axes[0], numbers, table, chosen)
    _draw_stability(axes[1], numbers, table)
    return fig


def _draw_differences(ax: "Axes", numbers: np.ndarray, table: pd.DataFrame, chosen: int) -> None:
    _style.label_axes(
        ax,
        x=_counted(table),
        y="Log error above the best stable",
        title=f"Prediction of unseen entries: {chosen} chosen",
    )
    values = table["difference"].to_numpy(dtype=float)
    errors = table["standard_error"].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        _style.write_message(ax, "not known: too few samples")
        ax.set_yticks([])
        return
    colour = _style.signature_colours(1)[0]
    ax.errorbar(
        numbers, values, yerr=errors, color=colour, linewidth=1.5, marker="o", markersize=4,
        ecolor=_style.INK, elinewidth=0.9, capsize=2.5, zorder=3,
    )  # fmt: skip
    ax.axhline(0, color=_style.FRAME, linewidth=0.8, zorder=2)
    hollow = ~table["stable"].to_numpy(dtype=bool)
    ax.plot(
        numbers[hollow], values[hollow], color=colour, marker="o", markersize=4, linestyle="",
        markerfacecolor="white", zorder=4,
    )  # fmt: skip
    low, high = float((values - errors).min()), float((values + errors).max())
    typical = float(np.median(errors[errors > 0])) if (errors > 0).any() else np.inf
    near = float(values[numbers >= chosen].max(initial=0.0))
    top = min(high, max(_MAX_HEIGHT_IN_ERRORS * typical, 1.5 * near))
    span = max(top - low, 1e-6)
    ax.set_ylim(low - 0.06 * span, top + 0.08 * span)
    beyond = int((values > top).sum())
    notes = [f"{beyond} worse, above the axis"] if beyond else []
    notes += ["hollow: not stable"] if hollow.any() else []
    if notes:
        _style.write_note(ax, "; ".join(notes))


def _draw_stability(ax: "Axes", numbers: np.ndarray, table: pd.DataFrame) -> None:
    _style.label_axes(ax, x=_counted(table), title="Stability")
    blue, orange, green = _style.signature_colours(3)
    curves = {
        "silhouette, mean": ("silhouette", blue, "o-"),
        "silhouette, least": ("least_silhouette", orange, "v--"),
        "cosine of halves, mean": ("halves", green, "s:"),
    }
    lowest = 0.0
    for column, colour, form in curves.values():
        values = table[column].to_numpy(dtype=float)
        lowest = min(lowest, float(np.nanmin(values, initial=0.0)))
        ax.plot(numbers, values, form, color=colour, markersize=4, linewidth=1.5)
    ax.set_ylim(min(lowest - 0.05, -0.02), 1.04)
    legend = ax.legend(
        list(ax.lines)[1:], list(curves), loc="lower left", frameon=False, fontsize=8.5,
        labelcolor=_style.INK,
    )  # fmt: skip
    _style.name_legend(legend, list(curves))


def _counted(table: pd.DataFrame) -> str:
    """Return what the numbers are of: the name of the table's index is ``n_signatures`` or ``n_components``."""
    return str(table.index.name or "n_components").removeprefix("n_").capitalize()


def _number_axis(ax: "Axes", numbers: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(numbers.min() - 0.6, numbers.max() + 0.6)
    if len(numbers) <= 16:
        ax.set_xticks(numbers)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
