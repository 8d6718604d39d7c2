"""What a user sees on any terminal, and when the system ends a command."""

import errno
import io
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from dnmf.cli.console import (
    UserError,
    available_cores,
    say,
    show_any_name,
    shown_warnings,
    stderr_console,
    stdout_console,
    user_errors,
)


@pytest.fixture
def no_signal_ignored() -> Iterator[None]:
    """Signals end a program, also where the tests were started with ``nohup``."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


NAME = "Zürich χ [/b] [red] :key: \udcff\x1b[2J"


def shown(encoding: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Show the name in all ways on streams of an encoding; return what came on stdout and stderr."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    show_any_name()
    say(NAME)
    stdout_console().print(NAME[:-4])
    errors = stderr_console()
    with shown_warnings(errors):
        warnings.warn(NAME, UserWarning, stacklevel=1)
    with pytest.raises(typer.Exit), user_errors():
        raise UserError(NAME)
    for stream in streams:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    return out, err


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", r"Z\xfcrich \u03c7 [/b] [red] :key: \udcff"),
        ("latin-1", r"Zürich \u03c7 [/b] [red] :key: \udcff"),
        ("utf-8", r"Zürich χ [/b] [red] :key: \udcff"),
    ],
)
def test_what_a_terminal_cannot_show_is_escaped(
    encoding: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = shown(encoding, monkeypatch)
    assert out.count(expected) == 2
    assert err.count(expected) == 2
    assert r"\x1b[2J" in out + err
    assert "\x1b" not in out + err


@pytest.mark.skipif(os.name == "nt", reason="a locale of POSIX")
def test_names_in_a_locale_that_does_not_have_them(
    tmp_path: Path, catalog_rows: list[list[str]]
) -> None:
    """The table that is written holds them as UTF-8, the one on the screen escapes them."""
    total = sum(int(row[1]) for row in catalog_rows[1:])
    rows = [["Type", "Sχ"], *([row[0], repr(int(row[1]) / total)] for row in catalog_rows[1:])]
    text = "".join("\t".join(row) + "\n" for row in rows)
    (tmp_path / "größen.tsv").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            *[sys.executable, "-m", "dnmf", "match"],
            *["größen.tsv", "--reference", "größen.tsv", "-o", "ü.tsv"],
        ],
        env=os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert r"S\u03c7" in done.stdout.decode("ascii")
    assert "Sχ" in (tmp_path / "ü.tsv").read_text("utf-8")


@pytest.mark.usefixtures("no_signal_ignored")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_programs_ends_a_command_as_ctrl_c_does(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = getattr(signal, name, None)
    if number is None or os.name == "nt":
        pytest.skip(f"no {name} on this system")
    (tmp_path / "out.checkpoint").mkdir()
    cleaned: list[str] = []

    def command() -> None:
        with user_errors(tmp_path / "out", tmp_path / "out.checkpoint"):
            try:
                os.kill(os.getpid(), number)
            finally:
                os.kill(os.getpid(), number)  # a second one does not disturb the cleaning up
                cleaned.append("all")

    with pytest.raises(typer.Exit) as end:
        command()
    assert cleaned == ["all"]
    assert end.value.exit_code == 128 + number
    assert capsys.readouterr().err == (
        f"Interrupted by {name}. Nothing was written to {tmp_path / 'out'}. What was finished is in "
        f"{tmp_path / 'out.checkpoint'}: repeat the command to go on from there.\n"
    )
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize(("file", "place"), [((), ""), (("out.tsv",), "out.tsv: ")])
def test_a_full_disk_is_told_with_what_to_do(
    file: tuple[str, ...], place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit), user_errors():
        raise OSError(errno.ENOSPC, "No space left on device", *file)
    told = f"Error: {place}no space left on device. Make room or choose another place."
    assert capsys.readouterr().err == f"{told}\nNothing was written.\n"


@pytest.mark.usefixtures("no_signal_ignored")
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals of POSIX")
def test_a_terminal_that_is_gone_does_not_change_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(5, "Input/output error")

    def command() -> None:
        with user_errors(tmp_path / "out"):
            try:
                os.kill(os.getpid(), signal.SIGHUP)
            finally:  # as a progress bar does
                sys.stderr.write("the last line")

    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(sys, "stderr", Gone())
    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 129
    assert {sys.stdout.name, sys.stderr.name} == {os.devnull}
    sys.stdout.close()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no nohup")
def test_an_ignored_signal_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with user_errors():
            os.kill(os.getpid(), signal.SIGHUP)
            inside = signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert inside is signal.SIG_IGN


def test_cores_are_counted_where_a_process_cannot_be_bound_to_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert available_cores() == 3
