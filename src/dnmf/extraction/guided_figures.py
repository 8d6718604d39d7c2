"""The pictures of a guided extraction: as files, and embedded in its page."""

from pathlib import Path
from typing import Any

from dnmf.extraction.guided_record import GuidedRecord
from dnmf.plotting import plot_signatures, plot_thumbnail
from dnmf.refit.figures import exposure_figures
from dnmf.report.pictures import Picture, png_picture, save_plots, svg_picture


def draw_guided_pictures(
    result: GuidedRecord, folder: Path
) -> tuple[dict[str, Picture], dict[str, Picture]]:
    """Write the plots as PNG and SVG into a new folder and return what the page embeds.

    Returns
    -------
    pictures : dict
        ``signatures``, ``exposures``, ``intervals``, ``fit``, and each novel signature by its name.
    thumbnails : dict
        A small picture of every signature, by its name.
    """
    novel: dict[str, Any] = {
        "reference_matches": result.matches,
        "reference": result.reference,
        "intervals": (result.signature_lower, result.signature_upper),
    }
    drawn = {"signatures": plot_signatures(result.signatures, **novel)}
    pictures = save_plots(drawn | exposure_figures(result.refit), folder)
    for name in result.novel:
        panel = plot_signatures(result.signatures.select([name]), **novel)
        pictures[name] = svg_picture(panel)
    thumbnails = {}
    for name in result.signatures.names:
        thumbnails[name] = png_picture(plot_thumbnail(result.signatures, name))
    return pictures, thumbnails
