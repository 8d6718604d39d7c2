"""The pictures of a refit: as files, and embedded in its page."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from dnmf.plotting import plot_exposures, plot_fit, plot_intervals
from dnmf.report.pictures import Picture, save_plots

if TYPE_CHECKING:
    from dnmf.refit.result import RefitResult

OTHERS, UNASSIGNED = "other signatures", "unassigned"
# Signatures that matter: this share of all mutations, or of one sample.
_OF_ALL, _OF_ONE = 0.005, 0.2
_MOST = 24


@dataclass(frozen=True)
class RefitPictures:
    """What the page shows."""

    exposures: Picture
    intervals: Picture
    fit: Picture


def draw_refit_pictures(result: "RefitResult", folder: Path) -> RefitPictures:
    """Write the three plots as PNG and SVG into a new folder and return what the page embeds."""
    drawn = {
        "exposures": plot_exposures(shown_exposures(result)),
        "intervals": plot_intervals(result.exposures, result.lower, result.upper),
        "fit": plot_fit(result.fit),
    }
    return RefitPictures(**save_plots(drawn, folder))


def shown_exposures(result: "RefitResult") -> pd.DataFrame:
    """Return the exposures to signatures that matter, most first, then all others and the unassigned as one each."""
    exposures = result.exposures
    totals = exposures.sum(axis=0)
    mutations = result.fit["mutations"].to_numpy()
    shares = exposures.div(pd.Series(mutations, index=exposures.index).clip(lower=1), axis=0)
    matters = (totals >= _OF_ALL * max(mutations.sum(), 1)) | (shares.max(axis=0) >= _OF_ONE)
    names = list(totals[matters].sort_values(ascending=False, kind="stable").index[:_MOST])
    shown = exposures[names].copy()
    rest = exposures.drop(columns=names).sum(axis=1)
    if (rest > 0).any():
        shown[OTHERS] = rest
    if (result.unassigned > 0).any():
        shown[UNASSIGNED] = result.unassigned
    return shown
