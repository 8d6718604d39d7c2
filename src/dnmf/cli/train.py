"""``dnmf train``, a command of former versions: says what to do instead."""

import typer

import dnmf
from dnmf.cli.console import UserError, user_errors


def train(context: typer.Context) -> None:
    """Say what to do instead of training."""
    with user_errors():
        raise UserError(f"dnmf {' '.join(['train', *context.args[:1]])}: {dnmf.refit.NO_MODELS}")
