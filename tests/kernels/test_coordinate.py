"""Coordinate descent on exposures: compiled rows and operations for devices agree, and lower what they say."""

import pytest
import torch

from dnmf.kernels import coordinate, exact_exposures, kl_cost, kl_descent, kl_exposures, nnls
from dnmf.kernels.coordinate import coordinate_descent, masked_coordinate_descent
from dnmf.kernels.kl_descent import kl_descend
from dnmf.kernels.nnls import nnls_own_gram


@pytest.fixture
def device(monkeypatch):
    """Run the code for devices on the CPU."""
    for module in (coordinate, kl_descent):
        monkeypatch.setattr(module, "is_compiled_for", lambda values: False)


@pytest.fixture
def data(problem):
    X, H, W = problem(40, 15, 5, 0)
    W = W.clone()
    W[4] = 0  # a component without mass
    return (
        X,
        torch.ones_like(H),
        W,
        torch.rand(40, 15, generator=torch.Generator().manual_seed(1)) < 0.8,
    )


def test_sweeps_end_at_the_exact_solution(data):
    X, start, W, _ = data
    H = coordinate_descent(W @ W.mT, X @ W.mT, start, max_sweeps=5000)
    torch.testing.assert_close(H, exact_exposures(X, W), rtol=1e-6, atol=1e-6 * X.max().item())


@pytest.mark.parametrize("penalties", [(0.0, 0.0), (3.0, 0.2)])
def test_masked_sweeps_end_at_the_exact_solution(data, penalties):
    X, start, W, observed = data
    X, (l1, l2) = X * observed, penalties
    H = masked_coordinate_descent(X, observed, W, start, l1_reg=l1, l2_reg=l2, max_sweeps=5000)
    grams = torch.einsum("nf,if,jf->nij", observed.to(W), W, W) + l2 * torch.eye(len(W))
    exact = nnls_own_gram(grams, X @ W.mT - l1)
    torch.testing.assert_close(H, exact, rtol=1e-6, atol=1e-6 * X.max().item())
    row = nnls(grams[7], (X @ W.mT - l1)[7:8])
    torch.testing.assert_close(exact[7:8], row)


def test_a_row_ends_when_a_sweep_gains_little(data):
    X, start, W, _ = data
    gram, moments = W @ W.mT, X @ W.mT
    one = coordinate_descent(gram, moments, start, max_sweeps=1)
    assert torch.equal(coordinate_descent(gram, moments, start, max_sweeps=9, enough=1.0), one)


def test_on_a_device_all_rows_end_when_a_sweep_gains_little(data, device):
    test_a_row_ends_when_a_sweep_gains_little(data)


def test_own_gram_matrices_that_are_all_the_same_are_one(data):
    X, start, W, _ = data
    gram, moments = W @ W.mT, X @ W.mT
    own = coordinate_descent(gram.expand(len(X), -1, -1), moments, start, max_sweeps=3)
    assert torch.equal(own, coordinate_descent(gram, moments, start, max_sweeps=3))


@pytest.mark.parametrize("own", [False, True])
def test_on_a_device_least_squares_is_the_same(data, device, own, monkeypatch):
    X, start, W, observed = data
    gram = (W @ W.mT).expand(len(X), -1, -1) if own else W @ W.mT
    calls = (
        lambda: coordinate_descent(gram, X @ W.mT, start, max_sweeps=3),
        lambda: masked_coordinate_descent(
            X * observed, observed, W, start, l1_reg=1.0, l2_reg=0.1, max_sweeps=3
        ),
    )
    there = [call() for call in calls]
    monkeypatch.undo()
    for call, H in zip(calls, there, strict=True):
        torch.testing.assert_close(H, call(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("masked", [False, True])
def test_on_a_device_kullback_leibler_is_the_same(data, device, masked, monkeypatch):
    X, start, W, observed = data
    W = W[:4] + 1e-3
    start = start[:, :4] * X.sum(dim=1, keepdim=True) / 4
    mass = observed.to(W) @ W.mT if masked else None
    X = X * observed if masked else X
    there = kl_descend(X, W, start, mass=mass, steps=2)
    monkeypatch.undo()
    torch.testing.assert_close(there, kl_descend(X, W, start, mass=mass, steps=2))


def test_kullback_leibler_never_rises_and_ends_at_the_exact_solution(data):
    X, start, W, _ = data
    W = W[:4]
    H = start[:, :4] * X.sum(dim=1, keepdim=True) / 4
    costs = [kl_cost(X, H, W)]
    for _ in range(30):
        H = kl_descend(X, W, H)
        costs.append(kl_cost(X, H, W))
    assert (torch.stack(costs).diff() <= 1e-12 * costs[0]).all()
    assert costs[-1] <= kl_cost(X, kl_exposures(X, W, tol=1e-9).H, W) + 1e-6
