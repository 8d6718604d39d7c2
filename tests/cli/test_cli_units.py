"""Catalogs that hold no counts on the command line: refused where counts are needed, else nothing is rounded."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

pytestmark = pytest.mark.usefixtures("without_pictures")

Run = Callable[..., Result]


@pytest.fixture
def frequencies(write_rows: Callable[..., Path], catalog_rows: list[list[str]]) -> Path:
    header, *rows = catalog_rows
    counts = np.array([row[1:] for row in rows], dtype=float)
    shares = counts / counts.sum(axis=0)
    return write_rows(
        [header, *([row[0], *map(repr, of.tolist())] for row, of in zip(rows, shares, strict=True))]
    )


@pytest.mark.parametrize(
    ("command", "cure"),
    [
        (("extract", "-k", 3), "multiply each sample by its number of mutations, or extract once"),
        (("refit", "--method", "nnls"), "multiply each sample by its number of mutations."),
    ],
)
def test_frequencies_are_refused_where_counts_are_needed(
    tmp_path: Path, dnmf: Run, frequencies: Path, command: tuple[object, ...], cure: str
) -> None:
    name, *options = command
    result = dnmf(name, frequencies, "-o", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert f"{frequencies}: every sample sums to 1: these are frequencies." in result.stderr
    assert cure in result.stderr
    assert "Nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == [frequencies]


def test_frequencies_are_extracted_once_and_transformed_without_rounding(
    tmp_path: Path, dnmf: Run, frequencies: Path
) -> None:
    out, new = tmp_path / "out", tmp_path / "new.tsv"
    options = ["--restarts", 0, "--epochs", 2]
    for result in (
        dnmf("extract", frequencies, "-k", 3, "-o", out, *options),
        dnmf("transform", out, frequencies, "-o", new),
    ):
        assert result.exit_code == 0
        assert result.stderr.count("Exposures are in the same unit") == 1
    for table in (out / "exposures.tsv", new):
        sums = np.loadtxt(table, skiprows=1, usecols=(1, 2, 3)).sum(axis=1)
        assert ((sums > 0.9) & (sums <= 1 + 1e-9)).all()
    assert new.read_text() == (out / "exposures.tsv").read_text()
