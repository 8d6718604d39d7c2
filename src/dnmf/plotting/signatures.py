"""Spectra over the channels of any schema, in the field's standard style."""

from collections.abc import Hashable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.plotting import _style
from dnmf.plotting.bars import REFERENCE_COLOUR, draw_bars, draw_heat_map
from dnmf.signatures import ChannelSchema, MutationCatalog, SignatureSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# One panel, in inches. Width to height is that of the SigProfiler plot: 43.93 x 9.92.
_WIDTH, _HEIGHT = 11.0, 11.0 * 9.92 / 43.93
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.62, 0.12, 0.52, 0.36
_HEADER_HEIGHT, _CAPTION_HEIGHT = 0.19, 0.17
# Ticks of up to three letters fit into the bottom margin; each more takes this many inches.
_TICK_LETTERS, _LETTER_WIDTH, _MAX_TICK_LETTERS = 3, 0.053, 24
_DARK_LUMINANCE = 0.25  # relative luminance (sRGB, 0 to 1) below which a header has white letters
_MAX_SAMPLES = 12
# About half of a panel: three references with their shares.
_MAX_MATCH_LETTERS = 48


def plot_signatures(
    signatures: SignatureSet,
    *,
    reference_matches: pd.DataFrame | None = None,
    reference: SignatureSet | None = None,
    intervals: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draw each signature as a panel of bars, with its best reference when matches are given.

    Order of the bars, colours and labels are those of the schema of the signatures. SBS1536 are heat maps, without
    references and intervals.

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
        Lower and upper ends (m, f), drawn as a line through each bar; rows are found by name, and a signature without
        one has no lines.
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
        The reference has other channels than the signatures.

    Examples
    --------
    >>> from dnmf.signatures import load_reference
    >>> figure = plot_signatures(load_reference("SBS1,SBS5"))
    >>> len(figure.axes)
    2
    """
    schema, profiles = signatures.schema, signatures.profiles
    if reference is not None and reference.schema != schema:
        raise ChannelMismatchError(
            f"the signatures have {schema.name} channels, the reference {reference.schema.name}. Give the "
            "reference they were matched with."
        )
    matches = (
        {} if reference_matches is None else reference_matches.set_index("found").to_dict("index")
    )
    known = None if reference is None else reference.profiles
    ends = None if intervals is None else [schema.reorder(table) for table in intervals]
    axes, fig = _panels(len(profiles), schema, figure)
    for ax, name, heights in zip(axes, profiles.index, profiles.to_numpy(dtype=float), strict=True):
        match = matches.get(name)
        behind = None
        if match is not None and known is not None and match["reference"] in known.index:
            behind = known.loc[match["reference"]].to_numpy(dtype=float)
        line = None
        if ends is not None and name in ends[0].index:
            line = [table.loc[name].to_numpy(dtype=float) for table in ends]
        _draw_spectrum(ax, schema, heights, behind, line)
        if not schema.is_heat_map:
            _percent_axis(ax)
        title = _style.drawable(name, 40)
        darkest = _darkest(schema, heights, f"{heights.max():.2%}")
        details = ["" if match is None else _share(match), darkest]
        _write_title(ax, schema, title, "; ".join(filter(None, details)))
        if match is not None:
            keyed = behind is not None and not schema.is_heat_map
            _write_match(ax, schema, match, keyed=keyed)
    return fig


def plot_catalog(
    catalog: MutationCatalog,
    samples: Sequence[str] | None = None,
    *,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draw the spectrum of each sample as a panel of bars, in mutations or the unit of the catalog.

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

    Examples
    --------
    >>> from dnmf.signatures import example_catalog
    >>> figure = plot_catalog(example_catalog(), ["PD4120a", "PD4103a"])
    >>> len(figure.axes)
    2
    """
    names = catalog.sample_names[:_MAX_SAMPLES] if samples is None else list(samples)
    missing = [name for name in names if name not in catalog.counts.index]
    if missing or not names:
        what = f"there is no sample {missing[0]!r}" if missing else "no sample was asked for"
        raise InputDataError(
            f"{catalog.source or 'the catalog'}: {what}. Its {len(catalog.sample_names)} samples start with "
            f"{', '.join(catalog.sample_names[:3])}."
        )
    schema, counts = catalog.schema, catalog.counts.loc[names]
    axes, fig = _panels(len(names), schema, figure)
    for ax, name, heights in zip(axes, names, counts.to_numpy(dtype=float), strict=True):
        _draw_spectrum(ax, schema, heights, None, None)
        if not schema.is_heat_map:
            _count_axis(ax)
        if not heights.any():
            _style.write_message(ax, "no mutations")
        total = heights.sum()
        amount = f"{total:.3g} in all" if catalog.why_not_counts else f"{total:,.0f} {schema.unit}"
        title = f"{_style.drawable(name, 50)}: {amount}"
        _write_title(ax, schema, title, _darkest(schema, heights, f"{heights.max():,.6g}"))
    return fig


def _panels(n: int, schema: ChannelSchema, figure: "Figure | None") -> "tuple[list[Axes], Figure]":
    """Return ``n`` empty axes in reading order; their margins have the same inches whatever the page."""
    columns = 1 if n <= 6 else 2 if n <= 20 else 3
    rows = -(-n // columns)
    more_above, more_below = _above_height(schema), _below_height(schema)
    top, bottom_margin = _TOP + more_above, _BOTTOM + more_below
    fig = _style.page(figure, columns * _WIDTH, rows * (_HEIGHT + more_above + more_below))
    width, height = (
        side / many for side, many in zip(fig.get_size_inches(), (columns, rows), strict=True)
    )
    axes = []
    for index in range(n):
        row, column = divmod(index, columns)
        left, bottom = column * width + _LEFT, (rows - 1 - row) * height + bottom_margin
        size = max(width - _LEFT - _RIGHT, 0.1), max(height - top - bottom_margin, 0.1)
        axes.append(_style.add_axes(fig, left, bottom, *size))
    return axes, fig


def _above_height(schema: ChannelSchema) -> float:
    """Return the inches that captions over the headers need."""
    return _CAPTION_HEIGHT if any(group.above for group in schema.groups) else 0.0


def _tick_height(schema: ChannelSchema) -> float:
    """Return the inches by which ticks are longer than the bottom margin."""
    if schema.upright_ticks:
        return 0.0
    longest = max(len(tick) for group in schema.groups for tick in group.ticks)
    return _LETTER_WIDTH * max(min(longest, _MAX_TICK_LETTERS) - _TICK_LETTERS, 0)


def _below_height(schema: ChannelSchema) -> float:
    """Return the inches that ticks and captions need below the bottom margin; one line of both fits into it."""
    captions = not schema.upright_ticks and any(group.below for group in schema.groups)
    return _tick_height(schema) + (_CAPTION_HEIGHT if captions else 0.0)


def _draw_spectrum(
    ax: "Axes",
    schema: ChannelSchema,
    heights: np.ndarray,
    behind: np.ndarray | None,
    ends: list[np.ndarray] | None,
) -> None:
    _style.style_axes(ax)
    if schema.is_heat_map:
        draw_heat_map(ax, schema, heights)
    else:
        draw_bars(ax, schema, heights, behind, ends)
    ax.set(xlim=(-0.5, schema.n_ticks - 0.5), xticks=[])
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)
    ends_of_groups = np.cumsum([len(group.ticks) for group in schema.groups])
    for edge in ends_of_groups[:-1]:
        ax.axvline(edge - 0.5, color=_style.GRID, linewidth=0.7, zorder=1)
    # Texts, not ticks: a tick is five artists, and forty panels have 3,840 of them.
    below = _style.text_style(
        6.3, family=_style.MONO, rotation=0 if schema.upright_ticks else 90, ha="center", va="top",
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip
    level = -0.03 / _inches_high(ax)
    ticks = [tick for group in schema.groups for tick in group.ticks]
    for place, tick in enumerate(ticks):
        ax.text(place, level, _style.drawable(tick, _MAX_TICK_LETTERS), **below)
    _draw_headers(ax, schema)
    _write_group_captions(ax, schema)


def _draw_headers(ax: "Axes", schema: ChannelSchema) -> None:
    """Put the coloured strips with the names of the groups on top of the axes."""
    from matplotlib.patches import Rectangle

    height = _inches_high(ax)
    low, tall = 1 + 0.03 / height, _HEADER_HEIGHT / height
    frame = ax.get_xaxis_transform()
    start = 0
    for group in schema.groups:
        left, width = start - 0.45, len(group.ticks) - 0.1  # a hair of white between two headers
        start += len(group.ticks)
        if not group.header:
            continue
        strip = Rectangle(
            (left, low), width, tall, transform=frame, facecolor=group.colour, linewidth=0,
            clip_on=False,
        )  # fmt: skip
        ax.add_patch(strip)
        style = _style.text_style(
            9, colour="white" if _is_dark(group.colour) else _style.INK, bold=True,
            transform=frame, ha="center", va="center_baseline",
        )  # fmt: skip
        ax.text(left + width / 2, low + tall / 2, group.header, **style)


def _is_dark(colour: str) -> bool:
    """Whether white letters read better than dark ones on a colour ``"#rrggbb"``, by its relative luminance."""
    levels = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722)) < _DARK_LUMINANCE


def _write_group_captions(ax: "Axes", schema: ChannelSchema) -> None:
    """Write captions over the headers and under the ticks, once for neighbouring groups that share them."""
    height = _inches_high(ax)
    above = 1 + (0.03 + _HEADER_HEIGHT + 0.03) / height
    below = -(0.15 + (0 if schema.upright_ticks else 0.17 + _tick_height(schema))) / height
    style = _style.text_style(
        7.5, colour=_style.MUTED, ha="center", transform=ax.get_xaxis_transform()
    )
    start = 0
    for captions, groups in groupby(schema.groups, key=lambda group: (group.above, group.below)):
        width = sum(len(group.ticks) for group in groups)
        middle = start + (width - 1) / 2
        start += width
        for text, level, side in zip(captions, (above, below), ("baseline", "top"), strict=True):
            if text:
                ax.text(middle, level, text, va=side, **style)


def _write_title(ax: "Axes", schema: ChannelSchema, name: str, detail: str = "") -> None:
    """Write the name over the left end of the headers, and a detail after it."""
    style = _style.text_style(10.5, bold=True, transform=ax.transAxes, va="baseline")
    title = ax.text(0, _title_level(ax, schema), name, **style)
    if detail:
        style = _style.text_style(9.5, colour=_style.MUTED, va="bottom")
        ax.annotate(
            detail, (1, 0), xycoords=title, xytext=(9, 0), textcoords="offset points", **style
        )


def _write_match(
    ax: "Axes", schema: ChannelSchema, match: dict[Hashable, Any], *, keyed: bool
) -> None:
    """Write the best reference over the right end of the headers, with a key to its bars if drawn."""
    from matplotlib.patches import Rectangle

    words = (
        f"{_style.drawable(match['reference'], _MAX_MATCH_LETTERS)}, cosine {match['cosine']:.3f}"
    )
    if not match["assigned"]:
        words = f"no match; closest is {words}"
    key = Rectangle((0, 0), 1, 1, facecolor=REFERENCE_COLOUR, edgecolor=_style.INK, linewidth=0.7)
    legend = ax.legend(
        [key], ["reference"], loc="lower right", bbox_to_anchor=(1, _title_level(ax, schema, -0.03)),
        frameon=False, handlelength=1.0 if keyed else 0.0, handletextpad=0.6, borderpad=0,
        borderaxespad=0, labelspacing=0, fontsize=9.5, labelcolor=_style.INK,
    )  # fmt: skip
    legend.legend_handles[0].set_visible(keyed)  # type: ignore[union-attr]
    _style.name_legend(legend, [words])


def _darkest(schema: ChannelSchema, values: np.ndarray, largest: str) -> str:
    """Return the key to a heat map: what its darkest cell stands for; empty for bars."""
    if not schema.is_heat_map or not values.any():
        return ""
    return f"darkest: {schema.labels[values.argmax()]} {largest}, square-root scale"


def _title_level(ax: "Axes", schema: ChannelSchema, shift: float = 0.0) -> float:
    """Return the height of the title over the headers and their captions, in units of the axes."""
    inches = 0.03 + _HEADER_HEIGHT + 0.07 + _above_height(schema) + shift
    return 1 + inches / _inches_high(ax)


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


def _inches_high(ax: "Axes") -> float:
    box = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    return float(box.height)
