"""``dnmf references``."""

import typer

import dnmf


def references() -> None:
    """List references, and tumour types of `--prior`.

    The names of references go to standard output, all else to standard error.
    """
    for name in dnmf.available_references():
        typer.echo(name)
    typer.echo(
        "The default is cosmic-v3.4. cosmic-v3.6 has further signatures, and other profiles named ID16 and SBS41.",
        err=True,
    )
    typer.echo(f"Tumour types for --prior: {', '.join(dnmf.refit.available_priors())}.", err=True)
