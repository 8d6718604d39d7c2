import numpy as np
import pytest
import torch

from dnmf.kernels import Poisson, exact_exposures, frobenius_cost, kl_cost, kl_exposures
from dnmf.unfolding import LAYERS, ADMMLayer, Unfolded, train_to_dictionary

RULES = pytest.mark.parametrize("rule", LAYERS)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sparse_samples(problem, seed):
    """Counts in which each signature is absent from half of the samples: the bounds are what takes layers to find."""
    _, H, W = problem(60, 24, 6, 0)
    rng = np.random.default_rng(seed)
    W = 0.5 * W + 0.5 * W.mean(dim=0)
    H = H[torch.from_numpy(rng.permutation(60))] * torch.from_numpy(rng.integers(0, 2, H.shape))
    X = torch.from_numpy(rng.poisson((H @ W).numpy()).astype(np.float64))
    return X[X.sum(dim=1) > 0], W


def build(problem, rule, *, l1=0.0, l2=0.0, n_layers=3):
    X, W = sparse_samples(problem, 0)
    H = exact_exposures(X, W)
    shares = (H / X.sum(dim=1, keepdim=True)).square().mean(dim=0).sqrt()
    network = Unfolded.from_dictionary(W, n_layers, layer=rule, shares=shares, l1_reg=l1, l2_reg=l2)
    return X, W, network


def mean_excess(network: Unfolded, X: torch.Tensor, W: torch.Tensor) -> float:
    """Geometric mean of 1 + excess / e0, from the costs themselves: no complementarity, no scaled problem."""
    with torch.no_grad():
        found = network(X)
    if network.rule.objective is Poisson:
        exact, penalties, cost, size = kl_exposures(X, W).H, {}, kl_cost, X.sum(dim=1)
    else:
        penalties = {"l1_reg": network.l1_reg.item(), "l2_reg": network.l2_reg.item()}
        exact, cost, size = exact_exposures(X, W, **penalties), frobenius_cost, X.sum(dim=1) ** 2
    logarithms = []
    for i in range(len(X)):
        lowest, reached = (
            cost(X[i : i + 1], h[i : i + 1], W, **penalties).item() for h in (exact, found)
        )
        floor = 1e-3 * lowest + 10 * np.finfo(float).eps * size[i].item()
        logarithms.append(np.log1p(max(reached - lowest, 0) / floor))
    return float(np.exp(np.mean(logarithms)))


@pytest.mark.parametrize(
    ("rule", "l1", "l2"),
    [(rule, 0.0, 0.0) for rule in LAYERS]
    + [("admm", 40.0, 0.0), ("admm", 40.0, 0.1), ("mu", 40.0, 0.1)],
)
def test_validation_is_the_excess_over_the_exact_cost(problem, rule, l1, l2):
    X, W, network = build(problem, rule, l1=l1, l2=l2)
    expected = mean_excess(network, X, W)
    history = train_to_dictionary(network, X, n_steps=0, generator=seeded(0))
    assert history.validation == pytest.approx([expected], rel=1e-4)
    assert history.cost == []


@RULES
@pytest.mark.parametrize("learning_rate", [3e-2, 5.0])
def test_training_never_makes_it_worse_on_its_samples(problem, rule, learning_rate):
    """Not even with a learning rate that ruins the weights: the best ones are kept, the untrained included."""
    # Three layers of these are as good as exact after a few steps, or none.
    X, W, network = build(problem, rule, n_layers=1 if rule in ("admm", "newton") else 3)
    before = mean_excess(network, X, W)
    history = train_to_dictionary(
        network, X, n_steps=30, learning_rate=learning_rate, generator=seeded(0)
    )
    after = mean_excess(network, X, W)
    assert after <= before * (1 + 1e-9)
    assert after == pytest.approx(min(history.validation), rel=1e-4)
    assert len(history.cost) == 30 or after <= 1.2  # it stops where it is as good as exact


@pytest.mark.parametrize(
    ("rule", "learning_rate"),
    [
        ("newton", 1e-1),
        ("admm", 3e-2),
        ("mu", 1e-4),
        ("weighted-mu", 3e-3),
        ("projected-gradient", 3e-4),
        ("kl", 3e-4),
    ],
)
def test_training_lowers_the_excess(problem, rule, learning_rate):
    X, W, network = build(problem, rule, n_layers=1 if rule == "newton" else 3)
    before = mean_excess(network, X, W)
    train_to_dictionary(network, X, n_steps=60, learning_rate=learning_rate, generator=seeded(0))
    assert mean_excess(network, X, W) < 0.97 * before


def test_a_network_that_is_exact_already_stays_as_it_is(problem):
    _, H, W = problem(30, 24, 4, 1)
    X = H @ W
    network = Unfolded.from_dictionary(W, 5)
    before = [w.detach().clone() for w in network.parameters()]
    history = train_to_dictionary(network, X, n_steps=50, generator=seeded(0))
    assert history.cost == []
    assert history.validation == pytest.approx([1.0], rel=0.2)
    assert all(torch.equal(w, b) for w, b in zip(network.parameters(), before, strict=True))


@pytest.mark.parametrize(("dtype", "unit"), [("float64", 1e9), ("float64", 1e-9), ("float32", 1.0)])
def test_rounding_is_not_trained_away(problem, dtype, unit):
    X, W = sparse_samples(problem, 0)
    X, W = (unit * X).to(getattr(torch, dtype)), W.to(getattr(torch, dtype))
    history = train_to_dictionary(Unfolded.from_dictionary(W, 10, layer="newton"), X)
    assert history.cost == []


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_the_samples_does_not_matter(problem, unit):
    X, _, network = build(problem, "admm")
    plain = train_to_dictionary(network, X, n_steps=30, generator=seeded(0))
    _, _, network = build(problem, "admm")
    scaled = train_to_dictionary(network, unit * X, n_steps=30, generator=seeded(0))
    assert scaled.cost == pytest.approx(plain.cost, rel=1e-5)


def test_it_helps_samples_it_has_not_seen(problem):
    X, W, network = build(problem, "admm")
    unseen, _ = sparse_samples(problem, 1)
    before = mean_excess(network, unseen, W)
    train_to_dictionary(network, X, n_steps=100, generator=seeded(0))
    assert mean_excess(network, unseen, W) < before


def test_dictionary_shares_and_penalties_are_not_trained(problem):
    X, _, network = build(problem, "admm", l1=5.0, l2=0.1)
    before = {name: b.clone() for name, b in network.named_buffers()}
    train_to_dictionary(network, X, n_steps=4, generator=seeded(0))
    for name, buffer in network.named_buffers():
        assert torch.equal(buffer, before[name])


def test_empty_samples_and_more_samples_than_the_pool_do_no_harm(problem):
    X, _, network = build(problem, "admm")
    X = torch.cat([0 * X[:1], X.repeat(110, 1), 0 * X[:1]])  # over 6,000 rows
    history = train_to_dictionary(network, X, n_steps=2, generator=seeded(0))
    assert np.isfinite(history.cost).all()
    assert network(X[:1]).tolist() == [[0.0] * 6]


@pytest.mark.parametrize("n_steps", range(1, 12))
def test_any_number_of_steps_can_be_taken(problem, n_steps):
    """A one-cycle schedule of a few steps is where its warm-up has no length."""
    X, _, network = build(problem, "admm", n_layers=1)
    history = train_to_dictionary(network, X, n_steps=n_steps, generator=seeded(0))
    assert len(history.cost) == n_steps


def test_same_seed_same_weights_and_another_seed_other_weights(problem):
    weights = []
    for seed in (1, 1, 2):
        X, _, network = build(problem, "admm")
        train_to_dictionary(network, X, n_steps=26, generator=seeded(seed))
        weights.append(torch.cat([w.detach().flatten() for w in network.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_progress_sees_every_step_and_may_interrupt(problem):
    X, _, network = build(problem, "admm", n_layers=1)
    seen = []
    history = train_to_dictionary(
        network, X, n_steps=4, generator=seeded(0), progress=lambda *call: seen.append(call)
    )
    assert seen == [("network", i, 4, cost) for i, cost in enumerate(history.cost, start=1)]

    def interrupt(*call):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_to_dictionary(network, X, generator=seeded(0), progress=interrupt)


def test_training_that_diverges_ends_with_the_best_weights(problem):
    X, _, network = build(problem, "admm")
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    history = train_to_dictionary(network, X, n_steps=80, learning_rate=1e30, generator=seeded(0))
    assert len(history.cost) < 80
    assert np.isfinite(history.cost + history.validation).all()
    assert all(torch.equal(before[name], weight) for name, weight in network.state_dict().items())


def test_the_last_trained_admm_layer_repeated_converges_to_the_exact_solution(problem):
    X, _, network = build(problem, "admm")
    train_to_dictionary(network, X, n_steps=50, learning_rate=0.2, generator=seeded(0))
    largest = max(layer.alpha.max().item() for layer in network.layers)
    assert largest == pytest.approx(ADMMLayer.MAX_ALPHA)  # training would go beyond 2
    samples = network.problem(X)
    exact = exact_exposures(samples.X, network.scaled_signatures)
    state = network.rule.start_from(samples.X @ network.inverse)
    with torch.no_grad():
        for _ in range(100):
            state = network.layers[-1](state, samples)
    torch.testing.assert_close(state.relu(), exact, rtol=0, atol=1e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_value_that_no_sample_can_have_is_named(problem, value):
    X, _, network = build(problem, "mu")
    X[3, 2] = value
    with pytest.raises(ValueError, match=f"row 3, column 2 is {value}"):
        train_to_dictionary(network, X)


@pytest.mark.usefixtures("unchecked_shapes")
def test_samples_of_another_kind_are_refused(problem):
    X, _, network = build(problem, "mu")
    for other in (torch.float32, torch.int64):
        with pytest.raises(TypeError, match=f"samples are {other}.*weights torch.float64"):
            train_to_dictionary(network, X.to(other))
    for wrong in (X[:, :3], X[0]):
        with pytest.raises(ValueError, match="expected samples"):
            train_to_dictionary(network, wrong)
    with pytest.raises(ValueError, match="no sample with anything"):
        train_to_dictionary(network, torch.zeros_like(X))
