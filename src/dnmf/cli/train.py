"""``dnmf train refit``."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from dnmf.cli.console import UserError, shown_warnings, stderr_console, stdout_console, user_errors
from dnmf.cli.options import Overwrite, Quiet, ReferenceChoice, with_reference
from dnmf.cli.paths import check_output_file

train = typer.Typer(
    help="Train networks for a cohort or reference of your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# As the packaged networks were trained: from nothing, and from a network of another reference.
_STEPS, _RATE = 9000, 3e-3
_STEPS_FROM, _RATE_FROM = 3000, 2e-3


@dataclass(frozen=True)
class TrainingJob:
    """What to train and where to put it; the fields are the options of ``dnmf train refit``."""

    exposures: Path
    output: Path
    reference: ReferenceChoice
    start: str | None = None
    steps: int | None = None
    seed: int = 0


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
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**32 - 1, help="Same seed, same network.")
    ] = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Train a network that refits known signatures.

    Takes minutes. An interrupted run goes on from its checkpoint beside the card when the same command is given again.
    A quarter of the tumours is kept for measuring the network; the errors are on its card.
    """
    with user_errors(output):
        run_training(
            TrainingJob(exposures, output, reference, start, steps, seed),
            overwrite=overwrite,
            quiet=quiet,
        )


def run_training(job: TrainingJob, *, overwrite: bool, quiet: bool) -> None:
    """Train, measure what was stored, and put card and weights in their place at the end."""
    check_output_file(job.output, overwrite=overwrite, suffixes=(".json",))
    weights = job.output.with_suffix(".safetensors")
    check_output_file(weights, overwrite=overwrite)
    if not job.exposures.is_file():
        raise UserError(f"{job.exposures}: no such file. Check the path.")

    from dnmf.cli.progress import TrainingProgress
    from dnmf.refit import load_refit_model, measure, save_refit_model, train_refit_model
    from dnmf.refit.training import RefitTraining

    errors = stderr_console()
    checkpoint = job.output.with_suffix(".checkpoint")
    with shown_warnings(errors), TrainingProgress(errors, quiet=quiet) as progress:
        reference = job.reference.load()
        network, card = train_refit_model(
            reference,
            job.exposures,
            name=job.output.stem,
            reference_name=reference.source or job.reference.reference,
            config=RefitTraining(
                steps=job.steps or (_STEPS if job.start is None else _STEPS_FROM),
                learning_rate=_RATE if job.start is None else _RATE_FROM,
            ),
            seed=job.seed,
            start=None if job.start is None else load_refit_model(job.start),
            checkpoint=checkpoint,
            callback=lambda step, total, error: progress("training", step, total, error),
        )
    with tempfile.TemporaryDirectory(dir=job.output.absolute().parent, prefix=".train-") as folder:
        stored, card = load_refit_model(save_refit_model(network, card, folder))
        # Measured as stored: in half precision.
        card = measure(stored, card, job.exposures)
        path = save_refit_model(stored, card, folder)
        shutil.move(path.with_suffix(".safetensors"), weights)
        shutil.move(path, job.output)
    checkpoint.unlink(missing_ok=True)
    if not quiet:
        out = stdout_console()
        for count, result in card.measured.get("by_mutations", {}).items():
            error = result["pan-cancer"]["fitting_error"]
            out.print(f"Error on tumours kept apart, at {int(count):,} mutations: {error:.4f}")
        out.print(
            f"Model: {job.output} (use it with dnmf refit --model)", markup=False, soft_wrap=True
        )
