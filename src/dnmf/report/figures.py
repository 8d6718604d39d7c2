"""The pictures of a report: as files beside it, and embedded in its page."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnmf.plotting import (
    figure_bytes,
    plot_exposures,
    plot_fit,
    plot_history,
    plot_intervals,
    plot_selection,
    plot_signatures,
    save_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dnmf.pipelines import ExtractionResult

# Above this an SVG, which is sharp at any size, is embedded as PNG: the page has to stay light.
_MOST_SVG_BYTES = 300_000
_PIXELS_PER_INCH = 104


@dataclass(frozen=True)
class Picture:
    """The ``data:`` address of a picture and the width, in CSS pixels, at which its text is read best."""

    address: str
    width: int


@dataclass(frozen=True)
class Pictures:
    """What the page shows; ``signatures`` has one per signature, in order, the last two need restarts."""

    signatures: list[Picture]
    exposures: Picture
    training: Picture
    fit: Picture
    selection: Picture | None = None
    intervals: Picture | None = None


def draw_pictures(result: "ExtractionResult", folder: Path) -> Pictures:
    """Write the plots as PNG and SVG into a new folder and return what the page embeds."""
    folder.mkdir()
    known: dict[str, Any] = {
        "reference_matches": None if result.reference is None else result.matches,
        "reference": result.reference,
    }
    if result.signature_lower is not None and result.signature_upper is not None:
        known["intervals"] = (result.signature_lower, result.signature_upper)
    drawn = {
        "signatures": plot_signatures(result.signatures, **known),
        "exposures": plot_exposures(result.exposures),
        "training": plot_history(_curves(result)),
        "fit": plot_fit(result.fit),
    }
    if result.selection is not None and len(result.selection.table) > 1:
        drawn["selection"] = plot_selection(
            result.selection.table, result.selection.choice.n_signatures
        )
    if result.exposure_lower is not None and result.exposure_upper is not None:
        drawn["intervals"] = plot_intervals(
            result.exposures, result.exposure_lower, result.exposure_upper
        )
    for name, figure in drawn.items():
        for ending in ("png", "svg"):
            save_figure(figure, folder / f"{name}.{ending}")
    panels = [
        plot_signatures(result.signatures.select([name]), **known)
        for name in result.signatures.names
    ]
    pages: dict[str, Picture | None] = dict.fromkeys(("selection", "intervals"))
    del drawn["signatures"]
    pages |= {name: embedded(figure, folder, name) for name, figure in drawn.items()}
    return Pictures(
        signatures=[_picture(panel, figure_bytes(panel, ".svg"), "svg+xml") for panel in panels],
        **pages,  # type: ignore[arg-type]  # only those two may be None
    )


def _curves(result: "ExtractionResult") -> dict[str, np.ndarray]:
    """Return the phases that have a curve to show: more than one step; all of them if none has."""
    curves = {phase: costs for phase, costs in result.history.items() if len(costs) > 1}
    return curves or result.history


def embedded(figure: "Figure", folder: Path, name: str) -> Picture:
    """Return a saved plot for the page: as SVG where that is light enough, else as PNG."""
    content = (folder / f"{name}.svg").read_bytes()
    if len(content) <= _MOST_SVG_BYTES:
        return _picture(figure, content, "svg+xml")
    return _picture(figure, (folder / f"{name}.png").read_bytes(), "png")


def _picture(figure: "Figure", content: bytes, kind: str) -> Picture:
    # As an image, not as part of the page: its ids cannot collide and nothing in it can run.
    address = f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"
    return Picture(address, width=round(_PIXELS_PER_INCH * figure.get_size_inches()[0]))
