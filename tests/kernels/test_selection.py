"""The sparse refit against the obvious implementation, one scipy solve for every candidate."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls as scipy_nnls

from dnmf.kernels.selection import selected_exposures


def fit(x: np.ndarray, W: np.ndarray, support: list[int]) -> tuple[float, np.ndarray]:
    h = np.zeros(len(W))
    if support:
        h[support] = scipy_nnls(W[support].T, x)[0]
    return float(np.linalg.norm(x - h @ W) / np.linalg.norm(x)), h


def slow_refit(x: np.ndarray, W: np.ndarray, remove: float, add: float) -> np.ndarray:
    support = [int(j) for j in np.flatnonzero(scipy_nnls(W.T, x)[0] > 0)]
    error = fit(x, W, support)[0]
    while len(support) > 1:
        trials = [[j for j in support if j != out] for out in support]
        errors = [fit(x, W, trial)[0] for trial in trials]
        best = int(np.argmin(errors))
        if errors[best] - error >= remove:
            break
        support, error = trials[best], errors[best]
    while len(support) < len(W):
        trials = [[*support, j] for j in range(len(W)) if j not in support]
        errors = [fit(x, W, trial)[0] for trial in trials]
        best = int(np.argmin(errors))
        if error - errors[best] <= add:
            break
        support, error = trials[best], errors[best]
    return fit(x, W, support)[1]


@pytest.mark.parametrize(("remove", "add"), [(0.01, 0.05), (0.05, 0.02), (0.0, 0.001)])
@pytest.mark.parametrize("burden", [60, 3000])
def test_the_search_is_the_obvious_one(burden: int, remove: float, add: float) -> None:
    rng = np.random.default_rng(burden)
    W = rng.dirichlet(np.full(24, 0.4), size=9)
    H = rng.dirichlet(np.full(9, 0.3), size=12) * burden
    X = rng.poisson(H @ W).astype(float)
    found = selected_exposures(
        torch.tensor(X), torch.tensor(W), remove_threshold=remove, add_threshold=add
    )
    slow = np.array([slow_refit(x, W, remove, add) for x in X])
    np.testing.assert_allclose(found.numpy(), slow, atol=1e-6 * burden)


def test_what_hardly_matters_is_dropped_and_what_matters_kept() -> None:
    W = torch.eye(4, dtype=torch.float64)
    X = torch.tensor([[100.0, 50.0, 1.0, 0.0]], dtype=torch.float64)
    found = selected_exposures(X, W)
    torch.testing.assert_close(found, torch.tensor([[100.0, 50.0, 0.0, 0.0]], dtype=torch.float64))


def test_an_empty_sample_and_an_empty_signature_get_zeros() -> None:
    W = torch.tensor([[0.5, 0.5], [0.0, 0.0]], dtype=torch.float64)
    X = torch.tensor([[0.0, 0.0], [3.0, 3.0]], dtype=torch.float64)
    expected = torch.tensor([[0.0, 0.0], [6.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(selected_exposures(X, W), expected)


def test_thresholds_and_counts_that_make_no_sense_are_refused() -> None:
    W = torch.eye(2, dtype=torch.float64)
    with pytest.raises(ValueError, match="thresholds"):
        selected_exposures(W, W, remove_threshold=-1.0)
    with pytest.raises(ValueError, match="finite"):
        selected_exposures(W * torch.nan, W)
