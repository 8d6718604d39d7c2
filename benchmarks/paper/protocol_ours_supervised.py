"""Protocol ``ours``, supervised: exposures of held-out samples, learned from training samples with known exposures.

On the paper's noise-free sets, and on Poisson counts of the same spectra with a number of mutations that tumours have.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dnmf.estimators import SupervisedDNMF
from dnmf.kernels import exact_signatures, kl_exposures
from paper.cells import Cell, Clock, Method, Row, exact, supervised_row
from paper.datasets import Dataset
from paper.protocol_paper import mu_exposures
from paper.protocol_paper import supervised_network as paper_network

SEED = 0
INFERENCE_ITERATIONS = (10, 100, 1000)
RIDGE_PENALTIES = 10.0 ** np.arange(-12, 3)
MLP_EPOCHS, MLP_PATIENCE, MLP_BATCH = 500, 30, 64


def regressed_signatures(X: np.ndarray, exposures: np.ndarray) -> np.ndarray:
    """Return the dictionary that explains the training pairs best: non-negative least squares."""
    W: np.ndarray = exact_signatures(torch.tensor(X), torch.tensor(exposures)).numpy()
    return W


def _row(data: Dataset, test: np.ndarray, H: np.ndarray, clock: Clock, **more: Any) -> Row:
    assert data.exposures is not None
    return supervised_row(H, data.exposures[test], seconds_infer=clock.lap(), **more)


def _likelihood(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    H: np.ndarray = kl_exposures(torch.tensor(X), torch.tensor(W)).H.numpy()
    return H


def true_signatures(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Take the signatures as given: exact least squares, and maximum likelihood for Poisson counts."""
    assert data.unscaled_signatures is not None  # the exposures were drawn for these
    clock = Clock()
    H = exact(data.X[test], data.unscaled_signatures)
    rows = [_row(data, test, H, clock, inference="exact")]
    H = _likelihood(data.X[test], data.unscaled_signatures)
    return [*rows, _row(data, test, H, clock, inference="likelihood")]


def least_squares(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Regress the dictionary from the pairs; exposures by MU, exactly, and by maximum likelihood."""
    assert data.exposures is not None
    clock = Clock()
    W = regressed_signatures(data.X[train], data.exposures[train])
    seconds = clock.lap()
    rows = []
    for iterations in INFERENCE_ITERATIONS:
        H = mu_exposures(data.X[test], torch.tensor(W), iterations)
        name = f"mu {iterations}"
        rows.append(_row(data, test, H, clock, inference=name, seconds_train=seconds))
    for name, infer in (("exact", exact), ("likelihood", _likelihood)):
        H = infer(data.X[test], W)
        rows.append(_row(data, test, H, clock, inference=name, seconds_train=seconds))
    return rows


def our_network(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
    """Run the default of this package."""
    assert data.exposures is not None
    clock = Clock()
    model = SupervisedDNMF(n_layers=cell.layers, random_state=SEED)
    model.fit(data.X[train], data.exposures[train])
    seconds = clock.lap()
    H = np.asarray(model.transform(data.X[test]), dtype=float)
    return [_row(data, test, H, clock, inference="network", seconds_train=seconds)]


def hidden_units(n_features: int, n_components: int, n_layers: int) -> int:
    """Return the width at which a perceptron of one hidden layer has as many weights as the unfolded network.

    Examples
    --------
    >>> hidden_units(96, 11, 10)
    109
    """
    weights = n_layers * (n_components * n_features + n_components**2)
    return max(1, round((weights - n_components) / (n_features + n_components + 1)))


def _on_shares(make: Callable[[Dataset, Cell], Any]) -> Callable[..., list[Row]]:
    """Return a method that regresses shares of a sample's total on its spectrum, negative answers set to zero."""

    def method(data: Dataset, train: np.ndarray, test: np.ndarray, cell: Cell) -> list[Row]:
        assert data.exposures is not None
        clock = Clock()
        totals = data.X.sum(axis=1, keepdims=True).clip(min=1.0)
        spectra, shares = data.X / totals, data.exposures / totals
        model = make(data, cell).fit(spectra[train], shares[train])
        seconds = clock.lap()
        H = np.clip(model.predict(spectra[test]), 0, None) * totals[test]
        return [_row(data, test, H, clock, inference="regression", seconds_train=seconds)]

    return method


def _ridge(data: Dataset, cell: Cell) -> Any:
    return RidgeCV(alphas=RIDGE_PENALTIES)


def _perceptron(data: Dataset, cell: Cell) -> Any:
    """As many weights as the paper's ten layers; stopped early on a tenth of the training samples."""
    network = MLPRegressor(
        hidden_layer_sizes=(hidden_units(data.X.shape[1], data.n_components, 10),),
        batch_size=MLP_BATCH,
        max_iter=MLP_EPOCHS,
        early_stopping=True,
        n_iter_no_change=MLP_PATIENCE,
        random_state=SEED,
    )
    scaled = make_pipeline(StandardScaler(), network)
    return TransformedTargetRegressor(scaled, transformer=StandardScaler())


def poisson_counts(data: Dataset, n_mutations: int) -> Dataset:
    """Return Poisson counts of the true spectra, all samples with about so many mutations, and their true exposures."""
    assert data.signatures is not None
    assert data.exposures is not None
    exposures = n_mutations * data.exposures / data.exposures.sum(axis=1, keepdims=True)
    W = data.signatures
    rng = np.random.default_rng(SEED)
    counts = rng.poisson(exposures @ W).astype(float)
    return Dataset(data.name, counts, W, data.n_components, exposures, W)


METHODS: dict[tuple[str, str], Method] = {
    ("supervised", "true signatures"): true_signatures,
    ("supervised", "least squares"): least_squares,
    ("supervised", "dnmf of the paper"): paper_network,
    ("supervised", "dnmf"): our_network,
    ("supervised", "ridge"): _on_shares(_ridge),
    ("supervised", "perceptron"): _on_shares(_perceptron),
}
