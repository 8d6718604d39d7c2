"""What every picture shares: ink, colours, an empty page, and text that is safe to draw.

Everything is set on the artists, never in ``rcParams``: a user's style sheet neither changes these
pictures nor is changed by them, and figures can be made from any thread (they are not registered
with pyplot).
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend
    from matplotlib.ticker import FuncFormatter

INK = "#1f2328"
MUTED = "#59636e"
FRAME = "#8c959f"
GRID = "#e4e7eb"
ALERT = "#b42318"
OTHERS = "other signatures"
"""What the signatures that a picture does not name are called; grey in every picture."""

UNASSIGNED = "unassigned"
"""What mutations that no signature explains are called; grey in every picture."""

OTHERS_COLOUR, UNASSIGNED_COLOUR = "#d0d4d9", "#8c959f"

# Generic families: SVG files then list fallbacks, and PNG files use the DejaVu fonts that come with
# matplotlib.
SANS = "sans-serif"
MONO = "monospace"

# The Okabe-Ito colours, indigo and wine, then the points farthest from all earlier ones in OKLab as
# seen with normal, protan, deutan and tritan vision (Machado et al. 2009), strong chroma left out.
# Early colours differ most.
# fmt: off
_PALETTE = [
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#332288",
    "#882255", "#87F0E1", "#4B2D00", "#695A00", "#A5B496", "#9678E1", "#965A78", "#C3C3FF",
    "#4B4B87", "#87D269", "#E1C3A5", "#69003C", "#D2A5C3", "#B43C4B", "#693C2D", "#87A55A",
    "#78873C", "#7896D2", "#5A695A", "#3C2D5A", "#3CE1C3", "#693CA5", "#B4960F", "#D2E1A5",
    "#C35A96", "#00693C", "#2D4B00", "#B4E1FF", "#785A96", "#7878C3", "#0FB478", "#004B69",
]
# fmt: on


N_COLOURS = len(_PALETTE)
# Where a colour of the palette goes in its second and third use: half to white, then to black.
_SHADES = (1.0, 0.0)


def signature_colours(n: int) -> list[str]:
    """Return ``n`` colours for signatures in order.

    They are told apart by every eye up to 40; the next 40 are paler and the next 40 darker versions of these. From 120
    on they start again.

    Parameters
    ----------
    n : int
        How many.

    Examples
    --------
    >>> signature_colours(2)
    ['#0072B2', '#E69F00']
    """
    return [_signature_colour(index) for index in range(n)]


def exposure_colours(names: Iterable[str]) -> list[str]:
    """Return the colours of exposures: `signature_colours` in order, grey for other signatures and the unassigned.

    Parameters
    ----------
    names : iterable of str
        Of signatures, and `OTHERS` and `UNASSIGNED`.
    """
    greys = {OTHERS: OTHERS_COLOUR, UNASSIGNED: UNASSIGNED_COLOUR}
    listed = list(names)
    colours = iter(signature_colours(len(listed)))
    return [greys[name] if name in greys else next(colours) for name in listed]


@lru_cache
def _signature_colour(index: int) -> str:
    colour, use = _PALETTE[index % N_COLOURS], index // N_COLOURS % (1 + len(_SHADES))
    if not use:
        return colour
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (0.5 * (part + _SHADES[use - 1]) for part in to_rgb(colour))
    return to_hex((red, green, blue)).upper()


def page(figure: "Figure | None", width: float, height: float) -> "Figure":
    """Return the figure that was given, or an empty white one of this size in inches, unknown to pyplot."""
    if figure is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), dpi=150, facecolor="white", edgecolor="white")
        figure.set_layout_engine("none")  # margins are set by hand, whatever rcParams say
    return figure


def add_axes(figure: "Figure", left: float, bottom: float, width: float, height: float) -> "Axes":
    """Add axes at a place and of a size in inches."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def style_axes(ax: "Axes", *, grid: Literal["y", "both"] = "y") -> None:
    """Give axes a white ground, a thin frame and a pale grid, whatever the user's style sheet says."""
    ax.set_facecolor("white")
    for side in ("top", "right", "bottom", "left"):
        ax.spines[side].set(visible=side in ("bottom", "left"), color=FRAME, linewidth=0.8)
    ax.tick_params(
        which="both", top=False, right=False, bottom=True, left=True, direction="out", width=0.6
    )
    ax.tick_params(which="both", color=FRAME, labelcolor=INK, labelsize=8, labelfontfamily=SANS)
    ax.tick_params(which="both", labeltop=False, labelright=False, labelbottom=True, labelleft=True)
    ax.tick_params(which="major", length=3, pad=3)
    ax.tick_params(which="minor", length=1.5)
    ax.grid(False, which="both")
    ax.grid(True, which="major", axis=grid, color=GRID, linewidth=0.7, linestyle="-", alpha=1.0)
    ax.set_axisbelow(True)


def text_style(
    size: float, *, colour: str = INK, bold: bool = False, family: str = SANS, **place: Any
) -> dict[str, Any]:
    """Return the keywords of a text that is drawn as it is: a ``$`` in a name starts no formula."""
    return {
        "fontsize": size,
        "color": colour,
        "fontweight": "bold" if bold else "normal",
        "fontfamily": family,
        "parse_math": False,
        **place,
    }


def label_axes(ax: "Axes", *, x: str = "", y: str = "", title: str = "") -> None:
    """Set the labels of both axes and a left-aligned title."""
    ax.set_xlabel(x, **text_style(8.5, colour=MUTED))
    ax.set_ylabel(y, **text_style(8.5, colour=MUTED))
    ax.set_title(title, loc="left", pad=7, **text_style(10, bold=True))


def write_message(ax: "Axes", text: str) -> None:
    """Say in the middle of empty axes why they are empty."""
    middle = text_style(9, colour=MUTED, transform=ax.transAxes, ha="center", va="center")
    ax.text(0.5, 0.5, text, **middle)


def write_note(ax: "Axes", text: str) -> None:
    """Write a remark into the upper right corner of axes."""
    corner = text_style(8.5, colour=MUTED, transform=ax.transAxes, ha="right", va="top")
    ax.text(0.98, 0.96, text, **corner)


def rectangles(
    left: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return the corners (n, 4, 2) of n bars: lower left, upper left, upper right, lower right."""
    corners = [(left, low), (left, high), (right, high), (right, low)]
    return np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)


def name_legend(legend: "Legend", names: list[str]) -> None:
    """Write names into a legend after it was made: matplotlib drops those that start with an underscore."""
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)


def log_axis(ax: "Axes", which: Literal["x", "y"], low: float, high: float) -> None:
    """Make an axis logarithmic, with labels at 1, 2 and 5 where it spans less than two decades."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if which == "x":
        ax.set_xscale("log")
    else:
        ax.set_yscale("log")
    axis = ax.xaxis if which == "x" else ax.yaxis
    steps = (1.0, 2.0, 5.0) if high < 100 * low else (1.0,)
    axis.set_major_locator(LogLocator(base=10, subs=steps, numticks=10))
    axis.set_minor_formatter(NullFormatter())


def plain_number(value: float) -> str:
    """Return a number as people write it: thousands separated, powers of ten only for the extreme.

    Examples
    --------
    >>> [plain_number(value) for value in (0.25, 1234.5, 2055312.0, 3e12)]
    ['0.25', '1,234', '2,055,312', '3e+12']
    """
    if 1000 <= abs(value) < 1e10:
        return f"{value:,.0f}"
    return f"{value:.6g}"


def plain_numbers() -> "FuncFormatter":
    """Return a formatter of ticks that writes `plain_number`."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: plain_number(value))


def count_words(n: int, singular: str) -> str:
    """Return ``1 sample``, ``1,234 samples``."""
    return f"{n:,} {singular}" + ("" if n == 1 else "s")


def drawable(text: object, limit: int = 60) -> str:
    """Return text that any picture can hold: one line, known glyphs, its middle left out if long.

    Examples
    --------
    >>> drawable("a sample with a very long name", limit=12)
    'a samp… name'
    """
    line = "".join(_drawable_character(character) for character in str(text))
    if len(line) <= limit:
        return line
    tail = (limit - 1) // 2
    return line[: limit - 1 - tail] + "…" + line[len(line) - tail :]


@lru_cache(maxsize=4096)
def _drawable_character(character: str) -> str:
    # A glyph the font lacks would make matplotlib warn and draw a box.
    if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"}:
        return " "
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=[SANS])))
    return character if font.get_char_index(ord(character)) else "\ufffd"
