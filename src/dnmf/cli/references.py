"""``dnmf references``."""

import typer

import dnmf


def references() -> None:
    """List the names `--reference` understands."""
    for name in dnmf.available_references():
        typer.echo(name)
