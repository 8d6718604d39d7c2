"""``dnmf``: one thin function per command, with its options; the work is in its neighbours."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dnmf import __version__
from dnmf.cli.console import user_errors
from dnmf.cli.extract import demo, extract, report
from dnmf.cli.match import match
from dnmf.cli.options import (
    CatalogPath,
    OutputFolder,
    Overwrite,
    Quiet,
    ReferenceChoice,
    Seed,
    with_reference,
)
from dnmf.cli.plot import plot
from dnmf.cli.references import references
from dnmf.cli.train import train
from dnmf.cli.transform import transform

# Plain help: Rich's takes 0.2 s to import, more than everything else `dnmf --help` does.
app = typer.Typer(
    name="dnmf",
    help="Mutational signatures by non-negative matrix factorisation with an unfolded network.",
    epilog="Start with `dnmf demo`. A command's options: `dnmf COMMAND --help`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(train, name="train")


class RefitMethod(StrEnum):
    """How to refit."""

    auto = "auto"
    network = "network"
    kl = "kl"
    nnls = "nnls"
    sparse = "sparse"


class NoiseKind(StrEnum):
    """How counts vary around their means."""

    poisson = "poisson"
    multinomial = "multinomial"
    negative_binomial = "negative-binomial"
    none = "none"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dnmf {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options before the command."""


app.command()(extract)
app.command()(report)


@app.command()
@with_reference
def refit(
    catalog: CatalogPath,
    output: OutputFolder,
    reference: ReferenceChoice,
    cohort: Annotated[
        str | None,
        typer.Option(
            "--cohort",
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
) -> None:
    """Assign known signatures; write tables and report."""
    with user_errors(output):
        from dnmf.cli.refit import RefitJob, run_refit

        job = RefitJob(
            output=output,
            reference=reference,
            cohort=cohort,
            method=method.value,
            model=model,
        )
        outcome = run_refit(job, catalog, overwrite=overwrite, quiet=quiet)
    if not quiet:
        outcome.show()


app.command()(demo)


@app.command()
@with_reference
def simulate(
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", help="Folder to create for the tables."),
    ],
    samples: Annotated[
        int, typer.Option("--samples", min=1, metavar="N", help="Number of samples.")
    ],
    reference: ReferenceChoice,
    cohort: Annotated[
        Path | None,
        typer.Option(
            "--cohort",
            metavar="FILE",
            help="Exposures of real samples to draw from. None come with dnmf.",
            show_default="3 to 6 signatures at random",
        ),
    ] = None,
    tumour_type: Annotated[
        str | None,
        typer.Option("--type", help="Only this tumour type, if FILE has a column Cancer Types."),
    ] = None,
    mutations: Annotated[
        str,
        typer.Option("--mutations", metavar="LOW:HIGH", help="Mutations per sample, log-uniform."),
    ] = "100:50000",
    noise: Annotated[NoiseKind, typer.Option("--noise", help="Of the counts.")] = NoiseKind.poisson,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Draw a catalog with known exposures."""
    with user_errors(output):
        from dnmf.cli.simulate import SimulationJob, run_simulation

        job = SimulationJob(
            output=output,
            samples=samples,
            reference=reference,
            cohort=cohort,
            type=tumour_type,
            mutations=mutations,
            noise=noise.value,
            seed=seed,
        )
        run_simulation(job, overwrite=overwrite, quiet=quiet)


app.command()(transform)
app.command()(match)
app.command()(plot)
app.command()(references)


def main() -> None:
    """Run the command line; the entry point of ``dnmf`` and of ``python -m dnmf``."""
    app(prog_name="dnmf")
