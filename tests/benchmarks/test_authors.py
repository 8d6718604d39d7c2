"""What the published code does, as facts: each is a reason for a number in the paper."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from dnmf.kernels import exact_signatures, frobenius_cost, update_exposures, update_signatures
from paper import protocol_authors
from paper.cells import Cell
from paper.datasets import SIMULATED, Dataset, folds, load_dataset
from paper.published import read_published

SMALL = SIMULATED[0]


@pytest.fixture(scope="module")
def small(small_data: Path) -> Dataset:
    return load_dataset(small_data, SMALL)


@pytest.fixture
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol_authors, "EPOCHS", 20)
    monkeypatch.setattr(protocol_authors, "MU_ITERATIONS", 15)


def test_their_test_set_is_as_large_as_the_training_set_and_mostly_from_it() -> None:
    X = np.arange(1000.0)[:, None]
    for train, _ in folds(X):
        tested = protocol_authors.leaky_rows(train)
        assert len(tested) == len(train) == 800
        np.testing.assert_array_equal(X[tested], X[~train])  # what was written
        known = np.isin(X[tested], X[train]).mean()
        assert 0.77 < known < 0.83


def test_their_update_is_ours_up_to_the_guard(problem) -> None:
    X, H, W = problem(20, 12, 3, 0)
    V, theirs_W, theirs_H = X.numpy().T.copy(), W.numpy().T.copy(), H.numpy().T.copy()
    protocol_authors.update_exposures_(V, theirs_W, theirs_H, 2.0)
    ours = update_exposures(X, H, W, l1_reg=2.0, l2_reg=2.0)
    np.testing.assert_allclose(theirs_H.T, ours.numpy(), rtol=1e-6)
    protocol_authors.update_signatures_(V, theirs_W, theirs_H)
    np.testing.assert_allclose(theirs_W.T, update_signatures(X, ours, W).numpy(), rtol=1e-6)


def test_supervised_dictionary_is_one_array_from_the_truth_through_all_penalties_and_folds(
    small: Dataset, few_epochs: None
) -> None:
    assert small.unscaled_signatures is not None
    assert small.exposures is not None
    W = small.unscaled_signatures.T.copy()
    V, H = small.X.T.copy(), small.exposures.T.copy()
    for fold, (train, _) in enumerate(folds(small.X)):
        for penalty in (0.0, 1.0, 2.0):
            for _ in range(protocol_authors.MU_ITERATIONS):
                protocol_authors.update_signatures_(V[:, train], W, H[:, train])
            if fold < 2:
                left = protocol_authors.dictionary_of_chain(small, fold, penalty)
                np.testing.assert_array_equal(left, W)
    assert not np.array_equal(left, small.unscaled_signatures.T)


def test_no_dictionary_for_a_penalty_that_the_chain_has_not(small: Dataset) -> None:
    with pytest.raises(ValueError, match="no fold 9 with penalty 0"):
        protocol_authors.dictionary_of_chain(small, 9, 0.0)


def test_cells_do_not_alter_the_data(small: Dataset, few_epochs: None) -> None:
    train, test = next(folds(small.X))
    before = [a.copy() for a in (small.X, small.exposures, small.unscaled_signatures)]
    for (experiment, method), compute in protocol_authors.METHODS.items():
        compute(small, train, test, Cell("authors", experiment, SMALL, 0, method, "1", 2))
    after = (small.X, small.exposures, small.unscaled_signatures)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_supervised_mu_reports_a_sum_where_the_network_reports_a_mean(
    small: Dataset, few_epochs: None
) -> None:
    train, test = next(folds(small.X))
    mu = protocol_authors.supervised_mu(
        small, train, test, Cell("authors", "supervised", SMALL, 0, "mu")
    )
    assert float(mu[0]["reported"]) == pytest.approx(len(train) * mu[0]["mean"])
    cell = Cell("authors", "supervised", SMALL, 0, "dnmf", "learned", 2)
    network = protocol_authors.supervised_network(small, train, test, cell)
    assert float(network[0]["reported"]) == network[0]["mean"]


def test_unsupervised_mu_reports_the_data_term_where_the_network_reports_the_full_cost(
    small: Dataset, few_epochs: None
) -> None:
    train, test = next(folds(small.X))
    cell = Cell("authors", "unsupervised", SMALL, 0, "mu", "2")
    mu = protocol_authors.unsupervised_mu(small, train, test, cell)[0]
    assert float(mu["reported"]) == mu["mean"] < mu["full"]
    cell = Cell("authors", "unsupervised", SMALL, 0, "dnmf", "2", 2)
    network = protocol_authors.unsupervised_network(small, train, test, cell)[0]
    assert float(network["reported"]) == network["full"] > network["mean"]


def test_their_mu_stays_of_rank_one_for_a_while(small: Dataset) -> None:
    V = small.X.T.copy()
    W, H = np.ones((96, 3)) / 96, np.ones((3, len(small.X)))
    for _ in range(10):
        protocol_authors.update_signatures_(V, W, H)
        protocol_authors.update_exposures_(V, W, H, 0.0)
    np.testing.assert_allclose(W, W[:, :1] @ np.ones((1, 3)), rtol=1e-10)


def test_scipys_dictionary_costs_as_much_as_ours(problem) -> None:
    X, H, _ = problem(30, 8, 4, 1)
    theirs = frobenius_cost(X, H, protocol_authors.scipy_signatures(X, H))
    torch.testing.assert_close(theirs, frobenius_cost(X, H, exact_signatures(X, H)))


def test_training_takes_the_cost_with_the_dictionary_of_the_epoch_before(
    small: Dataset, few_epochs: None
) -> None:
    X = torch.tensor(small.X, dtype=torch.float32)
    _, _, costs = protocol_authors.train_unsupervised_network(X, 3, 2, 0.0)
    assert len(costs) == 20
    first = protocol_authors.UnfoldedMU(96, 3, 2, weight_init=0.1, dtype=X.dtype)
    with torch.no_grad():
        expected = frobenius_cost(X, first(X), X.new_full((3, 96), 1 / 96)) / len(X)
    assert costs[0] == pytest.approx(expected.item(), rel=1e-5)


@pytest.fixture(scope="module")
def published(shared_data: Path) -> pd.DataFrame:
    return read_published(shared_data)


def _published(
    table: pd.DataFrame, experiment: str, method: str, name: str, fold: int, penalty: str
) -> float:
    rows = table[
        (table["experiment"] == experiment)
        & (table["method"] == method)
        & (table["set"] == name)
        & (table["fold"] == fold)
        & (table["penalty"] == penalty)
    ]
    return float(rows["published"].iloc[0])


@pytest.mark.parametrize(("fold", "penalty"), [(0, "0"), (0, "2"), (1, "1")])
def test_published_supervised_mu_is_reproduced_to_ten_digits(
    shared_data: Path, published: pd.DataFrame, fold: int, penalty: str
) -> None:
    data = load_dataset(shared_data, SMALL)
    train, test = list(folds(data.X))[fold]
    cell = Cell("authors", "supervised", SMALL, fold, "mu", penalty)
    reported = float(protocol_authors.supervised_mu(data, train, test, cell)[0]["reported"])
    expected = _published(published, "supervised", "mu", SMALL, fold, penalty)
    assert reported == pytest.approx(expected, rel=1e-10)


def test_published_supervised_network_is_reproduced_to_five_digits(
    shared_data: Path, published: pd.DataFrame
) -> None:
    name = "3.5.40.abst_sa.sa.96"
    data = load_dataset(shared_data, name)
    train, test = next(folds(data.X))
    cell = Cell("authors", "supervised", name, 0, "dnmf", "1", 10)  # their "no regularisation"
    reported = float(protocol_authors.supervised_network(data, train, test, cell)[0]["reported"])
    expected = _published(published, "supervised", "dnmf", name, 0, "1")
    assert reported == pytest.approx(expected, rel=2e-5)
