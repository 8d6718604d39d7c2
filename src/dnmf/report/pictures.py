"""Pictures as a page embeds them."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnmf.plotting import figure_bytes
from dnmf.storage import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Above this an SVG, which is sharp at any size, is embedded as PNG: the page has to stay light.
_MOST_SVG_BYTES = 300_000
_PIXELS_PER_INCH = 104


@dataclass(frozen=True)
class Picture:
    """The ``data:`` address of a picture and the width, in CSS pixels, at which its text is read best."""

    address: str
    width: int


def save_plots(figures: Mapping[str, "Figure"], folder: Path) -> dict[str, Picture]:
    """Write plots as PNG and SVG into a new folder and return what a page embeds: SVG where that is light enough."""
    folder.mkdir()
    pictures = {}
    for name, figure in figures.items():
        png, svg = (figure_bytes(figure, kind) for kind in (".png", ".svg"))
        write_whole(folder / f"{name}.png", png)
        write_whole(folder / f"{name}.svg", svg)
        light = len(svg) <= _MOST_SVG_BYTES
        pictures[name] = picture(figure, svg, "svg+xml") if light else picture(figure, png, "png")
    return pictures


def picture(figure: "Figure", content: bytes, kind: str) -> Picture:
    """Return a drawn figure (``kind``: ``"png"`` or ``"svg+xml"``) for the page."""
    # As an image, not as part of the page: its ids cannot collide and nothing in it can run.
    address = f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"
    return Picture(address, width=round(_PIXELS_PER_INCH * figure.get_size_inches()[0]))
