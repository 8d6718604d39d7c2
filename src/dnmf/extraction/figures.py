"""The pictures of a report: as files beside it, and embedded in its page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dnmf.extraction.record import ExtractionRecord
from dnmf.plotting import (
    figure_bytes,
    plot_exposures,
    plot_fit,
    plot_history,
    plot_intervals,
    plot_selection,
    plot_signatures,
)
from dnmf.report.pictures import Picture, picture, save_plots


@dataclass(frozen=True)
class Pictures:
    """What the page shows; ``signatures`` has one per signature, in order, the last two need restarts."""

    signatures: list[Picture]
    exposures: Picture
    training: Picture
    fit: Picture
    selection: Picture | None = None
    intervals: Picture | None = None


def draw_pictures(result: ExtractionRecord, folder: Path) -> Pictures:
    """Write the plots as PNG and SVG into a new folder and return what the page embeds."""
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
    panels = [
        plot_signatures(result.signatures.select([name]), **known)
        for name in result.signatures.names
    ]
    saved = save_plots(drawn, folder)
    del saved["signatures"]  # the page shows each alone
    embedded = [picture(panel, figure_bytes(panel, ".svg"), "svg+xml") for panel in panels]
    return Pictures(embedded, **saved)


def _curves(result: ExtractionRecord) -> dict[str, np.ndarray]:
    """Return the phases that have a curve to show: more than one step; all of them if none has."""
    curves = {phase: costs for phase, costs in result.history.items() if len(costs) > 1}
    return curves or result.history
