"""``dnmf extract``, ``dnmf report`` and ``dnmf demo``."""

from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dnmf
from dnmf.cli.console import (
    available_cores,
    busy,
    command_line,
    say,
    shown_warnings,
    stderr_console,
    stdout_console,
    user_errors,
)
from dnmf.cli.numbers import parse_numbers, parse_penalty
from dnmf.cli.options import (
    CatalogPath,
    OutputFolder,
    Overwrite,
    Quiet,
    ReferenceChoice,
    Seed,
    with_reference,
)
from dnmf.cli.paths import check_result_folder
from dnmf.report.folder import checkpoint_folder

if TYPE_CHECKING:
    from rich.console import Console

# Estimated seconds above which a run is announced.
LONG_SECONDS = 10.0


Preset = StrEnum("Preset", ["default", "paper"])


@with_reference
def extract(
    catalog: CatalogPath,
    n_signatures: Annotated[
        Any,
        typer.Option(
            "-k",
            "--n-signatures",
            parser=parse_numbers,
            metavar="K",
            help="How many: 12, or to choose from 2:15 or 3,5,8.",
        ),
    ],
    output: OutputFolder,
    reference: ReferenceChoice,
    restarts: Annotated[
        int | None,
        typer.Option(
            "--restarts",
            min=0,
            help="Resampled restarts for every K; 0: extract once.",
            show_default="20, or 0 with --preset paper",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Restarts at a time.", show_default="all cores"),
    ] = None,
    l1: Annotated[
        Any,
        typer.Option(
            "--l1",
            parser=parse_penalty,
            metavar="NUMBER|auto",
            help="Penalty on the sum of exposures, in mutations.",
        ),
    ] = "0",
    l2: Annotated[
        Any,
        typer.Option(
            "--l2",
            parser=parse_penalty,
            metavar="NUMBER|auto",
            help="Penalty on half the sum of squared exposures.",
        ),
    ] = "0",
    layers: Annotated[int, typer.Option("--layers", min=1, help="Layers of the network.")] = 10,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            help="Training steps; with --preset paper epochs.",
            show_default="300; paper 500",
        ),
    ] = None,
    preset: Annotated[
        Preset, typer.Option("--preset", help="`paper` trains as Nasser, Eldar and Sharan 2021.")
    ] = Preset.default,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find K signatures; write tables and report."""
    errors = stderr_console()
    with user_errors(output, checkpoint_folder(output)), shown_warnings(errors) as messages:
        with busy("Reading ...", errors, quiet=quiet):
            # Whether an earlier report may be replaced is known once the catalog has been read.
            check_result_folder(output, overwrite=True, inputs=(catalog, *reference.files))
            counts = dnmf.read_catalog(catalog)
            run = dnmf.extraction.ExtractionRun.start(
                output,
                counts,
                n_signatures=n_signatures,
                n_restarts=restarts,
                random_state=seed,
                reference=asdict(reference),
                overwrite=overwrite,
                command=command_line(),
                l1_reg=l1,
                l2_reg=l2,
                model=_model(preset, layers, epochs),
            )
        cores = workers or available_cores()
        if run.checkpoint is not None and not quiet:
            _announce(run, errors, cores)
        _carry_out(run, errors, messages, workers=cores, overwrite=overwrite, quiet=quiet)


def report(
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="The output folder of `dnmf extract`.")
    ],
    quiet: Quiet = False,
) -> None:
    """Report what an extraction has finished so far."""
    errors = stderr_console()
    with user_errors(output), shown_warnings(errors) as messages:
        check_result_folder(output, overwrite=True)
        run = dnmf.extraction.ExtractionRun.finished(output)
        _carry_out(run, errors, messages, quiet=quiet)


def demo(
    output: OutputFolder = Path("demo-output"),
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Do so for 21 breast cancer genomes, K = 4."""
    errors = stderr_console()
    with user_errors(output), shown_warnings(errors) as messages:
        check_result_folder(output, overwrite=overwrite)
        reference = ReferenceChoice().reference
        arguments = {"n_signatures": [4], "random_state": seed, "reference": reference}
        # Without a checkpoint: it is quickly repeated.
        run = dnmf.extraction.ExtractionRun(
            output, dnmf.example_catalog(), arguments, command=command_line()
        )
        cores = available_cores()
        _carry_out(run, errors, messages, workers=cores, overwrite=overwrite, quiet=quiet)


def _model(preset: Preset, layers: int, epochs: int | None) -> "dnmf.DNMF | dnmf.PaperDNMF":
    if preset is Preset.paper:
        paper = dnmf.PaperDNMF(n_layers=layers)
        return paper if epochs is None else paper.set_params(max_epochs=epochs)
    model = dnmf.DNMF(n_layers=layers)
    return model if epochs is None else model.set_params(n_steps=epochs)


def _announce(run: "dnmf.extraction.ExtractionRun", console: "Console", workers: int) -> None:
    """Say how long a long run will take, and how much memory."""
    from dnmf.cli.progress import duration

    left = run.estimate(workers)
    if left.seconds < LONG_SECONDS:
        return
    total = len(run.arguments["n_signatures"]) * (1 + run.arguments["n_restarts"])
    done = f"{total - left.fits} of {total} fits are done; " if left.fits < total else ""
    console.print(
        f"{done}{left.fits} fits to do: about {duration(left.seconds)} with {workers} "
        f"{'worker' if workers == 1 else 'workers'}, {left.bytes / 1e9:.1f} GB of memory."
    )
    console.print(
        "It may be interrupted at any time: the same command goes on from there. `dnmf report "
        f"{run.output}` in another window reports what is finished."
    )


def _carry_out(
    run: "dnmf.extraction.ExtractionRun",
    console: "Console",
    messages: list[str],
    *,
    workers: int = 1,
    overwrite: bool = False,
    quiet: bool,
) -> None:
    """Extract, write everything and show the result."""
    from dnmf.cli.progress import TrainingProgress

    with TrainingProgress(console, quiet=quiet) as progress:
        result = run.extract(workers=workers, progress=progress)
    # With the warnings of reading the catalog: they belong to the record of the run.
    result = replace(result, warnings=list(messages))
    with busy("Writing the report ...", console, quiet=quiet):
        page = run.save(result, overwrite=overwrite)
    if not quiet:
        _show(result, page)


def _show(result: "dnmf.ExtractionResult", page: Path) -> None:
    """Print how many signatures there are, their matches, the quality of the fit and the path of the report."""
    from dnmf.cli.match import matches_table
    from dnmf.extraction.selection_findings import choice_summary

    if result.selection is not None and len(result.selection.table) > 1:
        say(choice_summary(result))
    if result.unfinished:
        numbers = ", ".join(map(str, result.unfinished))
        say(f"Partial: not finished yet are {numbers} signatures.")
    if result.reference is not None:
        stdout_console().print(matches_table(result.matches, result.reference))
    say(
        f"Median cosine between spectrum and reconstruction: {result.fit['cosine'].median():.4f} "
        f"({len(result.fit)} samples, {result.seconds['total']:.1f} s)"
    )
    say(f"Report: {page}")
