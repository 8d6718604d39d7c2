"""Figure 8 and section 2.5: the training cost along the iterations, and what inference takes."""

from collections.abc import Callable

import numpy as np
import torch

from dnmf.kernels import (
    Phase,
    exact_exposures,
    initialize_factors,
    nmf_anls,
    nmf_mu,
    successive_projection,
    update_exposures,
)
from dnmf.unfolding import UnfoldedMU
from paper import protocol_authors
from paper.cells import Cell, Clock, Method, Row
from paper.datasets import Dataset
from paper.protocol_paper import NO_TOLERANCE

ITERATIONS = 500
RECORDED = sorted({*range(1, 11), *range(10, 101, 5), *range(100, ITERATIONS + 1, 20)})
N_STARTS = 10
REPEATS = 20


def _trace(costs: list[float], name: str, seconds: float) -> list[Row]:
    """Keep enough of a curve to draw it; costs are per sample, entry i after iteration i + 1."""
    return [
        {"inference": name, "iteration": i, "full": costs[i - 1], "seconds_train": seconds}
        for i in RECORDED
        if i <= len(costs)
    ]


def network_trace(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Trace the paper's network as its authors train it."""
    clock = Clock()
    X = torch.tensor(data.X[train], dtype=torch.float32)
    *_, costs = protocol_authors.train_unsupervised_network(
        X, data.n_components, cell.layers, cell.lam
    )
    return _trace(costs, "network", clock.lap())


def mu_trace(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Trace MU from equal entries and from random ones."""
    X = torch.tensor(data.X[train])
    clock, rows = Clock(), []
    for start in range(N_STARTS + 1):
        name = f"random start {start}" if start else "equal entries"
        generator = torch.Generator().manual_seed(start)
        factors = initialize_factors(
            X, data.n_components, "random" if start else "ones", generator=generator
        )
        fit = nmf_mu(
            X, *factors, l1_reg=cell.lam, l2_reg=cell.lam, max_iter=ITERATIONS, tol=NO_TOLERANCE
        )
        rows += _trace([cost / len(X) for cost in fit.cost[1:]], name, clock.lap())
    return rows


def alternating_trace(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Trace alternating least squares, for scale; without penalties, see `ours_unsupervised.alternating`."""
    X = torch.tensor(data.X[train])
    clock = Clock()
    start = successive_projection(X, data.n_components)
    fit = nmf_anls(X, start, phases=(Phase(ITERATIONS),))
    return _trace([cost / len(X) for cost in fit.cost], "start in the data", clock.lap())


def run_time(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Seconds of one thread to infer the exposures of the test samples, best of 20, for the true signatures."""
    assert data.signatures is not None
    samples, W = torch.tensor(data.X[test]), torch.tensor(data.signatures)
    network = UnfoldedMU.from_dictionary(W, cell.layers)

    def forward() -> None:
        with torch.no_grad():
            network(samples)

    def updates(n_iterations: int) -> None:
        H = samples.new_ones(len(samples), len(W))
        for _ in range(n_iterations):
            H = update_exposures(samples, H, W)

    jobs: dict[str, Callable[[], object]] = {
        "network": forward,
        "mu 10": lambda: updates(10),
        "mu 100": lambda: updates(100),
        "exact": lambda: exact_exposures(samples, W),
    }
    rows: list[Row] = []
    for name, job in jobs.items():
        seconds = min(_seconds(job) for _ in range(REPEATS))
        rows.append({"inference": name, "tested": len(test), "seconds_infer": seconds})
    return rows


def _seconds(job: Callable[[], object]) -> float:
    clock = Clock()
    job()
    return clock.lap()


METHODS: dict[tuple[str, str], Method] = {
    ("training cost", "dnmf"): network_trace,
    ("training cost", "mu"): mu_trace,
    ("training cost", "alternating"): alternating_trace,
    ("run time", "inference"): run_time,
}
