"""The baselines of protocol `ours` are what their names say."""

from pathlib import Path

import numpy as np
import pytest

from paper import protocol_ours_supervised, protocol_ours_unsupervised, protocol_paper
from paper.cells import Cell, exact
from paper.datasets import SIMULATED, Dataset, folds, load_dataset
from paper.plan import LAYERS

SMALL = SIMULATED[0]


@pytest.fixture(scope="module")
def small(small_data: Path) -> Dataset:
    return load_dataset(small_data, SMALL)


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
@pytest.mark.parametrize("method", ["alternating", "scikit-learn cd"])
def test_strong_solvers_come_near_the_floor_on_noise_free_data(small: Dataset, method: str) -> None:
    train, test = next(folds(small.X))
    cell = Cell("ours", "unsupervised", SMALL, 0, method)
    row = protocol_ours_unsupervised.METHODS["unsupervised", method](small, train, test, cell)[0]
    floor = protocol_ours_unsupervised.true_signatures(small, train, test, cell)[0]
    assert row["median"] < 3 * floor["median"]


def test_a_penalty_can_be_made_as_small_as_one_likes(small: Dataset) -> None:
    """Signatures of free scale: the full cost with a penalty comes as near as one likes to that without."""
    train, test = next(folds(small.X))
    method = protocol_ours_unsupervised.METHODS["unsupervised", "alternating"]
    free, penalised = (
        method(small, train, test, Cell("ours", "unsupervised", SMALL, 0, "alternating", p))[0]
        for p in ("0", "2")
    )
    assert penalised["full"] == pytest.approx(free["full"], rel=0.01)


def test_regressed_signatures_are_the_true_ones_on_noise_free_pairs(small: Dataset) -> None:
    assert small.exposures is not None
    assert small.signatures is not None
    W = protocol_ours_supervised.regressed_signatures(small.X, small.exposures)
    np.testing.assert_allclose(W, small.signatures, atol=2e-3)


def test_mu_inference_goes_to_the_exact_exposures(small: Dataset) -> None:
    import torch

    assert small.signatures is not None
    X, W = small.X[:10], small.signatures
    solution = exact(X, W)
    errors = [
        np.abs(protocol_paper.mu_exposures(X, torch.tensor(W), n) - solution).max()
        for n in (10, 100, 2000)
    ]
    assert errors[2] < 1.0 < errors[0]
    assert errors[2] < errors[1] < errors[0]


@pytest.mark.parametrize("k", [3, 11, 39])
def test_perceptron_has_as_many_weights_as_the_network(k: int) -> None:
    width = protocol_ours_supervised.hidden_units(96, k, LAYERS)
    weights = 97 * width + (width + 1) * k
    assert weights == pytest.approx(LAYERS * (96 * k + k * k), rel=0.05)


def test_poisson_counts_have_the_mutations_asked_for_and_the_true_spectra(small: Dataset) -> None:
    noisy = protocol_ours_supervised.poisson_counts(small, 5000)
    assert noisy.exposures is not None
    np.testing.assert_allclose(noisy.exposures.sum(axis=1), 5000.0)
    np.testing.assert_allclose(noisy.X.sum(axis=1), 5000.0, rtol=0.06)
    np.testing.assert_array_equal(noisy.X, protocol_ours_supervised.poisson_counts(small, 5000).X)
