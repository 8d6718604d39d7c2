"""How the cost fell during training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from dnmf.plotting import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Ratio of the largest to the smallest cost above which the cost axis is logarithmic.
_LOG_SCALE_RATIO = 10.0
# Smallest height of the cost axis, as a part of the cost: smaller changes are rounding.
_MIN_SPAN = 1e-3
_Y_LABELS = dict.fromkeys(("network", "validation"), "Excess over the exact cost")


def plot_history(history: Mapping[str, ArrayLike], *, figure: "Figure | None" = None) -> "Figure":
    """Draw the cost at every step of the training, one panel per phase.

    Parameters
    ----------
    history : mapping of str to array
        Cost per step of each phase, as in ``DNMF.history_``.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Returns
    -------
    Figure
        One axes per phase, in order. The cost axis is logarithmic where the cost spans more than a
        decade.

    Examples
    --------
    >>> figure = plot_history({"dictionary": [900.0, 30.0, 3.0], "network": [3.0, 2.5]})
    >>> [ax.get_yscale() for ax in figure.axes]
    ['log', 'linear']
    """
    phases = {name: np.asarray(costs, dtype=float).ravel() for name, costs in history.items()}
    phases = phases or {"training": np.empty(0)}
    fig = _style.page(figure, 2.6 + 3.6 * len(phases), 3.4)
    width, height = fig.get_size_inches()
    cell = width / len(phases)
    for index, (name, costs) in enumerate(phases.items()):
        box = (index * cell + 0.95, 0.55, max(cell - 1.15, 0.5), max(height - 1.0, 0.5))
        _draw_phase(_style.add_axes(fig, *box), name, costs)
    return fig


def _draw_phase(ax: "Axes", name: str, costs: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    _style.style_axes(ax, grid="both")
    title = _style.drawable(name, 40)
    _style.label_axes(
        ax, x="Step", y=_Y_LABELS.get(name, "Cost"), title=title[:1].upper() + title[1:]
    )
    seen = np.isfinite(costs)
    if not seen.any():
        ax.set(xticks=[], yticks=[])
        message = "nothing recorded" if costs.size == 0 else "no finite cost recorded"
        _style.write_message(ax, message)
        return
    steps, values = np.arange(1, costs.size + 1)[seen], costs[seen]
    blue = _style.signature_colours(1)[0]
    marker = "o" if values.size == 1 else ""
    ax.plot(steps, values, color=blue, linewidth=1.6, marker=marker, markersize=4)
    if values.min() > 0 and values.max() > _LOG_SCALE_RATIO * values.min():
        _style.log_axis(ax, "y", float(values.min()), float(values.max()))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=6))
        middle = (values.max() + values.min()) / 2
        if values.max() - values.min() < _MIN_SPAN * abs(middle):
            ax.set_ylim(middle - _MIN_SPAN * abs(middle), middle + _MIN_SPAN * abs(middle))
    ax.yaxis.set_major_formatter(_style.plain_numbers())
    ax.xaxis.set_major_locator(
        MaxNLocator(nbins=6, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
    )
    ax.set_xlim(1 - 0.02 * costs.size, max(1.02 * costs.size, 1.5))
    last = f"{_style.plain_number(values[-1])} after {_style.count_words(int(steps[-1]), 'step')}"
    _style.write_note(ax, last)
