"""``dnmf train refit``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import dnmf
from dnmf.cli.console import say, shown_warnings, stderr_console, user_errors
from dnmf.cli.options import Overwrite, Quiet, ReferenceChoice, Seed, with_reference
from dnmf.cli.paths import check_output_file, model_files

train = typer.Typer(
    help="Train networks for a cohort or reference of your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@train.callback()
def _root() -> None:
    """Keep `refit` a command of its own: networks of other kinds may follow."""


@train.command("refit")
@with_reference
def refit_command(
    exposures: Annotated[
        Path,
        typer.Argument(
            metavar="EXPOSURES",
            help="Table of tumours with the columns `Cancer Types`, `Sample Names` and one per signature.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="CARD",
            help="Card to write, NAME.json, with NAME.safetensors.",
        ),
    ],
    reference: ReferenceChoice,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="NAME|FILE",
            help="Network to start from; it must know the same tumour types. Takes a third of the time.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", min=1, show_default="9000; 3000 with --start", help="Training steps."
        ),
    ] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train a network that refits known signatures.

    Takes minutes. An interrupted run goes on from its checkpoint beside the card when the same command is given again.
    A quarter of the tumours is kept for measuring the network; the errors are on its card.
    """
    # No other spelling of the ending is read again.
    output, weights, checkpoint = (
        output.parent / (output.stem + ending)
        for ending in (output.suffix.lower(), ".safetensors", ".checkpoint")
    )
    with user_errors(output, checkpoint):
        inputs = (exposures, *reference.files, *(model_files(start) if start else ()))
        # A training that was killed when all was written: its model shall not stand in its own way.
        maybe_done = checkpoint.exists() and output.exists() and not overwrite
        for path, endings in ((output, (".json",)), (weights, ())):
            may_replace = overwrite or maybe_done
            check_output_file(path, overwrite=may_replace, suffixes=endings, inputs=inputs)

        from dnmf.cli.progress import TrainingProgress
        from dnmf.inputs import read_input
        from dnmf.refit.training import FROM_NETWORK, RefitTraining

        errors = stderr_console()
        config = RefitTraining() if start is None else FROM_NETWORK
        config = replace(config, steps=steps or config.steps)
        with shown_warnings(errors), TrainingProgress(errors, quiet=quiet) as progress:
            table = read_input(exposures, what="a table of tumours")
            signatures = reference.load()
            first = None if start is None else dnmf.refit.load_refit_model(start)
            if maybe_done:
                network, card = dnmf.refit.load_refit_model(output)
                origin = (signatures, table, config, seed, first)
                if not dnmf.refit.is_trained_with(card, *origin):
                    check_output_file(output, overwrite=False)
            else:
                network, card = dnmf.refit.train_refit_model(
                    signatures,
                    table,
                    name=output.stem,
                    reference_name=signatures.source or reference.reference,
                    config=config,
                    seed=seed,
                    start=first,
                    checkpoint=checkpoint,
                    progress=progress,
                )
                card = dnmf.refit.measure(dnmf.refit.as_stored(network), card, table)
            dnmf.refit.save_refit_model(network, card, output.parent)
        checkpoint.unlink(missing_ok=True)
        if not quiet:
            _show(card, output)


def _show(card: "dnmf.refit.RefitCard", path: Path) -> None:
    """Print the errors on the card and how to use the network."""
    for count, result in card.measured.get("by_mutations", {}).items():
        error = result["pan-cancer"]["fitting_error"]
        say(f"Error on tumours kept apart, at {int(count):,} mutations: {error:.4f}")
    say(f"Model: {path} (use it with dnmf refit --model)")
