"""``dnmf``: one thin function per command, with its options; the work is in its neighbours."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dnmf import __version__
from dnmf.cli.console import user_errors
from dnmf.cli.numbers import parse_numbers, parse_penalty
from dnmf.cli.options import (
    CatalogPath,
    OutputFolder,
    Overwrite,
    Quiet,
    Reference,
    Seed,
)
from dnmf.cli.paths import checkpoint_folder
from dnmf.cli.refit import refit
from dnmf.cli.simulate import simulate
from dnmf.cli.train import train

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


class Preset(StrEnum):
    """How to train."""

    default = "default"
    paper = "paper"


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


@app.command()
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
        typer.Option("--epochs", min=1, help="Training epochs.", show_default="the preset's"),
    ] = None,
    preset: Annotated[
        Preset, typer.Option("--preset", help="`paper` trains as Nasser, Eldar and Sharan 2021.")
    ] = Preset.default,
    seed: Seed = 0,
    reference: Reference = "cosmic-v3.4",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find K signatures; write tables and report."""
    with user_errors(output, checkpoint_folder(output)):
        from dnmf.cli.extract import ExtractionJob, run_extraction

        outcome = run_extraction(
            ExtractionJob(
                n_signatures=n_signatures,
                output=output,
                restarts=restarts,
                l1_reg=l1,
                l2_reg=l2,
                n_layers=layers,
                max_epochs=epochs,
                preset=preset.value,
                seed=seed,
                reference=reference,
            ),
            catalog,
            workers=workers,
            overwrite=overwrite,
            quiet=quiet,
        )
    if not quiet:
        outcome.show()


@app.command()
def report(
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="The output folder of `dnmf extract`.")
    ],
    quiet: Quiet = False,
) -> None:
    """Report what an extraction has finished so far."""
    with user_errors(output):
        from dnmf.cli.extract import run_report

        outcome = run_report(output, quiet=quiet)
    if not quiet:
        outcome.show()


app.command()(refit)


@app.command()
def demo(
    output: OutputFolder = Path("demo-output"),
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Do so for 21 breast cancer genomes, K = 4."""
    with user_errors(output):
        from dnmf.cli.extract import ExtractionJob, run_extraction

        job = ExtractionJob(n_signatures=(4,), output=output, seed=seed)
        outcome = run_extraction(job, None, resumable=False, overwrite=overwrite, quiet=quiet)
    if not quiet:
        outcome.show()


app.command()(simulate)


@app.command()
def transform(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A folder of `dnmf extract`, or its model.json.")
    ],
    catalog: CatalogPath,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Table of exposures to write.")
    ],
    overwrite: Overwrite = False,
) -> None:
    """Exposures of new samples by a trained model."""
    with user_errors(output):
        from dnmf.cli.match import run_transform

        run_transform(model, catalog, output, overwrite=overwrite)


@app.command()
def match(
    signatures: Annotated[Path, typer.Argument(metavar="SIGNATURES", help="A file of signatures.")],
    reference: Reference = "cosmic-v3.4",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Also write the table (TSV)."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Name the references nearest to signatures."""
    with user_errors():
        from dnmf.cli.match import run_match

        run_match(signatures, reference, output, overwrite=overwrite)


@app.command()
def plot(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Catalog, signatures or exposures.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="IMAGE",
            help="Image to write: .png, .svg or .pdf.",
            show_default="FILE's name with .png",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw a catalog, signatures or exposures."""
    with user_errors():
        from dnmf.cli.plot import run_plot

        run_plot(file, output, overwrite=overwrite)


@app.command()
def references() -> None:
    """List the names `--reference` understands."""
    with user_errors():
        from dnmf.signatures import available_references

        for name in available_references():
            typer.echo(name)


def main() -> None:
    """Run the command line; the entry point of ``dnmf`` and of ``python -m dnmf``."""
    app(prog_name="dnmf")
