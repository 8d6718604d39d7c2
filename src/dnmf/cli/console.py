"""What the user sees: results on stdout, all else on stderr, no traceback for bad input."""

import errno
import io
import os
import shlex
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from dnmf.cli.interrupts import EndingSignal, interrupted_by_signals
from dnmf.exceptions import CheckpointError, InputDataError, ModelFileError, WorkersLostError
from dnmf.report.names import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

EXIT_BAD_INPUT = 2
# As the name of an output: standard output.
STDOUT = Path("-")
# As shells do: 128 + the number of the signal, which is 2 for Ctrl-C.
_EXIT_OF_SIGNALS = 128


class UserError(Exception):
    """An error that only the user can correct; the message says what to do."""


@contextmanager
def user_errors(output: Path | None = None, checkpoint: Path | None = None) -> Iterator[None]:
    """Turn what bad input raises into a message and exit code 2, Ctrl-C into exit code 130.

    Either way nothing has been written to ``output``, and the message says so. Anything else is a
    fault of dnmf and keeps its traceback, which is what a bug report needs. After Ctrl-C, SIGTERM
    (exit code 143) and SIGHUP (129) work in a ``checkpoint`` is not lost, and the message says how
    to go on.
    """
    try:
        with interrupted_by_signals():
            yield
    except BrokenPipeError:
        raise  # the reader of our output has gone (`dnmf match ... | head`): Typer ends quietly
    except (InputDataError, ModelFileError, CheckpointError, UserError) as error:
        _stop(str(error), output)
    except OSError as error:
        _stop(_os_error_message(error), output)
    except WorkersLostError as error:
        _stop(f"{error}{_resume(checkpoint)}", output)
    except MemoryError:
        _stop("there is not enough memory for this input.", output)
    except KeyboardInterrupt as interrupt:
        by, number = "", signal.SIGINT.value
        if isinstance(interrupt, EndingSignal):
            by, number = f" by {interrupt}", interrupt.number
        _tell(f"Interrupted{by}. {_kept(output)}{_resume(checkpoint)}")
        raise typer.Exit(_EXIT_OF_SIGNALS + number) from None


def _resume(checkpoint: Path | None) -> str:
    """Say how to go on from what was finished, if anything was kept."""
    if checkpoint is None or not checkpoint.exists():
        return ""
    return f" What was finished is in {checkpoint}: repeat the command to go on from there."


def _stop(message: str, output: Path | None) -> NoReturn:
    _tell(f"{message}\n{_kept(output)}", label="Error:")
    raise typer.Exit(EXIT_BAD_INPUT) from None


def _tell(message: str, label: str = "") -> None:
    """Print the last words of a command on stderr."""
    console = stderr_console()
    try:
        if label:
            console.print(label, style="bold red", end=" ")
        console.print(message)
    except OSError:
        # Nobody can read them. What waits to be written must not change the exit code.
        sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _kept(output: Path | None) -> str:
    """Say what an interrupted or failed command leaves behind."""
    if output is None or output == STDOUT:
        return "Nothing was written."
    try:
        there = output.exists()
    except OSError:
        there = False
    return f"Nothing was written to {output}.{' What is there is unchanged.' if there else ''}"


def _os_error_message(error: OSError) -> str:
    """Return ``path: what went wrong``, without a path of standard output; errors of our own are their own message.

    What they say of an argument is said of the option.
    """
    if error.strerror is None:
        return str(error).replace("overwrite=True", "--overwrite")
    remedy = {
        FileNotFoundError: "Check the path.",
        PermissionError: "Check its permissions or choose another path.",
        IsADirectoryError: "Give a file.",
    }.get(type(error), "")
    if error.errno == errno.ENOSPC:
        remedy = "Make room or choose another place."
    place = "" if error.filename is None else f"{error.filename}: "
    return f"{place}{error.strerror[:1].lower()}{error.strerror[1:]}. {remedy}".rstrip()


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
        # A read-only system: nothing of dnmf's needs joblib's processes.
        warnings.filterwarnings("ignore", message=".*joblib will operate in serial mode")
        warnings.showwarning = show
        yield seen


def stderr_console() -> "Console":
    """Return the console of progress and warnings."""
    return _plain_console(stderr=True, soft_wrap=True)


def stdout_console() -> "Console":
    """Return the console of results."""
    return _plain_console()


def _plain_console(**options: Any) -> "Console":
    """Return a console on which text, names in it included, is shown as it is, whatever Rich would make of it."""
    from rich.console import Console

    class PlainConsole(Console):
        def render_str(self, text: str, **style: Any) -> "Text":
            return super().render_str(printable(text), **style)

    return PlainConsole(highlight=False, markup=False, emoji=False, **options)


def say(text: str) -> None:
    """Print a line of results as it is, not wrapped."""
    stdout_console().print(text, soft_wrap=True)


def put_table(text: str) -> None:
    """Write a table to standard output as it would be in a file: UTF-8, whatever the terminal's encoding is."""
    typer.echo(text.encode(), nl=False)


def number_of(count: float, what: str) -> str:
    """Return a number with its noun: ``1 sample``, ``2 samples``."""
    return f"{count:,.0f} {what}{'' if count == 1 else 's'}"


def show_any_name() -> None:
    """Let the output escape the characters that its encoding does not have, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        # Python's own choices of what to do; PYTHONIOENCODING may name another.
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def command_line() -> str:
    """Return the running command as one types it, for the record of the run."""
    return shlex.join(["dnmf", *sys.argv[1:]])


def busy(what: str, console: "Console", *, quiet: bool) -> AbstractContextManager[Any]:
    """Show that something takes a moment; on a terminal only, as it leaves no line behind."""
    if quiet or not console.is_terminal:
        return nullcontext()
    # The default is drawn with Braille characters.
    return console.status(what, spinner="dots" if console.encoding.startswith("utf") else "line")
