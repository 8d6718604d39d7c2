"""What one computation of the benchmark is called, and what it returns."""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, fields
from time import process_time
from typing import Any

import numpy as np
import torch

from dnmf.kernels import exact_exposures
from paper.datasets import Dataset
from paper.scores import exposure_errors, found, penalty_costs, sample_costs, summarise
from paper.table import ROWS_OF_CELL

Row = dict[str, Any]
LEARNED = "learned"  # instead of a number: the penalties are weights of the network


@dataclass(frozen=True)
class Cell:
    """One computation: its fields are the key columns of the results.

    Attributes
    ----------
    protocol : str
        ``"paper"``, ``"authors"`` or ``"ours"``.
    experiment : str
        ``"supervised"``, ``"unsupervised"``, ``"training cost"``, ``"run time"``, or ``"poisson N"``: supervised on
        Poisson counts with N mutations a sample.
    set : str
        Name of the data set.
    fold : int
        0 to 4.
    method : str
        Name within the protocol.
    penalty : str
        lambda_1 = lambda_2, or ``"learned"``.
    layers : int
        Of the network; 0 where there is none.
    """

    protocol: str
    experiment: str
    set: str
    fold: int
    method: str
    penalty: str = "0"
    layers: int = 0

    @property
    def lam(self) -> float:
        """The penalty as a number."""
        return float(self.penalty)

    def __str__(self) -> str:
        depth = f", {self.layers} layers" if self.layers else ""
        return (
            f"{self.protocol}: {self.experiment}, {self.set} fold {self.fold}, {self.method}, "
            f"penalty {self.penalty}{depth}"
        )


Method = Callable[
    [Dataset, np.ndarray, np.ndarray, Cell], list[Row]
]  # data, training and test rows
KEYS = tuple(field.name for field in fields(Cell))
VALUES = (
    "inference",
    "iteration",
    "tested",
    "n_components",
    "reported",
    "mean",
    "median",
    "trimmed",
    "full",
    "found_90",
    "found_95",
    "found_99",
    "seconds_train",
    "seconds_infer",
    ROWS_OF_CELL,
)


def with_keys(cell: Cell, rows: list[Row]) -> list[Row]:
    """Complete the rows of a cell by its name and their number."""
    names = dict(zip(KEYS, astuple(cell), strict=True))
    return [{**names, ROWS_OF_CELL: len(rows), **row} for row in rows]


class Clock:
    """Processor seconds since it was made, or since it was last read.

    Examples
    --------
    >>> clock = Clock()
    >>> clock.lap() >= 0
    True
    """

    def __init__(self) -> None:
        self.started = process_time()

    def lap(self) -> float:
        """Return the seconds since the last reading."""
        before, self.started = self.started, process_time()
        return self.started - before


def unsupervised_row(
    X: np.ndarray, exposures: np.ndarray, signatures: np.ndarray, penalty: float, **more: object
) -> Row:
    """Describe a factorisation of test samples: the data term in three averages, and the mean of the full cost."""
    costs = sample_costs(X, exposures, signatures)
    full = float((costs + penalty_costs(exposures, penalty)).mean())
    return {"tested": len(X), **summarise(costs), "full": full, **more}


def supervised_row(exposures: np.ndarray, truth: np.ndarray, **more: object) -> Row:
    """Describe estimated exposures of test samples: squared error in three averages."""
    return {"tested": len(truth), **summarise(exposure_errors(exposures, truth)), **more}


def recovery(data: Dataset, signatures: np.ndarray) -> Mapping[str, int]:
    """Count the true signatures found; nothing where they are not known."""
    return {} if data.signatures is None else found(signatures, data.signatures)


def exact(X: np.ndarray, signatures: np.ndarray, penalty: float = 0.0) -> np.ndarray:
    """Return the exposures of lowest cost, in float64."""
    samples, W = torch.tensor(X), torch.tensor(signatures, dtype=torch.float64)
    solution: np.ndarray = exact_exposures(samples, W, l1_reg=penalty, l2_reg=penalty).numpy()
    return solution
