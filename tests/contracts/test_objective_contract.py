"""What every objective owes the solvers, networks and estimators that take it as a value."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from dnmf.kernels import BetaDivergence, Frobenius, Objective, Poisson, frobenius_cost, kl_cost
from dnmf.unfolding import LAYERS, BetaMULayer, Problem

PLAIN = pytest.mark.parametrize(
    "objective",
    [Frobenius(), Poisson(), BetaDivergence(beta=0.5)],
    ids=["frobenius", "poisson", "beta"],
)
OBJECTIVES = pytest.mark.parametrize(
    "objective",
    [
        Frobenius(),
        Frobenius(l1_reg=20.0, l2_reg=0.1),
        Poisson(),
        BetaDivergence(beta=1.0),
        BetaDivergence(20.0, beta=2.0),
    ],
    ids=["frobenius", "penalised", "poisson", "beta-1", "beta-2"],
)


@pytest.fixture(scope="module")
def small(problem):
    """Counts, exposures that are not optimal, and signatures."""
    X, H, W = problem(8, 12, 3, 0)
    return X, 1.3 * H + 1.0, W


def minimum_by_scipy(objective: Objective, x: torch.Tensor, W: torch.Tensor) -> float:
    """Minimise one sample's cost by a general solver that knows nothing of the problem's structure."""

    def cost(h: np.ndarray) -> tuple[float, np.ndarray]:
        H = torch.tensor(h[None], requires_grad=True)
        value = objective.cost(x[None], H, W).sum()
        value.backward()
        return value.item(), H.grad[0].numpy()

    start = np.full(len(W), x.sum().item() / len(W))
    bounds = [(1e-9, None)] * len(W)
    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}
    return minimize(cost, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options).fun


@OBJECTIVES
def test_its_exact_solution_costs_no_more_than_a_general_solver_finds(objective, small):
    X, _, W = small
    exact = objective.exposures(X, W)
    assert (exact >= 0).all()
    costs = objective.cost(X, exact, W)
    for x, cost in zip(X, costs, strict=True):
        general = minimum_by_scipy(objective, x, W)
        assert cost <= general + 1e-6 * abs(general) + 1e-6
        assert cost >= general - 1e-4 * abs(general) - 1e-4  # and no less: both are right


@OBJECTIVES
def test_its_certificate_is_zero_at_the_exact_solution_and_only_there(objective, small):
    X, H, W = small
    assert objective.certificate(X, objective.exposures(X, W), W).max() <= 1e-6
    assert objective.certificate(X, H, W).min() > 1e-3


@OBJECTIVES
def test_a_start_does_not_change_its_exact_solution(objective, small):
    X, H, W = small
    started = objective.exposures(X, W, start=H)
    torch.testing.assert_close(started, objective.exposures(X, W), rtol=1e-4, atol=1e-4)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000))
@OBJECTIVES
def test_its_cost_is_not_negative_and_a_step_never_raises_it(problem, objective, seed):
    X, H, W = problem(5, 8, 3, seed)
    before = objective.cost(X, H, W)
    after = objective.cost(X, objective.step(X, H, W), W)
    assert (before >= 0).all()
    assert (after <= before + 1e-9 * (1 + before)).all()


@OBJECTIVES
def test_its_excess_is_the_difference_to_the_minimum(objective, small):
    X, H, W = small
    exact = objective.exposures(X, W)
    lowest = objective.minimum(X, exact, W)
    torch.testing.assert_close(lowest, objective.cost(X, exact, W), rtol=1e-7, atol=1e-6)
    difference = objective.cost(X, H, W) - objective.cost(X, exact, W)
    excess = objective.excess(X, H, W, exact=exact)
    torch.testing.assert_close(excess, difference, rtol=1e-6, atol=1e-5)
    assert (objective.excess(X, exact, W, exact=exact) <= 1e-9 * (1 + lowest)).all()


@PLAIN
@pytest.mark.parametrize("scale", [1e-3, 7.0])
def test_its_degree_says_how_it_grows_with_the_counts(objective, small, scale):
    X, H, W = small
    scaled = objective.cost(scale * X, scale * H, W)
    torch.testing.assert_close(scaled, scale**objective.degree * objective.cost(X, H, W))


def test_their_sums_over_samples_are_the_costs_by_those_names(small):
    X, H, W = small
    penalised = Frobenius(l1_reg=0.3, l2_reg=0.7).cost(X, H, W).sum()
    torch.testing.assert_close(penalised, frobenius_cost(X, H, W, l1_reg=0.3, l2_reg=0.7))
    torch.testing.assert_close(Poisson().cost(X, H, W).sum(), kl_cost(X, H, W))


@pytest.mark.parametrize(
    "rule",
    [
        LAYERS["mu"],
        LAYERS["weighted-mu"],
        LAYERS["kl"],
        *map(BetaMULayer.of, (0.0, 0.5, 1.0, 1.5, 2.0)),
    ],
)
def test_the_layers_of_a_multiplicative_rule_are_its_step(small, rule):
    X, H, W = small
    layer = rule.from_dictionary(W)
    torch.testing.assert_close(layer(H, Problem(X, W)), rule.objective().step(X, H, W))


def test_poisson_takes_no_penalties():
    for penalties in ({"l1_reg": 1.0}, {"l2_reg": torch.tensor([0.0, 1.0])}):
        with pytest.raises(ValueError, match="takes no penalties"):
            Poisson(**penalties)
