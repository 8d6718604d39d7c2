"""Networks of both factors: their classic start, batches, known components, and the paper's as one of them."""

import numpy as np
import pytest
import torch

from dnmf import PaperDNMF
from dnmf.kernels import exact_signatures, frobenius_cost, successive_projection
from dnmf.unfolding import (
    BLIND_RULES,
    BlindRule,
    Factors,
    MULayer,
    NALMULayer,
    PALMLayer,
    UnfoldedNMF,
    factor_loss,
    separate,
)

RULES = pytest.mark.parametrize("rule", BLIND_RULES)
N, F, K, L = 8, 10, 3, 4


@pytest.fixture(scope="module")
def data(problem):
    X, H, W = problem(N, F, K, 3)
    return X / X.sum(dim=1, keepdim=True), H, W


def moved(network):
    """The network with weights that are not those of its start."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            noise = torch.rand(weight.shape, generator=generator, dtype=weight.dtype)
            weight.mul_(0.9 + 0.1 * noise)
    return network


@RULES
def test_untrained_it_is_the_classic_algorithm(oracles, data, rule):
    X, _, W = data
    W = W + 0.01
    found = UnfoldedNMF.from_dictionary(W, L, rule=rule, H0=0.3).iterates(X)
    classic = oracles.alternate(rule, X.numpy(), np.full((N, K), 0.3), W.numpy(), L)
    assert len(found) == L + 1
    for pair, expected in zip(found, classic, strict=True):
        for factor, exact in zip(pair, expected, strict=True):
            np.testing.assert_allclose(factor.detach().numpy(), exact, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("rule", ["nalmu", "weighted-mu", "palm", "admm"])
def test_more_layers_find_the_factors_of_data_that_have_them(rule):
    generator = torch.Generator().manual_seed(2)
    H, W = (torch.rand(s, generator=generator, dtype=torch.float64) for s in ((40, K), (K, F)))
    X = H @ W
    errors = []
    with torch.no_grad():
        for depth in (5, 50, 300):
            found = UnfoldedNMF(F, K, depth, rule=rule, dtype=X.dtype)(X)
            errors.append(((found.H @ found.W - X).norm() / X.norm()).item())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 2e-3


def test_the_papers_network_is_one_configuration_of_it(problem):
    X, _, _ = problem(20, F, K, 4)
    paper = PaperDNMF(K, n_layers=3, l1_reg=1.0, l2_reg=1.0, weight_init=0.1, max_epochs=4).fit(
        X.numpy()
    )
    rule = BlindRule(lambda W: MULayer.constant(W, 0.1))
    network = UnfoldedNMF(F, K, 3, rule=rule, H0=1.0, l1_reg=1.0, l2_reg=1.0, dtype=torch.float64)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-4)
    W = None
    for _ in range(4):
        H = network(X).H
        W = exact_signatures(X, H.detach(), start=W)
        optimiser.zero_grad()
        (frobenius_cost(X, H, W, l1_reg=1.0, l2_reg=1.0) / len(X)).backward()
        optimiser.step()
        network.project_nonnegative_()
    H = network(X).H.detach()
    np.testing.assert_allclose(paper.network_(X).detach().numpy(), H.numpy(), rtol=1e-12)
    np.testing.assert_allclose(paper.components_, exact_signatures(X, H, start=W).numpy())


@RULES
def test_a_batch_of_problems_is_each_of_them(data, rule):
    X, _, _ = data
    network = moved(UnfoldedNMF(F, K, L, rule=rule, dtype=X.dtype))
    batch = torch.stack([X, X.flip(0) * 3, X.flip(1), X + 0.1]).reshape(2, 2, N, F)
    together = network.iterates(batch)
    for i, j in np.ndindex(2, 2):
        for pair, whole in zip(network.iterates(batch[i, j]), together, strict=True):
            torch.testing.assert_close(whole.H[i, j], pair.H, rtol=1e-9, atol=1e-11)
            torch.testing.assert_close(whole.W[i, j], pair.W, rtol=1e-9, atol=1e-11)
    assert together[-1].W.shape == (2, 2, K, F)


@RULES
def test_known_components_stay_and_the_others_move(data, rule):
    X, _, W = data
    network = moved(UnfoldedNMF(F, K, L, rule=rule, known=W[:2], dtype=X.dtype))
    for pair in network.iterates(torch.stack([X, X])):
        assert torch.equal(pair.W[:, :2], W[:2].expand(2, -1, -1))
    first, last = network.iterates(X)[0], network(X)
    moves = BLIND_RULES[rule].dictionary is not None
    assert torch.equal(first.W[2], last.W[2]) is not moves
    start = UnfoldedNMF.from_dictionary(W, L, rule=rule, n_known=1)
    torch.testing.assert_close(start(X).W[0], W[0])


@RULES
def test_tied_layers_share_their_weights(data, rule):
    X, _, W = data
    tied = moved(UnfoldedNMF.from_dictionary(W, L, rule=rule, tied=True))
    one = UnfoldedNMF.from_dictionary(W, 1, rule=rule)
    assert sum(p.numel() for p in tied.parameters()) == sum(p.numel() for p in one.parameters())
    untied = UnfoldedNMF.from_dictionary(W, L, rule=rule)
    for layer in untied.layers:
        layer.load_state_dict(tied.layers[0].state_dict())
    assert torch.equal(tied(X).H, untied(X).H)


@RULES
def test_it_has_no_unit_without_penalties(data, rule):
    """Multiplying the data multiplies the exposures: the dictionary that it starts from sums to 1."""
    X, _, _ = data
    network = UnfoldedNMF(F, K, L, rule=rule, dtype=X.dtype)
    found, scaled = network(X), network(1e6 * X)
    torch.testing.assert_close(scaled.H @ scaled.W, 1e6 * (found.H @ found.W), rtol=1e-6, atol=1)


@RULES
def test_gradients_of_data_start_and_weights_are_right(data, rule):
    X, _, W = data
    X, W = X[:3, :5] + 0.05, W[:2, :5] + 0.05
    network = moved(UnfoldedNMF.from_dictionary(W, 2, rule=rule, learn_start=True))
    names = [name for name, _ in network.named_parameters()]
    weights = [p.detach().clone().requires_grad_() for p in network.parameters()]

    def run(samples, *values):
        pair = torch.func.functional_call(
            network, dict(zip(names, values, strict=True)), (samples,)
        )
        return pair.H.sum(dim=1), pair.W.sum(dim=1)

    inputs = (X.requires_grad_(), *weights)
    assert torch.autograd.gradcheck(run, inputs, eps=1e-7, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(("rule", "ndim"), [("nalmu", 2), *((rule, 3) for rule in BLIND_RULES)])
@pytest.mark.usefixtures("traceable")
@pytest.mark.filterwarnings("ignore")  # PyTorch warns of its own parts while it traces
def test_it_can_be_compiled_whole_and_exported(data, rule, ndim):
    X, _, _ = data
    X = X if ndim == 2 else torch.stack([X, 2 * X])
    network = moved(UnfoldedNMF(F, K, 1, rule=rule, dtype=X.dtype)).requires_grad_(False)
    torch.compiler.reset()
    compiled = torch.compile(network, fullgraph=True, backend="eager")
    exported = torch.export.export(network, (X,)).module()
    for call in (compiled, exported):
        for found, exact in zip(call(X), network(X), strict=True):
            torch.testing.assert_close(found, exact)


@RULES
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_precision_is_that_of_samples_and_weights_alone(data, rule, half):
    X = data[0].float()
    network = moved(UnfoldedNMF(F, K, L, rule=rule))
    with torch.autocast("cpu", half):
        found = network(X)
        found.H.sum().backward()
    assert torch.equal(found.H, network(X).H)
    stored = network.to(half)(torch.stack([X, X]).to(half))
    assert stored.H.dtype == stored.W.dtype == half
    assert stored.H.isfinite().all()
    assert stored.W.isfinite().all()


@RULES
def test_it_is_saved_and_loaded_by_its_state(data, rule):
    X, _, W = data
    network = moved(UnfoldedNMF.from_dictionary(W, L, rule=rule, learn_start=True, n_known=1))
    empty = UnfoldedNMF.from_dictionary(
        torch.zeros_like(W), L, rule=rule, learn_start=True, n_known=1
    )
    empty.load_state_dict(network.state_dict())
    assert torch.equal(empty(X).H, network(X).H)


@RULES
def test_empty_samples_and_too_few_of_them_stay_finite(rule):
    X = torch.zeros(4, F)
    X[0] = 1
    network = UnfoldedNMF(F, K, L, rule=rule)
    for x in (X, torch.zeros(4, F)):
        found = network(x)
        (found.H.sum() + found.W.sum()).backward()
        assert found.H.isfinite().all()
        assert found.W.isfinite().all()
        assert not found.H[1:].any()
        assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_the_dictionary_starts_at_the_extreme_samples_of_each_data_set(data):
    X, _, _ = data
    start = UnfoldedNMF(F, K, 1, dtype=X.dtype).start(5 * X)
    torch.testing.assert_close(start.W, successive_projection(X, K))
    torch.testing.assert_close((start.H @ start.W).sum(dim=1), 5 * X.sum(dim=1))


def test_unknown_components_start_apart_from_the_known_ones():
    W = torch.eye(3, 5, dtype=torch.float64)
    X = torch.cat([W, W.mean(dim=0, keepdim=True)])
    start = UnfoldedNMF(5, 3, 1, known=W[:1], dtype=X.dtype).start(X)
    assert torch.equal(start.W.sum(dim=0), W.sum(dim=0))


def test_a_rule_of_ones_own(data):
    X, _, W = data
    rule = BlindRule(PALMLayer.from_dictionary, dictionary_first=True)
    network = UnfoldedNMF.from_dictionary(W, 2, rule=rule)
    assert torch.equal(network(X).W, W)


def test_the_loss_over_all_layers_weighs_each(data):
    X, H, W = data
    found = UnfoldedNMF.from_dictionary(W, 2).iterates(X)
    parts = [
        (pair.H - H).square().sum() / H.square().sum()
        + (pair.W - W).square().sum() / W.square().sum()
        for pair in found[1:]
    ]
    torch.testing.assert_close(
        factor_loss(found, H, W, [0.25, 2.0]), 0.25 * parts[0] + 2 * parts[1]
    )
    with pytest.raises(ValueError, match="a weight for each of 2 layers, got 1"):
        factor_loss(found, H, W, [1.0])


@pytest.mark.usefixtures("unchecked_shapes")
def test_the_loss_refuses_factors_of_other_sizes(data):
    X, H, W = data
    found = UnfoldedNMF.from_dictionary(W, 2).iterates(X)
    with pytest.raises(ValueError, match=r"H has the shape \(8, 1\), the H of the network \(8, 3"):
        factor_loss(found, H[:, :1], W, [1.0, 1.0])
    with pytest.raises(ValueError, match=r"W has the shape \(1, 10\)"):
        factor_loss(found, H, W[:1], [1.0, 1.0])


def test_separated_sources_add_up_to_the_data_where_anything_is_explained(data):
    X, H, W = data
    H = H.clone()
    H[0] = 0
    sources = separate(X, H, W, (1, 2))
    total = torch.stack(sources).sum(dim=0)
    explained = H @ W > 0
    torch.testing.assert_close(total[explained], X[explained])
    assert not total[~explained].any()


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="unknown rule 'fast': choose one of nalmu, mu"):
        UnfoldedNMF(4, 2, rule="fast")
    with pytest.raises(ValueError, match=r"expected W0 of shape \(2, 4\), got \(2, 5\)"):
        UnfoldedNMF(4, 2, W0=torch.ones(2, 5))
    with pytest.raises(ValueError, match="at most 2 of 4 features"):
        UnfoldedNMF(4, 2, known=torch.ones(3, 4))
    with pytest.raises(ValueError, match="needs W0"):
        UnfoldedNMF(4, 2, learn_start=True)
    with pytest.raises(ValueError, match=r"expected data sets \(..., n, 4\)"):
        UnfoldedNMF(4, 2)(torch.ones(3, 5))
    with pytest.raises(ValueError, match="2 samples is too small to start 3 components"):
        UnfoldedNMF(4, 3)(torch.ones(2, 4))


@pytest.mark.parametrize("name", ["W0", "known"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_dictionaries_hold_what_a_dictionary_can(name, value):
    W = torch.ones(2, 4)
    W[1, 1] = value
    with pytest.raises(ValueError, match=f"{name}: a dictionary has .* finite values >= 0"):
        UnfoldedNMF(4, 2, **{name: W})


@pytest.mark.usefixtures("unchecked_shapes")
def test_known_components_are_some_or_all_of_them(data):
    X, _, W = data
    for network in (UnfoldedNMF(F, K, L, known=W), UnfoldedNMF.from_dictionary(W, L, n_known=K)):
        assert torch.equal(network(X).W, W)
    for n_known in (-1, K + 1):
        with pytest.raises(ValueError, match=f"from 0 to the {K} components, not {n_known}"):
            UnfoldedNMF.from_dictionary(W, L, n_known=n_known)
    with pytest.raises(ValueError, match=r"known is torch.float64, W0 torch.float32"):
        UnfoldedNMF(F, K, L, W0=W.float(), known=W[:1])
    with pytest.raises(ValueError, match=r"known: a dictionary has .* floating point"):
        UnfoldedNMF(F, K, L, known=W.long())


class Shrinking(PALMLayer):
    def forward(self, state, problem):
        return super().forward(state, problem)[:, :1]


@pytest.mark.usefixtures("unchecked_shapes")
def test_an_own_rule_that_is_none_is_told_what_it_lacks(data):
    _, _, W = data
    with pytest.raises(TypeError, match=r"a rule is a name or a dnmf.unfolding.BlindRule"):
        UnfoldedNMF.from_dictionary(W, L, rule=PALMLayer)
    step = PALMLayer.from_dictionary
    for name, rule in {
        "exposures": BlindRule(lambda W: W),
        "dictionary": BlindRule(step, lambda W: torch.nn.Linear(2, 2)),
    }.items():
        with pytest.raises(TypeError, match=rf"rule\.{name} must make a .*UnfoldedLayer"):
            UnfoldedNMF.from_dictionary(W, L, rule=rule)
    for name, n, rule in (
        ("exposures", 2, BlindRule(Shrinking.from_dictionary)),
        ("dictionary", F, BlindRule(step, Shrinking.from_dictionary)),
    ):
        message = rf"step of the {name}, Shrinking, must keep the shape \({n}, 3\).*\({n}, 1\)"
        with pytest.raises(ValueError, match=message):
            UnfoldedNMF.from_dictionary(W, L, rule=rule)


def test_an_own_rule_whose_weights_belong_to_a_number_of_samples_is_taken(data):
    X, _, W = data
    rule = BlindRule(lambda W: NALMULayer(factors=W.new_ones(len(X), len(W))))
    assert UnfoldedNMF.from_dictionary(W, L, rule=rule)(X).H.shape == (N, K)


def test_factors_are_a_pair_by_name_too():
    H, W = Factors(torch.ones(2, 1), torch.ones(1, 3))
    assert (H.shape, W.shape) == ((2, 1), (1, 3))
