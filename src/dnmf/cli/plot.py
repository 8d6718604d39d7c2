"""``dnmf plot``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import dnmf
from dnmf.cli.console import say, shown_warnings, stderr_console, user_errors
from dnmf.cli.options import Overwrite
from dnmf.cli.paths import check_output_file, restore, results_folder
from dnmf.exceptions import InputDataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_IMAGES = (".png", ".svg", ".pdf")


def plot(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Catalog, signatures or exposures.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="IMAGE",
            help="Image to write: .png, .svg or .pdf.",
            show_default="FILE's name with .png, beside FILE or the results folder it is in",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw a catalog, signatures or exposures."""
    with user_errors(), shown_warnings(stderr_console()):
        restore(file)
        target = output or _default_image(file)
        check_output_file(target, overwrite=overwrite, suffixes=_IMAGES, inputs=(file,))
        figure, content = _figure(file)
        # A new figure: none was given to draw into.
        dnmf.plotting.save_figure(cast("Figure", figure), target)
        say(f"{content}: {target}")


def _default_image(file: Path) -> Path:
    """Return the name of the image beside the file, or beside the folder of a run: that holds the run's files only."""
    image = file.with_name(file.name.removesuffix(".gz")).with_suffix(".png")
    folder = results_folder(file)
    if folder is None:
        return image
    name = "-".join((folder.name, *image.absolute().relative_to(folder).parts))
    return (
        Path(os.path.relpath(folder.parent / name))
        if not file.is_absolute()
        else folder.parent / name
    )


def _figure(path: Path) -> "tuple[Figure | SubFigure, str]":
    """Return the figure of a file and what it shows, in words."""
    from dnmf.inputs import read_input
    from dnmf.signatures.annotated import is_annotated
    from dnmf.signatures.layout import has_channels
    from dnmf.signatures.table import read_table
    from dnmf.signatures.unit import why_not_counts

    file = read_input(path, what="a table")  # once: a pipe cannot be read again
    if not is_annotated(file) and not has_channels(read_table(file)):
        exposures = dnmf.read_exposures(file)
        unit = "total" if why_not_counts(exposures.to_numpy()) else "mutations"
        return dnmf.plot_exposures(exposures, unit=unit), f"exposures of {len(exposures)} samples"
    try:
        signatures = dnmf.read_signatures(file)
    except InputDataError:
        # Counts do not sum to 1. If something else is wrong, reading the file as counts says so, too.
        catalog = dnmf.read_catalog(file)
        figure = dnmf.plot_catalog(catalog)
        return figure, f"catalog, {len(figure.axes)} of {len(catalog.counts)} samples"
    return dnmf.plot_signatures(signatures), f"{len(signatures)} signatures"
