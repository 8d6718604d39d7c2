"""Protocol ``ours``, unsupervised: held-out folds, the best dictionary each method can make, exact exposures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import NMF

from dnmf.estimators import DNMF, MultiplicativeNMF, PaperDNMF
from dnmf.kernels import Phase, nmf_anls, successive_projection
from paper.cells import Cell, Clock, Method, Row, exact, recovery, unsupervised_row
from paper.datasets import Dataset
from paper.protocol_paper import mu_exposures, network_rows

SEED = 0
RESTARTS, MU_ITERATIONS, INFERENCE_ITERATIONS = 10, 500, (10, 100, 1000)
CD_ITERATIONS, KL_ITERATIONS, TOLERANCE = 1000, 1000, 1e-6
SCALE_OF_SIGNATURES = 1e6  # large enough that no penalty on the exposures counts
ALTERNATIONS = 270  # samples weighted, then alike


def paper_network(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Run the paper's network with its authors' settings, as our estimator has them."""
    model = PaperDNMF(
        data.n_components,
        n_layers=cell.layers,
        dictionary_order="stale",
        l1_reg=cell.lam,
        l2_reg=cell.lam,
    )
    return network_rows(model, data, train, test, cell)


def our_network(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Run the default of this package."""
    model = DNMF(data.n_components, search="signatures", n_layers=cell.layers, random_state=SEED)
    return network_rows(model, data, train, test, cell)


def multiplicative_updates(
    data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell
) -> list[Row]:
    """Take the best of ten random starts by training cost; exposures by 10, 100, 1000 updates, and exactly."""
    clock = Clock()
    models = [
        MultiplicativeNMF(
            data.n_components,
            l1_reg=cell.lam,
            l2_reg=cell.lam,
            max_iter=MU_ITERATIONS,
            tol=0,
            random_state=seed,
        ).fit(data.X[train])
        for seed in range(RESTARTS)
    ]
    W = np.asarray(min(models, key=lambda m: m.history_["cost"][-1]).components_, dtype=float)
    more: dict[str, Any] = {**recovery(data, W), "seconds_train": clock.lap()}
    rows = []
    for iterations in (*INFERENCE_ITERATIONS, None):
        if iterations is None:
            name, H = "exact", exact(data.X[test], W, cell.lam)
        else:
            name = f"mu {iterations}"
            H = mu_exposures(data.X[test], torch.tensor(W), iterations, cell.lam)
        more["seconds_infer"] = clock.lap()
        rows.append(unsupervised_row(data.X[test], H, W, cell.lam, inference=name, **more))
    return rows


Fit = Callable[[np.ndarray, int, float], np.ndarray]


def coordinate_descent(X: np.ndarray, k: int, penalty: float) -> np.ndarray:
    """Return scikit-learn's dictionary by coordinate descent; without penalties."""
    model = NMF(k, init="nndsvd", max_iter=CD_ITERATIONS, tol=TOLERANCE, random_state=SEED).fit(X)
    return np.asarray(model.components_)


def kl_updates(X: np.ndarray, k: int, penalty: float) -> np.ndarray:
    """Return scikit-learn's dictionary by multiplicative updates of the Kullback-Leibler cost; without penalties."""
    model = NMF(
        k,
        init="nndsvda",
        solver="mu",
        beta_loss="kullback-leibler",
        max_iter=KL_ITERATIONS,
        tol=TOLERANCE,
        random_state=SEED,
    ).fit(X)
    return np.asarray(model.components_)


def alternating(X: np.ndarray, k: int, penalty: float) -> np.ndarray:
    """Alternate exact least squares, extrapolated; samples weighted by 1/sqrt(total), then alike.

    The paper penalises exposures and leaves the scale of the signatures free, so every penalty can be made as small as
    one likes: signatures times 10^6, exposures through it. The best solution with penalties is the one without, scaled.
    """
    samples = torch.tensor(X)
    roots = samples.sum(dim=1).clamp(min=1).rsqrt()
    phases = (Phase(ALTERNATIONS),)
    W = successive_projection(samples, k)
    W = nmf_anls(samples, W, phases=phases, sample_weights=roots).W
    dictionary: np.ndarray = nmf_anls(samples, W, phases=phases).W.numpy()
    return dictionary * (SCALE_OF_SIGNATURES if penalty else 1.0)


def _with_exact_exposures(
    fit: Fit,
) -> Callable[[Dataset, np.ndarray, np.ndarray, Cell], list[Row]]:
    def method(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
        clock = Clock()
        W = fit(data.X[train], data.n_components, cell.lam)
        more: dict[str, Any] = {**recovery(data, W), "seconds_train": clock.lap()}
        H = exact(data.X[test], W, cell.lam)
        more["seconds_infer"] = clock.lap()
        return [unsupervised_row(data.X[test], H, W, cell.lam, inference="exact", **more)]

    return method


def true_signatures(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Measure the floor: nothing is learned, the signatures are given."""
    assert data.signatures is not None
    clock = Clock()
    H = exact(data.X[test], data.signatures, cell.lam)
    seconds = clock.lap()
    row = unsupervised_row(
        data.X[test], H, data.signatures, cell.lam, inference="exact", seconds_infer=seconds
    )
    return [row]


METHODS: dict[tuple[str, str], Method] = {
    ("unsupervised", "true signatures"): true_signatures,
    ("unsupervised", "dnmf of the paper"): paper_network,
    ("unsupervised", "dnmf"): our_network,
    ("unsupervised", "mu best of 10"): multiplicative_updates,
    ("unsupervised", "scikit-learn cd"): _with_exact_exposures(coordinate_descent),
    ("unsupervised", "kl mu"): _with_exact_exposures(kl_updates),
    ("unsupervised", "alternating"): _with_exact_exposures(alternating),
}
