"""``dnmf references``."""

import typer

import dnmf


def references() -> None:
    """List the names `--reference` understands."""
    for name in dnmf.available_references():
        typer.echo(name)
    typer.echo(
        "The default is cosmic-v3.4. cosmic-v3.6 has further signatures, and other profiles named ID16 and SBS41.",
        err=True,
    )
