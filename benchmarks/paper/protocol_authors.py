"""Protocol ``authors``: what the notebook published with the paper computes, to match the paper's numbers.

Confirmed digit by digit: its multiplicative updates are reproduced to the last bit of the published tables, its
supervised network to six digits. Everything below that looks like a mistake is one that the numbers carry.
"""

import numpy as np
import scipy.optimize
import torch

from dnmf.kernels import frobenius_cost
from dnmf.unfolding import TrainConfig, UnfoldedMU, train_supervised
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
from paper.datasets import Dataset, folds

EPOCHS, WEIGHT, RATE, SUPERVISED_RATE = 500, 0.1, 5e-4, 1e-3
MU_ITERATIONS, INFERENCE_ITERATIONS = 500, 10
PENALTIES = (0.0, 1.0, 2.0)
EPS = float(np.finfo(np.float32).eps)


def leaky_rows(train: np.ndarray) -> np.ndarray:
    """Return the rows that the notebook tests on: ``~train``, with integers.

    The complement was meant, but ``~i`` of an integer is ``-1 - i``: rows counted from the end, as many as there are
    training rows, and most of them training rows.

    Examples
    --------
    >>> leaky_rows(np.array([0, 1, 3]))
    array([-1, -2, -4])
    """
    return -1 - train


# ── multiplicative updates ───────────────────────────────────────────────────────────────────────────────────────────
# Not a second copy of `dnmf.kernels.update_exposures`: the notebook's own arithmetic, in its orientation (channels in
# rows), its order of additions and its place of the guard. All entries start equal, a saddle of rank 1 which the
# iteration leaves by rounding errors only, so another order of the same sum gives another published number.


def update_signatures_(V: np.ndarray, W: np.ndarray, H: np.ndarray) -> None:
    """Update W (f, k) in place."""
    W *= (V @ H.T) / (W @ (H @ H.T) + EPS)


def update_exposures_(V: np.ndarray, W: np.ndarray, H: np.ndarray, penalty: float) -> None:
    """Update H (k, n) in place."""
    H *= (W.T @ V) / (EPS + W.T @ W @ H + penalty * H + penalty)


def _inferred(V: np.ndarray, W: np.ndarray, penalty: float) -> np.ndarray:
    H = np.ones((W.shape[1], V.shape[1]))
    for _ in range(INFERENCE_ITERATIONS):
        update_exposures_(V, W, H, penalty)
    return H


def unsupervised_mu(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """MU from equal entries; penalised in training, not at test time; the data term is reported."""
    clock = Clock()
    V = data.X.T.copy()
    fitted = V[:, train]
    W = np.ones((len(V), data.n_components)) / len(V)
    H = np.ones((data.n_components, fitted.shape[1]))
    for _ in range(MU_ITERATIONS):
        update_signatures_(fitted, W, H)
        update_exposures_(fitted, W, H, cell.lam)
    more = {**recovery(data, W.T), "seconds_train": clock.lap()}
    rows = []
    for where, columns in (("", leaky_rows(train)), (", held out", test)):
        H = _inferred(V[:, columns], W, 0.0)
        more["seconds_infer"] = clock.lap()
        name = f"mu {INFERENCE_ITERATIONS}{where}"
        row = unsupervised_row(data.X[columns], H.T, W.T, cell.lam, inference=name, **more)
        rows.append(row | ({} if where else {"reported": repr(row["mean"])}))
    return rows


def dictionary_of_chain(data: Dataset, fold: int, penalty: float) -> np.ndarray:
    """Return W (f, k) as the notebook has it when it comes to a fold and penalty of the supervised comparison.

    It starts from the *true* signatures and updates them for the training samples' *true* exposures, 500 times for
    every fold and penalty, in one array that is never set back: fold 1 goes on where fold 0 ended.
    """
    assert data.unscaled_signatures is not None
    assert data.exposures is not None
    V, exposures = data.X.T.copy(), data.exposures.T.copy()
    W = data.unscaled_signatures.T.copy()
    for number, (train, _) in enumerate(folds(data.X)):
        fitted, H = V[:, train], exposures[:, train]
        moments, gram = fitted @ H.T, H @ H.T
        for value in PENALTIES:
            for _ in range(MU_ITERATIONS):
                W *= moments / (W @ gram + EPS)
            if (number, value) == (fold, penalty):
                return W
    raise ValueError(f"no fold {fold} with penalty {penalty:g}: folds 0 to 4, penalties 0, 1 and 2")


def supervised_mu(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """MU with almost the true dictionary, 10 iterations; the *sum* over tested samples is reported, not the mean."""
    assert data.exposures is not None
    clock = Clock()
    W = dictionary_of_chain(data, cell.fold, cell.lam)
    seconds = clock.lap()
    V = data.X.T.copy()
    rows = []
    for where, columns in (("", leaky_rows(train)), (", held out", test)):
        H = _inferred(V[:, columns], W, cell.lam)
        row = supervised_row(
            H.T,
            data.exposures[columns],
            inference=f"mu {INFERENCE_ITERATIONS}{where}",
            seconds_train=seconds,
            seconds_infer=clock.lap(),
        )
        total = float(np.square(data.exposures[columns] - H.T).sum())
        rows.append(row | ({} if where else {"reported": repr(total)}))
    return rows


# ── the network ──────────────────────────────────────────────────────────────────────────────────────────────────────


def scipy_signatures(X: torch.Tensor, H: torch.Tensor) -> torch.Tensor:
    """Return the dictionary by SciPy's NNLS, channel by channel.

    As exact as :func:`dnmf.kernels.exact_signatures`, but where components are equal, as all are in the first epochs,
    SciPy's choice among the solutions decides the way the training takes.
    """
    A = H.detach().numpy()
    columns = [scipy.optimize.nnls(A, channel)[0] for channel in X.numpy().T]
    return torch.tensor(np.stack(columns, axis=1)).to(X)


def train_unsupervised_network(
    X: torch.Tensor, n_components: int, n_layers: int, penalty: float
) -> tuple[UnfoldedMU, torch.Tensor, list[float]]:
    """Train as the notebook does: cost with last epoch's dictionary, then the dictionary for exposures before the step.

    Returns
    -------
    network, W, costs
        The dictionary is one step behind the network. Costs per sample, one an epoch.
    """
    f = X.shape[1]
    network = UnfoldedMU(
        f, n_components, n_layers, weight_init=WEIGHT, dtype=X.dtype, l1_reg=penalty, l2_reg=penalty
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    W = X.new_full((n_components, f), 1 / f)
    costs = []
    for _ in range(EPOCHS):
        H = network(X)
        cost = frobenius_cost(X, H, W, l1_reg=penalty, l2_reg=penalty) / len(X)
        optimiser.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        network.project_nonnegative_()
        W = scipy_signatures(X, H)
        costs.append(cost.item())
    return network, W, costs


def unsupervised_network(
    data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell
) -> list[Row]:
    """DNMF in single precision; the full cost, penalties included, is reported."""
    clock = Clock()
    X = torch.tensor(data.X, dtype=torch.float32)
    network, dictionary, _ = train_unsupervised_network(
        X[train], data.n_components, cell.layers, cell.lam
    )
    W = dictionary.double().numpy()
    more = {**recovery(data, W), "seconds_train": clock.lap()}
    rows = []
    for where, columns in (("", leaky_rows(train)), (", held out", test)):
        with torch.no_grad():
            H = network(X[columns]).double().numpy()
        more["seconds_infer"] = clock.lap()
        row = unsupervised_row(data.X[columns], H, W, cell.lam, inference=f"network{where}", **more)
        rows.append(row | ({} if where else {"reported": repr(row["full"])}))
    H = exact(data.X[test], W, cell.lam)
    more["seconds_infer"] = clock.lap()
    rows.append(unsupervised_row(data.X[test], H, W, cell.lam, inference="exact, held out", **more))
    return rows


def supervised_network(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Supervised DNMF, penalties learned from 1 or held where they are.

    Figure 3 of the paper compares ``"learned"`` with what it calls no regularisation: penalties fixed at 1. A network
    without penalties (``"0"``) is not in the notebook's tables; it is here as the comparison that was meant.
    """
    assert data.exposures is not None
    clock = Clock()
    X, H_true = (torch.tensor(a, dtype=torch.float32) for a in (data.X, data.exposures))
    start = 1.0 if cell.penalty == LEARNED else cell.lam
    network = UnfoldedMU(
        X.shape[1],
        data.n_components,
        cell.layers,
        l1_reg=start,
        l2_reg=start,
        learn_penalties=cell.penalty == LEARNED,
        dtype=X.dtype,
    )
    train_supervised(network, X[train], H_true[train], config=TrainConfig(EPOCHS, SUPERVISED_RATE))
    seconds = clock.lap()
    rows = []
    for where, columns in (("", leaky_rows(train)), (", held out", test)):
        with torch.no_grad():
            H = network(X[columns]).double().numpy()
        row = supervised_row(
            H,
            data.exposures[columns],
            inference=f"network{where}",
            seconds_train=seconds,
            seconds_infer=clock.lap(),
        )
        rows.append(row | ({} if where else {"reported": repr(row["mean"])}))
    return rows


METHODS: dict[tuple[str, str], Method] = {
    ("unsupervised", "dnmf"): unsupervised_network,
    ("unsupervised", "mu"): unsupervised_mu,
    ("supervised", "dnmf"): supervised_network,
    ("supervised", "mu"): supervised_mu,
}
