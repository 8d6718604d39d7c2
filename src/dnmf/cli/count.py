"""``dnmf count``, and what every command says of variants that it counted."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dnmf
from dnmf.cli.console import (
    UserError,
    busy,
    command_line,
    number_of,
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
            metavar="INPUT",
            help="Files and folders of variants: VCF, MAF, SigProfiler's text; or tables of copy number segments.",
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

        if (segments := segment_counts(inputs)) is not None:
            unused = {"--genome": genome, "--assay": assay, "--transcripts": transcripts}
            asked = [*variants.given, *(option for option, file in unused.items() if file)]
            if asked:
                raise UserError(f"{asked[0]} is of no use for copy number segments. Leave it out.")
            _write_segments(segments, output, overwrite=overwrite)
            if not quiet:
                samples = number_of(len(segments.counts), "sample")
                say(f"CN48: {number_of(segments.burdens.sum(), 'segment')} of {samples}")
                say(f"Catalogs: {output}")
            return
        counts = counted(
            inputs, genome, variants, errors, quiet=quiet, regions=assay, transcripts=transcripts
        )
        with busy("Writing ...", errors, quiet=quiet):
            counts.save(output, overwrite=overwrite, command=command_line())
        if not quiet:
            show_counts(counts)
            say(f"Catalogs: {output}")


def segment_counts(inputs: Sequence[Path]) -> "dnmf.MutationCatalog | None":
    """Return the catalog of tables of copy number segments; None if the inputs are none."""
    from dnmf.variants import holds_segments

    for folder in filter(Path.is_dir, inputs):
        _refuse_folder_of_segments(folder)
    kinds = [holds_segments(path) for path in inputs]
    if not any(kinds):
        return None
    if not all(kinds):
        raise UserError(
            f"{inputs[kinds.index(True)]} is a table of copy number segments, {inputs[kinds.index(False)]} is not. "
            "Give one kind at a time."
        )
    return dnmf.read_segments(inputs)


def _refuse_folder_of_segments(folder: Path) -> None:
    """Refuse a folder that has tables of segments and no variants; one that cannot be listed is told of later."""
    from dnmf.variants import holds_segments
    from dnmf.variants.detect import holds_variants

    with suppress(OSError):
        files = [path for path in sorted(folder.iterdir()) if path.is_file()]
        table = next((path for path in files if holds_segments(path)), None)
        if table is not None and not any(map(holds_variants, files)):
            raise UserError(
                f"{folder}: is a folder of tables of copy number segments, such as {table.name}. Give the tables "
                "themselves."
            )


def _write_segments(catalog: "dnmf.MutationCatalog", output: Path, *, overwrite: bool) -> None:
    """Write a folder with the catalog and the record of the run."""
    from datetime import UTC, datetime
    from functools import partial

    from dnmf.report.records import write_run
    from dnmf.signatures import write_catalog

    record = {
        "command": command_line(),
        "dnmf": dnmf.__version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": {"name": catalog.source, **catalog.file},
    }
    tables = {"CN48.tsv": partial(write_catalog, catalog)}
    write_run(output, overwrite=overwrite, record=record, tables=tables)


def counted(
    inputs: Sequence[Path],
    genome: Path | None,
    variants: VariantChoice,
    console: "Console",
    *,
    quiet: bool,
    **files: Any,
) -> "dnmf.VariantCounts":
    """Count variants and show the progress."""
    from dnmf.cli.progress import TrainingProgress

    with TrainingProgress(console, quiet=quiet) as progress:
        return dnmf.count_variants(inputs, genome, progress=progress, **files, **variants.arguments)


def show_counts(counts: "dnmf.VariantCounts") -> None:
    """Print one line for each outcome, with an example and what to do, and the size of each catalog.

    Only when all is written: the reader of the lines may go away after the first, and end the command.
    """
    from dnmf.variants.reasons import reasons

    for reason in reasons(counts.variants):
        say(reason.in_words)
    for name, catalog in counts.catalogs.items():
        filled = int((catalog.burdens > 0).sum())
        say(
            f"{name}: {number_of(catalog.burdens.sum(), 'mutation')} in {filled:,} of "
            f"{number_of(len(catalog.counts), 'sample')}"
        )
