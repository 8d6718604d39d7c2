"""Small folders that look like the paper's data."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.signatures import SBS96
from paper import datasets

SMALL = "pancreas_sp.sp"


def write_set(folder: Path, name: str, n: int, k: int, seed: int) -> None:
    """Write noise-free counts, rounded, in the layout of the published files: channels in rows."""
    rng = np.random.default_rng(seed)
    signatures = rng.dirichlet(np.full(96, 0.2), size=k)
    exposures = rng.gamma(1.0, 1000.0, size=(n, k))
    labels = [(f"{c[2]}>{c[4]}", f"{c[0]}{c[2]}{c[6]}") for c in SBS96.labels]
    index = pd.MultiIndex.from_tuples(labels, names=["Mutation type", "Trinucleotide"])
    samples = [f"S{i}" for i in range(n)]
    names = [f"SBS{i + 1}" for i in range(k)]
    target = folder / "simulated" / f"syn.{name}"
    target.mkdir(parents=True)
    counts = np.rint(exposures @ signatures).astype(int)
    pd.DataFrame(counts.T, index, samples).to_csv(target / "ground.truth.syn.catalog.csv")
    digits = np.round(signatures, 4)
    pd.DataFrame(digits.T, index, names).to_csv(target / "ground.truth.syn.sigs.csv")
    pd.DataFrame(exposures.T, names, samples).to_csv(target / "ground.truth.syn.exposures.csv")


def write_published(folder: Path) -> None:
    """Write tables of ones with the columns that the published ones have."""
    published = folder / "published"
    published.mkdir()
    sets, penalties = range(1, 13), (0, 1, 2)
    columns = {
        "fig_3": [c for i in sets for c in (f"super_reg_{i}", f"super_no_reg{i}")],
        "fig_5": [c for i in sets for c in (f"dnmf_{i}", *(f"mu_{p}_{i}" for p in penalties))],
        "fig_6": [f"{m}_{p}_{i}" for i in sets for m in ("dnmf", "mu") for p in penalties],
        "fig_6_brca_cv": [f"{m}_{p}_1" for m in ("dnmf", "mu") for p in penalties],
        "fig_4": [f"{m}_{d}" for d in (5, 10, 15, 20) for m in ("super", "unsuper")],
    }
    for name, header in columns.items():
        rows = 12 if name == "fig_4" else 5
        table = pd.DataFrame(np.ones((rows, len(header))), columns=header)
        table.to_csv(published / f"{name}.csv", index=False)


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small set under a name of the paper's, and published numbers, all 1."""
    folder = tmp_path_factory.mktemp("paper-data")
    write_set(folder, SMALL, 60, 3, 0)
    write_published(folder)
    return folder


@pytest.fixture
def checksums_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let the check of the data expect the files that a folder has."""

    def expect(folder: Path) -> None:
        known = datasets.expected_files() | {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*.csv")
        }
        monkeypatch.setattr(datasets, "expected_files", lambda: known)

    return expect
