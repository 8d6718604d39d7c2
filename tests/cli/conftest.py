"""A small catalog, its text, and one finished extraction that many tests look at."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from dnmf.cli.main import app

CHANNELS = [
    f"{left}[{ref}>{alt}]{right}"
    for left in "ACGT"
    for ref, alts in (("C", "AGT"), ("T", "ACG"))
    for alt in alts
    for right in "ACGT"
]
N_SAMPLES = 12
# Click before 8.2 mixes stderr into stdout unless told not to; later versions know no such option.
SEPARATE = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}


@pytest.fixture(scope="session")
def counts() -> np.ndarray:
    """Counts (96, 12) of twelve samples made of three sparse signatures."""
    rng = np.random.default_rng(7)
    signatures = rng.dirichlet(np.full(96, 0.1), size=3)
    exposures = rng.gamma(1.0, 3000.0, size=(N_SAMPLES, 3))
    return rng.poisson(exposures @ signatures).T


@pytest.fixture(scope="session")
def catalog_rows(counts: np.ndarray) -> list[list[str]]:
    """The catalog as cells: a header, then one row per channel; line ``i`` of the file is row ``i - 1``."""
    header = ["MutationType", *(f"S{i:02d}" for i in range(N_SAMPLES))]
    return [header, *([label, *map(str, row)] for label, row in zip(CHANNELS, counts, strict=True))]


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Write rows of cells as a TSV file in the test's folder."""

    def write(rows: list[list[str]], name: str = "catalog.tsv") -> Path:
        path = tmp_path / name
        path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def catalog_file(write_rows: Callable[..., Path], catalog_rows: list[list[str]]) -> Path:
    return write_rows(catalog_rows)


def run(*args: object) -> Result:
    """Run the command line in this process; a traceback fails the test that called."""
    result = CliRunner(**SEPARATE).invoke(app, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="session")
def dnmf() -> Callable[..., Result]:
    return run


@pytest.fixture(scope="session")
def extraction(
    tmp_path_factory: pytest.TempPathFactory,
    catalog_rows: list[list[str]],
    leave_out_pictures: Callable[[], AbstractContextManager[None]],
) -> tuple[Path, Path, Result]:
    """Catalog file, output folder and outcome of ``dnmf extract`` with three signatures."""
    folder = tmp_path_factory.mktemp("extraction")
    catalog = folder / "catalog.tsv"
    catalog.write_text("".join("\t".join(row) + "\n" for row in catalog_rows), encoding="utf-8")
    options = ["-k", 3, "-o", folder / "out", "--epochs", 20, "--seed", 5, "--restarts", 0]
    with leave_out_pictures():
        result = run("extract", catalog, *options)
    assert result.exit_code == 0, result.stderr
    return catalog, folder / "out", result
