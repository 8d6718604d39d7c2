"""Bars in the colours of a schema: those of a spectrum, and a small picture of a signature that is nothing else."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dnmf.plotting import _style
from dnmf.signatures import ChannelSchema, SignatureSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of a thumbnail, in inches: a row of a table.
_WIDTH, _HEIGHT = 2.4, 0.4


def plot_thumbnail(
    signatures: SignatureSet, name: str, *, figure: "Figure | None" = None
) -> "Figure":
    """Draw one signature without any text, to stand beside its name in a table.

    Parameters
    ----------
    signatures : SignatureSet
        The signature is one of them.
    name : str
        Which one.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Returns
    -------
    Figure
        One axes.
    """
    fig = _style.page(figure, _WIDTH, _HEIGHT)
    heights = signatures.profiles.loc[name].to_numpy(dtype=float)
    ax = _style.add_axes(fig, 0.0, 0.01, *(size - 0.02 for size in fig.get_size_inches()))
    draw_bars(ax, heights, 0.8, **bar_colours(signatures.schema))
    ax.set(xlim=(-0.5, len(heights) - 0.5), ylim=(0, heights.max() or 1.0), xticks=[], yticks=[])
    for side in ("top", "left", "right"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set(color=_style.FRAME, linewidth=0.6)
    return fig


def bar_colours(schema: ChannelSchema) -> dict[str, Any]:
    """Return the colours of the bars of a spectrum, as `draw_bars` takes them."""
    edges = [group.colour for group in schema.groups for _ in group.ticks]
    shades = [
        shade
        for group in schema.groups
        for shade in group.shades or [group.colour] * len(group.ticks)
    ]
    width = 0.0 if shades == edges else 0.7  # the palest shades are nearly white
    return {"facecolors": shades, "edgecolors": edges, "linewidths": width}


def draw_bars(ax: "Axes", heights: np.ndarray, width: float, **style: Any) -> None:
    """Draw all bars as one artist, many times faster than one each."""
    from matplotlib.collections import PolyCollection

    places, floor = np.arange(len(heights)), np.zeros(len(heights))
    shapes = _style.rectangles(places - width / 2, places + width / 2, floor, heights)
    ax.add_collection(PolyCollection(list(shapes), **style), autolim=False)
