"""Data that break factorisations: nothing may become NaN, collapse, or pass without a word."""

import warnings

import numpy as np
import pytest
import torch

from dnmf import DNMF, load_reference
from dnmf.exceptions import DoubtfulDataWarning

NAMES = ["SBS1", "SBS2", "SBS3", "SBS13", "SBS18"]


def simulated(n=120, burden=3000, seed=0):
    rng = np.random.default_rng(seed)
    signatures = load_reference("cosmic-v3.4").select(NAMES).profiles.to_numpy()
    exposures = rng.gamma(0.6, burden / len(NAMES), (n, len(NAMES)))
    return rng.poisson(exposures @ signatures).astype(float)


def hypermutated():
    X = simulated()
    X[0] = np.round(99 * X.sum() * X[0] / X[0].sum())
    return X


def mostly_empty():
    X = simulated()
    X[:100] = 0
    return X


CASES = {
    "more components than processes": (simulated(), 12),
    "one component": (simulated(), 1),
    "copies of six samples": (np.repeat(simulated(6), 20, axis=0), 5),
    "one sample with 99 % of all mutations": (hypermutated(), 5),
    "ten samples": (simulated(10), 5),
    "a handful of mutations each": (simulated(burden=8), 5),
    "most samples empty": (mostly_empty(), 5),
    "fractions": (simulated() / 1e7, 5),
    "astronomical": (simulated() * 1e9, 5),
}


# The dictionary of these does not depend on the layer.
RUNS = [(case, "newton") for case in CASES] + [
    ("copies of six samples", "admm"),
    ("astronomical", "admm"),
    ("one sample with 99 % of all mutations", "kl"),
    ("a handful of mutations each", "kl"),
    ("most samples empty", "mu"),
]


@pytest.mark.filterwarnings("ignore:the cost still fell")
@pytest.mark.parametrize(("case", "layer"), RUNS)
def test_hard_data_give_finite_distinct_components(case, layer):
    X, k = CASES[case]
    model = DNMF(k, layer=layer, n_steps=10, random_state=0).fit(X)
    exposures = model.transform(X)
    assert np.isfinite(model.components_).all()
    assert np.isfinite(exposures).all()
    assert exposures.min() >= 0
    np.testing.assert_allclose(model.components_.sum(axis=1), 1, rtol=1e-9)
    unit = model.components_ / np.linalg.norm(model.components_, axis=1, keepdims=True)
    between = (unit @ unit.T)[~np.eye(k, dtype=bool)]
    assert between.max(initial=0) < 0.999
    assert (exposures[X.sum(axis=1) == 0] == 0).all()
    assert (model.transform(X, exact=True).sum(axis=0) > 0).all()


@pytest.mark.filterwarnings("ignore:.*used by no sample")
@pytest.mark.parametrize("n_components", [3, 5])
def test_more_components_than_the_rank_is_doubtful(n_components):
    rng = np.random.default_rng(0)
    X = rng.gamma(1, 100, (40, 2)) @ rng.dirichlet(np.ones(20), 2)
    with pytest.warns(DoubtfulDataWarning, match="rank 2"):
        model = DNMF(n_components, n_steps=5, random_state=0).fit(X)
    exact = model.transform(X, exact=True)
    np.testing.assert_allclose(exact @ model.components_, X, rtol=1e-9, atol=1e-9)


def test_a_component_that_no_sample_uses_is_said():
    X = np.random.default_rng(0).random((30, 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        DNMF(2, n_steps=5, random_state=0).fit(X)
    assert any("used by no sample" in str(w.message) for w in caught)


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e6])
def test_dictionary_and_exposures_follow_the_unit_of_the_data(factor):
    X = simulated(40)
    model = DNMF(3, n_steps=0, random_state=0).fit(X)
    scaled = DNMF(3, n_steps=0, random_state=0).fit(factor * X)
    np.testing.assert_allclose(scaled.components_, model.components_, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(
        scaled.transform(factor * X), factor * model.transform(X), rtol=1e-4, atol=1e-3 * factor
    )


def test_threads_change_nothing():
    X, results = simulated(), []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            model = DNMF(4, n_steps=10, random_state=0).fit(X)
            results.append((model.components_, model.transform(X)))
        finally:
            torch.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("n_steps", [1, 2, 5, 10])
def test_any_number_of_training_steps_is_possible(n_steps):
    # one layer, penalised: a network that is as good as exact untrained takes no steps
    options = {"layer": "mu", "n_layers": 1, "l1_reg": 50.0, "n_steps": n_steps}
    model = DNMF(4, **options, random_state=0).fit(simulated(30))
    assert len(model.history_["network"]) == n_steps
