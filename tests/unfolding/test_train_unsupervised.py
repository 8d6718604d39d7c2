import numpy as np
import pytest
import torch

from dnmf.kernels import exact_signatures, frobenius_cost
from dnmf.unfolding import TrainConfig, Unfolded, UnfoldedMU, train_unsupervised

PENALTIES = {"l1_reg": 2.0, "l2_reg": 0.1}


@pytest.fixture
def samples(problem):
    return problem(50, 16, 4, 0)[0]


def network_for(X: torch.Tensor, **options) -> UnfoldedMU:
    """A small network with unequal weights."""
    network = UnfoldedMU(X.shape[1], 4, 3, dtype=X.dtype, weight_init=0.1, **options)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            noise = torch.rand(weight.shape, generator=generator, dtype=weight.dtype)
            weight.mul_(0.5 + noise)
    return network


@pytest.mark.parametrize("order", ["fresh", "stale"])
def test_cost_falls_and_weights_stay_non_negative(samples, order):
    network = network_for(samples)
    config = TrainConfig(max_epochs=60, learning_rate=2e-3)
    W, history = train_unsupervised(
        network, samples, config=config, dictionary_order=order, **PENALTIES
    )
    assert min(history.cost[-5:]) < 0.9 * history.cost[1]
    assert (W >= 0).all()
    assert min(weight.min().item() for weight in network.parameters()) >= 0


def test_returned_dictionary_is_the_exact_one_of_the_trained_network(samples):
    network = network_for(samples)
    W, _ = train_unsupervised(network, samples, config=TrainConfig(max_epochs=5))
    with torch.no_grad():
        expected = exact_signatures(samples, network(samples))
    torch.testing.assert_close(W, expected, rtol=1e-8, atol=1e-12)


def test_fresh_takes_the_cost_after_the_dictionary_and_stale_before(samples):
    """At learning rate 0 the exposures stand still, so every epoch's cost is known in advance."""
    n, f = samples.shape
    network = network_for(samples)
    with torch.no_grad():
        H = network(samples)
    exact = exact_signatures(samples, H)
    flat = samples.new_full((4, f), 1 / f)
    least, first = (frobenius_cost(samples, H, W, **PENALTIES).item() / n for W in (exact, flat))
    assert least < first
    still = TrainConfig(max_epochs=3, learning_rate=1e-300)
    for order, expected in (("fresh", [least] * 3), ("stale", [first, least, least])):
        _, history = train_unsupervised(
            network, samples, config=still, dictionary_order=order, **PENALTIES
        )
        assert history.cost == pytest.approx(expected, rel=1e-12)


def test_first_step_follows_the_gradient_of_the_minimum_over_dictionaries(samples):
    """Envelope theorem in use: a step against it lowers ``min_W cost``, by as much as its length foretells."""
    X = samples / samples.sum(dim=1, keepdim=True).clamp(min=1)
    network = network_for(X)

    def least_cost():
        with torch.no_grad():
            H = network(X)
            return frobenius_cost(X, H, exact_signatures(X, H)).item() / len(X)

    H = network(X)
    (frobenius_cost(X, H, exact_signatures(X, H.detach())) / len(X)).backward()
    weights = list(network.parameters())
    slope = sum(w.grad.square().sum().item() for w in weights)
    step = 1e-6 * least_cost() / slope
    costs = {}
    for sign in (1, -1):
        with torch.no_grad():
            for w in weights:
                w.add_(w.grad, alpha=sign * step)
        costs[sign] = least_cost()
        with torch.no_grad():
            for w in weights:
                w.sub_(w.grad, alpha=sign * step)
    assert (costs[1] - costs[-1]) / (2 * step) == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("weight_init", [0.1, 1.0])
def test_constant_weights_leave_their_symmetric_start(problem, weight_init):
    """Only because least squares of equal columns gives a vertex: a minimum-norm solver would stay at rank 1."""
    X, _, _ = problem(100, 24, 4, 1)
    network = UnfoldedMU(24, 4, 5, weight_init=weight_init, dtype=X.dtype)
    with torch.no_grad():
        assert torch.linalg.matrix_rank(network(X)) == 1
    config = TrainConfig(max_epochs=20, learning_rate=1e-3)
    train_unsupervised(network, X, config=config)
    with torch.no_grad():
        assert torch.linalg.matrix_rank(network(X)) == 4


def test_networks_on_spectra_can_be_trained_end_to_end_too(problem):
    """The dictionary inside a network of the other rules stays; its weights follow the cost."""
    X, _, W = problem(50, 16, 3, 2)
    network = Unfolded.from_dictionary(W, 3, layer="mu")
    config = TrainConfig(max_epochs=20, learning_rate=1e-3)
    _, history = train_unsupervised(network, X, config=config)
    assert history.cost[-1] < history.cost[0]


def test_progress_sees_every_epoch_and_may_interrupt(samples):
    seen = []
    config = TrainConfig(max_epochs=3)
    _, history = train_unsupervised(
        network_for(samples), samples, config=config, progress=lambda *call: seen.append(call)
    )
    assert seen == [("training", i, 3, cost) for i, cost in enumerate(history.cost, start=1)]

    def interrupt(*call):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_unsupervised(network_for(samples), samples, progress=interrupt)


def test_training_twice_gives_the_same_bits(samples):
    results = []
    for _ in range(2):
        network = network_for(samples)
        config = TrainConfig(max_epochs=10, learning_rate=1e-2)
        W, history = train_unsupervised(network, samples, config=config)
        results.append((W, np.array(history.cost)))
    assert torch.equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.usefixtures("unchecked_shapes")
def test_an_order_that_is_none_and_rates_out_of_range_are_refused():
    with pytest.raises(ValueError, match="'fresh' or 'stale', not 'frehs'"):
        train_unsupervised(UnfoldedMU(4, 2, 2), torch.ones(3, 4), dictionary_order="frehs")
    for rate in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="learning_rate must be above 0"):
            TrainConfig(learning_rate=rate)
    with pytest.raises(ValueError, match="max_epochs must be at least 0, not -1"):
        TrainConfig(max_epochs=-1)
