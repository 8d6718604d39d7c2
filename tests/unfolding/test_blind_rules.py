"""The published rules of both factors, with weights that training may have left, against their equations."""

import numpy as np
import pytest
import torch

from dnmf.kernels import exact_exposures, frobenius_cost
from dnmf.unfolding import (
    BLIND_RULES,
    ADMMLayer,
    DeepNMFLayer,
    LPALMLayer,
    LpPALMLayer,
    MULayer,
    NALMULayer,
    PALMLayer,
    Problem,
    ProjectedGradientLayer,
    UnfoldedNMF,
    UnitBallLayer,
    lpalm,
)

N, F, K = 6, 12, 3


@pytest.fixture(scope="module")
def data(problem):
    X, H, W = problem(N, F, K, 0)
    total = X.sum(dim=1, keepdim=True)
    return X / total, H / total, W


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def tensor(values):
    return torch.from_numpy(np.asarray(values))


def check(layer, state, X, W, expected):
    found = layer(state, Problem(X, W)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(K,), (N, K)])
def test_nalmu_of_the_exposures(oracles, data, rng, shape):
    X, H, W = data
    A = rng.uniform(0.5, 1.5, shape)
    expected = oracles.nalmu_step(H.numpy(), X.numpy(), W.numpy(), A)
    check(NALMULayer(factors=tensor(A)), H, X, W, expected)


def test_nalmu_of_the_dictionary_has_a_factor_an_entry(oracles, data, rng):
    X, H, W = data
    layer = NALMULayer.for_dictionary(W)
    A = rng.uniform(0.5, 1.5, (F, K))
    with torch.no_grad():
        layer.factors.copy_(tensor(A))
    expected = oracles.nalmu_step(W.numpy().T, X.numpy().T, H.numpy().T, A)
    check(layer, W.mT, X.mT, H.mT, expected)


def test_palm_with_learned_steps_and_thresholds(oracles, data, rng):
    X, H, W = data
    step, threshold = rng.uniform(0.5, 1.5, K), rng.uniform(0.01, 0.2, K)
    expected = oracles.palm_step(H.numpy(), X.numpy(), W.numpy(), step, threshold)
    assert (expected == 0).any()
    check(PALMLayer(step=tensor(step), threshold=tensor(threshold)), H, X, W, expected)


@pytest.mark.parametrize("power", [0.1, 0.5, 0.9])
def test_the_thresholds_of_snmf_net(oracles, data, rng, power):
    X, H, W = data
    step, threshold = rng.uniform(0.5, 1.5, K), rng.uniform(0.01, 0.1, K)
    p = np.full(K, power)
    expected = oracles.lp_palm_step(H.numpy(), X.numpy(), W.numpy(), step, threshold, p)
    assert (expected == 0).any()
    layer = LpPALMLayer(step=tensor(step), threshold=tensor(threshold), power=tensor(p))
    check(layer, H, X, W, expected)


def test_power_one_is_the_soft_threshold(data):
    X, H, W = data
    weights = {"step": torch.ones(K).double(), "threshold": torch.full((K,), 0.05).double()}
    sparse = LpPALMLayer(**weights, power=torch.ones(K).double())(H, Problem(X, W))
    torch.testing.assert_close(sparse, PALMLayer(**weights)(H, Problem(X, W)))


def test_a_threshold_of_one_sets_all_to_zero_and_one_below_does_not(data):
    X, _, W = data
    zeros = X.new_zeros(N, K)
    layer = PALMLayer(step=torch.ones(K).double(), threshold=torch.ones(K).double())
    assert not layer(zeros, Problem(X, W)).any()
    layer = PALMLayer(step=torch.ones(K).double(), threshold=torch.full((K,), 0.99).double())
    assert (layer(zeros, Problem(X, W)) > 0).any(dim=1).all()


def test_a_palm_step_never_raises_the_cost_and_many_are_exact(data):
    X, H, W = data
    layer, costs = PALMLayer.from_dictionary(W), []
    with torch.no_grad():
        for _ in range(300):
            costs.append(frobenius_cost(X, H, W).item())
            H = layer(H, Problem(X, W))
    assert (np.diff(costs) <= 1e-15).all()
    torch.testing.assert_close(H, exact_exposures(X, W), rtol=1e-6, atol=1e-9)


def test_lpalm_of_both_factors(oracles, data, rng):
    X, H, W = data
    V, threshold = rng.normal(size=(K, F)), rng.uniform(0, 0.2, K)
    expected = oracles.lpalm_exposures(H.numpy(), X.numpy(), W.numpy(), V, threshold)
    assert (expected == 0).any()
    check(LPALMLayer(analysis=tensor(V), threshold=tensor(threshold)), H, X, W, expected)
    W = 3 * W  # some rows in the ball, others out of it
    expected = oracles.lpalm_dictionary(W.numpy().T, X.numpy().T, H.numpy().T, 0.01)
    lengths = np.linalg.norm(expected, axis=0)
    assert (lengths > 0.999).any()
    check(UnitBallLayer(step=tensor(0.01)), W.mT, X.mT, H.mT, expected)


def test_lpalm_starts_as_palm_at_the_dictionary_and_exposures_it_is_built_from(oracles, data):
    X, H, W = data
    H, W = H * W.norm(dim=1), W / W.norm(dim=1, keepdim=True)
    norm, size = np.linalg.norm(W, 2), np.linalg.norm(H, 2)
    network = UnfoldedNMF.from_dictionary(W, 1, rule=lpalm(H), H0=0.0)
    found = network(X)
    analysis = W.numpy() / (1.001 * norm**2)
    step = oracles.lpalm_exposures(np.zeros((N, K)), X.numpy(), W.numpy(), analysis, np.zeros(K))
    np.testing.assert_allclose(found.H.detach().numpy(), step, rtol=1e-10, atol=1e-13)
    step = oracles.lpalm_dictionary(W.numpy().T, X.numpy().T, step.T, 1 / (1.001 * size**2))
    np.testing.assert_allclose(found.W.detach().numpy(), step.T, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("sparsity", [0.0, 0.3])
def test_deep_nmf(oracles, data, rng, sparsity):
    X, H, W = data
    D = rng.uniform(0, 1, (K, F))
    found = DeepNMFLayer(dictionary=tensor(D))(H, Problem(X, W, l1_reg=sparsity))
    expected = oracles.deep_nmf_step(H.numpy(), X.numpy(), D, sparsity)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-10)


def test_the_papers_update_with_free_matrices(data, rng):
    """Nasser, Eldar and Sharan 2021, 2.2: ``h <- h (B v) / (A h + l1 + l2 h)``."""
    X, H, W = data
    A, B = rng.uniform(0, 1, (K, K)), rng.uniform(0, 1, (K, F))
    found = MULayer(gram=tensor(A), dictionary=tensor(B))(H, Problem(X, W, l1_reg=0.3, l2_reg=0.2))
    expected = [
        h * (B @ x) / (A @ h + 0.3 + 0.2 * h) for x, h in zip(X.numpy(), H.numpy(), strict=True)
    ]
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9)


def test_lista_of_what_is_not_negative(data, rng):
    """Gregor and LeCun 2010: ``h <- max(S h + D x - threshold, 0)``, the threshold ``step * l1``."""
    X, H, W = data
    S, D, step = rng.normal(size=(K, K)), rng.normal(size=(K, F)), rng.uniform(0, 1, K)
    layer = ProjectedGradientLayer(mixing=tensor(S), dictionary=tensor(D), step=tensor(step))
    found = layer(H, Problem(X, W, l1_reg=0.1)).detach().numpy()
    pairs = zip(X.numpy(), H.numpy(), strict=True)
    expected = [np.maximum(S @ h + D @ x - 0.1 * step, 0) for x, h in pairs]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_admm_with_a_learned_penalty_and_relaxation(oracles, data):
    X, H, W = data
    layer, state = ADMMLayer.from_dictionary(W), H - 0.1
    with torch.no_grad():
        layer.log_rho.fill_(np.log(0.7))
        layer.alpha.fill_(1.4)
    arguments = (state.numpy(), X.numpy(), W.numpy(), 0.0, 0.0)
    check(layer, state, X, W, oracles.admm_step(*arguments, rho=0.7, alpha=1.4))


@pytest.mark.parametrize("rule", BLIND_RULES)
def test_projection_makes_the_next_step_feasible(data, rule):
    X, _, W = data
    network = UnfoldedNMF.from_dictionary(W, 2, rule=rule, learn_start=True)
    before = [p.detach().clone() for p in network.parameters()]
    network.project_nonnegative_()
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    with torch.no_grad():
        for weight in network.parameters():
            weight -= 2.0
    network.project_nonnegative_()
    for factor in network(X):
        assert factor.isfinite().all()
        assert (factor >= 0).all()
