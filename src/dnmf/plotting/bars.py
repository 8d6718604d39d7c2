"""The bars or the heat map of a spectrum in the style of its schema, and a small picture of a signature."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dnmf.plotting import _style
from dnmf.signatures import ChannelSchema, SignatureSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of a thumbnail, in inches: a row of a table.
_WIDTH, _HEIGHT = 2.4, 0.4
# Of bars, in units of the distance of two ticks; of the bars of one tick together if there are layers.
_BAR_WIDTH, _PAIR_WIDTH, _REFERENCE_WIDTH = 0.6, 0.8, 0.9
REFERENCE_COLOUR = "#eef0f3"


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
    schema = signatures.schema
    values = signatures.profiles.loc[name].to_numpy(dtype=float)
    heights = values.reshape(-1, schema.n_ticks).sum(axis=0)  # of all strands or outer neighbours
    ax = _style.add_axes(fig, 0.0, 0.01, *(size - 0.02 for size in fig.get_size_inches()))
    places = np.arange(len(heights))
    edges = np.stack([places - 0.4, places + 0.4, np.zeros(len(heights)), heights])
    _draw(ax, edges, **_bar_colours(schema))
    ax.set(xlim=(-0.5, len(heights) - 0.5), ylim=(0, heights.max() or 1.0), xticks=[], yticks=[])
    for side in ("top", "left", "right"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set(color=_style.FRAME, linewidth=0.6)
    return fig


def draw_bars(
    ax: "Axes",
    schema: ChannelSchema,
    heights: np.ndarray,
    behind: np.ndarray | None = None,
    ends: Sequence[np.ndarray] | None = None,
) -> None:
    """Draw the bars of a spectrum in the colours of its groups or layers, with a key to the layers.

    A reference stands ``behind`` them; ``ends`` are the lower and upper end of a line through each bar.
    """
    if behind is not None:
        if not schema.layers:
            # Pale, wider, with a dark edge on top: found and known are compared bar by bar.
            pale = {"facecolors": REFERENCE_COLOUR, "edgecolors": _style.FRAME, "linewidths": 0.4}
            _draw(ax, _bar_edges(schema, behind, _REFERENCE_WIDTH), **pale, zorder=2)
        _marks(ax, schema, behind)
    left, right, floor, top = edges = _bar_edges(schema, heights, _BAR_WIDTH)
    if schema.layers:
        parts = np.split(edges, len(schema.layers), axis=1)
        for layer, own in zip(schema.layers, parts, strict=True):
            _draw(ax, own, facecolors=layer.colour, linewidths=0, zorder=2.5 if layer.behind else 3)
        _name_layers(ax, schema)
    else:
        _draw(ax, edges, **_bar_colours(schema), zorder=3)
    if ends is not None:
        low, high = (floor + end for end in ends)
        ax.vlines((left + right) / 2, low, high, color=_style.MUTED, linewidth=1.3, zorder=6)
        top = np.maximum(top, high)
    if behind is not None:
        top = np.maximum(top, _bar_edges(schema, behind, _REFERENCE_WIDTH)[3])
    room = 1.25 if schema.layers else 1.06  # for the key
    ax.set_ylim(0, room * top.max() if top.any() else 1.0)


def _bar_edges(schema: ChannelSchema, heights: np.ndarray, width: float) -> np.ndarray:
    """Return left, right, lower and upper ends of the bars of a spectrum, (4, f), in the order of its labels.

    Layers stand side by side, or behind the others on top of each other; ``width`` is that of bars without layers.
    """
    places, layers = np.arange(schema.n_ticks), schema.layers
    if not layers:
        return np.stack([places - width / 2, places + width / 2, np.zeros(len(schema)), heights])
    width = _PAIR_WIDTH / sum(not layer.behind for layer in layers)
    level, left, edges = np.zeros(len(places)), places - _PAIR_WIDTH / 2, []
    for layer, own in zip(layers, heights.reshape(len(layers), -1), strict=True):
        if layer.behind:
            aside = _REFERENCE_WIDTH / 2
            edges.append([places - aside, places + aside, level, level + own])
            level = level + own
        else:
            edges.append([left, left + width, np.zeros(len(places)), own])
            left = left + width
    return np.concatenate(edges, axis=1)


def _marks(ax: "Axes", schema: ChannelSchema, heights: np.ndarray) -> None:
    """Draw the top edges of the reference over the bars, white below dark, so that any bar shows them."""
    seen = heights > 0.004 * heights.max()  # lower ones would thicken the axis
    left, right, _, top = _bar_edges(schema, heights, _REFERENCE_WIDTH)[:, seen]
    ax.hlines(top, left, right, color="white", linewidth=2.0, zorder=4)
    ax.hlines(top, left, right, color=_style.INK, linewidth=0.9, zorder=5)


def _name_layers(ax: "Axes", schema: ChannelSchema) -> None:
    from matplotlib.patches import Patch

    keys = [Patch(facecolor=layer.colour, label=layer.name) for layer in schema.layers]
    legend = ax.legend(
        handles=keys, loc="upper right", ncols=len(keys), fontsize=7.5, frameon=False,
        handlelength=0.9, labelcolor=_style.INK,
    )  # fmt: skip
    ax.add_artist(legend)  # beside the key to the reference


def draw_heat_map(ax: "Axes", schema: ChannelSchema, values: np.ndarray) -> None:
    """Draw a spectrum of many layers, a row each, in blue: the square root of a value is its darkness."""
    from matplotlib.colors import PowerNorm

    table = values.reshape(len(schema.layers), schema.n_ticks)
    norm = PowerNorm(0.5, vmin=0, vmax=table.max() or 1.0)
    ax.grid(False)
    ax.imshow(table, cmap="Blues", norm=norm, aspect="auto", interpolation="nearest", zorder=0.5)
    ax.set_yticks(range(len(table)), [layer.name for layer in schema.layers])
    ax.tick_params(axis="y", labelsize=5.5, labelfontfamily=_style.MONO, length=0)


def _bar_colours(schema: ChannelSchema) -> dict[str, Any]:
    """Return the colours of the bars of a spectrum: by group, or each its own."""
    edges = [group.colour for group in schema.groups for _ in group.ticks]
    shades = [
        shade
        for group in schema.groups
        for shade in group.shades or [group.colour] * len(group.ticks)
    ]
    width = 0.0 if shades == edges else 0.7  # the palest shades are nearly white
    return {"facecolors": shades, "edgecolors": edges, "linewidths": width}


def _draw(ax: "Axes", edges: np.ndarray, **style: Any) -> None:
    """Draw all bars as one artist, many times faster than one each."""
    from matplotlib.collections import PolyCollection

    ax.add_collection(PolyCollection(list(_style.rectangles(*edges)), **style), autolim=False)
