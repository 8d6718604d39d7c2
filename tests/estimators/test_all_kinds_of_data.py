"""The plain search and exact inference for data as they come: sparse, missing, weighted, in batches, on any worker."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from scipy.optimize import nnls as scipy_nnls
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from dnmf import DNMF, load_model, save_model
from dnmf.exceptions import DoubtfulDataWarning, InputDataError

LAYERS = pytest.mark.parametrize("layer", ["newton", "kl"])


@pytest.fixture(scope="module")
def data(problem):
    X, _, _ = problem(90, 24, 3, 0)
    return X.numpy()


@pytest.fixture(scope="module")
def missing(data):
    return np.random.default_rng(0).random(data.shape) < 0.2


@pytest.mark.parametrize("penalties", [{}, {"l1_reg": 5.0}, {"l1_reg": 5.0, "l2_reg": 0.05}])
def test_plain_fits_at_least_as_well_as_coordinate_descent(data, penalties):
    model = DNMF(3, tol=1e-7, max_iter=2000, **penalties).fit(data)
    if not penalties:
        theirs = NMF(3, init="nndsvda", tol=1e-7, max_iter=5000).fit(data)
        assert model.reconstruction_err_ <= 1.001 * theirs.reconstruction_err_
    exposures = model.transform(data)
    error = np.linalg.norm(data - exposures @ model.components_)
    assert model.reconstruction_err_ == pytest.approx(error)
    assert model.certificate(data, exposures).max() <= 1e-9
    assert len(model.history_["dictionary"]) <= model.n_iter_ < 2000


def test_kullback_leibler_fits_at_least_as_well_as_multiplicative_updates(data):
    model = DNMF(3, layer="kl", tol=1e-6).fit(data)
    theirs = NMF(3, solver="mu", beta_loss=1, init="nndsvda", tol=1e-6, max_iter=2000).fit(data)
    assert model.reconstruction_err_ <= 1.001 * theirs.reconstruction_err_
    assert model.reconstruction_err_**2 == pytest.approx(-model.score(data) * len(data))


def test_sparse_data_on_a_device_are_refused_before_anything_is_computed(data):
    with pytest.raises(InputDataError, match="set device='cpu', or give dense data"):
        DNMF(3, device="meta").fit(sparse.csr_array(data))


@LAYERS
def test_sparse_data_give_what_dense_ones_do(data, layer):
    X = np.where(data > 20, data, 0)
    dense = DNMF(3, layer=layer).fit(X)
    for form in (sparse.csr_array, sparse.csc_matrix):
        model = DNMF(3, layer=layer).fit(form(X))
        np.testing.assert_allclose(model.components_, dense.components_, rtol=1e-6, atol=1e-9)
        exposures = model.transform(form(X))
        np.testing.assert_allclose(exposures, dense.transform(X), rtol=1e-4, atol=1e-3)
        assert model.certificate(form(X), exposures).max() <= 1e-5
        assert model.score(form(X)) == pytest.approx(dense.score(X), rel=1e-6)
        network = model.transform(form(X), exact=False)
        np.testing.assert_allclose(network, dense.transform(X, exact=False), rtol=1e-6, atol=1e-3)


@LAYERS
def test_a_mask_a_masked_array_and_nan_mean_the_same(data, missing, layer):
    spoilt = np.where(missing, -7.0, data)  # what a mask covers is not looked at
    nan = np.where(missing, np.nan, data)
    models = [
        DNMF(3, layer=layer).fit(spoilt, mask=missing),
        DNMF(3, layer=layer).fit(np.ma.masked_array(spoilt, missing)),
        DNMF(3, layer=layer).fit(nan),
    ]
    for model in models:
        np.testing.assert_array_equal(model.components_, models[0].components_)
        np.testing.assert_array_equal(model.transform(nan), model.transform(data, mask=missing))
    spectra = models[0].inverse_transform(models[0].transform(nan))
    known = np.linalg.norm((spectra - data)[~missing]) / np.linalg.norm(data[~missing])
    assert np.linalg.norm((spectra - data)[missing]) / np.linalg.norm(data[missing]) < 3 * known
    with pytest.raises(InputDataError, match="network needs samples without missing entries"):
        models[0].transform(nan, exact=False)


def test_held_out_entries_tell_how_many_components_there_are():
    rng = np.random.default_rng(0)
    X = rng.poisson(rng.gamma(0.5, 60, (300, 3)) @ rng.dirichlet(np.full(20, 0.4), 3)).astype(float)
    held_out = rng.random(X.shape) < 0.1
    errors = {}
    for k in (1, 2, 3, 5, 7):
        model = DNMF(k).fit(X, mask=held_out)
        predicted = model.transform(X, mask=held_out) @ model.components_
        errors[k] = np.square(predicted - X)[held_out].mean()
    assert min(errors, key=errors.__getitem__) == 3


def test_exposures_of_samples_with_missing_entries_are_those_of_the_known_ones(data, missing):
    model = DNMF(3).fit(data)
    exposures = model.transform(data, mask=missing)
    for x, known, h in zip(data, ~missing, exposures, strict=True):
        expected, _ = scipy_nnls(model.components_[:, known].T, x[known])
        np.testing.assert_allclose(h, expected, rtol=1e-8, atol=1e-8)
    assert model.certificate(data, exposures, mask=missing).max() <= 1e-9
    error = np.square(data - exposures @ model.components_)[~missing].sum() / len(data)
    assert model.score(data, mask=missing) == pytest.approx(-error)


def test_one_sample_may_lack_a_feature_and_a_fit_may_not(data):
    model, row = DNMF(3).fit(data), data[:1].copy()
    row[0, 4] = np.nan
    assert np.isfinite(model.transform(row)).all()
    lacking = data.copy()
    lacking[:, 4] = np.nan
    with pytest.raises(InputDataError, match="feature 4 has no known entry"):
        DNMF(3).fit(lacking)
    with pytest.raises(InputDataError, match="sample 0 has no known entry"):
        model.transform(np.full((1, 24), np.nan))


@LAYERS
def test_a_weight_of_two_is_the_sample_twice(data, layer):
    weights = np.repeat([2.0, 1.0], 45)
    model = DNMF(3, layer=layer, init="custom", tol=0, max_iter=30)
    start = {"components": data[[0, 40, 80]] + 1}
    weighted = model.fit(data, sample_weight=weights, **start)
    twice = DNMF(3, layer=layer, init="custom", tol=0, max_iter=30)
    twice.fit(np.vstack([data, data[:45]]), **start)
    np.testing.assert_allclose(weighted.components_, twice.components_, rtol=1e-6, atol=1e-9)
    assert weighted.reconstruction_err_ == pytest.approx(twice.reconstruction_err_)


@LAYERS
@pytest.mark.filterwarnings("ignore:the cost still fell")
def test_the_same_chunks_give_the_same_bits_from_memory_a_file_batches_and_a_pool(
    data, tmp_path, layer
):
    np.save(tmp_path / "X.npy", data)
    batches = [data[:40], data[40:]]
    model = DNMF(3, layer=layer, max_iter=5)
    expected = model.fit(data).components_
    sources = [np.load(tmp_path / "X.npy", mmap_mode="r"), torch.from_numpy(data), [data]]
    for X in sources:
        found = DNMF(3, layer=layer, max_iter=5).fit(X)
        np.testing.assert_array_equal(found.components_, expected)
        np.testing.assert_array_equal(found.transform(X), model.transform(data))
    apart = DNMF(3, layer=layer, max_iter=5).fit(batches)
    np.testing.assert_allclose(apart.components_, expected, rtol=1e-6, atol=1e-9)
    with ThreadPoolExecutor(2) as pool:
        pooled = DNMF(3, layer=layer, max_iter=5).fit(batches, executor=pool)
    np.testing.assert_array_equal(pooled.components_, apart.components_)


def test_other_features_of_batches_and_what_is_no_executor_are_named(data):
    model = DNMF(3).fit([data])
    with pytest.raises(ValueError, match="X has 23 features, but DNMF is expecting 24"):
        model.transform([data[:, :-1]])
    with pytest.raises(InputDataError, match="has no method `submit`"):
        DNMF(3).fit(data, executor="cluster")


def test_signatures_are_searched_in_complete_dense_samples(data, missing):
    model = DNMF(3, search="signatures")
    with pytest.raises(InputDataError, match="takes no sparse data"):
        model.fit(sparse.csr_array(data))
    with pytest.raises(InputDataError, match="takes no sample weights"):
        model.fit(data, sample_weight=np.ones(90))
    with pytest.raises(InputDataError, match="takes no missing entries"):
        model.fit(data, mask=missing)


def test_a_dictionary_of_alike_spectra_costs_no_more_than_the_exact_solution():
    rng = np.random.default_rng(0)
    walks = np.cumsum(np.cumsum(rng.normal(size=(105, 156)), axis=1), axis=1)
    library = np.exp(walks / np.abs(walks).max(axis=1, keepdims=True))
    assert np.linalg.cond(library) > 1e4
    mixed = rng.dirichlet(np.ones(3), 120)
    X = np.stack([a @ library[rng.choice(105, 3, False)] for a in mixed])
    X *= 1 + 0.02 * rng.normal(size=X.shape)
    model = DNMF(None, dictionary=library).fit(X)
    exposures = model.transform(X)
    error = np.linalg.norm(X - exposures @ model.components_, axis=1)
    exact = np.array([scipy_nnls(model.components_.T, x, maxiter=5000)[1] for x in X])
    np.testing.assert_allclose(error, exact, rtol=1e-6)
    assert model.certificate(X, exposures).max() <= 1e-9
    network = np.linalg.norm(X - model.transform(X, exact=False) @ model.components_, axis=1)
    assert network.max() > 1.1 * exact.max()  # what the network alone would have said


def test_a_fit_can_be_cut_short_gone_on_with_and_started_from_given_factors(data, capsys):
    model = DNMF(3, max_iter=10, warm_start=True, verbose=1)
    with pytest.warns(ConvergenceWarning, match="after 10 iterations"):
        model.set_params(tol=1e-9).fit(data)
    assert model.n_iter_ == 10
    assert "iteration 10 of at most 10, cost" in capsys.readouterr().out
    model.set_params(max_iter=500, tol=1e-3, verbose=0)
    first = model.reconstruction_err_
    assert model.fit(data).reconstruction_err_ <= first
    start = {"components": model.components_, "exposures": model.transform(data)}
    again = DNMF(3, init="custom", tol=1e-3).fit(data, **start)
    assert again.reconstruction_err_ <= model.reconstruction_err_ * (1 + 1e-9)
    for options in ({}, {"exposures": start["exposures"]}):
        with pytest.raises(ValueError, match="init='custom' starts from"):
            DNMF(3, init="custom").fit(data, **options)
    with pytest.raises(
        ValueError, match=r"components have the shape \(3, 24\), expected \(2, 24\)"
    ):
        DNMF(2, init="custom").fit(data, components=start["components"])


@LAYERS
def test_batches_one_after_the_other_come_near_the_whole_fit(data, missing, layer):
    whole, online = DNMF(3, layer=layer).fit(data), DNMF(3, layer=layer)
    for _ in range(3):
        for first in range(0, 90, 30):
            online.partial_fit(data[first : first + 30])
    assert online.n_iter_ == 9
    assert online.score(data) >= 1.05 * whole.score(data)  # scores are negative
    assert np.isfinite(online.partial_fit(data, mask=missing).components_).all()
    with pytest.raises(ValueError, match="partial_fit needs search='plain'"):
        DNMF(3, search="signatures").partial_fit(data)


@LAYERS
def test_a_feature_that_the_first_batch_lacks_is_learned_from_later_ones(data, layer):
    lacking = data.copy()
    lacking[:30, 4] = 0
    online = DNMF(3, layer=layer)
    for _ in range(3):
        for first in range(0, 90, 30):
            online.partial_fit(lacking[first : first + 30])
    whole = DNMF(3, layer=layer).fit(lacking)
    assert online.components_[:, 4].max() > 0.5 * whole.components_[:, 4].max()
    assert online.score(lacking) >= 1.1 * whole.score(lacking)


@pytest.mark.filterwarnings("ignore:3 components asked of data of rank 1")
def test_components_that_a_tiny_first_batch_left_empty_are_filled_by_the_next(data):
    model = DNMF(3).partial_fit(data[:1])
    for first in range(1, 90, 30):
        model.partial_fit(data[first : first + 30])
    np.testing.assert_allclose(model.components_.sum(axis=1), 1)


def test_partial_fit_keeps_no_old_error_and_no_other_parameters(data):
    model = DNMF(3).fit(data).partial_fit(data)
    assert not hasattr(model, "reconstruction_err_")
    for change in ({"n_components": 4}, {"layer": "kl"}, {"l1_reg": 2.0}):
        other = DNMF(3).partial_fit(data).set_params(**change)
        with pytest.raises(ValueError, match="not those of the batches so far"):
            other.partial_fit(data)


@LAYERS
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_a_custom_start_may_have_any_scale(data, missing, layer, scale):
    rng = np.random.default_rng(1)
    W, H = rng.random((3, 24)), rng.random((90, 3))
    for options in ({}, {"mask": missing}, {"sample_weight": rng.random(90)}):
        model = DNMF(3, layer=layer, init="custom", tol=1e-4)
        error = model.fit(data, components=W, exposures=H, **options).reconstruction_err_
        scaled = model.fit(data, components=(W * scale).tolist(), exposures=H.tolist(), **options)
        assert scaled.reconstruction_err_ == pytest.approx(error, rel=0.02)


def test_starts_that_cannot_be_are_refused(data):
    model, W = DNMF(3, init="custom"), np.ones((3, 24))
    with pytest.raises(ValueError, match=r"exposures have the shape \(90, 2\), expected 3 columns"):
        model.fit(data, components=W, exposures=np.ones((90, 2)))
    W[1] = 0
    with pytest.raises(ValueError, match="row 1 of components is all zero"):
        model.fit(data, components=W)


def test_unused_components_are_warned_of_with_what_may_help(data):
    with pytest.warns(DoubtfulDataWarning, match="no sample: ask for fewer, or lower l1_reg=1e"):
        DNMF(3, l1_reg=1e6).fit(data)


def test_weights_of_a_table_and_flags_of_numpy_are_taken(data):
    model = DNMF(3, verbose=False).fit(data, sample_weight=pd.Series(np.ones(90)))
    np.testing.assert_array_equal(
        model.transform(data, exact=np.True_), model.transform(data, exact=True)
    )
    lacking = data.copy()
    lacking[5] = 0
    with pytest.raises(InputDataError, match="or the weights of all samples that are not"):
        DNMF(3).fit(lacking, sample_weight=np.arange(90) == 5)
    with pytest.raises(ValueError, match=r"init must be one of (?!.*ones)"):
        DNMF(3, init="best").fit(data)


def test_sums_of_batches_for_one_dictionary_are_those_of_all_samples(data):
    """The step from a known dictionary does not depend on how the samples are divided, when it comes last."""
    start = DNMF(3).fit(data)
    together = start.partial_fit(data).components_
    assert DNMF(None, dictionary=together).fit(data).reconstruction_err_ <= (
        DNMF(3).fit(data).reconstruction_err_ * (1 + 1e-9)
    )


def test_a_loaded_model_keeps_precision_and_error(data, tmp_path):
    model = DNMF(3).fit(data.astype(np.float32))
    assert model.transform(data).dtype == np.float32
    save_model(model, tmp_path)
    loaded, _ = load_model(tmp_path)
    assert loaded.components_.dtype == np.float32
    np.testing.assert_array_equal(loaded.transform(data), model.transform(data))
    assert loaded.reconstruction_err_ == model.reconstruction_err_


def test_likelihood_exposures_of_sparse_samples_are_exact():
    """Of one of these coordinate descent alone stops a thousand times further off."""
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(600, 0.02), size=12) + 1e-9 * rng.random((12, 600))
    shares = rng.dirichlet(np.full(12, 0.1), size=400)
    X = rng.poisson(10 * shares @ rng.dirichlet(np.full(600, 0.02), size=12)).astype(float)
    X = sparse.csr_matrix(X[X.any(axis=1)])
    model = DNMF(None, dictionary=W, layer="kl", n_layers=1).fit(X)
    gaps = model.certificate(X, model.transform(X))
    assert (gaps <= 1.1e-10 * np.asarray(X.sum(axis=1)).ravel()).all()
