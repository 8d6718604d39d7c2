"""``dnmf report``."""

from pathlib import Path
from typing import Annotated

import typer

import dnmf
from dnmf.cli.blind import carry_out
from dnmf.cli.console import shown_warnings, stderr_console, user_errors
from dnmf.cli.options import Quiet
from dnmf.cli.paths import check_result_folder


def report(
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="The output folder of `dnmf extract`.")
    ],
    quiet: Quiet = False,
) -> None:
    """Report what an extraction with -k has finished so far."""
    errors = stderr_console()
    with user_errors(output), shown_warnings(errors) as messages:
        check_result_folder(output, overwrite=True)
        run = dnmf.extraction.ExtractionRun.finished(output)
        carry_out(run, errors, messages, None, {"workers": 1, "executor": None}, quiet=quiet)
