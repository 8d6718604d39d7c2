"""Pictures of catalogs, signatures, exposures and training.

Every function returns a figure that pyplot does not know of, never calls ``show()`` and neither
reads nor edits ``rcParams``. Draw into a figure of your own with ``figure=plt.figure(...)``; write
any of them with `save_figure`.
"""

from dnmf.plotting._settings_folder import find_settings_folder
from dnmf.plotting._style import OTHERS, UNASSIGNED, exposure_colours, signature_colours
from dnmf.plotting.bars import plot_thumbnail
from dnmf.plotting.exposures import plot_exposures
from dnmf.plotting.fit import plot_fit
from dnmf.plotting.intervals import plot_intervals
from dnmf.plotting.saving import figure_bytes, save_figure
from dnmf.plotting.selection import plot_selection
from dnmf.plotting.signatures import plot_catalog, plot_signatures
from dnmf.plotting.training import plot_history

__all__ = [
    "OTHERS",
    "UNASSIGNED",
    "exposure_colours",
    "figure_bytes",
    "plot_catalog",
    "plot_exposures",
    "plot_fit",
    "plot_history",
    "plot_intervals",
    "plot_selection",
    "plot_signatures",
    "plot_thumbnail",
    "save_figure",
    "signature_colours",
]

find_settings_folder()
