"""The paper's data sets, as they lie in one folder, and the check that they are those."""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from dnmf.exceptions import InputDataError
from dnmf.signatures import read_catalog, read_exposures, read_signatures

SIMULATED = (
    "pancreas_sp.sp",
    "pancreas_sa.sa.96",
    "many.types_sp.sp",
    "many.types_sa.sa.96",
    "3.5.40.rcc.and.ovary_sp.sp",
    "3.5.40.rcc.and.ovary_sa.sa.96",
    "3.5.40.abst_sp.sp",
    "3.5.40.abst_sa.sa.96",
    "2.7a.7b.bladder.and.melanoma_sp.sp",
    "2.7a.7b.bladder.and.melanoma_sa.sa.96",
    "2.7a.7b.abst_sp.sp",
    "2.7a.7b.abst_sa.sa.96",
)
BREAST, BREAST_COMPONENTS = "brca_560", 12
BREAST_FILE = "brca_560_sbs96.tsv"
PUBLISHED_FILES = tuple(f"published/fig_{name}.csv" for name in ("3", "4", "5", "6", "6_brca_cv"))


@dataclass(frozen=True)
class Dataset:
    """Samples by channels, and what is known of how they were made.

    Attributes
    ----------
    name : str
        One of ``SIMULATED``, or ``BREAST``.
    X : (n, 96)
        Counts.
    signatures : (k, 96), optional
        The true signatures, rows summing to 1.
    n_components : int
        k of the paper.
    exposures : (n, k), optional
        The true exposures, in mutations.
    unscaled_signatures : (k, 96), optional
        The digits of the file: rows sum to 1 up to their rounding.
    """

    name: str
    X: np.ndarray
    signatures: np.ndarray | None
    n_components: int
    exposures: np.ndarray | None = None
    unscaled_signatures: np.ndarray | None = None


def short_name(name: str) -> str:
    """Return the name of a set without what does not tell it from another.

    Examples
    --------
    >>> short_name("pancreas_sa.sa.96"), short_name("3.5.40.rcc.and.ovary_sp.sp"), short_name("2.7a.7b.abst_sp.sp")
    ('pancreas_sa', 'rcc.and.ovary_sp', '2.7a.7b.abst_sp')
    """
    name = name.removesuffix(".sp").removesuffix(".sa.96")
    return name.replace("3.5.40.rcc", "rcc").replace("2.7a.7b.bladder", "bladder")


def files_of(name: str) -> dict[str, str]:
    """Return the files of a set by what they hold, relative to the data folder."""
    if name == BREAST:
        return {"catalog": BREAST_FILE}
    kinds = ("catalog", "sigs", "exposures")
    return {kind: f"simulated/syn.{name}/ground.truth.syn.{kind}.csv" for kind in kinds}


@lru_cache(maxsize=3)
def load_dataset(data: Path, name: str) -> Dataset:
    """Read one of the paper's sets from the folder ``data``."""
    paths = {kind: data / file for kind, file in files_of(name).items()}
    catalog = read_catalog(paths["catalog"]).counts
    if name == BREAST:
        return Dataset(name, catalog.to_numpy(float), None, BREAST_COMPONENTS)
    profiles = read_signatures(paths["sigs"]).profiles
    exposures = read_exposures(paths["exposures"]).loc[catalog.index, profiles.index]
    return Dataset(
        name,
        catalog.to_numpy(float),
        profiles.to_numpy(),
        len(profiles),
        exposures.to_numpy(float),
        _read_unscaled(paths["sigs"], list(profiles.columns), list(profiles.index)),
    )


def _read_unscaled(path: Path, channels: list[str], names: list[str]) -> np.ndarray:
    """Read a table of signatures without scaling it: `read_signatures` would make every row sum to 1."""
    table = pd.read_csv(path)
    kind, context = table.iloc[:, 0], table.iloc[:, 1]
    table.index = pd.Index(context.str[0] + "[" + kind + "]" + context.str[2])
    digits: np.ndarray = table.loc[channels, names].to_numpy(float).T
    return digits


def folds(X: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (training rows, test rows): five folds over samples, the same in every benchmark."""
    yield from KFold(5, shuffle=True, random_state=1).split(X)


def expected_files() -> dict[str, str]:
    """Return the SHA-256 of every file of the paper's data, by its path in the data folder."""
    text = (Path(__file__).parent / "data" / "paper_files.csv").read_text(encoding="utf-8")
    return {row["path"]: row["sha256"] for row in csv.DictReader(text.splitlines())}


def check_files(data: Path, sets: Iterable[str], expected: Mapping[str, str] | None = None) -> None:
    """Raise unless the folder holds the published numbers and these sets, unaltered.

    Raises
    ------
    InputDataError
        Names every file that is missing or differs, with its checksum, and the layout that is expected.
    """
    expected = expected_files() if expected is None else expected
    wanted = [file for name in sets for file in files_of(name).values()]
    faults = []
    for file in (*wanted, *PUBLISHED_FILES):
        path = data / file
        if not path.is_file():
            faults.append(f"  {file} is missing; expected SHA-256 {expected[file]}")
            continue
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != expected[file]:
            faults.append(
                f"  {file} differs from the published one: SHA-256 {found}, expected {expected[file]}"
            )
    if faults:
        raise InputDataError(
            f"{data} does not hold the paper's data as they were published:\n"
            + "\n".join(faults)
            + "\nExpected layout: simulated/syn.SET/ground.truth.syn.{catalog,sigs,exposures}.csv for each of the 12 "
            f"simulated sets, {BREAST_FILE}, and published/fig_{{3,4,5,6,6_brca_cv}}.csv with the numbers behind "
            "the paper's figures: all from the repository of the paper's code, github.com/raminass/deep-NMF, the "
            "breast genomes with labels added."
        )
