import pytest
import torch
from torch import nn

from dnmf.unfolding import TrainConfig, UnfoldedMU, train_supervised

QUICK = TrainConfig(max_epochs=30, learning_rate=1e-2)


@pytest.fixture
def pairs(problem):
    """Spectra and shares: counts and exposures over the sample's total."""
    X, H, _ = problem(60, 16, 3, 0)
    totals = X.sum(dim=1, keepdim=True)
    return X / totals, H / totals


def error(network: nn.Module, X: torch.Tensor, H: torch.Tensor) -> float:
    with torch.no_grad():
        return (network(X) - H).square().sum(dim=1).mean().item()


def constant_network(**options) -> UnfoldedMU:
    return UnfoldedMU(16, 3, 4, learn_penalties=True, dtype=torch.float64, **options)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("batch_size", [None, 16, 1000])
def test_loss_falls_and_every_weight_stays_non_negative(pairs, batch_size):
    network = constant_network(l1_reg=1.0, l2_reg=1.0)
    before = error(network, *pairs)
    after_epoch = []

    def watch(phase, epoch, epochs, cost):
        after_epoch.append(min(weight.min().item() for weight in network.parameters()))

    history = train_supervised(
        network, *pairs, config=QUICK, batch_size=batch_size, generator=seeded(0), progress=watch
    )
    assert error(network, *pairs) < 0.7 * before
    assert min(after_epoch) >= 0
    assert len(history.cost) == 30
    assert history.validation == []


def test_first_cost_of_full_batches_is_the_untrained_networks_error(pairs):
    network = constant_network()
    untrained = error(network, *pairs)
    history = train_supervised(network, *pairs, config=TrainConfig(max_epochs=1))
    assert history.cost == pytest.approx([untrained])


def test_gradient_step_is_adams_on_the_mean_over_entries(pairs):
    """Adam's first step moves every weight by the learning rate against the sign of its gradient."""
    X, H = pairs
    network, twin = constant_network(), constant_network()
    (twin(X) - H).square().mean().backward()
    train_supervised(network, X, H, config=TrainConfig(max_epochs=1, learning_rate=1e-3))
    for weight, other in zip(network.parameters(), twin.parameters(), strict=True):
        expected = (other - 1e-3 * other.grad / (other.grad.abs() + 1e-8)).clamp(min=0)
        torch.testing.assert_close(weight.detach(), expected.detach(), rtol=1e-9, atol=1e-12)


def test_a_perfect_start_is_kept_when_training_can_only_harm_it(pairs):
    """Validation pairs on which the untrained network is exact: epoch 0 is the best, and is restored."""
    X, H = pairs
    network = constant_network(weight_init=0.5)
    start = {name: w.clone() for name, w in network.state_dict().items()}
    with torch.no_grad():
        answers = network(X)
    history = train_supervised(network, X, H, config=QUICK, validation=(X, answers))
    assert history.best_epoch == 0
    assert max(history.validation) > 0
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, start[name])


def test_validation_restores_the_best_epoch(pairs):
    """Validation pairs that are exactly right after ten epochs, as a twin says: these weights come back."""
    X, H = pairs
    twin, network = constant_network(), constant_network()
    train_supervised(twin, X, H, config=TrainConfig(max_epochs=10))
    with torch.no_grad():
        answers = twin(X)
    config = TrainConfig(max_epochs=25)
    history = train_supervised(network, X, H, config=config, validation=(X, answers))
    assert history.best_epoch == 10
    assert history.validation[9] == 0.0
    assert history.validation[-1] > 0.0
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, twin.state_dict()[name])


def test_same_seed_same_weights_and_another_seed_other_weights(pairs):
    weights = []
    for seed in (1, 1, 2):
        network = constant_network()
        train_supervised(network, *pairs, config=QUICK, batch_size=16, generator=seeded(seed))
        weights.append(torch.cat([w.detach().flatten() for w in network.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_progress_sees_every_epoch_with_its_training_cost(pairs):
    X, H = pairs
    seen = []
    history = train_supervised(
        constant_network(),
        X,
        H,
        config=TrainConfig(max_epochs=3),
        validation=(X[:5], H[:5]),
        progress=lambda *call: seen.append(call),
    )
    assert seen == [("training", i, 3, cost) for i, cost in enumerate(history.cost, start=1)]


def test_an_interrupt_from_progress_comes_out(pairs):
    def interrupt(*call):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_supervised(constant_network(), *pairs, progress=interrupt)


def test_a_cost_that_is_no_number_says_what_to_do(pairs):
    X, H = pairs
    H = H.clone()
    H[0, 0] = float("nan")
    with pytest.raises(
        FloatingPointError, match=r"loss is nan in batch 1 of epoch 1.*Row 0 of the batch"
    ):
        train_supervised(constant_network(), X, H)


def test_any_module_can_be_trained():
    """The trainer knows nothing of what a network is; one without constraints is not projected."""
    network = nn.Linear(2, 1, dtype=torch.float64)
    X = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    H = torch.tensor([[-1.0], [2.0]], dtype=torch.float64)
    config = TrainConfig(max_epochs=500, learning_rate=0.05)
    train_supervised(network, X, H, config=config)
    torch.testing.assert_close(network(X).detach(), H, rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("unchecked_shapes")
def test_pairs_of_other_sizes_are_refused_not_stretched(pairs):
    X, H = pairs
    for wrong in (H[:1], H[:7], H[:, 0]):
        with pytest.raises(ValueError, match=rf"\(60, 16\) and .{wrong.shape[0]},"):
            train_supervised(constant_network(), X, wrong)
        with pytest.raises(ValueError, match="validation: expected samples"):
            train_supervised(constant_network(), X, H, validation=(X, wrong))
    for options in ({}, {"validation": (X, H)}):
        with pytest.raises(ValueError, match=r"shape \(60, 3\), the known ones have \(60, 1\)"):
            train_supervised(constant_network(), X, H[:, :1], **options)
    with pytest.raises(ValueError, match=r"shape \(60, 3\), the known ones have \(60, 1\)"):
        train_supervised(constant_network(), X, H, validation=(X, H[:, :1]))
