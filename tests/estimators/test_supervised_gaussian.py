"""SupervisedDNMF on samples that are no counts."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeCV

from dnmf import PaperSupervisedDNMF, SupervisedDNMF, load_model, save_model
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.kernels import exact_exposures, exact_signatures
from dnmf.posterior.gaussian_training import best_weight

QUICK = {"n_layers": 2, "max_epochs": 10, "learning_rate": 1e-2, "random_state": 0}


def rmse(found, true) -> float:
    return float(np.sqrt(np.square(found - true).mean()))


def mixtures(n: int, seed: int, *, gain: float = 0.0):
    """Three smooth spectra, one of them dark, abundances of sum 1, noise of 20 dB, samples of varying brightness."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, 40)
    W = np.stack([0.2 + 0.4 * t, 0.05 + 0.4 / (1 + np.exp(-(t - 0.45) / 0.05)), 0.08 - 0.06 * t])
    y = rng.dirichlet(np.ones(3), size=n)
    clean = (1 + gain * rng.standard_normal((n, 1))).clip(0.1) * (y @ W)
    noise = np.sqrt(np.square(clean).mean() / 100) * rng.standard_normal(clean.shape)
    return (clean + noise).clip(0), y


def classic(X, y, X_test) -> dict[str, np.ndarray]:
    W = exact_signatures(torch.tensor(X), torch.tensor(y))
    ridge = RidgeCV(np.logspace(-4, 3, 15)).fit(X, y)
    return {
        "ridge": ridge.predict(X_test).clip(0),
        "least squares": exact_exposures(torch.tensor(X_test), W).numpy(),
    }


@pytest.fixture(scope="module")
def varying():
    return *mixtures(600, 0, gain=0.2), *mixtures(500, 1, gain=0.2)


@pytest.fixture(scope="module")
def fitted(varying):
    return SupervisedDNMF(**QUICK).fit(*varying[:2])


def test_what_no_linear_answer_can_know_is_learned(fitted, varying):
    X, y, X_test, y_test = varying
    error = rmse(fitted.transform(X_test), y_test)
    for answer in classic(X, y, X_test).values():
        assert error < 0.93 * rmse(answer, y_test)
    assert fitted.noise_ == "gaussian"
    assert fitted.dispersion_ is None


@pytest.mark.parametrize("options", [{}, {"sum_to_one": True}, {"intercept": False}])
def test_any_unit_gives_the_same_answer(varying, options):
    X, y, X_test, _ = varying
    X, y = X[:200], y[:200]
    options = QUICK | {"max_epochs": 1, "batch_size": 32} | options
    plain = SupervisedDNMF(**options).fit(X, y).transform(X_test)
    for c in (1e-6, 1e6):
        scaled = SupervisedDNMF(**options).fit(c * X, c * y).transform(c * X_test)
        np.testing.assert_allclose(scaled / c, plain, rtol=1e-6, atol=1e-9)


def test_sum_to_one_is_met_and_refused_where_the_pairs_do_not(varying):
    X, y, X_test, y_test = varying
    model = SupervisedDNMF(sum_to_one=True, **QUICK | {"max_epochs": 4}).fit(X, y)
    found = model.transform(X_test)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-9)
    assert found.min() >= 0
    assert rmse(found, y_test) < rmse(classic(X, y, X_test)["ridge"], y_test)
    y = y.copy()
    y[7] *= 2
    with pytest.raises(InputDataError, match="row 7 of y sum to 2"):
        SupervisedDNMF(sum_to_one=True, **QUICK).fit(X, y)


@pytest.mark.filterwarnings("ignore:training ended no better")
def test_rounded_shares_sum_to_one(varying):
    X, y, X_test, _ = varying
    rounded = (100 * y).round(1)
    rounded[0, 0] += 0.5
    model = SupervisedDNMF(sum_to_one=True, **QUICK | {"max_epochs": 4}).fit(X, rounded)
    np.testing.assert_allclose(model.transform(X_test).sum(axis=1), 100, rtol=1e-6)


def test_samples_in_single_precision_are_fitted_as_in_double(varying):
    X, y, X_test, _ = varying
    few, single = QUICK | {"max_epochs": 1}, X[:200].astype(np.float32)
    found = SupervisedDNMF(**few).fit(single, y[:200]).transform(X_test)
    expected = SupervisedDNMF(**few).fit(single.astype(float), y[:200]).transform(X_test)
    np.testing.assert_array_equal(found, expected)


def test_without_an_intercept_twice_the_sample_is_twice_the_answer(varying):
    X, y, X_test, _ = varying
    model = SupervisedDNMF(intercept=False, **QUICK | {"max_epochs": 2}).fit(X, y)
    np.testing.assert_allclose(model.transform(2 * X_test), 2 * model.transform(X_test), rtol=1e-9)


def test_far_from_the_training_pairs_the_answer_is_the_classic_blend(fitted, varying):
    far = 30 * varying[2][:20]
    network = fitted.network_
    start = (
        far @ network.start_map.numpy() / network.sample_unit.item()
        + network.start_constant.numpy()
    )
    linear = start.clip(0) * network.exposure_units.numpy()
    exact = network.least_squares(torch.tensor(far)).numpy()
    share = network.linear_share.item()
    np.testing.assert_allclose(fitted.transform(far), share * linear + (1 - share) * exact)


def test_grey_levels_are_no_counts_and_counts_in_the_same_range_are():
    rng = np.random.default_rng(0)
    y = rng.gamma(1.0, 40.0, size=(150, 2))
    clean = y @ rng.random((2, 10))
    options = {"n_layers": 1, "max_epochs": 1, "random_state": 0}
    for X, noise in (
        (clean + 8 * rng.standard_normal(clean.shape), "gaussian"),
        (rng.poisson(clean), "counts"),
        (clean, "counts"),  # rounded only: exact least squares
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DoubtfulDataWarning)
            model = SupervisedDNMF(**options).fit(np.round(X).clip(0), y)
        assert model.noise_ == noise


def test_samples_that_say_nothing_are_doubtful():
    rng = np.random.default_rng(0)
    X, y = rng.random((120, 10)), rng.random((120, 2))
    with pytest.warns(DoubtfulDataWarning, match="cannot be told from these samples"):
        SupervisedDNMF(**QUICK | {"max_epochs": 1}).fit(X, y)


def test_training_that_gains_nothing_is_said():
    """At such a learning rate every step harms: the untrained network, a linear answer, is kept."""
    rng = np.random.default_rng(1)
    y = rng.random((150, 2)) + 1
    X = y @ rng.random((2, 10)) + 0.02 * rng.random((150, 10))
    with pytest.warns(DoubtfulDataWarning, match="no better than ridge"):
        SupervisedDNMF(**QUICK | {"max_epochs": 1, "learning_rate": 10.0}).fit(X, y)


def test_the_papers_training_says_when_it_is_worse_than_the_mean(varying):
    with pytest.warns(DoubtfulDataWarning, match="worse than predicting the mean"):
        PaperSupervisedDNMF(max_epochs=2).fit(*varying[:2])


@pytest.mark.parametrize(
    "options",
    [
        {"noise": "counts", "sum_to_one": True},
        {"noise": "counts", "intercept": False},
        {"sum_to_one": True, "intercept": False},
        {"noise": "poisson"},
    ],
)
def test_options_that_contradict_each_other_are_refused(varying, options):
    with pytest.raises(ValueError, match=r"intercept|noise must be one of"):
        SupervisedDNMF(**options).fit(*varying[:2])


def test_a_saved_model_answers_as_before(fitted, varying, tmp_path):
    save_model(fitted, tmp_path)
    loaded, _ = load_model(tmp_path)
    assert loaded.get_params() == fitted.get_params()
    np.testing.assert_array_equal(loaded.transform(varying[2]), fitted.transform(varying[2]))


def test_the_weight_of_an_answer_is_the_best_one_less_its_doubt():
    generator = torch.Generator().manual_seed(0)
    truth, one, other = (torch.randn(50, 3, generator=generator) for _ in range(3))
    found = best_weight(truth + 0.5 * one, truth - 0.5 * one, truth)
    torch.testing.assert_close(found, torch.tensor(0.5))
    assert best_weight(one, truth, truth) == 1
    assert best_weight(truth, other, truth) == 0
    assert best_weight(truth + one, truth + other, truth, doubt=1.0) < best_weight(
        truth + one, truth + other, truth
    )
