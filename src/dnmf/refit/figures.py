"""The pictures of a refit: as files, and embedded in its page."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from dnmf.criteria import SHOWN_SHARE
from dnmf.plotting import OTHERS, UNASSIGNED, plot_exposures, plot_fit, plot_intervals
from dnmf.refit.record import RefitRecord
from dnmf.report.pictures import Picture, save_plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Share of one sample from which a signature is drawn in a colour of its own; number of colours.
_MIN_SAMPLE_SHARE, _MAX_SIGNATURES = 0.2, 24


def draw_refit_pictures(result: RefitRecord, folder: Path) -> dict[str, Picture]:
    """Write the three plots as PNG and SVG into a new folder and return what the page embeds."""
    return save_plots(exposure_figures(result), folder)


def exposure_figures(result: RefitRecord) -> dict[str, "Figure"]:
    """Return the plots of exposures, intervals and fit."""
    return {
        "exposures": plot_exposures(shown_exposures(result)),
        "intervals": plot_intervals(result.exposures, result.exposure_lower, result.exposure_upper),
        "fit": plot_fit(result.fit),
    }


def shown_exposures(result: RefitRecord) -> pd.DataFrame:
    """Return the exposures to the signatures that are drawn, most first, then all others and the unassigned."""
    exposures = result.exposures
    totals = exposures.sum(axis=0)
    drawn = (totals >= SHOWN_SHARE * max(result.fit["mutations"].sum(), 1)) | (
        result.shares.max(axis=0) >= _MIN_SAMPLE_SHARE
    )
    names = list(totals[drawn].sort_values(ascending=False, kind="stable").index[:_MAX_SIGNATURES])
    shown = exposures[names].copy()
    rest = exposures.drop(columns=names).sum(axis=1)
    if (rest > 0).any():
        shown[OTHERS] = rest
    if (result.unassigned > 0).any():
        shown[UNASSIGNED] = result.unassigned
    return shown
