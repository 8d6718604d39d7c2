"""What every unfolded rule owes its network. A new entry of ``LAYERS`` inherits all of it.

Its classic step must be written down once more, slowly, in ``CLASSIC_STEPS`` of ``tests/oracles.py``.
"""

import numpy as np
import pytest
import torch
from torch.func import functional_call

from dnmf.kernels import Poisson, frobenius_cost, kl_gap
from dnmf.unfolding import LAYERS, Problem, Unfolded

RULES = pytest.mark.parametrize("rule", LAYERS)
PENALTIES = pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])


@pytest.fixture(scope="module")
def small(problem):
    """Spectra X, a state with both signs, and signatures whose Gram matrix is far from singular."""
    X, _, W = problem(6, 12, 3, 0)
    state = torch.from_numpy(np.random.default_rng(0).normal(0.5, 0.7, size=(6, 3)))
    return X / X.sum(dim=1, keepdim=True), state, W


def start(rule: str, state: torch.Tensor) -> torch.Tensor:
    return LAYERS[rule].start_from(state)


@RULES
def test_its_name_has_a_classic_step_to_be_compared_with(oracles, rule):
    assert rule in oracles.CLASSIC_STEPS, f"write the classic step of {rule!r} in tests/oracles.py"


@RULES
@PENALTIES
def test_built_from_a_dictionary_it_is_the_classic_step(oracles, small, rule, l1, l2):
    X, state, W = small
    layer = LAYERS[rule].from_dictionary(W)
    state = start(rule, state)
    step = layer(state, Problem(X, W, l1_reg=l1, l2_reg=l2)).detach().numpy()
    classic = oracles.CLASSIC_STEPS[rule](state.numpy(), X.numpy(), W.numpy(), l1, l2)
    np.testing.assert_allclose(step, classic, rtol=1e-9, atol=1e-11)


@RULES
@PENALTIES
def test_penalties_may_be_one_number_each_or_one_per_sample_and_component(small, rule, l1, l2):
    X, state, W = small
    layer, state = LAYERS[rule].from_dictionary(W), start(rule, state)
    numbers = layer(state, Problem(X, W, l1_reg=l1, l2_reg=l2))
    tensors = Problem(X, W, l1_reg=X.new_full((6, 3), l1), l2_reg=X.new_full((3,), l2))
    torch.testing.assert_close(layer(state, tensors), numbers, rtol=1e-12, atol=1e-14)


@RULES
def test_iterated_it_goes_to_the_exact_exposures(oracles, small, rule):
    """Which is why more layers help; multiplicative rules need thousands, and near zero still more."""
    X, state, W = small
    layer, state = LAYERS[rule].from_dictionary(W), start(rule, state)
    problem = Problem(X, W)
    with torch.no_grad():
        for _ in range(200 if rule in ("admm", "newton") else 3000):
            state = layer(state, problem)
    exposures = state.clamp(min=0)
    if LAYERS[rule].objective is Poisson:
        assert kl_gap(X, exposures, W).max() <= 1e-4  # nats, of one mutation each
        return
    exact = torch.from_numpy(oracles.nnls_rows(X.numpy(), W.numpy()))
    excess = frobenius_cost(X, exposures, W) - frobenius_cost(X, exact, W)
    assert excess <= 1e-6 * X.square().sum()


@RULES
def test_state_keeps_its_shape_dtype_and_finiteness_without_counts_or_start(small, rule):
    X, state, W = small
    for dtype in (torch.float64, torch.float32):
        samples, signatures = X.to(dtype), W.to(dtype)
        samples[1] = 0
        layer = LAYERS[rule].from_dictionary(signatures)
        assert all(p.dtype == dtype for p in layer.parameters())
        for first in (start(rule, state.to(dtype)), torch.zeros(6, 3, dtype=dtype)):
            out = first
            for _ in range(20):
                out = layer(out, Problem(samples, signatures))
            assert out.shape == first.shape
            assert out.dtype == dtype
            assert out.isfinite().all()


@RULES
def test_exposures_are_non_negative_at_every_depth(problem, rule):
    X, _, W = problem(6, 12, 3, 1)
    penalties = {} if LAYERS[rule].objective is Poisson else {"l1_reg": 2.0, "l2_reg": 0.01}
    network = Unfolded.from_dictionary(W, 5, layer=rule, **penalties)
    for exposures in network.iterates(X):
        assert (exposures >= 0).all()


@RULES
@PENALTIES
def test_permuting_components_permutes_the_step(small, rule, l1, l2):
    X, state, W = small
    order, state = torch.tensor([2, 0, 1]), start(rule, state)
    cls = LAYERS[rule]
    plain = cls.from_dictionary(W)(state, Problem(X, W, l1_reg=l1, l2_reg=l2))
    permuted = cls.from_dictionary(W[order])(
        state[:, order], Problem(X, W[order], l1_reg=l1, l2_reg=l2)
    )
    torch.testing.assert_close(permuted, plain[:, order], rtol=1e-10, atol=1e-12)


@RULES
@PENALTIES
def test_one_sample_and_batches_of_any_number_of_dimensions_are_taken(small, rule, l1, l2):
    X, state, W = small
    layer, state = LAYERS[rule].from_dictionary(W), start(rule, state)
    rows = layer(state, Problem(X, W, l1_reg=l1, l2_reg=l2))
    l1_each = X.new_full((2, 3, 3), l1)
    batch = Problem(X.reshape(2, 3, 12), W, l1_reg=l1_each, l2_reg=X.new_full((3,), l2))
    torch.testing.assert_close(layer(state.reshape(2, 3, 3), batch), rows.reshape(2, 3, 3))
    one = Problem(X[0], W, l1_reg=l1, l2_reg=l2)
    torch.testing.assert_close(layer(state[0], one), rows[0])


@RULES
def test_a_sample_does_not_depend_on_the_samples_around_it(small, rule):
    X, state, W = small
    layer, state = LAYERS[rule].from_dictionary(W), start(rule, state)
    together = layer(state, Problem(X, W))
    alone = torch.cat([layer(state[i : i + 1], Problem(X[i : i + 1], W)) for i in range(len(X))])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-14)


@RULES
def test_gradients_of_all_weights_and_of_the_data_are_right(small, rule):
    """Through three layers with both penalties, against finite differences."""
    X, state, W = small
    X, state = X[:3] + 0.01, start(rule, state[:3])
    state = torch.where(state.abs() < 0.05, 0.05, state)  # off the kink of the positive part
    layers = [LAYERS[rule].from_dictionary(W) for _ in range(3)]
    names = [(i, name) for i, layer in enumerate(layers) for name, _ in layer.named_parameters()]
    rng = np.random.default_rng(1)
    weights = [
        (p.detach() * torch.from_numpy(rng.uniform(0.9, 1.1, p.shape))).requires_grad_()
        for layer in layers
        for p in layer.parameters()
    ]
    assert weights

    def run(samples, l1, l2, *values):
        current, problem = state, Problem(samples, W, l1_reg=l1, l2_reg=l2)
        for i, layer in enumerate(layers):
            mine = {n: v for (j, n), v in zip(names, values, strict=True) if j == i}
            current = functional_call(layer, mine, (current, problem))
        return current

    scalars = [torch.tensor(v, dtype=X.dtype, requires_grad=True) for v in (0.02, 0.05)]
    inputs = (X.requires_grad_(), *scalars, *weights)
    assert torch.autograd.gradcheck(run, inputs, eps=1e-7, atol=1e-5, rtol=1e-4)


@RULES
def test_projection_makes_the_next_step_feasible_and_changes_no_feasible_weights(small, rule):
    X, state, W = small
    layer, state = LAYERS[rule].from_dictionary(W), start(rule, state)
    before = {n: p.detach().clone() for n, p in layer.named_parameters()}
    layer.project_nonnegative_()
    for name, weight in layer.named_parameters():
        assert torch.equal(weight, before[name])
    with torch.no_grad():
        for weight in layer.parameters():
            weight -= 0.1
    layer.project_nonnegative_()
    out = layer(state, Problem(X, W))
    assert out.isfinite().all()


@RULES
def test_a_network_of_it_is_saved_and_loaded_by_its_state(problem, rule):
    X, _, W = problem(6, 12, 3, 2)
    network = Unfolded.from_dictionary(W, 3, layer=rule)
    with torch.no_grad():
        for weight in network.parameters():
            weight *= 1.05
    empty = Unfolded(12, 3, 3, layer=rule, dtype=torch.float64)
    empty.load_state_dict(network.state_dict())
    assert torch.equal(empty(X), network(X))
