"""The multiplicative rule for beta-divergences."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from dnmf.kernels import BetaDivergence
from dnmf.unfolding import BetaMULayer, Problem, Unfolded

BETAS = pytest.mark.parametrize("beta", [0.0, 0.5, 1.5, 2.0])


def test_there_is_one_rule_of_a_divergence_and_none_outside_of_0_to_2():
    assert BetaMULayer.of(1.0) is BetaMULayer.of(1.0)
    assert BetaMULayer.of(0.5).objective(0.1) == BetaDivergence(0.1, beta=0.5)
    for beta in (-0.1, 2.5):
        with pytest.raises(ValueError, match="beta must be from 0 to 2"):
            BetaMULayer.of(beta)


@BETAS
@pytest.mark.parametrize("l1", [0.0, 2.0])
def test_depth_never_raises_the_cost_of_a_sample(problem, beta, l1):
    """With the penalty of the layers' problem, where samples are divided by their totals."""
    X, _, W = problem(10, 12, 3, 0)
    X = X + 1.0
    network = Unfolded.from_dictionary(W, 20, layer=BetaMULayer.of(beta), l1_reg=l1)
    totals = X.sum(dim=1, keepdim=True)
    objective = BetaDivergence(l1 / totals, beta=beta)
    costs = [objective.cost(X / totals, H / totals, W) for H in network.iterates(X)]
    for before, after in pairwise(costs):
        assert (after <= before + 1e-12 * (1 + before)).all()


@BETAS
def test_gradients_of_both_matrices_and_of_the_data_are_right(beta):
    rng = np.random.default_rng(1)
    X, H, F, B = (torch.tensor(rng.gamma(2.0, size=s)) for s in ((3, 6), (3, 2), (2, 6), (2, 6)))
    layer = BetaMULayer.of(beta).from_dictionary(F)

    def run(samples, state, forward, backward, l1):
        weights = {"forward_dictionary": forward, "backward_dictionary": backward}
        problem = Problem(samples, l1_reg=l1)
        return torch.func.functional_call(layer, weights, (state, problem))

    inputs = [t.requires_grad_() for t in (X, H, F, B, torch.tensor(0.1, dtype=X.dtype))]
    assert torch.autograd.gradcheck(run, inputs)


@BETAS
def test_zeros_in_samples_state_and_dictionary_leave_answers_and_gradients_finite(problem, beta):
    X, _, W = problem(10, 12, 3, 2)
    X[0], X[1, :6], W[1], W[:, 4] = 0, 0, 0, 0
    for dtype in (torch.float64, torch.float32):
        network = Unfolded.from_dictionary(W.to(dtype), 4, layer=BetaMULayer.of(beta))
        exposures = network(X.to(dtype))
        exposures.square().sum().backward()
        assert exposures.isfinite().all()
        assert (exposures[0] == 0).all()
        assert all(weight.grad.isfinite().all() for weight in network.parameters())
