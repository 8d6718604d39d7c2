"""What the user sees: results on stdout, all else on stderr, no traceback for bad input."""

import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from dnmf.exceptions import CheckpointError, InputDataError, ModelFileError
from dnmf.report.names import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


class UserError(Exception):
    """An error that only the user can correct; the message says what to do."""


@contextmanager
def user_errors(output: Path | None = None, checkpoint: Path | None = None) -> Iterator[None]:
    """Turn what bad input raises into a message and exit code 2, Ctrl-C into exit code 130.

    Either way nothing has been written to ``output``, and the message says so. Anything else is a
    fault of dnmf and keeps its traceback, which is what a bug report needs. After Ctrl-C work in a
    ``checkpoint`` is not lost, and the message says how to go on.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output has gone (`dnmf match ... | head`): Typer ends quietly
    except (InputDataError, ModelFileError, CheckpointError, UserError) as error:
        _stop(str(error), output)
    except OSError as error:
        _stop(_os_error_message(error), output)
    except MemoryError:
        _stop("there is not enough memory for this input.", output)
    except KeyboardInterrupt:
        resume = ""
        if checkpoint is not None and checkpoint.is_dir():
            resume = (
                f" What was finished is in {checkpoint}: repeat the command to go on from there."
            )
        typer.echo(printable(f"Interrupted. {_kept(output)}{resume}"), err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _stop(message: str, output: Path | None) -> NoReturn:
    styled = typer.style("Error:", fg="red", bold=True)
    typer.echo(f"{styled} {printable(message)}\n{printable(_kept(output))}", err=True)
    raise typer.Exit(EXIT_BAD_INPUT) from None


def _kept(output: Path | None) -> str:
    """Say what an interrupted or failed command leaves behind."""
    if output is None:
        return "Nothing was written."
    try:
        there = output.exists()
    except OSError:
        there = False
    return f"Nothing was written to {output}.{' What is there is unchanged.' if there else ''}"


def _os_error_message(error: OSError) -> str:
    """Return ``path: what went wrong``; errors of our own carry their message as only argument."""
    if error.strerror is None or error.filename is None:
        return str(error)
    remedy = {
        FileNotFoundError: "Check the path.",
        PermissionError: "Check its permissions or choose another path.",
        IsADirectoryError: "Give a file.",
    }.get(type(error), "")
    return f"{error.filename}: {error.strerror[:1].lower()}{error.strerror[1:]}. {remedy}".rstrip()


@contextmanager
def shown_warnings(console: "Console") -> Iterator[list[str]]:
    """Print each distinct warning once, when it comes; yield the list of those so far."""
    seen: list[str] = []

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        text = str(message)
        if text not in seen:
            seen.append(text)
            console.print("Warning:", style="yellow", end=" ")
            console.print(text)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations are for developers
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("always", RuntimeWarning)
        warnings.showwarning = show
        yield seen


def stderr_console() -> "Console":
    """Return the console of progress and warnings."""
    return _plain_console(stderr=True, soft_wrap=True)


def stdout_console() -> "Console":
    """Return the console of results."""
    return _plain_console()


def _plain_console(**options: Any) -> "Console":
    """Return a console on which all text, names in it included, is shown as it is: no markup, no emoji codes."""
    from rich.console import Console

    class PlainConsole(Console):
        def render_str(self, text: str, **style: Any) -> "Text":
            return super().render_str(printable(text), **style)

    return PlainConsole(highlight=False, markup=False, emoji=False, **options)


def say(text: str) -> None:
    """Print a line of results as it is, not wrapped."""
    stdout_console().print(text, soft_wrap=True)


def command_line() -> str:
    """Return the running command as one types it, for the record of the run."""
    return shlex.join(["dnmf", *sys.argv[1:]])


def busy(what: str, console: "Console", *, quiet: bool) -> AbstractContextManager[Any]:
    """Show that something takes a moment; on a terminal only, as it leaves no line behind."""
    return console.status(what) if console.is_terminal and not quiet else nullcontext()
