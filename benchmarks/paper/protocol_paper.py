"""Protocol ``paper``: what the text says, with held-out folds, and our reading where it says nothing.

Everything starts at 1 (weights, penalties, exposures, MU's factors). The text gives no learning rate, number of epochs
or iterations, nor precision: 1e-3 (Adam's usual, and the notebook's where everything starts at 1), 500, and single.
"""

from typing import Any

import numpy as np
import torch

from dnmf.estimators import DNMF, PaperDNMF, PaperSupervisedDNMF
from dnmf.kernels import nmf_mu, scale_signatures_to_unit_sum
from paper.cells import (
    LEARNED,
    Cell,
    Clock,
    Method,
    Row,
    exact,
    recovery,
    supervised_row,
    unsupervised_row,
)
from paper.datasets import Dataset

EPOCHS, RATE, MU_ITERATIONS = 500, 1e-3, 500
NO_TOLERANCE = -1.0  # every iteration is done, also those that gain nothing
UNSUPERVISED_INFERENCE, SUPERVISED_INFERENCE = 100, 10  # section 2.5


def unsupervised_network(
    data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell
) -> list[Row]:
    """DNMF, unsupervised: the dictionary by NNLS, then the cost."""
    return network_rows(
        PaperDNMF(
            data.n_components,
            n_layers=cell.layers,
            weight_init=1.0,
            learning_rate=RATE,
            max_epochs=EPOCHS,
            l1_reg=cell.lam,
            l2_reg=cell.lam,
            dtype="float32",
        ),
        data,
        train,
        test,
        cell,
    )


def network_rows(
    model: DNMF | PaperDNMF, data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell
) -> list[Row]:
    """Fit a model and judge what its network, and what an exact solver, infers with its dictionary."""
    clock = Clock()
    model.fit(data.X[train])
    W = np.asarray(model.components_, dtype=float)
    more: dict[str, Any] = {**recovery(data, W), "seconds_train": clock.lap()}
    H = np.asarray(model.transform(data.X[test], exact=False), dtype=float)
    more["seconds_infer"] = clock.lap()
    rows = [unsupervised_row(data.X[test], H, W, cell.lam, inference="network", **more)]
    H = exact(data.X[test], W, cell.lam)
    more["seconds_infer"] = clock.lap()
    rows.append(unsupervised_row(data.X[test], H, W, cell.lam, inference="exact", **more))
    return rows


def supervised_network(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """DNMF, supervised: penalties learned from 1, or held."""
    assert data.exposures is not None
    start = 1.0 if cell.penalty == LEARNED else cell.lam
    model = PaperSupervisedDNMF(
        n_layers=cell.layers,
        l1_reg=start,
        l2_reg=start,
        learn_penalties=cell.penalty == LEARNED,
        learning_rate=RATE,
        max_epochs=EPOCHS,
        dtype="float32",
    )
    clock = Clock()
    model.fit(data.X[train], data.exposures[train])
    seconds = clock.lap()
    H = np.asarray(model.transform(data.X[test]), dtype=float)
    row = supervised_row(
        H,
        data.exposures[test],
        inference="network",
        seconds_train=seconds,
        seconds_infer=clock.lap(),
    )
    return [row]


def _multiplicative(data: Dataset, train: np.ndarray, penalty: float) -> torch.Tensor:
    X = torch.tensor(data.X[train])
    ones = X.new_ones(len(X), data.n_components), X.new_ones(data.n_components, X.shape[1])
    return nmf_mu(
        X, *ones, l1_reg=penalty, l2_reg=penalty, max_iter=MU_ITERATIONS, tol=NO_TOLERANCE
    ).W


def mu_exposures(
    X: np.ndarray, W: torch.Tensor, n_iterations: int, penalty: float = 0.0
) -> np.ndarray:
    """Return the exposures after so many updates from 1, signatures fixed."""
    samples = torch.tensor(X)
    start = samples.new_ones(len(samples), len(W))
    result = nmf_mu(
        samples,
        start,
        W,
        l1_reg=penalty,
        l2_reg=penalty,
        max_iter=n_iterations,
        tol=NO_TOLERANCE,
        update_W=False,
    )
    exposures: np.ndarray = result.H.numpy()
    return exposures


def unsupervised_mu(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """MU from ones, 100 iterations at test time."""
    clock = Clock()
    W = _multiplicative(data, train, cell.lam)
    more: dict[str, Any] = {**recovery(data, W.numpy()), "seconds_train": clock.lap()}
    H = mu_exposures(data.X[test], W, UNSUPERVISED_INFERENCE, cell.lam)
    more["seconds_infer"] = clock.lap()
    name = f"mu {UNSUPERVISED_INFERENCE}"
    return [unsupervised_row(data.X[test], H, W.numpy(), cell.lam, inference=name, **more)]


def supervised_mu(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """MU from ones estimates the dictionary, MU the exposures; signatures are scaled to sum to 1, which helps it."""
    assert data.exposures is not None
    clock = Clock()
    W = _multiplicative(data, train, cell.lam)
    _, W = scale_signatures_to_unit_sum(W.new_ones(1, len(W)), W)
    seconds = clock.lap()
    H = mu_exposures(data.X[test], W, SUPERVISED_INFERENCE, cell.lam)
    row = supervised_row(
        H,
        data.exposures[test],
        inference=f"mu {SUPERVISED_INFERENCE}",
        seconds_train=seconds,
        seconds_infer=clock.lap(),
    )
    return [row]


METHODS: dict[tuple[str, str], Method] = {
    ("unsupervised", "dnmf"): unsupervised_network,
    ("unsupervised", "mu"): unsupervised_mu,
    ("supervised", "dnmf"): supervised_network,
    ("supervised", "mu"): supervised_mu,
}
