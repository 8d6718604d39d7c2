"""What is particular to each rule; what all owe is in ``tests/contracts``."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dnmf.kernels import exact_exposures, exposure_moments, nnls, update_exposures
from dnmf.unfolding import ADMMLayer, MULayer, Problem


def test_mu_layer_is_the_kernels_step_and_needs_no_dictionary(problem):
    X, H, W = problem(8, 12, 3, 0)
    step = MULayer.from_dictionary(W)(H, Problem(X, l1_reg=0.3, l2_reg=0.1))
    torch.testing.assert_close(
        step, update_exposures(X, H, W, l1_reg=0.3, l2_reg=0.1), rtol=1e-14, atol=0
    )


def test_mu_layer_starts_from_one_constant_in_its_final_precision():
    layer = MULayer.constant(torch.empty(2, 5, dtype=torch.float64), 0.1)
    assert (tuple(layer.gram.shape), tuple(layer.dictionary.shape)) == ((2, 2), (2, 5))
    for weight in layer.parameters():
        assert (weight == 0.1).all()


def test_mu_projection_clamps_what_is_negative_and_nothing_else():
    layer = MULayer.from_dictionary(torch.tensor([[1.0, -2.0], [0.0, 3.0]]))
    layer.project_nonnegative_()
    assert layer.dictionary.tolist() == [[1.0, 0.0], [0.0, 3.0]]
    assert layer.gram.tolist() == [[5.0, 0.0], [0.0, 9.0]]


def test_mu_start_is_lifted_off_zero_so_that_every_component_can_still_grow():
    start = MULayer.start_from(torch.tensor([[-1.0, 0.0, 0.5]]))
    assert start[0].tolist() == pytest.approx([1e-6, 1e-6, 0.5 + 1e-6])


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    l1=st.sampled_from([0.0, 0.05]),
    l2=st.sampled_from([0.0, 0.1]),
    dependent=st.booleans(),
)
def test_exact_solution_is_a_fixed_point_of_admm_for_any_weights(problem, seed, l1, l2, dependent):
    """Whatever training does to rho and alpha: where a state stands still, its exposures are exact."""
    X, _, W = problem(6, 12, 4, seed)
    X = X / X.sum(dim=1, keepdim=True).clamp(min=1)
    if dependent:
        W[3] = W[2]
    rng = np.random.default_rng(seed)
    layer = ADMMLayer.from_dictionary(W)
    with torch.no_grad():
        layer.log_rho.copy_(torch.from_numpy(rng.uniform(-4, 3, 4)))
        layer.alpha.copy_(torch.from_numpy(rng.uniform(0.05, 1.95, 4)))
        gram, moments = exposure_moments(X, W, l1_reg=l1, l2_reg=l2)
        exact = nnls(gram, moments)
        slope = (exact @ gram - moments).clamp(min=0) * (exact == 0)
        state = exact - slope / gram.diagonal()
        step = layer(state, Problem(X, W, l1_reg=l1, l2_reg=l2))
    torch.testing.assert_close(step, state, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.02, 0.05)])
def test_a_hundred_admm_layers_of_random_weights_are_exact(problem, seed, l1, l2):
    X, _, W = problem(20, 24, 4, seed)
    X = X / X.sum(dim=1, keepdim=True)
    rng = np.random.default_rng(seed)
    state = torch.from_numpy(rng.normal(size=(20, 4)))
    with torch.no_grad():
        for _ in range(100):
            layer = ADMMLayer.from_dictionary(W)  # no two alike
            layer.log_rho.copy_(torch.from_numpy(rng.uniform(np.log(0.1), np.log(2), 4)))
            layer.alpha.copy_(torch.from_numpy(rng.uniform(0.8, 1.8, 4)))
            state = layer(state, Problem(X, W, l1_reg=l1, l2_reg=l2))
    exact = exact_exposures(X, W, l1_reg=l1, l2_reg=l2)
    torch.testing.assert_close(state.clamp(min=0), exact, rtol=1e-8, atol=1e-8)


def test_admm_follows_another_dictionary_without_new_weights(problem):
    """Its weights are not bound to W: a trained network may be given other signatures."""
    X, _, W = problem(20, 24, 4, 7)
    X, other = X / X.sum(dim=1, keepdim=True), W.flip(1)
    layer = ADMMLayer.from_dictionary(W)
    state = X.new_zeros(20, 4)
    with torch.no_grad():
        for _ in range(200):
            state = layer(state, Problem(X, other))
    exact = exact_exposures(X, other)
    torch.testing.assert_close(state.clamp(min=0), exact, rtol=1e-8, atol=1e-8)


def test_admm_with_an_empty_component_stays_finite_and_solves_the_others(problem):
    X, _, W = problem(20, 24, 3, 8)
    X = X / X.sum(dim=1, keepdim=True)
    W[1] = 0
    layer, state = ADMMLayer.from_dictionary(W), X.new_zeros(20, 3)
    with torch.no_grad():
        for _ in range(200):
            state = layer(state, Problem(X, W))
    exact = exact_exposures(X, W)
    torch.testing.assert_close(state.clamp(min=0), exact, rtol=1e-8, atol=1e-8)


def test_a_problem_without_a_dictionary_says_so_only_when_one_is_needed():
    problem = Problem(torch.ones(2, 3))
    with pytest.raises(ValueError, match="needs the dictionary"):
        ADMMLayer.from_dictionary(torch.ones(4, 3))(torch.ones(2, 4), problem)
    MULayer.from_dictionary(torch.ones(4, 3))(torch.ones(2, 4), problem)


def test_a_problem_holds_the_moments_and_the_gram_matrix_with_its_penalties(problem):
    X, _, W = problem(5, 8, 3, 9)
    gram, moments = exposure_moments(X, W, l1_reg=2.0, l2_reg=0.5)
    stated = Problem(X, W, l1_reg=2.0, l2_reg=0.5)
    torch.testing.assert_close(stated.gram, gram)
    torch.testing.assert_close(stated.moments, moments)
