import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from dnmf import MultiplicativeNMF, load_model, save_model
from dnmf.exceptions import DoubtfulDataWarning, InputDataError, SymmetricInitWarning
from dnmf.kernels import exact_exposures, initialize_factors, nmf_mu


def test_it_is_the_kernels_solver_from_the_named_start(counts):
    X, _, _ = counts
    model = MultiplicativeNMF(3, init="nndsvda", max_iter=50, tol=0.0, l1_reg=0.5).fit(X)
    samples = torch.from_numpy(X)
    start = initialize_factors(samples, 3, "nndsvda")
    result = nmf_mu(samples, *start, max_iter=50, tol=0.0, l1_reg=0.5)
    np.testing.assert_allclose(model.components_, result.W, rtol=1e-12)
    np.testing.assert_allclose(model.history_["cost"], result.cost, rtol=1e-12)
    assert model.n_iter_ == 50


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_goes_where_scikit_learns_multiplicative_solver_goes(counts):
    X, _, _ = counts
    H, W = (t.numpy() for t in initialize_factors(torch.from_numpy(X), 3, "nndsvda"))
    theirs = NMF(3, init="custom", solver="mu", max_iter=60, tol=0.0)
    theirs.fit_transform(X, W=H.copy(), H=W.copy())
    ours = MultiplicativeNMF(3, init="nndsvda", max_iter=60, tol=0.0).fit(X)
    np.testing.assert_allclose(ours.components_, theirs.components_, rtol=1e-8, atol=1e-10)


def test_cost_never_rises(counts):
    costs = MultiplicativeNMF(3, random_state=0, max_iter=100, tol=0.0).fit(counts[0]).history_
    assert (np.diff(costs["cost"]) <= 1e-14 * costs["cost"][0]).all()


def test_transform_goes_to_the_exact_exposures(counts):
    X, _, _ = counts
    model = MultiplicativeNMF(
        3, random_state=0, max_iter=100, tol=0.0, transform_max_iter=3000, l1_reg=0.01
    ).fit(X)
    exact = exact_exposures(
        torch.from_numpy(X), torch.from_numpy(model.components_), l1_reg=0.01
    ).numpy()
    np.testing.assert_allclose(model.transform(X), exact, rtol=1e-3, atol=1e-3 * exact.max())


def test_transform_has_a_number_of_iterations_of_its_own(counts):
    X, _, _ = counts
    model = MultiplicativeNMF(3, random_state=0, max_iter=200, tol=0.0).fit(X)
    rough = model.set_params(transform_max_iter=1).transform(X)
    fine = model.set_params(transform_max_iter=None).transform(X)
    errors = [np.square(X - model.inverse_transform(H)).sum() for H in (rough, fine)]
    assert errors[1] < errors[0]


def test_a_start_from_ones_warns_and_finds_rank_one_only(counts):
    X, _, _ = counts
    with pytest.warns(SymmetricInitWarning, match="all 3 components start equal"):
        model = MultiplicativeNMF(3, init="ones", max_iter=500, tol=0.0).fit(X)
    np.testing.assert_allclose(
        model.components_, np.broadcast_to(model.components_[:1], (3, 24)), rtol=1e-9
    )
    rank_one = 0.5 * np.square(np.linalg.svd(X, compute_uv=False)[1:]).sum()
    assert model.history_["cost"][-1] == pytest.approx(rank_one, rel=1e-6)


def test_one_component_may_start_from_ones_without_a_word(counts):
    MultiplicativeNMF(1, init="ones").fit(counts[0])


def test_stopping_early_warns_with_what_to_change(counts):
    with pytest.warns(ConvergenceWarning, match=r"tol=1e-12 after 3 iterations: raise max_iter"):
        MultiplicativeNMF(3, random_state=0, max_iter=3, tol=1e-12).fit(counts[0])


@pytest.mark.parametrize("init", ["nndsvd", "nndsvda", "separable"])
def test_more_components_than_a_start_can_give_fall_back_to_random(init):
    X = np.random.default_rng(0).poisson(20.0, (3, 4)).astype(float)
    with pytest.warns(DoubtfulDataWarning, match="5 components asked of data of rank 3"):
        model = MultiplicativeNMF(5, init=init, random_state=0, tol=0.0, max_iter=20).fit(X)
    assert model.components_.shape == (5, 4)
    assert np.isfinite(model.components_).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_components": 0}, "n_components must be an integer >= 1, got 0"),
        ({"max_iter": 0}, "max_iter must be an integer >= 1, got 0"),
        ({"max_iter": 1.5}, "max_iter must be an integer >= 1, got 1.5"),
        ({"l1_reg": -1.0}, "l1_reg must be a finite number >= 0, got -1.0"),
        ({"l2_reg": None}, "l2_reg must be a finite number >= 0, got None"),
        ({"init": "zeros"}, "init must be one of .*, got 'zeros'"),
        ({"dtype": "float16"}, "dtype must be 'float64' or 'float32', not 'float16'"),
    ],
)
def test_bad_parameters_are_refused_by_name(counts, options, message):
    with pytest.raises(ValueError, match=message):
        MultiplicativeNMF(**options).fit(counts[0])


# ── other divergences ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("beta_loss", ["frobenius", "kullback-leibler", "itakura-saito", 0.5, 1.5])
def test_a_divergence_is_scikit_learns_of_that_name_or_number(counts, beta_loss):
    X = counts[0] + 1.0
    H, W = (t.numpy() for t in initialize_factors(torch.from_numpy(X), 3, "nndsvda"))
    theirs = NMF(3, init="custom", solver="mu", beta_loss=beta_loss, max_iter=30, tol=0.0)
    theirs.fit_transform(X, W=H.copy(), H=W.copy())
    ours = MultiplicativeNMF(3, init="nndsvda", beta_loss=beta_loss, max_iter=30, tol=0.0).fit(X)
    np.testing.assert_allclose(ours.components_, theirs.components_, rtol=1e-6, atol=1e-9)
    costs = ours.history_["cost"]
    assert (np.diff(costs) <= 1e-12 * costs[0]).all()


def test_divergences_and_penalties_that_do_not_exist_are_refused(counts):
    X = counts[0]
    for wrong, told in (
        ({"beta_loss": "euclidean"}, "beta_loss must be one of frobenius, kullback-leibler"),
        ({"beta_loss": 2.5}, "beta must be from 0 to 2"),
        ({"beta_loss": -1.0}, "beta_loss must be a finite number >= 0"),
        ({"beta_loss": 0.5, "l2_reg": 1.0}, "no quadratic penalty"),
    ):
        with pytest.raises(ValueError, match=told):
            MultiplicativeNMF(3, **wrong).fit(X)


def test_itakura_saito_names_the_first_zero(counts):
    X = counts[0] + 1.0
    model = MultiplicativeNMF(2, beta_loss=0, random_state=0, max_iter=5, tol=0.0).fit(X)
    X.setflags(write=False)
    model.transform(X)  # nor is there a warning, as torch has of what is read-only
    X = X.copy()
    X[3, 2] = 0
    for act in (model.transform, clone(model).fit):
        with pytest.raises(InputDataError, match=r"X holds 0 in row 3, column 2: Itakura-Saito"):
            act(X)


def test_a_model_of_another_divergence_is_saved_and_loaded(counts, tmp_path):
    X = counts[0] + 1.0
    for beta_loss in (0.5, "kullback-leibler"):
        model = MultiplicativeNMF(2, beta_loss=beta_loss, random_state=0, max_iter=5, tol=0.0)
        save_model(model.fit(X), tmp_path)
        loaded, _ = load_model(tmp_path)
        assert loaded.beta_loss == beta_loss
        np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
