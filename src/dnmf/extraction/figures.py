"""The pictures of a report: as files beside it, and embedded in its page."""

from pathlib import Path
from typing import Any

import pandas as pd

from dnmf.extraction.record import ExtractionRecord
from dnmf.plotting import (
    plot_exposures,
    plot_fit,
    plot_history,
    plot_intervals,
    plot_selection,
    plot_signatures,
)
from dnmf.refit.figures import exposure_figures
from dnmf.report.pictures import Picture, save_plots, svg_picture
from dnmf.signatures import SignatureSet
from dnmf.signatures.decomposition import NOVEL

LAYER_PREFIX = "decomposed_"


def draw_pictures(result: ExtractionRecord, folder: Path) -> dict[str, Picture]:
    """Write the plots as PNG and SVG into a new folder and return what the page embeds.

    ``exposures``, ``training``, ``fit``, each signature by its name, and, with restarts, ``selection`` (of several
    numbers) and ``intervals``; of a second layer the same as of a refit, with ``LAYER_PREFIX`` before each name.
    """
    known = _made_of(result)
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
            result.selection.table, result.selection.choice.n_components
        )
    if result.exposure_lower is not None and result.exposure_upper is not None:
        drawn["intervals"] = plot_intervals(
            result.exposures, result.exposure_lower, result.exposure_upper
        )
    if result.layer is not None:
        drawn["decomposed_signatures"] = plot_signatures(result.layer.signatures)
        if result.layer.refit is not None:
            figures = exposure_figures(result.layer.refit)
            drawn |= {f"{LAYER_PREFIX}{name}": figure for name, figure in figures.items()}
    saved = save_plots(drawn, folder)
    del saved["signatures"]  # the page shows each alone
    for name in result.signatures.names:
        panel = plot_signatures(result.signatures.select([name]), **known)
        saved[name] = svg_picture(panel)
    return saved


def _made_of(result: ExtractionRecord) -> dict[str, Any]:
    """Return what draws behind each signature the mixture of references that it is made of, or the closest one."""
    if result.layer is None:
        return {}
    summary, mixtures = result.layer.decomposition.summary, result.layer.decomposition.mixtures
    total = float(result.exposures.to_numpy().sum()) or 1.0
    matches = pd.DataFrame(
        {
            "found": summary.index,
            "reference": summary["references"].to_numpy(),
            "cosine": summary["cosine"].to_numpy(),
            "assigned": (summary["kind"] != NOVEL).to_numpy(),
            "share": [float(result.exposures[name].sum()) / total for name in summary.index],
        }
    )
    # Two signatures may be made of the same.
    named = mixtures.set_axis(summary["references"])
    named = named[~named.index.duplicated()]
    behind = SignatureSet(named, "mixtures of references", result.signatures.schema)
    return {"reference_matches": matches, "reference": behind}
