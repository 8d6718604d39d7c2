"""Spectra over the 96 substitution channels, in the field's standard style."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dnmf.exceptions import InputDataError
from dnmf.plotting import _style
from dnmf.signatures import SBS96, MutationCatalog, SignatureSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# SigProfilerPlotting's colours, so that the eye finds the classes where it expects them.
CLASS_COLOURS = {
    "C>A": "#03BDEF",
    "C>G": "#010101",
    "C>T": "#E42926",
    "T>A": "#CBCACA",
    "T>C": "#A2CF63",
    "T>G": "#ECC7C5",
}
_LIGHT_CLASSES = {"C>A", "T>A", "T>C", "T>G"}  # dark letters read better on these
_CLASSES = [label[2:5] for label in SBS96.labels]  # "A[C>A]A" -> "C>A"
_TRIPLETS = [label[0] + label[2] + label[6] for label in SBS96.labels]  # -> "ACA"

# One panel, in inches. Width to height is that of the SigProfiler plot: 43.93 x 9.92.
_WIDTH, _HEIGHT = 11.0, 11.0 * 9.92 / 43.93
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.62, 0.12, 0.52, 0.36
_HEADER = 0.19
_PALE = "#eef0f3"
_MOST_SAMPLES = 12


def plot_signatures(
    signatures: SignatureSet,
    *,
    reference_matches: pd.DataFrame | None = None,
    reference: SignatureSet | None = None,
    intervals: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draw each signature as a panel of 96 bars, with its best reference when matches are given.

    Parameters
    ----------
    signatures : SignatureSet
        ``k`` signatures.
    reference_matches : DataFrame, optional
        What ``match_to_reference`` returned for them. The best reference and its cosine are written
        over each panel, and the share of mutations if there is a column ``share``.
    reference : SignatureSet, optional
        The references that were matched against. The profile of the best one is drawn behind the
        bars.
    intervals : (DataFrame, DataFrame), optional
        Lower and upper ends (k, f), drawn as a line through each bar; rows are found by name.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Returns
    -------
    Figure
        One axes per signature, in order; more than six signatures fill two columns, more than
        twenty three.

    Raises
    ------
    ChannelMismatchError
        The channels are not the 96 of SBS96.

    Examples
    --------
    >>> from dnmf.signatures import load_reference
    >>> figure = plot_signatures(load_reference("SBS1,SBS5"))
    >>> len(figure.axes)
    2
    """
    profiles = SBS96.reorder(signatures.profiles)
    best = (
        {} if reference_matches is None else reference_matches.set_index("found").to_dict("index")
    )
    known = None if reference is None else SBS96.reorder(reference.profiles)
    axes, fig = _panels(len(profiles), figure)
    for ax, name, heights in zip(axes, profiles.index, profiles.to_numpy(dtype=float), strict=True):
        match = best.get(name)
        behind = None
        if match is not None and known is not None and match["reference"] in known.index:
            behind = known.loc[match["reference"]].to_numpy(dtype=float)
        _draw_spectrum(ax, heights, behind, _ends(intervals, str(name)))
        _percent_axis(ax)
        _caption(ax, _style.drawable(name, 40), "" if match is None else _share(match))
        if match is not None:
            _caption_match(ax, match, keyed=behind is not None)
    return fig


def plot_catalog(
    catalog: MutationCatalog,
    samples: Sequence[str] | None = None,
    *,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draw the spectrum of each sample as a panel of 96 bars, in mutations.

    Parameters
    ----------
    catalog : MutationCatalog
        ``n`` samples.
    samples : sequence of str, optional
        Which samples, in this order; by default the first twelve.
    figure : Figure, optional
        Where to draw; by default a new figure, which pyplot does not know of.

    Returns
    -------
    Figure
        One axes per sample.

    Raises
    ------
    InputDataError
        A sample is not in the catalog, or none was asked for.
    """
    names = catalog.sample_names[:_MOST_SAMPLES] if samples is None else list(samples)
    missing = [name for name in names if name not in catalog.counts.index]
    if missing or not names:
        what = f"there is no sample {missing[0]!r}" if missing else "no sample was asked for"
        raise InputDataError(
            f"{catalog.source or 'the catalog'}: {what}. Its {len(catalog.sample_names)} samples start with "
            f"{', '.join(catalog.sample_names[:3])}."
        )
    counts = SBS96.reorder(catalog.counts.loc[names])
    axes, fig = _panels(len(names), figure)
    for ax, name, heights in zip(axes, names, counts.to_numpy(dtype=float), strict=True):
        _draw_spectrum(ax, heights, None, None)
        _count_axis(ax)
        if not heights.any():
            style = _style.text_style(
                9, colour=_style.MUTED, transform=ax.transAxes, ha="center", va="center"
            )
            ax.text(0.5, 0.5, "no mutations", **style)
        _caption(ax, f"{_style.drawable(name, 50)}: {heights.sum():,.0f} subs")
    return fig


def _panels(n: int, figure: "Figure | None") -> "tuple[list[Axes], Figure]":
    """Return ``n`` empty axes in reading order; their margins have the same inches whatever the page."""
    columns = 1 if n <= 6 else 2 if n <= 20 else 3
    rows = -(-n // columns)
    fig = _style.page(figure, columns * _WIDTH, rows * _HEIGHT)
    width, height = (
        side / many for side, many in zip(fig.get_size_inches(), (columns, rows), strict=True)
    )
    axes = []
    for index in range(n):
        row, column = divmod(index, columns)
        left = (column * width + _LEFT) / (columns * width)
        bottom = ((rows - 1 - row) * height + _BOTTOM) / (rows * height)
        box = (
            max(width - _LEFT - _RIGHT, 0.1) / (columns * width),
            max(height - _TOP - _BOTTOM, 0.1) / (rows * height),
        )
        axes.append(fig.add_axes((left, bottom, *box)))
    return axes, fig


def _ends(
    intervals: tuple[pd.DataFrame, pd.DataFrame] | None, name: str
) -> tuple[np.ndarray, np.ndarray] | None:
    if intervals is None:
        return None
    low, high = (SBS96.reorder(ends).T[name].to_numpy(dtype=float) for ends in intervals)
    return low, high


def _draw_spectrum(
    ax: "Axes",
    heights: np.ndarray,
    behind: np.ndarray | None,
    ends: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    _style.dress(ax)
    if behind is not None:
        # Pale, wider, with a dark edge on top: found and known are compared bar by bar.
        _bars(ax, behind, 0.9, facecolors=_PALE, edgecolors=_style.FRAME, linewidths=0.4, zorder=2)
        _marks(ax, behind)
    colours = [CLASS_COLOURS[kind] for kind in _CLASSES]
    _bars(ax, heights, 0.6, facecolors=colours, linewidths=0, zorder=3)
    if ends is not None:
        ax.vlines(np.arange(96), *ends, color=_style.MUTED, linewidth=1.3, zorder=6)
    top = max(part.max() for part in (heights, behind, ends and ends[1]) if part is not None)
    ax.set(xlim=(-0.5, 95.5), ylim=(0, top * 1.06 if top > 0 else 1.0), xticks=[])
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)
    for edge in range(16, 96, 16):
        ax.axvline(edge - 0.5, color=_style.GRID, linewidth=0.7, zorder=1)
    # Texts, not ticks: a tick is five artists, and forty panels have 3,840 of them.
    below = _style.text_style(
        6.3, family=_style.MONO, rotation=90, ha="center", va="top",
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip
    level = -0.03 / _axes_inches(ax)[1]
    for place, triplet in enumerate(_TRIPLETS):
        ax.text(place, level, triplet, **below)
    _headers(ax)


def _bars(ax: "Axes", heights: np.ndarray, width: float, **style: Any) -> None:
    """Draw all bars as one artist, many times faster than one each."""
    from matplotlib.collections import PolyCollection

    left, right = np.arange(96) - width / 2, np.arange(96) + width / 2
    floor = np.zeros(96)
    corners = [(left, floor), (left, heights), (right, heights), (right, floor)]
    vertices = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)
    ax.add_collection(PolyCollection(list(vertices), **style), autolim=False)


def _marks(ax: "Axes", heights: np.ndarray) -> None:
    """Draw the top edges of the reference over the bars, white below dark, so that any bar shows them."""
    places = np.flatnonzero(heights > 0.004 * heights.max())  # lower ones would thicken the axis
    ends = (heights[places], places - 0.45, places + 0.45)
    ax.hlines(*ends, color="white", linewidth=2.0, zorder=4)
    ax.hlines(*ends, color=_style.INK, linewidth=0.9, zorder=5)


def _headers(ax: "Axes") -> None:
    """Put the six coloured headers with their mutation types on top of the axes."""
    from matplotlib.patches import Rectangle

    _, height = _axes_inches(ax)
    low, tall = 1 + 0.03 / height, _HEADER / height
    frame = ax.get_xaxis_transform()
    for index, (kind, colour) in enumerate(CLASS_COLOURS.items()):
        left = 16 * index - 0.45  # a hair of white between two headers
        strip = Rectangle(
            (left, low), 15.9, tall, transform=frame, facecolor=colour, linewidth=0, clip_on=False
        )
        ax.add_patch(strip)
        style = _style.text_style(
            9, colour=_style.INK if kind in _LIGHT_CLASSES else "white", bold=True,
            transform=frame, ha="center", va="center_baseline",
        )  # fmt: skip
        ax.text(left + 7.95, low + tall / 2, kind, **style)


def _caption(ax: "Axes", name: str, detail: str = "") -> None:
    """Write the name over the left end of the headers, and a detail after it."""
    style = _style.text_style(10.5, bold=True, transform=ax.transAxes, va="baseline")
    title = ax.text(0, _caption_level(ax), name, **style)
    if detail:
        style = _style.text_style(9.5, colour=_style.MUTED, va="bottom")
        ax.annotate(
            detail, (1, 0), xycoords=title, xytext=(9, 0), textcoords="offset points", **style
        )


def _caption_match(ax: "Axes", match: dict[Hashable, Any], *, keyed: bool) -> None:
    """Write the best reference over the right end of the headers, with a key to its bars if drawn."""
    from matplotlib.patches import Rectangle

    words = f"{_style.drawable(match['reference'], 24)}, cosine {match['cosine']:.3f}"
    if not match["assigned"]:
        words = f"no match; closest is {words}"
    key = Rectangle((0, 0), 1, 1, facecolor=_PALE, edgecolor=_style.INK, linewidth=0.7)
    legend = ax.legend(
        [key], ["reference"], loc="lower right", bbox_to_anchor=(1, _caption_level(ax, -0.03)),
        frameon=False, handlelength=1.0 if keyed else 0.0, handletextpad=0.6, borderpad=0,
        borderaxespad=0, labelspacing=0, fontsize=9.5, labelcolor=_style.INK,
    )  # fmt: skip
    legend.legend_handles[0].set_visible(keyed)  # type: ignore[union-attr]
    _style.name_legend(legend, [words])


def _caption_level(ax: "Axes", shift: float = 0.0) -> float:
    return 1 + (0.03 + _HEADER + 0.07 + shift) / _axes_inches(ax)[1]


def _share(match: dict[Hashable, Any]) -> str:
    share = match.get("share")
    return "" if share is None or not np.isfinite(share) else f"{share:.1%} of mutations"


def _percent_axis(ax: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))


def _count_axis(ax: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=ax.get_ylim()[1] >= 3))
    ax.yaxis.set_major_formatter(_style.plain_numbers())


def _axes_inches(ax: "Axes") -> tuple[float, float]:
    box = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    return float(box.width), float(box.height)
