"""``dnmf bench paper``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from dnmf.cli.console import (
    EXIT_INTERRUPTED,
    UserError,
    stderr_console,
    stdout_console,
    user_errors,
)

if TYPE_CHECKING:
    from dnmf.bench.cells import Cell

T = TypeVar("T")

bench = typer.Typer(
    help="Rerun published experiments.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@dataclass(frozen=True)
class BenchJob:
    """What to rerun and where to put it; the fields are the options of ``dnmf bench paper``."""

    data: Path
    output: Path
    quick: bool = False
    figures: str | None = None
    sets: str | None = None
    folds: str | None = None
    workers: int = 2


@bench.callback()
def _root() -> None:
    """Keep `paper` a command of its own: other studies may follow."""


@bench.command("paper")
def paper_command(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="Folder of the paper's data; it is checked."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Folder of the results. An interrupted run goes on when it is given again.",
        ),
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="Two small sets, one fold: about two minutes.")
    ] = False,
    figures: Annotated[
        str | None,
        typer.Option(
            "--figures",
            metavar="LIST",
            help="Such as 3,6,time: figures 3 to 8, time (section 2.5), noise (Poisson counts).",
            show_default="all",
        ),
    ] = None,
    sets: Annotated[
        str | None,
        typer.Option(
            "--sets",
            metavar="LIST",
            help="Such as pancreas_sp,brca_560.",
            show_default="all 13",
        ),
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option("--folds", metavar="LIST", help="Such as 0,1.", show_default="0,1,2,3,4"),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes; the results do not depend on it.")
    ] = 2,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print warnings and errors only.")
    ] = False,
) -> None:
    """Rerun Nasser, Eldar and Sharan 2021.

    All experiments under three protocols: `paper` (its text), `authors` (its published code) and `ours` (held-out
    folds, strong baselines). Takes about an hour of two idle cores; every finished part is kept.
    """
    with user_errors(output):
        run_bench(BenchJob(data, output, quick, figures, sets, folds, workers), quiet=quiet)


def run_bench(job: BenchJob, *, quiet: bool) -> None:
    """Compute what is missing in the output folder, draw, and print the summary."""
    from dnmf.bench.paper import run_paper
    from dnmf.cli.progress import CellProgress

    cells = _chosen(job)
    progress = CellProgress(stderr_console(), quiet=quiet)
    try:
        with progress:
            outcome = run_paper(cells, job.data, job.output, workers=job.workers, watch=progress)
    except KeyboardInterrupt:
        typer.echo(
            f"Interrupted. What was finished is in {job.output}; the same command goes on from there.",
            err=True,
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if not quiet:
        out = stdout_console()
        out.print(outcome.summary, markup=False, soft_wrap=True)
        for path in outcome.files:
            out.print(str(path), markup=False, soft_wrap=True)


def _chosen(job: BenchJob) -> "list[Cell]":
    from dnmf.bench.datasets import BREAST, SIMULATED, short_name
    from dnmf.bench.plan import FIGURES, FOLDS, plan, quick_plan

    if job.quick:
        if job.figures or job.sets or job.folds:
            raise UserError("--quick chooses figures, sets and folds: leave out the others.")
        return quick_plan()
    names = {short_name(name): name for name in (*SIMULATED, BREAST)}
    figures = _listed(job.figures, "--figures", {name: name for name in FIGURES})
    sets = _listed(job.sets, "--sets", names)
    folds = _listed(job.folds, "--folds", {str(fold): fold for fold in FOLDS})
    cells = plan(figures, sets, folds)
    if not cells:
        raise UserError(
            "there is nothing to compute: these figures do not use these sets or folds."
        )
    return cells


def _listed(text: str | None, option: str, known: "dict[str, T]") -> "list[T]":
    """Return what a list of names, separated by commas, stands for; everything if there is none."""
    if text is None:
        return list(known.values())
    chosen = []
    for name in text.split(","):
        if name.strip() not in known:
            raise UserError(
                f"{option} {text}: {name.strip()!r} is none of {', '.join(known)}. Separate them by commas."
            )
        chosen.append(known[name.strip()])
    return chosen
