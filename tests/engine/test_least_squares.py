"""Least squares in passes over chunks, against independent answers and identities."""

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.optimize import nnls as scipy_nnls
from sklearn.decomposition import NMF

from dnmf.engine.chunks import LocalChunks
from dnmf.engine.least_squares import exposures, factorise
from dnmf.engine.samples import as_samples
from dnmf.kernels import Frobenius, frobenius_cost, nnls_kkt_residual, successive_projection

N, F, K = 120, 25, 4


@pytest.fixture
def X():
    rng = np.random.default_rng(1)
    H, W = rng.gamma(0.5, size=(N, K)), rng.gamma(0.3, size=(K, F))
    return H @ W + 0.05 * rng.random((N, F))


@pytest.fixture
def W0(X):
    return successive_projection(torch.from_numpy(X), K)


def fit(X, W0, *, objective=None, chunk_rows=50, tol=1e-9, max_iter=3000, **options):
    chunks = LocalChunks(as_samples(X, chunk_rows=chunk_rows, **options))
    found = factorise(chunks, W0, objective=objective, tol=tol, max_iter=max_iter)
    return found, torch.cat(list(exposures(chunks, found.W, objective=objective)))


def test_the_cost_never_rises_and_is_that_of_the_answer(X, W0):
    found, H = fit(X, W0)
    assert found.converged
    assert found.n_iter == len(found.cost)
    assert np.all(np.diff(found.cost) <= 0)
    cost = frobenius_cost(torch.from_numpy(X), H, found.W).item()
    assert found.cost[-1] == pytest.approx(cost, rel=1e-7)
    torch.testing.assert_close(found.W.sum(dim=1), torch.ones(K, dtype=torch.float64))


def test_both_factors_are_optimal_at_the_end(X, W0):
    found, H = fit(X, W0, tol=1e-13)
    data = torch.from_numpy(X)
    of_H = nnls_kkt_residual(found.W @ found.W.mT, data @ found.W.mT, H)
    of_W = nnls_kkt_residual(H.mT @ H, data.mT @ H, found.W.mT)
    assert of_H.max() < 1e-9
    assert of_W.max() < 1e-4


def test_it_ends_no_higher_than_coordinate_descent(X, W0):
    found, _ = fit(X, W0, tol=1e-6)
    theirs = NMF(K, init="nndsvda", tol=1e-6, max_iter=1000).fit(X)
    assert (2 * found.cost[-1]) ** 0.5 <= 1.001 * theirs.reconstruction_err_


def test_exposures_are_those_of_an_independent_solver(X, W0):
    found, H = fit(X, W0, max_iter=20)
    expected = [scipy_nnls(found.W.numpy().T, x)[0] for x in X]
    np.testing.assert_allclose(H.numpy(), expected, atol=1e-8)


def test_the_same_chunks_give_the_same_bits_wherever_the_data_are(X, W0, tmp_path):
    X.tofile(tmp_path / "x")
    expected = fit(X, W0, max_iter=30)
    places = {
        "file": np.memmap(tmp_path / "x", mode="r", shape=X.shape, dtype=X.dtype),
        "fortran": np.asfortranarray(X),
        "batches": [X[:50], X[50:100], X[100:]],
    }
    for place, data in places.items():
        chunk_rows = None if place == "batches" else 50
        found, H = fit(data, W0, chunk_rows=chunk_rows, max_iter=30)
        assert torch.equal(found.W, expected[0].W), place
        assert torch.equal(H, expected[1]), place
        assert found.cost == expected[0].cost, place


@pytest.mark.parametrize("chunk_rows", [2, N])
def test_chunks_smaller_than_the_number_of_components_change_rounding_only(X, W0, chunk_rows):
    found, _ = fit(X, W0, chunk_rows=chunk_rows, max_iter=30)
    torch.testing.assert_close(found.W, fit(X, W0, max_iter=30)[0].W, rtol=1e-9, atol=1e-12)


def test_sparse_data_give_the_answer_of_dense_ones(X, W0):
    X[np.median(X) > X] = 0
    found, H = fit(X, W0, max_iter=30)
    sparse, H_sparse = fit(scipy.sparse.csr_matrix(X), W0, max_iter=30)
    torch.testing.assert_close(sparse.W, found.W, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(H_sparse, H, rtol=1e-9, atol=1e-9)


def test_float32_is_kept_and_as_good(X, W0):
    found, H = fit(X.astype("f4"), W0, tol=1e-6)
    assert found.W.dtype == H.dtype == torch.float32
    assert found.cost[-1] == pytest.approx(fit(X, W0, tol=1e-6)[0].cost[-1], rel=1e-3)


@pytest.mark.parametrize("penalties", [(0.0, 0.0), (0.1, 0.0), (0.0, 0.2), (0.1, 0.2)])
@pytest.mark.parametrize("hidden", [0.0, 0.2])
def test_a_weight_is_a_number_of_copies(X, W0, penalties, hidden):
    rng = np.random.default_rng(2)
    weights = rng.integers(0, 3, N)
    X = np.where(rng.random(X.shape) < hidden, np.nan, X)
    found, H = fit(X, W0, sample_weight=weights, objective=Frobenius(*penalties), max_iter=60)
    copies, H_copies = fit(
        np.repeat(X, weights, axis=0), W0, objective=Frobenius(*penalties), max_iter=60
    )
    torch.testing.assert_close(found.W, copies.W, rtol=1e-6, atol=1e-9)
    assert found.cost == pytest.approx(copies.cost, rel=1e-9)
    torch.testing.assert_close(H[np.repeat(np.arange(N), weights)], H_copies, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("penalties", [(0.1, 0.0), (0.0, 0.2), (0.1, 0.2)])
@pytest.mark.parametrize("hidden", [0.0, 0.2])
def test_with_penalties_no_scale_between_the_factors_is_better(X, W0, penalties, hidden):
    """The cost is that of the answer, and small changes of any entry of the dictionary do not lower it."""
    mask = np.random.default_rng(3).random(X.shape) < hidden
    objective = Frobenius(*penalties)
    found, H = fit(X, W0, objective=objective, mask=mask, tol=1e-12)
    known = torch.from_numpy(~mask)

    def cost(H, W):
        residual = (torch.from_numpy(X) - H @ W) * known
        penalty = penalties[0] * H.sum() + 0.5 * penalties[1] * H.square().sum()
        return 0.5 * residual.square().sum() + penalty

    best = cost(H, found.W)
    assert found.cost[-1] == pytest.approx(best.item(), rel=1e-6)
    for j in range(K):
        for c in range(0, F, 6):
            for step in (-1e-3, 1e-3):
                W = found.W.clone()
                W[j, c] = max(W[j, c] + step, 0.0)
                total = W[j].sum()
                W[j] /= total
                moved = H.clone()
                moved[:, j] *= total
                assert cost(moved, W) >= best * (1 - 1e-7)


def test_a_mask_of_nothing_is_no_mask_and_nan_is_a_mask(X, W0):
    mask = np.random.default_rng(3).random(X.shape) < 0.2
    found = fit(X, W0, max_iter=40)[0]
    nothing = fit(X, W0, mask=np.zeros_like(mask), max_iter=40)[0]
    torch.testing.assert_close(nothing.W, found.W, rtol=1e-8, atol=1e-10)
    masked = fit(X, W0, mask=mask, max_iter=40)
    missing = fit(np.where(mask, np.nan, X), W0, max_iter=40)
    assert torch.equal(masked[0].W, missing[0].W)
    assert torch.equal(masked[1], missing[1])


def test_hidden_entries_are_recovered_where_the_data_have_low_rank():
    rng = np.random.default_rng(4)
    X = rng.gamma(1.0, size=(N, K)) @ rng.gamma(0.3, size=(K, F))
    mask = rng.random(X.shape) < 0.2
    filled = np.where(mask, X.mean(), X)
    found, H = fit(X, successive_projection(torch.from_numpy(filled), K), mask=mask, tol=1e-12)
    error = ((H @ found.W).numpy() - X)[mask]
    assert np.sqrt(np.mean(error**2)) < 1e-3 * np.sqrt(np.mean(X[mask] ** 2))


def test_exposures_with_missing_entries_are_those_of_an_independent_solver(X, W0):
    mask = np.random.default_rng(5).random(X.shape) < 0.3
    found, H = fit(X, W0, mask=mask, max_iter=20)
    W = found.W.numpy()
    expected = [scipy_nnls(W[:, ~m].T, x[~m])[0] for x, m in zip(X, mask, strict=True)]
    np.testing.assert_allclose(H.numpy(), expected, atol=1e-7)


def test_data_of_exact_rank_end_at_rounding_level():
    rng = np.random.default_rng(6)
    X = rng.dirichlet(np.ones(K), N) @ rng.random((K, F))
    found, _ = fit(X, torch.from_numpy(X[:K]), tol=0.0, max_iter=20_000)
    assert found.converged
    assert 0 <= found.cost[-1] < 1e-6 * np.square(X).sum()


def test_given_exposures_are_where_it_starts(X, W0):
    found, H = fit(X, W0)
    again, _ = fit(X, found.W, start=H.numpy(), max_iter=1)
    assert again.cost[0] <= found.cost[-1] * (1 + 1e-9)


def test_empty_samples_features_and_components_do_no_harm(X, W0):
    X[5], X[:, 3] = 0, 0
    W0 = torch.cat([W0, torch.zeros(1, F)])
    found, H = fit(X, W0, max_iter=50)
    assert found.W.isfinite().all()
    assert not H[5].any()
    assert not found.W[-1].any()
    assert found.cost[-1] < 0.05 * 0.5 * np.square(X).sum()
