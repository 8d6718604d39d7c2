"""Draw the pictures of the pages from `results/`; each holds the checksum of the files it was drawn from."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from figures import paper_rerun, unrolled_picture, unsupervised_picture
from figures.pages import ROOT
from paper.figures import DRAWN
from protocol import RESULTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = ROOT / "docs" / "images"
SOURCE = "Source"
"""The entry of a PNG's text that holds the checksum."""


def of_paper(name: str) -> "Figure":
    """Draw a figure of the paper, ours beside the published numbers."""
    draw, _ = DRAWN[name]
    return draw(paper_rerun.rerun(), paper_rerun.published())


# Each picture with the files that it is drawn from, its dots per inch, and what draws it.
PICTURES: dict[str, tuple[tuple[str, ...], int, Callable[[], "Figure"]]] = {
    "quality_against_seconds.png": (("unsupervised",), 150, unsupervised_picture.draw),
    "unrolled.png": (("unrolled",), 150, unrolled_picture.draw),
} | {
    f"paper/figure_{name}.png": (("paper", "paper_published"), 110, partial(of_paper, name))
    for name in DRAWN
}


def checksum(files: tuple[str, ...]) -> str:
    """Return the SHA-256 of results."""
    content = b"".join((RESULTS / f"{name}.csv").read_bytes() for name in files)
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def draw_picture(name: str) -> None:
    """Write a picture."""
    files, dpi, draw = PICTURES[name]
    text = {"Software": None, SOURCE: checksum(files)}
    draw().savefig(FOLDER / name, dpi=dpi, metadata=text, facecolor="white")


def checksum_of_picture(name: str) -> str | None:
    """Return the checksum of the files that the picture in the pages was drawn from."""
    from PIL import Image

    with Image.open(FOLDER / name) as picture:
        return picture.info.get(SOURCE)
