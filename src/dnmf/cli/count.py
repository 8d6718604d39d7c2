"""``dnmf count``, and what every command says of variants that it counted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dnmf
from dnmf.cli.console import (
    busy,
    command_line,
    say,
    shown_warnings,
    stderr_console,
    user_errors,
)
from dnmf.cli.options import OutputFolder, Overwrite, Quiet, VariantChoice, with_choices
from dnmf.cli.paths import check_result_folder

if TYPE_CHECKING:
    from rich.console import Console


@with_choices
def count(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT", help="Files and folders of variants: VCF, MAF, SigProfiler's text."
        ),
    ],
    output: OutputFolder,
    variants: VariantChoice,
    genome: Annotated[
        Path | None,
        typer.Option(
            "--genome",
            metavar="FASTA|2BIT",
            help="Genome that the variants were called on. A MAF with the column CONTEXT needs none for SBS96 "
            "and DBS78.",
        ),
    ] = None,
    assay: Annotated[
        Path | None,
        typer.Option("--assay", metavar="FILE.bed", help="Count only in these regions."),
    ] = None,
    transcripts: Annotated[
        Path | None,
        typer.Option(
            "--transcripts",
            metavar="FILE",
            help="Transcripts with their strand, for SBS288 and SBS384.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Count variants by class; write catalogs and outcomes."""
    errors = stderr_console()
    with user_errors(output), shown_warnings(errors):
        files = [path for path in (*inputs, genome, assay, transcripts, variants.samples) if path]
        check_result_folder(output, overwrite=overwrite, inputs=tuple(files))

        counts = counted(
            inputs, genome, variants, errors, quiet=quiet, regions=assay, transcripts=transcripts
        )
        with busy("Writing ...", errors, quiet=quiet):
            counts.save(output, overwrite=overwrite, command=command_line())
        if not quiet:
            say(f"Catalogs: {output}")


def counted(
    inputs: Sequence[Path],
    genome: Path | None,
    variants: VariantChoice,
    console: "Console",
    *,
    quiet: bool,
    **files: Any,
) -> "dnmf.VariantCounts":
    """Count variants; print one line for each outcome, with an example and what to do, and the size of each catalog."""
    from dnmf.cli.progress import TrainingProgress
    from dnmf.variants.reasons import reasons

    with TrainingProgress(console, quiet=quiet) as progress:
        counts = dnmf.count_variants(
            inputs, genome, progress=progress, **files, **variants.arguments
        )
    if quiet:
        return counts
    for reason in reasons(counts.variants):
        say(reason.in_words)
    for name, catalog in counts.catalogs.items():
        filled = int((catalog.burdens > 0).sum())
        say(
            f"{name}: {catalog.burdens.sum():,.0f} mutations in {filled:,} of {len(catalog.counts):,} samples"
        )
    return counts
