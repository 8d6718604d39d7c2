"""Pictures as a page embeds them."""

import io
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from dnmf.plotting import figure_bytes
from dnmf.storage import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Above this an SVG, which is sharp at any size, is embedded as points: the page has to stay light.
_MOST_SVG_LETTERS = 60_000
_PIXELS_PER_INCH = 104
# What the text of a `data:` address may hold as it is, besides letters and digits, inside double quotes.
_PLAIN = "/:;,=' ()!*.-_~+@$[]{}|"
_STRAIGHT = re.compile(r' d="((?:[ML] \S+ \S+ |z ?)+)"')
_STYLED = re.compile(r'(?: clip-path="([^"]*)")? style="([^"]*)"')


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
        light = light_svg(svg.decode())
        pictures[name] = (
            _picture(figure, _svg_address(light))
            if len(light) <= _MOST_SVG_LETTERS
            else points_picture(figure, png)
        )
    return pictures


def svg_picture(figure: "Figure") -> Picture:
    """Draw a figure as SVG for the page, whatever its size."""
    return _picture(figure, _svg_address(light_svg(figure_bytes(figure, ".svg").decode())))


def png_picture(figure: "Figure") -> Picture:
    """Draw a figure as PNG for the page."""
    return _picture(figure, _points_address("png", figure_bytes(figure, ".png")))


def points_picture(figure: "Figure", png: bytes) -> Picture:
    """Return a figure and its PNG for the page as WebP of 256 colours, a third as heavy: edges differ by a shade."""
    # Pillow comes with matplotlib; WebP was left out of some builds of it.
    from PIL import Image, features

    kind, content = "png", png
    if features.check("webp"):
        packed = io.BytesIO()
        points = Image.open(io.BytesIO(png)).convert("RGB")
        few = points.quantize(256, dither=Image.Dither.NONE)
        few.convert("RGB").save(packed, "WEBP", lossless=True)
        kind, content = "webp", packed.getvalue()
    return _picture(figure, _points_address(kind, content))


def light_svg(svg: str) -> str:
    """Return an SVG file of matplotlib that draws the same in less than half the letters.

    Tags hold two decimals of a point, upright and level lines one coordinate, what shares a style shares a class, and
    what no browser draws is left out. Text stays as it is.

    Examples
    --------
    >>> light_svg('<svg> <path d="M 1.23456 2 L 1.23456 7 z" style="fill: #fff"/></svg>')
    '<svg><path d="M1.23 2V7z" class="a0"/><style>.a0{fill: #fff}</style></svg>'
    """
    classes: dict[str, str] = {}

    def lighter_tag(tag: re.Match[str]) -> str:
        short = re.sub(r"(\.\d\d)\d+", r"\1", re.sub(r"\s+", " ", tag[0]))
        return _STYLED.sub(class_of, _STRAIGHT.sub(_lighter_path, short))

    def class_of(styled: re.Match[str]) -> str:
        clip = f"clip-path: {styled[1]}; " if styled[1] else ""
        return f' class="{classes.setdefault(clip + styled[2], f"a{len(classes)}")}"'

    drawing = svg[svg.find("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    # matplotlib escapes "<" and ">" in names, so that a tag ends where it seems to.
    drawing = re.sub(r">\s+<", "><", re.sub(r"<[^<>]+>", lighter_tag, drawing))
    rules = "".join(f".{name}{{{style}}}" for style, name in classes.items())
    return drawing.replace("</svg>", f"<style>{rules}</style></svg>") if rules else drawing


def _lighter_path(path: re.Match[str]) -> str:
    """Return a path of straight lines with one coordinate for each that is upright or level."""
    words, before = [], ("", "")
    for letter, x, y in re.findall(r"([MLz])(?: (\S+) (\S+))?", path[1]):
        level, upright = letter == "L" and y == before[1], letter == "L" and x == before[0]
        words.append(f"H{x}" if level else f"V{y}" if upright else f"{letter}{x} {y}".strip())
        before = (x, y)
    return f' d="{"".join(words)}"'


def _svg_address(svg: str) -> str:
    # As an image, not as part of the page: its ids cannot collide and nothing in it can run.
    return f"data:image/svg+xml,{quote(svg, safe=_PLAIN)}"


def _points_address(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"


def _picture(figure: "Figure", address: str) -> Picture:
    return Picture(address, width=round(_PIXELS_PER_INCH * figure.get_size_inches()[0]))
