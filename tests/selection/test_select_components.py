"""Choosing the number of components of any matrix: right, reproducible, whoever computes, whatever holds the data."""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from dnmf import MutationCatalog, load_reference, select_n_components, simulate_catalog
from dnmf.exceptions import InputDataError
from dnmf.extraction import select_signatures
from dnmf.plotting import plot_selection
from dnmf.selection import ComponentSelection, GaussianModel
from dnmf.selection import gaussian as gaussian_model

pytestmark = pytest.mark.usefixtures("quick_search")

N, F, K, RESTARTS = 60, 20, 3, 2


@pytest.fixture(scope="module", autouse=True)
def few_iterations() -> Iterator[None]:
    """Enough for few and clean components."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaussian_model, "MOST_ITERATIONS", 50)
        yield


def simulated(noise: Literal["counts", "gaussian"], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    H, W = rng.gamma(0.4, size=(N, K)), rng.dirichlet(np.full(F, 0.3), K)
    if noise == "counts":
        return rng.poisson(2000 * H @ W).astype(float)
    return np.maximum(H @ W + rng.normal(scale=0.005, size=(N, F)), 0)


def select(X: Any, noise: Literal["counts", "gaussian"], **options: Any) -> ComponentSelection:
    return select_n_components(X, range(2, 5), n_restarts=RESTARTS, noise=noise, **options)


@pytest.fixture(scope="module")
def gaussian() -> ComponentSelection:
    return select(simulated("gaussian"), "gaussian")


def assert_same(one: ComponentSelection, other: ComponentSelection) -> None:
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    for k, candidate in one.candidates.items():
        np.testing.assert_array_equal(candidate.components, other.candidates[k].components)
        np.testing.assert_array_equal(candidate.replicates, other.candidates[k].replicates)


def test_the_true_number_of_measurements_is_found(gaussian: ComponentSelection) -> None:
    assert gaussian.suggested == K
    assert gaussian.table.index.name == "n_components"
    assert gaussian.chosen.components.shape == (K, F)
    assert gaussian.chosen.replicates.shape == (RESTARTS, K, F)


def test_the_true_number_of_counts_is_found_in_a_sparse_matrix() -> None:
    X = simulated("counts")
    sparse = select(scipy.sparse.csr_matrix(X), "counts")
    assert sparse.suggested == K
    assert_same(sparse, select(X, "counts"))


def test_of_counts_it_is_the_machinery_of_extraction() -> None:
    truth = load_reference("cosmic-v3.4").select(["SBS2", "SBS4", "SBS7a"])
    catalog: MutationCatalog = simulate_catalog(
        truth, 20, mean_burden=3000, sparsity=0.3, random_state=0
    )[0]
    theirs = select_signatures(catalog, range(2, 4), n_restarts=2, seed=5)
    ours = select_n_components(
        catalog.counts, range(2, 4), n_restarts=2, noise="counts", random_state=5
    )
    assert_same(ours, ComponentSelection(theirs.candidates, ours.table, theirs.choice))
    np.testing.assert_array_equal(ours.table, theirs.table)


class Elsewhere:
    """An executor that works in the order in which it is asked."""

    def __init__(self) -> None:
        self.n_submitted = 0

    def submit(self, fn: Any, /, *args: Any) -> "Future[Any]":
        self.n_submitted += 1
        future: Future[Any] = Future()
        future.set_result(fn(*args))
        return future


def test_who_computes_changes_no_bit(gaussian: ComponentSelection) -> None:
    X, elsewhere = simulated("gaussian"), Elsewhere()
    assert_same(select(X, "gaussian", workers=3), gaussian)
    assert_same(select(X, "gaussian", executor=elsewhere), gaussian)
    assert (
        elsewhere.n_submitted == 3 * (1 + RESTARTS) + 3
    )  # every fit, and the judgement of every number


def test_a_data_frame_and_samples_of_nothing_but_zeros_change_nothing(
    gaussian: ComponentSelection,
) -> None:
    X = np.insert(simulated("gaussian"), 7, 0.0, axis=0)
    assert_same(select(pd.DataFrame(X), "gaussian"), gaussian)


def test_the_unit_of_measurements_does_not_matter(gaussian: ComponentSelection) -> None:
    scaled = select(2.0**-30 * simulated("gaussian"), "gaussian")  # a power of two: no rounding
    pd.testing.assert_frame_equal(
        scaled.table.drop(columns="cost"), gaussian.table.drop(columns="cost")
    )


def test_another_seed_gives_other_restarts(gaussian: ComponentSelection) -> None:
    other = select(simulated("gaussian"), "gaussian", random_state=1)
    assert not np.array_equal(other.chosen.replicates, gaussian.chosen.replicates)
    assert other.suggested == K


def test_measurements_are_predicted_from_their_other_features_alone() -> None:
    rng = np.random.default_rng(0)
    H, W = torch.tensor(rng.random((9, 2))), torch.tensor(rng.random((2, 24)))
    X, model = H @ W, GaussianModel()
    error = model.held_out(X, W, torch.Generator().manual_seed(0))
    torch.testing.assert_close(error, torch.zeros(9, dtype=X.dtype), atol=1e-20, rtol=0)
    # One component per feature: nothing is known of a feature from the others, and it is predicted to be 0.
    nothing = model.held_out(X, torch.eye(24, dtype=X.dtype), torch.Generator().manual_seed(0))
    torch.testing.assert_close(nothing, torch.ones(9, dtype=X.dtype))


def test_the_choice_is_drawn_in_its_own_words(gaussian: ComponentSelection) -> None:
    prediction, _ = plot_selection(gaussian.table, gaussian.suggested).axes
    assert prediction.get_xlabel() == "Components"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.ones((8, 4)), "n_components": [5]}, "5 components were asked for, but 8 samples"),
        ({"X": np.ones((4, 9))}, "4 samples that are not all 0 are too few"),
        ({"X": np.zeros((9, 4))}, "all zero"),
        ({"X": np.ones(9)}, "1 dimensions"),
        ({"X": [["a", "b"]]}, "no matrix of numbers"),
        ({"X": np.array([[1.0, 2.0], [3.0, -1.0]])}, "-1 in row 1, column 1"),
        ({"X": np.array([[1.0, np.nan]])}, "nan in row 0, column 1"),
        ({"X": np.array([[np.inf, 1.0]])}, "inf in row 0, column 0"),
        ({"X": pd.DataFrame([[1.0, -2.0]], ["s"], ["a", "b"])}, "-2 in row 's', column 'b'"),
        ({"X": scipy.sparse.csr_matrix([[0.0, -3.0]])}, "-3 in row 0, column 1"),
        ({"n_components": []}, "name at least one"),
        ({"n_components": [0]}, "whole number"),
        ({"n_components": [2.5]}, "whole number"),
        ({"n_restarts": 1}, "2 or more"),
        ({"noise": "poisson"}, '"counts" or "gaussian"'),
        ({"executor": 3}, "no method `submit`"),
    ],
)
def test_what_is_not_possible_is_said(change: dict[str, Any], message: str) -> None:
    given = {"X": simulated("gaussian"), "n_components": [2, 3], "noise": "gaussian"} | change
    with pytest.raises(InputDataError, match=message):
        select_n_components(**given)
