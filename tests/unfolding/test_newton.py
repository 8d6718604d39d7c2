"""What is particular to Newton layers; what all rules owe is in ``tests/contracts``."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dnmf.kernels import exact_exposures, exposure_moments, frobenius_cost, nnls
from dnmf.unfolding import NewtonLayer, Problem, Unfolded


def random_layer(k: int, seed: int) -> NewtonLayer:
    layer = NewtonLayer.from_dictionary(torch.zeros(k, 1, dtype=torch.float64))
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(torch.from_numpy(rng.uniform(math.log(1e-6), 0.0, k)))
    return layer


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    l1=st.sampled_from([0.0, 0.05]),
    l2=st.sampled_from([0.0, 0.1]),
    dependent=st.booleans(),
)
def test_exact_solution_is_a_fixed_point_for_any_weights(problem, seed, l1, l2, dependent):
    X, _, W = problem(6, 12, 4, seed)
    X = X / X.sum(dim=1, keepdim=True).clamp(min=1)
    if dependent:
        W[3] = W[2]
    gram, moments = exposure_moments(X, W, l1_reg=l1, l2_reg=l2)
    exact = nnls(gram, moments)
    slope = (exact @ gram - moments) * (exact == 0)
    state = exact - slope / gram.diagonal()
    step = random_layer(4, seed)(state, Problem(X, W, l1_reg=l1, l2_reg=l2))
    torch.testing.assert_close(step.relu(), exact, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.02, 0.05)])
def test_on_the_right_support_one_undamped_step_is_exact(problem, l1, l2):
    X, _, W = problem(20, 24, 4, 3)
    X = X / X.sum(dim=1, keepdim=True)
    exact = exact_exposures(X, W, l1_reg=l1, l2_reg=l2)
    state = torch.where(exact > 0, 1e-9, -1.0).to(X)
    layer = NewtonLayer.from_dictionary(W, damping=1e-12)
    step = layer(state, Problem(X, W, l1_reg=l1, l2_reg=l2))
    torch.testing.assert_close(step.relu(), exact, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("inside", [True, False])
def test_conjugate_gradients_are_exact_where_few_components_are_out_or_in(problem, inside):
    """Masking a matrix and its inverse leaves a product that differs from 1 in rank 3: four steps solve it."""
    X, _, W = problem(1, 96, 20, 4)
    X = X / X.sum(dim=1, keepdim=True)
    few = torch.tensor([2, 7, 11])
    support = torch.zeros(20, dtype=torch.bool)
    support[few] = True
    support = support if inside else ~support
    state = torch.where(support, 1.0, -1.0).to(X)[None]
    rho = 1e-3
    layer = NewtonLayer.from_dictionary(W, damping=rho)
    step = layer(state, Problem(X, W))[0, support]
    gram, moments = exposure_moments(X, W)
    damping = torch.diag(rho * gram.diagonal())
    matrix = (gram + damping)[support][:, support]
    right = (moments[0] + damping.diagonal())[support]
    torch.testing.assert_close(step, torch.linalg.solve(matrix, right), rtol=1e-6, atol=1e-7)


def test_damping_falls_from_layer_to_layer(problem):
    _, _, W = problem(2, 12, 3, 0)
    damping = [layer.log_rho.exp().mean().item() for layer in NewtonLayer.stack(W, 6)]
    assert damping == pytest.approx(np.logspace(-1, -6, 6))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_empty_and_dependent_components_stay_finite(problem, dtype):
    X, _, W = problem(20, 24, 4, 8)
    W[1], W[3] = 0, W[2]
    X, W = X.to(dtype), W.to(dtype)
    network = Unfolded.from_dictionary(W, 10, layer="newton", l1_reg=1.0)
    exposures = network(X)
    exposures.sum().backward()
    assert exposures.isfinite().all()
    assert all(p.grad.isfinite().all() for p in network.parameters())
    assert (exposures[:, 1] == 0).all()


def test_network_returns_the_cheapest_exposures_of_all_its_layers(problem):
    """With signatures so alike that steps go uphill on their way."""
    X, _, W = problem(60, 24, 8, 9)
    W = 0.05 * W + 0.95 * W.mean(dim=0)
    network = Unfolded.from_dictionary(W, 10, layer="newton")
    with torch.no_grad():
        returned, visited = network(X), network.iterates(X)
    for i in range(len(X)):
        x, h = X[i : i + 1], returned[i : i + 1]
        costs = [frobenius_cost(x, v[i : i + 1], W).item() for v in visited]
        assert frobenius_cost(x, h, W).item() <= min(costs) + 1e-9 * x.square().sum().item()
