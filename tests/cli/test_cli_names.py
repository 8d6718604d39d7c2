"""Names of samples, signatures and files are text: on the terminal, in tables, warnings and errors."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.table import Table

from dnmf.cli.console import stderr_console, stdout_console
from dnmf.report.names import printable
from dnmf.signatures import SBS96, load_reference

pytestmark = pytest.mark.usefixtures("unpainted")

HOSTILE = [
    "[/b]",
    "[red]x",
    "[link=http://a]x[/link]",
    ":bug:",
    "[",
    "\\[x]",
    "a\u202eb",
    "\u2066c",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("console", [stdout_console, stderr_console])
def test_a_console_shows_names_as_they_are(console, name):
    shown = console()
    shown.file = StringIO()
    table = Table(title=name, caption=name)
    table.add_column(name)
    table.add_row(name)
    shown.print(table)
    shown.print(name)
    assert shown.file.getvalue().count(printable(name)) == 5


def write_table(path, names, values):
    pd.DataFrame(values, index=pd.Index(SBS96.labels, name="Type"), columns=names).to_csv(
        path, sep="\t"
    )
    return path


def test_refit_and_match_with_hostile_names(dnmf, tmp_path):
    names = [name for name in HOSTILE if name != "["]
    profiles = load_reference("cosmic-v3.4").profiles[list(SBS96.labels)].to_numpy()[: len(names)].T
    signatures = write_table(tmp_path / "[red]names.tsv", names, profiles)
    counts = np.random.default_rng(0).poisson(500 * profiles[:, :3] + 1)
    catalog = write_table(tmp_path / "catalog.tsv", ["[/b]", "=1+1", ":bug:"], counts)
    refit = dnmf("refit", catalog, "-o", tmp_path / "OUT", "--reference", signatures)
    assert refit.exit_code == 0, refit.output
    assert "[/b]" in refit.stdout
    assert "[red]names" in refit.stdout
    match = dnmf("match", signatures, "--reference", signatures)
    assert match.exit_code == 0, match.output
    for name in names:
        assert printable(name) in match.stdout


@pytest.mark.parametrize("name", ["[b]", "[red]x.tsv", "a\u202eb.tsv", ":bug:"])
def test_errors_name_files_as_they_are(dnmf, tmp_path, name):
    result = dnmf("refit", tmp_path / name, "-o", tmp_path / "[b]OUT")
    assert result.exit_code == 2
    assert printable(name) in result.stderr
    assert "[b]OUT" in result.stderr


@pytest.mark.parametrize("value", ["[/b]", "[red]x"])
def test_options_are_text_too(dnmf, tmp_path, value):
    result = dnmf("refit", "x.tsv", "-o", tmp_path / "OUT", "--method", value)
    assert result.exit_code == 2
    assert value in result.stderr
