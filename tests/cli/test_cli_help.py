import subprocess
import sys
from collections.abc import Callable

import pytest
from typer.testing import Result

import dnmf

COMMANDS = [
    "count",
    "extract",
    "refit",
    "simulate",
    "transform",
    "match",
    "plot",
    "demo",
    "references",
]


def test_help_names_every_command(dnmf: Callable[..., Result]) -> None:
    result = dnmf("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert command in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(dnmf: Callable[..., Result], command: str) -> None:
    result = dnmf(command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from dnmf.cli.main import app\n"
        "try:\n"
        "    app(['--help'])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "print('loaded:', *{name.split('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"torch", "numpy", "scipy", "pandas", "sklearn", "matplotlib", "numba", "rich"}
    assert "typer" in loaded
    assert not heavy & loaded


@pytest.mark.parametrize("command", ["extract", "match", "refit", "simulate"])
def test_a_reference_is_chosen_alike_everywhere(dnmf: Callable[..., Result], command: str) -> None:
    text = dnmf(command, "--help").stdout
    for option in ("--reference", "--build", "--assay", "--genome", "--made-for"):
        assert option in text


def test_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dnmf", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"dnmf {dnmf.__version__}\n"


def test_no_command_shows_the_help(dnmf: Callable[..., Result]) -> None:
    assert "extract" in dnmf().output


@pytest.mark.parametrize(
    "args",
    [
        ["extrakt"],
        ["extract"],
        ["extract", "c.tsv", "-o", "out"],
        ["extract", "c.tsv", "-k", "0", "-o", "out"],
        ["extract", "c.tsv", "-k", "three", "-o", "out"],
        ["extract", "c.tsv", "-k", "3", "-o", "out", "--l1", "-1"],
        ["extract", "c.tsv", "-k", "3", "-o", "out", "--l2", "nan"],
        ["extract", "c.tsv", "-k", "3", "-o", "out", "--l1", "inf"],
        ["extract", "c.tsv", "-k", "3", "-o", "out", "--layers", "0"],
        ["extract", "c.tsv", "-k", "3", "-o", "out", "--epochs", "0"],
        ["extract", "c.tsv", "-k", "3", "-o", "out", "--seed", "-1"],
        ["extract", "c.tsv", "-k", "3", "-o", "out", "--preset", "best"],
        ["transform", "model"],
        ["match"],
        ["plot"],
    ],
)
def test_wrong_usage_is_told_on_stderr_with_exit_code_2(
    dnmf: Callable[..., Result], args: list[str]
) -> None:
    result = dnmf(*args)
    assert result.exit_code == 2
    assert "Error" in result.stderr
    assert result.stdout == ""
