from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dnmf.kernels import Frobenius, exact_exposures, frobenius_cost, update_exposures
from dnmf.unfolding import LAYERS, Problem, Unfolded, UnfoldedMU

RULES = pytest.mark.parametrize("rule", LAYERS)
# Rules for Poisson counts take no penalties.
PENALISED_RULES = pytest.mark.parametrize(
    "rule", [name for name, layer in LAYERS.items() if layer.objective is Frobenius]
)


# ── the paper's network ──────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=40)
@given(
    depth=st.integers(0, 12),
    l1=st.sampled_from([0.0, 0.5, 30.0]),
    l2=st.sampled_from([0.0, 0.1, 3.0]),
    given_start=st.booleans(),
)
def test_network_from_a_dictionary_is_that_many_classic_updates(
    problem, depth, l1, l2, given_start
):
    X, H0, W = problem(8, 12, 3, depth)
    network = UnfoldedMU.from_dictionary(W, depth, l1_reg=l1, l2_reg=l2)
    H = H0 if given_start else torch.ones_like(H0)
    expected = [H]
    for _ in range(depth):
        expected.append(update_exposures(X, expected[-1], W, l1_reg=l1, l2_reg=l2))
    found = network.iterates(X, H0 if given_start else None)
    assert len(found) == depth + 1
    for mine, classic in zip(found, expected, strict=True):
        torch.testing.assert_close(mine.detach(), classic, rtol=1e-12, atol=0)
    assert torch.equal(network(X, H0 if given_start else None), found[-1])


def test_no_layers_return_the_start(problem):
    X, H0, W = problem(8, 12, 3, 0)
    network = UnfoldedMU.from_dictionary(W, 0)
    assert torch.equal(network(X, H0), H0)
    assert torch.equal(network(X), torch.ones_like(H0))


def test_depth_never_raises_the_cost(problem):
    X, _, W = problem(8, 12, 3, 1)
    network = UnfoldedMU.from_dictionary(W, 30, l1_reg=5.0, l2_reg=0.1)
    costs = [frobenius_cost(X, H, W, l1_reg=5.0, l2_reg=0.1).item() for H in network.iterates(X)]
    assert (np.diff(costs) <= 1e-14 * costs[0]).all()


def test_penalties_are_weights_only_when_they_are_learned():
    fixed = UnfoldedMU(4, 2, 3, l1_reg=0.3, l2_reg=0.7, dtype=torch.float64)
    learned = UnfoldedMU(4, 2, 3, l1_reg=0.3, l2_reg=0.7, learn_penalties=True, dtype=torch.float64)
    assert {"l1_reg", "l2_reg"} & dict(fixed.named_parameters()).keys() == set()
    assert {"l1_reg", "l2_reg"} <= dict(learned.named_parameters()).keys()
    for network in (fixed, learned):
        # made in float64: 0.3 is not a rounded single-precision number
        assert (network.l1_reg.item(), network.l2_reg.item()) == (0.3, 0.7)
        assert {"l1_reg", "l2_reg"} <= network.state_dict().keys()


def test_one_pair_of_penalties_serves_all_layers_with_the_right_gradient(problem):
    X, _, W = problem(5, 8, 3, 2)
    X = X / X.mean()
    network = UnfoldedMU.from_dictionary(W, 3, l1_reg=0.4, l2_reg=0.2, learn_penalties=True)

    def output(l1, l2):
        values = {"l1_reg": l1, "l2_reg": l2}
        return torch.func.functional_call(network, values, (X,))

    values = [torch.tensor(v, dtype=X.dtype, requires_grad=True) for v in (0.4, 0.2)]
    assert torch.autograd.gradcheck(output, values)


def test_projection_clamps_matrices_and_penalties():
    network = UnfoldedMU(4, 2, 3, learn_penalties=True)
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(-1.0)
    network.project_nonnegative_()
    assert all((weight == 0).all() for weight in network.parameters())


# ── networks of any rule, on spectra ─────────────────────────────────────────────────────────────────────────────────


@RULES
@pytest.mark.parametrize("factor", [1e-3, 7.0, 1e6])
def test_many_times_the_mutations_are_many_times_the_exposures(problem, rule, factor):
    X, _, W = problem(10, 24, 4, 3)
    network = Unfolded.from_dictionary(W, 4, layer=rule)
    torch.testing.assert_close(network(factor * X), factor * network(X), rtol=1e-10, atol=1e-9)


@PENALISED_RULES
def test_permuting_signatures_permutes_exposures(problem, rule):
    X, _, W = problem(10, 24, 4, 4)
    order = torch.tensor([3, 1, 0, 2])
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=X.dtype)
    penalties = {"l1_reg": 3.0, "l2_reg": 0.01}
    plain = Unfolded.from_dictionary(W, 4, layer=rule, shares=shares, **penalties)
    permuted = Unfolded.from_dictionary(W[order], 4, layer=rule, shares=shares[order], **penalties)
    torch.testing.assert_close(permuted(X), plain(X)[:, order], rtol=1e-8, atol=1e-6)


@RULES
@pytest.mark.parametrize("penalised", [False, True])
def test_empty_samples_get_exposures_of_zero_and_leave_the_gradient_finite(
    problem, rule, penalised
):
    X, _, W = problem(10, 24, 4, 5)
    X[[2, 7]] = 0
    takes_penalties = LAYERS[rule].objective is Frobenius
    penalties = {"l1_reg": 3.0, "l2_reg": 0.5} if penalised and takes_penalties else {}
    network = Unfolded.from_dictionary(W, 4, layer=rule, **penalties)
    exposures = network(X)
    assert (exposures[[2, 7]] == 0).all()
    (exposures - 1.0).square().sum().backward()
    assert all(weight.grad.isfinite().all() for weight in network.parameters())


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (60.0, 0.0), (0.0, 0.2), (60.0, 0.2)])
def test_penalties_keep_their_meaning_in_mutations_through_all_scales(problem, l1, l2):
    X, _, W = problem(15, 24, 4, 6)
    shares = torch.tensor([0.05, 0.2, 0.5, 1.0], dtype=X.dtype)
    network = Unfolded.from_dictionary(W, 400, shares=shares, l1_reg=l1, l2_reg=l2)
    exact = exact_exposures(X, W, l1_reg=l1, l2_reg=l2)
    with torch.no_grad():
        torch.testing.assert_close(network(X), exact, rtol=1e-6, atol=1e-4)


def test_shares_change_the_road_and_not_the_destination(problem):
    X, _, W = problem(15, 24, 4, 7)
    exact = exact_exposures(X, W)
    for shares in (None, torch.tensor([1e-3, 1.0, 1e-2, 10.0], dtype=X.dtype)):
        network = Unfolded.from_dictionary(W, 300, shares=shares)
        with torch.no_grad():
            torch.testing.assert_close(network(X), exact, rtol=1e-6, atol=1e-4)


@RULES
def test_samples_of_exact_mixtures_are_right_from_the_start(problem, rule):
    """The least-squares start already is the answer, and no layer of the classic step moves it."""
    _, H, W = problem(10, 24, 4, 8)
    H = H + 50.0
    network = Unfolded.from_dictionary(W, 3, layer=rule)
    lifted = (
        LAYERS[rule].start_from(torch.zeros(1, 1)).item() > 0
    )  # off zero, where it could not move
    tolerance = 1e-3 if lifted else 1e-9
    for exposures in network.iterates(H @ W):
        torch.testing.assert_close(exposures.detach(), H, rtol=tolerance, atol=0)


def test_more_layers_are_nearer_to_the_exact_exposures(problem):
    X, _, W = problem(40, 24, 6, 9)
    exact = exact_exposures(X, W)
    network = Unfolded.from_dictionary(W, 60)
    with torch.no_grad():
        errors = [(H - exact).abs().sum().item() for H in network.iterates(X)]
    assert errors[60] < 1e-3 * errors[5] < errors[0]


def test_unknown_rules_are_refused_by_name():
    with pytest.raises(ValueError, match=r"unknown layer 'lista': choose one of mu, .*admm"):
        Unfolded(4, 2, layer="lista")


def test_poisson_rules_refuse_penalties_instead_of_passing_over_them():
    with pytest.raises(ValueError, match="Poisson likelihood takes no penalties"):
        Unfolded(4, 2, layer="kl", l1_reg=1.0)


def test_float32_networks_compute_and_answer_in_float32(problem):
    X, _, W = problem(10, 24, 4, 10)
    double = Unfolded.from_dictionary(W, 5)
    single = Unfolded.from_dictionary(W.to(torch.float32), 5)
    exposures = single(X.to(torch.float32))
    assert exposures.dtype == torch.float32
    torch.testing.assert_close(
        exposures.to(torch.float64), double(X), rtol=1e-4, atol=1e-4 * X.sum(dim=1).max().item()
    )


# ── what a network may be given ──────────────────────────────────────────────────────────────────────────────────────

NETWORKS = {
    "paper": UnfoldedMU.from_dictionary,
    **{rule: partial(Unfolded.from_dictionary, layer=rule) for rule in LAYERS},
}


@pytest.fixture(params=NETWORKS)
def network_and_data(problem, request):
    X, _, W = problem(6, 8, 3, 11)
    return NETWORKS[request.param](W, 3), X


def test_one_sample_and_any_batch_are_taken_as_a_linear_layer_takes_them(network_and_data):
    network, X = network_and_data
    rows = network(X)
    torch.testing.assert_close(network(X[0]), rows[0])
    torch.testing.assert_close(network(X.reshape(2, 3, 8)), rows.reshape(2, 3, 3))
    assert network(X[:0]).shape == (0, 3)
    assert network(X.reshape(1, 1, 6, 8)[:, :0]).shape == (1, 0, 6, 3)
    assert [state.shape for state in network.iterates(X[0])] == [(3,)] * 4
    torch.testing.assert_close(torch.vmap(network)(X), rows)


@pytest.mark.usefixtures("unchecked_shapes")
def test_another_number_of_features_is_refused_with_the_shapes(network_and_data):
    network, X = network_and_data
    for wrong in (X[:, :7], X.mT, X[0, :3], torch.tensor(1.0, dtype=X.dtype)):
        with pytest.raises(ValueError, match=r"samples of 8 features, \(\.\.\., 8\), got a tensor"):
            network(wrong)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_another_precision_is_refused_by_name(network_and_data, dtype):
    network, X = network_and_data
    with pytest.raises(
        TypeError, match=rf"samples are {dtype}, the network's weights torch.float64"
    ):
        network(X.to(dtype))
    with pytest.raises(TypeError, match=r"both must be torch\.float64, or both torch\.float32"):
        network.to(dtype)(X)


@pytest.mark.usefixtures("unchecked_shapes")
def test_starting_exposures_have_the_shape_of_the_samples(problem):
    X, H0, W = problem(6, 8, 3, 12)
    network = UnfoldedMU.from_dictionary(W, 2)
    torch.testing.assert_close(network(X[0], H0[0]), network(X, H0)[0])
    for wrong in (H0[0], H0[:5], H0[:, :2]):
        with pytest.raises(ValueError, match="starting exposures of shape"):
            network(X, wrong)


@pytest.mark.usefixtures("unchecked_shapes")
def test_samples_and_dictionary_of_a_problem_have_the_same_features(problem):
    X, _, W = problem(6, 8, 3, 13)
    for samples, dictionary in ((X, W[:, :5]), (X[0, :5], W), (X, W[None]), (X[0, 0], None)):
        with pytest.raises(ValueError, match=r"samples \(\.\.\., f\) and a dictionary \(k, f\)"):
            Problem(samples, dictionary)


@pytest.mark.parametrize("network", [Unfolded, UnfoldedMU])
@pytest.mark.parametrize("value", [-1.0, torch.nan, torch.inf])
def test_a_dictionary_of_impossible_values_makes_no_network(network, value):
    with pytest.raises(ValueError, match="finite values >= 0"):
        network.from_dictionary(torch.tensor([[0.5, 0.5], [value, 1.0]]), n_layers=2)


# ── what a network may learn, and share ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rule", ["weighted-mu", "admm", "newton"])
def test_dictionary_and_penalties_are_learned_where_it_is_asked_for(problem, rule):
    X, _, W = problem(10, 8, 3, 14)
    options = {"l1_reg": 5.0, "l2_reg": 0.1}
    fixed = Unfolded.from_dictionary(W, 3, layer=rule, **options)
    learning = Unfolded.from_dictionary(
        W, 3, layer=rule, learn_dictionary=True, learn_penalties=True, **options
    )
    torch.testing.assert_close(learning(X), fixed(X))
    learned = {"signatures", "l1_reg", "l2_reg"}
    assert learned & dict(fixed.named_parameters()).keys() == set()
    assert fixed.state_dict().keys() == learning.state_dict().keys()
    learning(X).square().sum().backward()
    weights = dict(learning.named_parameters())
    assert all(weights[name].grad.abs().sum() > 0 for name in learned)
    with torch.no_grad():
        for name in learned:
            weights[name].sub_(10.0)
    learning.project_nonnegative_()
    assert all((weights[name] == 0).all() for name in learned)


def test_a_rule_without_penalties_cannot_learn_them():
    with pytest.raises(ValueError, match="takes no penalties"):
        Unfolded(4, 2, layer="kl", learn_penalties=True)


@RULES
def test_tied_layers_are_one(problem, rule):
    X, _, W = problem(10, 8, 3, 15)
    network = Unfolded.from_dictionary(W, 4, layer=rule, tied=True)
    assert len(set(network.layers)) == 1
    assert len(network.layers) == len(network.iterates(X)) - 1 == 4
    empty = Unfolded(8, 3, 4, layer=rule, tied=True, dtype=X.dtype)
    empty.load_state_dict(network.state_dict())
    torch.testing.assert_close(empty(X), network(X))
    torch.testing.assert_close(network.freeze()(X), network(X))
