"""What a scikit-learn user does with an estimator, for all of them."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import kl_div
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, Normalizer

from dnmf import DNMF, MultiplicativeNMF

pytestmark = pytest.mark.usefixtures("quick_fits")


def test_transform_gives_non_negative_exposures_and_inverse_transform_their_spectra(
    estimator, counts
):
    X, y, _ = counts
    exposures = estimator.fit(X, y).transform(X)
    assert exposures.shape == (60, 3)
    assert exposures.dtype == np.float64
    assert (exposures >= 0).all()
    assert (estimator.components_ >= 0).all()
    np.testing.assert_allclose(
        estimator.inverse_transform(exposures), exposures @ estimator.components_
    )
    assert (estimator.n_components_, estimator.n_features_in_) == (3, 24)


def test_score_is_minus_the_mean_deviance_of_its_own_objective(estimator, counts):
    """Squared error of least squares, Poisson deviance of the likelihood: scikit-learn's and SciPy's own."""
    X, y, _ = counts
    estimator.fit(X, y)
    spectra = estimator.inverse_transform(estimator.transform(X))
    if getattr(estimator, "layer", "") == "kl":
        expected = -2 * kl_div(X, spectra).sum(axis=1).mean()
    else:
        expected = -X.shape[1] * mean_squared_error(X, spectra)
    assert estimator.score(X) == pytest.approx(expected)


def test_penalties_are_not_part_of_the_score(counts):
    """Otherwise a search over penalties could only ever choose none."""
    X, _, _ = counts
    model = DNMF(3, n_layers=2, n_steps=0, l1_reg=50.0, random_state=0).fit(X)
    error = np.square(X - model.inverse_transform(model.transform(X))).sum(axis=1).mean()
    assert model.score(X) == pytest.approx(-error)


def test_it_works_inside_a_pipeline(estimator, counts):
    X, y, _ = counts
    pipeline = make_pipeline(MaxAbsScaler(), clone(estimator)).fit(X, y)
    scaled = MaxAbsScaler().fit_transform(X)
    alone = clone(estimator).fit(scaled, y)
    np.testing.assert_array_equal(pipeline.transform(X), alone.transform(scaled))
    spectra = pipeline.inverse_transform(pipeline.transform(X))
    assert spectra.shape == X.shape


def test_it_can_be_followed_by_another_step(estimator, counts):
    X, y, _ = counts
    shares = make_pipeline(estimator, Normalizer("l1")).fit_transform(X, y)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_cross_validate_scores_held_out_samples(estimator, counts):
    X, y, _ = counts
    folds = KFold(3)
    result = cross_validate(estimator, X, y, cv=folds, return_train_score=True)
    train, test = next(iter(folds.split(X)))
    by_hand = clone(estimator).fit(X[train], y[train]).score(X[test], y[test])
    assert result["test_score"][0] == pytest.approx(by_hand)
    assert np.isfinite(result["test_score"]).all()


def test_grid_search_refits_the_best(counts):
    X, _, _ = counts
    grid = {"n_components": [1, 3], "l1_reg": [0.0, 1.0]}
    search = GridSearchCV(DNMF(n_layers=3, n_steps=8, random_state=0), grid, cv=2).fit(X)
    assert search.best_params_["n_components"] == 3
    assert search.best_estimator_.components_.shape == (3, 24)


def test_set_output_gives_named_columns_and_keeps_the_index(estimator, counts):
    X, y, _ = counts
    frame = pd.DataFrame(
        X, index=[f"tumour {i}" for i in range(60)], columns=[f"channel {c}" for c in range(24)]
    )
    exposures = estimator.set_output(transform="pandas").fit(frame, y).transform(frame)
    prefix = type(estimator).__name__.lower()
    assert list(exposures.columns) == [f"{prefix}{i}" for i in range(3)]
    assert list(exposures.columns) == list(estimator.get_feature_names_out())
    assert list(exposures.index) == list(frame.index)
    assert list(estimator.feature_names_in_) == list(frame.columns)
    assert np.isfinite(estimator.score(frame))
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.transform(frame.rename(columns={"channel 0": "other"}))


def test_clone_is_unfitted_and_has_the_same_parameters(estimator, counts):
    X, y, _ = counts
    copy = clone(estimator.fit(X, y))
    assert copy.get_params() == estimator.get_params()
    for use in (copy.transform, copy.score, copy.inverse_transform):
        with pytest.raises(NotFittedError):
            use(X)


def test_same_seed_same_bits_and_the_number_of_torch_threads_does_not_matter(
    estimator, counts, torch_threads
):
    X, y, _ = counts
    results = []
    for threads in (1, 2, 1):
        torch_threads(threads)
        fitted = clone(estimator).fit(X, y)
        assert torch.get_num_threads() == threads
        results.append((fitted.components_, fitted.transform(X), fitted.history_))
    for components, exposures, history in results[1:]:
        np.testing.assert_array_equal(components, results[0][0])
        np.testing.assert_array_equal(exposures, results[0][1])
        for phase, costs in history.items():
            np.testing.assert_array_equal(costs, results[0][2][phase])


def test_threads_do_not_matter_for_many_samples_either(problem, torch_threads):
    """More than two chunks of the exact solver, in the dictionary search and in exact inference."""
    X = problem(4500, 8, 2, 1)[0].numpy()
    results = []
    for threads in (1, 2):
        torch_threads(threads)
        model = DNMF(2, n_layers=2, n_steps=3, random_state=0).fit(X)
        results.append((model.components_, model.transform(X), model.transform(X, exact=True)))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_random_state_object_is_as_good_as_a_seed(estimator, counts):
    X, y, _ = counts
    if "random_state" not in estimator.get_params():
        pytest.skip("nothing in it is random")
    fits = [
        clone(estimator).set_params(random_state=np.random.RandomState(7)).fit(X, y)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(fits[0].components_, fits[1].components_)
    np.testing.assert_array_equal(fits[0].transform(X), fits[1].transform(X))


def test_fit_does_not_write_to_the_data(estimator, counts):
    X, y, _ = counts
    X_copy, y_copy = X.copy(), y.copy()
    estimator.fit(X, y).transform(X)
    np.testing.assert_array_equal(X, X_copy)
    np.testing.assert_array_equal(y, y_copy)


def test_samples_without_mutations_get_exposures_of_zero(estimator, counts):
    X, y, _ = counts
    X, y = X.copy(), y.copy()
    X[[0, 9]] = 0
    y[[0, 9]] = 0
    exposures = estimator.fit(X, y).transform(X)
    assert np.isfinite(exposures).all()
    # the paper's network starts every sample at 1 and leaves less than a billionth of that
    assert exposures[[0, 9]].max() <= (1e-9 if type(estimator).__name__.startswith("Paper") else 0)
    assert (exposures[1:9].sum(axis=1) > 0).all()


def test_a_sample_does_not_depend_on_the_samples_around_it(estimator, counts):
    X, y, _ = counts
    if isinstance(estimator, MultiplicativeNMF):
        estimator.set_params(tol=0.0, max_iter=200)  # its tolerance is one for the whole batch
    estimator.fit(X, y)
    together = estimator.transform(X)
    alone = np.vstack([estimator.transform(X[i : i + 1]) for i in range(10)])
    np.testing.assert_allclose(alone, together[:10], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("asked", [True, False])
def test_float32_is_kept_and_gives_nearly_the_same_values(estimator, counts, asked):
    X, y, _ = counts
    if "dtype" not in estimator.get_params() or not (asked or estimator.dtype is None):
        pytest.skip("computes in one precision")
    double = clone(estimator).fit(X, y)
    single = clone(estimator).set_params(dtype="float32") if asked else clone(estimator)
    single.fit(X if asked else X.astype(np.float32), y)
    exposures = single.transform(X)
    assert exposures.dtype == single.components_.dtype == np.float32
    spectra = [m.inverse_transform(m.transform(X)) for m in (single, double)]
    assert spectra[0].dtype == np.float32
    assert np.linalg.norm(spectra[0] - spectra[1]) < 0.05 * np.linalg.norm(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_values_that_are_no_counts_are_refused_in_fit_and_transform(estimator, counts, bad):
    X, y, _ = counts
    wrong = X.copy()
    wrong[3, 4] = bad
    if np.isnan(bad) and isinstance(estimator, DNMF):
        pytest.skip("takes NaN for a missing entry")
    fitted = clone(estimator).fit(X, y)
    for use in (lambda: estimator.fit(wrong, y), lambda: fitted.transform(wrong)):
        with pytest.raises(ValueError, match=r"(?i)nan|infinity|negative"):
            use()


def test_exposures_of_the_wrong_width_are_refused_by_inverse_transform(estimator, counts):
    X, y, _ = counts
    estimator.fit(X, y)
    with pytest.raises(ValueError, match=r"expected exposures to 3 components.*\(60, 24\)"):
        estimator.inverse_transform(X)
