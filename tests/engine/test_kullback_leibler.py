"""Kullback-Leibler in passes over chunks, against independent answers and identities."""

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.decomposition import NMF

from dnmf.engine.chunks import LocalChunks
from dnmf.engine.kullback_leibler import exposures, factorise
from dnmf.engine.samples import as_samples
from dnmf.kernels import kl_cost, kl_exposures, kl_gap, kl_step, successive_projection

N, F, K = 120, 25, 4


@pytest.fixture
def X():
    rng = np.random.default_rng(1)
    means = rng.gamma(0.5, size=(N, K)) @ rng.gamma(0.3, size=(K, F)) * 20
    X = rng.poisson(means).astype(float)
    return X[X.sum(axis=1) > 0]


@pytest.fixture
def W0(X):
    return successive_projection(torch.from_numpy(X), K)


def fit(X, W0, *, chunk_rows=50, tol=1e-9, max_iter=2000, **options):
    chunks = LocalChunks(as_samples(X, chunk_rows=chunk_rows, **options))
    found = factorise(chunks, W0, tol=tol, max_iter=max_iter)
    return found, torch.cat(list(exposures(chunks, found.W)))


def test_the_cost_never_rises_and_is_that_of_the_answer(X, W0):
    found, H = fit(X, W0)
    assert found.converged
    assert np.all(np.diff(found.cost) <= 0)
    assert found.cost[-1] == pytest.approx(
        kl_cost(torch.from_numpy(X), H, found.W).item(), rel=1e-6
    )
    torch.testing.assert_close(found.W.sum(dim=1), torch.ones(K, dtype=torch.float64))


def test_both_factors_are_optimal_at_the_end(X, W0):
    found, H = fit(X, W0, tol=1e-13)
    data = torch.from_numpy(X)
    assert kl_gap(data, H, found.W).max() <= 1e-6
    assert kl_gap(data.mT.contiguous(), found.W.mT, H.mT).max() < 1e-2
    steps = kl_step(data.mT, found.W.mT, H.mT).mT
    torch.testing.assert_close(steps, found.W, rtol=1e-3, atol=1e-6)


def test_it_ends_no_higher_than_multiplicative_updates(X, W0):
    found, _ = fit(X, W0, tol=1e-6)
    theirs = NMF(
        K, init="nndsvda", solver="mu", beta_loss="kullback-leibler", tol=1e-6, max_iter=1000
    ).fit(X)
    assert (2 * found.cost[-1]) ** 0.5 <= 1.001 * theirs.reconstruction_err_


def test_exposures_are_those_of_the_exact_solver(X, W0):
    found, H = fit(X, W0, max_iter=20)
    data = torch.from_numpy(X)
    expected = kl_exposures(data, found.W, tol=1e-9).H
    assert kl_cost(data, H, found.W) <= kl_cost(data, expected, found.W) + N * 1e-6


def test_the_same_chunks_give_the_same_bits_wherever_the_data_are(X, W0, tmp_path):
    X.tofile(tmp_path / "x")
    expected = fit(X, W0, max_iter=30)
    on_disk = np.memmap(tmp_path / "x", mode="r", shape=X.shape, dtype=X.dtype)
    batches = [X[:50], X[50:100], X[100:]]
    for data, chunk_rows in ((on_disk, 50), (batches, None)):
        found, H = fit(data, W0, chunk_rows=chunk_rows, max_iter=30)
        assert torch.equal(found.W, expected[0].W)
        assert torch.equal(H, expected[1])


@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_data_give_the_answer_of_dense_ones(X, W0, weighted):
    weights = np.random.default_rng(2).random(len(X)) if weighted else None
    found, H = fit(X, W0, max_iter=30, sample_weight=weights)
    sparse, H_sparse = fit(scipy.sparse.csr_matrix(X), W0, max_iter=30, sample_weight=weights)
    assert sparse.cost == pytest.approx(found.cost, rel=1e-9)
    torch.testing.assert_close(sparse.W, found.W, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(H_sparse, H, rtol=1e-3, atol=1e-3)


def test_float32_is_kept_and_as_good(X, W0):
    found, H = fit(X.astype("f4"), W0, tol=1e-6)
    assert found.W.dtype == H.dtype == torch.float32
    assert found.cost[-1] == pytest.approx(fit(X, W0, tol=1e-6)[0].cost[-1], rel=2e-3)


@pytest.mark.parametrize("hidden", [0.0, 0.2])
def test_a_weight_is_a_number_of_copies(X, W0, hidden):
    rng = np.random.default_rng(2)
    weights = rng.integers(0, 3, len(X))
    X = np.where(rng.random(X.shape) < hidden, np.nan, X)
    found, _ = fit(X, W0, sample_weight=weights, max_iter=60)
    copies, _ = fit(np.repeat(X, weights, axis=0), W0, max_iter=60)
    assert found.cost == pytest.approx(copies.cost, rel=1e-9)
    torch.testing.assert_close(found.W, copies.W, rtol=1e-5, atol=1e-8)


def test_a_mask_of_nothing_is_no_mask_and_nan_is_a_mask(X, W0):
    mask = np.random.default_rng(3).random(X.shape) < 0.2
    found = fit(X, W0, max_iter=40)[0]
    nothing = fit(X, W0, mask=np.zeros_like(mask), max_iter=40)[0]
    torch.testing.assert_close(nothing.W, found.W, rtol=1e-6, atol=1e-9)
    masked = fit(X, W0, mask=mask, max_iter=40)[0]
    missing = fit(np.where(mask, np.nan, X), W0, max_iter=40)[0]
    assert torch.equal(masked.W, missing.W)


def test_masked_exposures_are_those_of_the_features_that_are_known(X, W0):
    """A feature that is masked in every sample of a fit of exposures is as if it were not there."""
    mask = np.zeros(X.shape, dtype=bool)
    mask[: len(X) // 2, ::3] = True
    found, H = fit(X, W0, mask=mask, max_iter=30)
    half, known = len(X) // 2, ~mask[0]
    data, W = torch.from_numpy(X[:half][:, known]), found.W[:, torch.from_numpy(known)]
    assert kl_gap(data, H[:half], W).max() <= 1e-6


def test_hidden_entries_are_recovered_where_the_data_have_low_rank():
    rng = np.random.default_rng(4)
    X = rng.gamma(1.0, size=(N, K)) @ rng.gamma(0.3, size=(K, F))
    mask = rng.random(X.shape) < 0.2
    filled = np.where(mask, X.mean(), X)
    found, H = fit(X, successive_projection(torch.from_numpy(filled), K), mask=mask, tol=1e-12)
    error = ((H @ found.W).numpy() - X)[mask]
    assert np.sqrt(np.mean(error**2)) < 2e-3 * np.sqrt(np.mean(X[mask] ** 2))


def test_empty_samples_and_features_and_a_start_with_zeros_do_no_harm(X):
    X[5], X[:, 3] = 0, 0
    W0 = torch.zeros(K, F)
    W0[:, :K] = torch.eye(K)
    found, H = fit(X, W0, tol=1e-7)
    assert found.W.isfinite().all()
    assert not H[5].any()
    assert found.cost[-1] < 0.6 * found.cost[0]
