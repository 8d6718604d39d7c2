"""Beta-divergences from 0 to 2."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import NMF
from sklearn.decomposition._nmf import _beta_divergence

from dnmf.kernels import (
    BetaDivergence,
    Frobenius,
    Poisson,
    beta_costs,
    beta_step,
    kl_costs,
    kl_step,
    nmf_mu,
    update_exposures,
)

BETAS = pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 1.3, 2.0])


@pytest.fixture(scope="module")
def positive():
    """Data without zeros, and positive factors that do not explain them."""
    rng = np.random.default_rng(0)
    return tuple(torch.tensor(rng.gamma(2.0, size=shape)) for shape in ((9, 7), (9, 3), (3, 7)))


@BETAS
def test_cost_is_scikit_learns(positive, beta):
    X, H, W = positive
    theirs = _beta_divergence(X.numpy(), H.numpy(), W.numpy(), beta)
    assert beta_costs(X, H, W, beta).sum().item() == pytest.approx(theirs, rel=1e-12)
    assert beta_costs(H @ W, H, W, beta).abs().max() <= 1e-12


@BETAS
def test_iterates_are_those_of_scikit_learns_solver(positive, beta):
    X, H, W = positive
    theirs = NMF(3, init="custom", solver="mu", beta_loss=beta, max_iter=25, tol=0.0, alpha_W=0.0)
    exposures = theirs.fit_transform(X.numpy(), W=H.numpy().copy(), H=W.numpy().copy())
    ours = nmf_mu(X, H, W, beta=beta, max_iter=25, tol=0.0)
    np.testing.assert_allclose(ours.H, exposures, rtol=1e-7)
    np.testing.assert_allclose(ours.W, theirs.components_, rtol=1e-7)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    beta=st.sampled_from([0.0, 0.3, 0.5, 1.0, 1.5, 2.0]) | st.floats(0.0, 2.0),
    l1=st.sampled_from([0.0, 0.1, 5.0]),
    zeros=st.booleans(),
)
def test_cost_never_rises(seed, beta, l1, zeros):
    rng = np.random.default_rng(seed)
    X, H, W = (torch.tensor(rng.gamma(0.5, size=s) + 1e-6) for s in ((6, 8), (6, 3), (3, 8)))
    if zeros and beta > 0:
        X[rng.random((6, 8)) < 0.4] = 0
    objective = BetaDivergence(l1, beta=beta)
    before = objective.cost(X, H, W)
    size = 1 + (X**beta + (H @ W) ** beta).sum()
    for _ in range(3):
        H = objective.step(X, H, W)
        after = objective.cost(X, H, W)
        assert (after <= before + 1e-12 * (before.abs() + size)).all()
        assert H.isfinite().all()
        before = after


@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_one_and_two_are_the_steps_and_costs_by_those_names(positive, penalty):
    X, H, W = positive
    torch.testing.assert_close(
        beta_step(X, H, W, 2.0, l1_reg=penalty), update_exposures(X, H, W, l1_reg=penalty)
    )
    torch.testing.assert_close(beta_step(X, H, W, 1.0), kl_step(X, H, W))
    nearly = beta_step(X, H, W, 1.0 + 1e-9, l1_reg=penalty)
    torch.testing.assert_close(beta_step(X, H, W, 1.0, l1_reg=penalty), nearly)
    torch.testing.assert_close(
        BetaDivergence(penalty, beta=2.0).cost(X, H, W), Frobenius(penalty).cost(X, H, W)
    )
    torch.testing.assert_close(BetaDivergence(beta=1.0).cost(X, H, W), kl_costs(X, H, W))


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.3])
def test_neighbouring_divergences_are_continuous(positive, beta):
    X, H, W = positive
    for function in (beta_costs, beta_step):
        near = function(X, H, W, beta + 1e-7)
        torch.testing.assert_close(function(X, H, W, beta), near, rtol=1e-4, atol=1e-5)


@BETAS
def test_gradient_of_the_cost_is_what_the_certificate_says(positive, beta):
    """m (1 - g), with automatic differentiation as the other opinion; 0 at a minimum, and only there."""
    X, H, W = positive
    objective = BetaDivergence(0.05, beta=beta)
    H = H.clone().requires_grad_()
    (slope,) = torch.autograd.grad(objective.cost(X, H, W).sum(), H)
    H = H.detach()
    stepped = objective.step(X, H, W)
    assert ((slope < 0) == (stepped > H)).all()
    assert objective.certificate(X, H, W).min() > 1e-2
    for _ in range(2000):
        H = objective.step(X, H, W)
    assert objective.certificate(X, H, W).max() < 1e-2


def test_exact_exposures_are_those_of_the_solvers_that_there_are(positive):
    X, _, W = positive
    torch.testing.assert_close(
        BetaDivergence(0.3, beta=2.0).exposures(X, W), Frobenius(0.3).exposures(X, W)
    )
    torch.testing.assert_close(BetaDivergence(beta=1.0).exposures(X, W), Poisson().exposures(X, W))
    for refused in (BetaDivergence(beta=0.5), BetaDivergence(0.3, beta=1.0)):
        with pytest.raises(ValueError, match="no exact solver is known"):
            refused.exposures(X, W)


def test_a_zero_costs_infinitely_much_where_only_ratios_count():
    one = torch.ones(1, 1)
    assert beta_costs(torch.zeros(1, 1), one, one, 0.0).item() == torch.inf
    assert beta_costs(one, torch.zeros(1, 1), one, 0.5).item() == torch.inf
    assert beta_costs(one, torch.zeros(1, 1), one, 1.5).item() == pytest.approx(1 / 0.75)
    for beta in (0.0, 0.5, 1.5):
        assert beta_costs(torch.zeros(1, 1), torch.zeros(1, 1), one, beta).item() == 0


@pytest.mark.parametrize("beta", [-0.1, 2.1, float("nan")])
def test_other_divergences_and_the_quadratic_penalty_are_refused(beta):
    with pytest.raises(ValueError, match="beta must be from 0 to 2"):
        BetaDivergence(beta=beta)
    with pytest.raises(ValueError, match="takes no quadratic penalty"):
        BetaDivergence(l2_reg=1.0, beta=0.5)
