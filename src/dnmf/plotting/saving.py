"""Pictures to files, so that the same picture is the same bytes."""

import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnmf.storage import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a format would otherwise write into the file: the time and the version of matplotlib.
_NO_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_MAX_PIXELS = 32_000  # Agg refuses 2**16 in either direction
_settings = threading.Lock()


def save_figure(figure: "Figure", path: str | os.PathLike[str], *, dpi: float = 160) -> Path:
    """Write a figure as PNG, SVG or PDF, by the ending of the path; the same figure gives the same bytes.

    The file appears whole or not at all, and replaces one of the same name. Text in SVG files stays text, so that it
    can be searched and edited.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What any of the ``plot_*`` functions returned.
    path : path
        Ends in ``.png``, ``.svg`` or ``.pdf``.
    dpi : float
        Dots per inch of a PNG; lowered for figures so large that no viewer would open them.

    Returns
    -------
    Path
        The path written.

    Raises
    ------
    ValueError
        The ending is none of the three.
    OutputExistsError
        There is something that is no file, such as a device, a FIFO or a link.
    OSError
        The file cannot be written.
    """
    target = Path(path)
    content = figure_bytes(figure, target.suffix.lower(), dpi=dpi)
    write_whole(target, content)
    return target


def figure_bytes(figure: "Figure", kind: str, *, dpi: float = 160) -> bytes:
    """Return what `save_figure` writes for the ending ``kind``, such as ``".svg"``.

    Parameters
    ----------
    figure : Figure
        What a function of `dnmf.plotting` returned.
    kind : str
        ``".png"``, ``".svg"`` or ``".pdf"``.
    dpi : float
        Dots per inch, of PNG only.
    """
    import matplotlib as mpl

    if kind not in _NO_METADATA:
        raise ValueError(
            f"a figure is written as .png, .svg or .pdf, not as {kind or 'a file without an ending'!r}."
        )
    dpi = min(dpi, _MAX_PIXELS / max(figure.get_size_inches()))
    fixed: dict[Any, Any] = {
        "svg.hashsalt": "dnmf",
        "svg.fonttype": "none",
        "savefig.bbox": None,
        "savefig.transparent": False,
    }
    content = io.BytesIO()
    # These settings have no per-figure form; the lock keeps two saving threads from restoring each other's.
    with _settings, mpl.rc_context(fixed):
        figure.savefig(
            content, format=kind[1:], dpi=dpi, metadata=_NO_METADATA[kind], facecolor="white"
        )
    return content.getvalue()
