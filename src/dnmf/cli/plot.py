"""``dnmf plot``."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from dnmf.cli.console import shown_warnings, stderr_console, stdout_console
from dnmf.cli.paths import check_output_file
from dnmf.exceptions import InputDataError
from dnmf.signatures import detect_schema, read_catalog, read_exposures, read_signatures
from dnmf.signatures.table import read_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_IMAGES = (".png", ".svg", ".pdf")


def run_plot(path: Path, output: Path | None, *, overwrite: bool) -> None:
    """Draw what a file holds; by default beside it, as PNG."""
    target = output or path.with_name(path.name.removesuffix(".gz")).with_suffix(".png")
    check_output_file(target, overwrite=overwrite, suffixes=_IMAGES)
    with shown_warnings(stderr_console()):
        figure, content = _figure(path)

        from dnmf.plotting import save_figure

        save_figure(cast("Figure", figure), target)  # a new figure: none was given to draw into
    stdout_console().print(f"{content}: {target}", markup=False, soft_wrap=True)


def _figure(path: Path) -> "tuple[Figure | SubFigure, str]":
    """Return the figure of a file and what it shows, in words."""
    from dnmf.plotting import plot_catalog, plot_exposures, plot_signatures

    if not _has_channels(path):
        exposures = read_exposures(path)
        return plot_exposures(exposures), f"exposures of {len(exposures)} samples"
    try:
        signatures = read_signatures(path)
    except InputDataError:
        # Counts do not sum to 1. Whatever else is wrong with the file, reading it as counts tells
        # it, too.
        catalog = read_catalog(path)
        figure = plot_catalog(catalog)
        return figure, f"catalog, {len(figure.axes)} of {len(catalog.counts)} samples"
    return plot_signatures(signatures), f"{len(signatures)} signatures"


def _has_channels(path: Path) -> bool:
    """Whether any label of the table is a mutation channel: tables of exposures have none."""
    table = read_table(path)
    labels: list[str | tuple[str, ...]] = [*table.head[0], *(row[0] for row in table.lead)]
    # Two label columns, or two header lines, hold one channel together.
    labels += [tuple(row[:2]) for row in table.lead]
    labels += list(zip(*table.head[:2], strict=True))
    return detect_schema(labels) is not None
