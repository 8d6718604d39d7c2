"""``dnmf transform``."""

from pathlib import Path
from typing import Annotated

import typer

import dnmf
from dnmf.cli.console import (
    STDOUT,
    number_of,
    put_table,
    say,
    shown_warnings,
    stderr_console,
    user_errors,
)
from dnmf.cli.options import CatalogPath, Overwrite
from dnmf.cli.paths import check_output_file, model_files, restore
from dnmf.exceptions import ModelFileError


def transform(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A folder of `dnmf extract`, or its model.json.")
    ],
    catalog: CatalogPath,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Table of exposures to write; - for standard output.",
        ),
    ],
    overwrite: Overwrite = False,
) -> None:
    """Exposures of new samples by a trained model."""
    with user_errors(output), shown_warnings(stderr_console()):
        restore(model)
        inputs = (catalog, *model_files(model))
        check_output_file(output, overwrite=overwrite, inputs=inputs)
        counts = dnmf.read_catalog(catalog)
        loaded = dnmf.load_model(model)
        try:
            exposures = dnmf.transform_catalog(*loaded, counts)
        except ModelFileError as error:
            raise ModelFileError(f"{model}: {error}") from None
        integers = not counts.why_not_counts
        if output == STDOUT:
            from dnmf.signatures.write import exposures_text

            put_table(exposures_text(exposures, integers=integers))
            return
        dnmf.write_exposures(exposures, output, integers=integers)
        say(f"{number_of(len(exposures), 'sample')}: {output}")
