import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import RidgeCV

from dnmf.kernels import calibrated_map, project_to_simplex, ridge_map, simplex_exposures
from dnmf.kernels.linear_maps import RIDGE_PENALTIES


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    H = rng.dirichlet(np.ones(3), size=40)
    X = H @ rng.random((3, 12)) + 0.05 * rng.standard_normal((40, 12))
    return torch.tensor(X), torch.tensor(H)


def test_ridge_is_scikit_learns_for_the_same_penalties(pairs):
    X, H = (part.numpy() for part in pairs)
    H = H[:, :1]  # scikit-learn weighs components by their unit
    largest = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)[0]
    expected = RidgeCV(RIDGE_PENALTIES.numpy() * largest**2).fit(X, H)
    A, b = ridge_map(torch.tensor(X), torch.tensor(H))
    np.testing.assert_allclose(X @ A.numpy() + b.numpy(), expected.predict(X).reshape(-1, 1))


def test_calibration_is_exact_without_noise_and_keeps_the_sum(pairs):
    X, H = pairs
    W = torch.rand(3, 12, generator=torch.Generator().manual_seed(0), dtype=X.dtype)
    A, b = calibrated_map(2 + H @ W, H)
    torch.testing.assert_close((2 + H @ W) @ A + b, H)
    A, b = calibrated_map(X, H)
    torch.testing.assert_close((X @ A + b).sum(dim=1), torch.ones_like(X[:, 0]))


@pytest.mark.parametrize("total", [1.0, 7.0])
def test_simplex_answers_are_the_optimum_of_a_general_solver(pairs, total):
    X, _ = pairs
    W = torch.rand(4, 12, generator=torch.Generator().manual_seed(1), dtype=X.dtype)
    X = X[:6] * total
    found = simplex_exposures(X, W, total)
    nearest = project_to_simplex(X[:, :4], total)
    for row, h, target, near in zip(X, found, X[:, :4], nearest, strict=True):
        for answer, loss in (
            (h, lambda z, x=row: ((x.numpy() - z @ W.numpy()) ** 2).sum()),
            (near, lambda z, x=target: ((x.numpy() - z) ** 2).sum()),
        ):
            expected = minimize(
                loss,
                np.full(4, total / 4),
                bounds=[(0, None)] * 4,
                constraints={"type": "eq", "fun": lambda z: z.sum() - total},
                tol=1e-14,
            )
            np.testing.assert_allclose(answer.numpy(), expected.x, atol=2e-4 * total)
            assert loss(answer.numpy()) <= expected.fun * (1 + 1e-6) + 1e-12
