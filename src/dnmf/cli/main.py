"""``dnmf``: the commands, each in the module of its name."""

from typing import Annotated

import typer

from dnmf import __version__
from dnmf.cli.console import show_any_name
from dnmf.cli.count import count
from dnmf.cli.demo import demo
from dnmf.cli.extract import extract
from dnmf.cli.match import match
from dnmf.cli.numbers import parse_size
from dnmf.cli.plot import plot
from dnmf.cli.references import references
from dnmf.cli.refit import refit
from dnmf.cli.report import report
from dnmf.cli.simulate import simulate
from dnmf.cli.train import train
from dnmf.cli.transform import transform
from dnmf.inputs import input_limit

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


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dnmf {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    max_input: Annotated[
        int | None,
        typer.Option(
            "--max-input",
            parser=parse_size,
            metavar="SIZE",
            help="Most bytes of an input file, unpacked, such as 2GB.",
            show_default="268MB",
        ),
    ] = None,
) -> None:
    """Options before the command."""
    if max_input is not None:
        context.with_resource(input_limit(max_input))


for command in (count, extract, report, refit, demo, simulate, transform, match, plot, references):
    app.command()(command)
# A command of former versions, whatever its options.
app.command(
    hidden=True,
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(train)


def main() -> None:
    """Run the command line; the entry point of ``dnmf`` and of ``python -m dnmf``."""
    show_any_name()
    app(prog_name="dnmf")
