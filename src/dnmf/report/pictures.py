"""Pictures as a page embeds them."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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


def embedded(figure: "Figure", folder: Path, name: str) -> Picture:
    """Return a saved plot for the page: as SVG where that is light enough, else as PNG."""
    content = (folder / f"{name}.svg").read_bytes()
    if len(content) <= _MOST_SVG_BYTES:
        return picture(figure, content, "svg+xml")
    return picture(figure, (folder / f"{name}.png").read_bytes(), "png")


def picture(figure: "Figure", content: bytes, kind: str) -> Picture:
    """Return a drawn figure (``kind``: ``"png"`` or ``"svg+xml"``) for the page."""
    # As an image, not as part of the page: its ids cannot collide and nothing in it can run.
    address = f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"
    return Picture(address, width=round(_PIXELS_PER_INCH * figure.get_size_inches()[0]))
