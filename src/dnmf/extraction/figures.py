"""The pictures of a report: as files beside it, and embedded in its page."""

from pathlib import Path
from typing import Any

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


def draw_pictures(result: ExtractionRecord, folder: Path) -> dict[str, Picture]:
    """Write the plots as PNG and SVG into a new folder and return what the page embeds.

    ``exposures``, ``training``, ``fit``, each signature by its name, and, with restarts, ``selection`` (of several
    numbers) and ``intervals``.
    """
    known: dict[str, Any] = {
        "reference_matches": None if result.reference is None else result.matches,
        "reference": result.reference,
    }
    if result.signature_lower is not None and result.signature_upper is not None:
        known["intervals"] = (result.signature_lower, result.signature_upper)
    unit = "total" if result.catalog.why_not_counts else "mutations"
    curves = {phase: costs for phase, costs in result.history.items() if len(costs) > 1}
    drawn = {
        "signatures": plot_signatures(result.signatures, **known),
        "exposures": plot_exposures(result.exposures, unit=unit),
        # A phase of one step has no curve; they are shown if no phase has one.
        "training": plot_history(curves or result.history),
        "fit": plot_fit(result.fit, unit=unit),
    }
    if result.selection is not None and len(result.selection.table) > 1:
        drawn["selection"] = plot_selection(
            result.selection.table, result.selection.choice.n_signatures
        )
    if result.exposure_lower is not None and result.exposure_upper is not None:
        drawn["intervals"] = plot_intervals(
            result.exposures, result.exposure_lower, result.exposure_upper
        )
    saved = save_plots(drawn, folder)
    del saved["signatures"]  # the page shows each alone
    for name in result.signatures.names:
        panel = plot_signatures(result.signatures.select([name]), **known)
        saved[name] = picture(panel, figure_bytes(panel, ".svg"), "svg+xml")
    return saved
