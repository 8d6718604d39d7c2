"""``dnmf refit``."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import dnmf
from dnmf.cli.console import (
    busy,
    command_line,
    say,
    shown_warnings,
    stderr_console,
    stdout_console,
    user_errors,
)
from dnmf.cli.options import (
    CatalogPath,
    OutputFolder,
    Overwrite,
    Quiet,
    ReferenceChoice,
    with_reference,
)
from dnmf.cli.paths import check_result_folder, model_files

_MAX_ROWS = 12


class RefitMethod(StrEnum):
    """How to refit."""

    auto = "auto"
    network = "network"
    kl = "kl"
    nnls = "nnls"
    sparse = "sparse"


@with_reference
def refit(
    catalog: CatalogPath,
    output: OutputFolder,
    reference: ReferenceChoice,
    tumour_type: Annotated[
        str | None,
        typer.Option(
            "--tumour-type",
            metavar="TYPE",
            help="Tumour type, such as Breast-AdenoCA, if the network shall know it.",
            show_default="pan-cancer",
        ),
    ] = None,
    method: Annotated[
        RefitMethod,
        typer.Option(
            "--method",
            help="`auto`: the network where it was made for a sample, else sparse, or kl for short lists.",
        ),
    ] = RefitMethod.auto,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME|FILE",
            help="A packaged or trained network.",
            show_default="the reference's",
        ),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    cohort: Annotated[str | None, typer.Option("--cohort", hidden=True)] = None,
) -> None:
    """Assign known signatures; write tables and report."""
    errors = stderr_console()
    with user_errors(output), shown_warnings(errors) as messages:
        if cohort is not None:
            errors.print("Warning: --cohort is now called --tumour-type.")
        inputs = (catalog, *reference.files, *(model_files(model) if model else ()))
        with busy("Refitting ...", errors, quiet=quiet):
            check_result_folder(output, overwrite=overwrite, inputs=inputs)
            counts = dnmf.read_catalog(catalog)
            signatures = reference.load(counts.schema)
            result = dnmf.refit_exposures(
                counts,
                signatures,
                method=method.value,
                tumour_type=tumour_type or cohort,
                model=model,
            )
        # The record of the run holds the warnings of reading, too.
        result = replace(result, warnings=list(messages))
        with busy("Writing the report ...", errors, quiet=quiet):
            report = result.save(output, overwrite=overwrite, command=command_line())
        if not quiet:
            _show(result, report)


def _show(result: "dnmf.RefitResult", report: Path) -> None:
    """Print the signatures that are present, the methods, what is unassigned, and the path of the report."""
    from rich.table import Table

    table = Table(title=f"Signatures of {result.reference.source or 'the reference'}")
    table.add_column("Signature")
    table.add_column("Share of mutations", justify="right")
    table.add_column("Samples", justify="right")
    for row in result.summary().head(_MAX_ROWS).itertuples():
        table.add_row(str(row.Index), f"{row.share:.1%}", f"{row.samples:,}")
    stdout_console().print(table)
    used = ", ".join(f"{name} {n:,}" for name, n in result.fit["method"].value_counts().items())
    unassigned = result.unassigned.sum() / float(result.fit["mutations"].sum())
    say(
        f"Answered by: {used}. Unassigned: {unassigned:.1%} of the mutations "
        f"({len(result.fit):,} samples, {result.seconds['total']:.1f} s)"
    )
    say(f"Report: {report}")
