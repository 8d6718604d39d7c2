"""The open training door: batches of any kind, own losses, precision, checkpoints, ranks, and what it refuses."""

import json
import re
import time
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

from dnmf.exceptions import CheckpointError
from dnmf.unfolding import ExactNNLS, Unfolded, UnfoldedMU, fit

ADAM = partial(torch.optim.Adam, lr=1e-2)


@pytest.fixture
def pairs(problem):
    X, H, _ = problem(48, 12, 3, 0)
    totals = X.sum(dim=1, keepdim=True)
    return X / totals, H / totals


def network(**options) -> UnfoldedMU:
    return UnfoldedMU(12, 3, 3, learn_penalties=True, dtype=torch.float64, **options)


def error(H, batch) -> torch.Tensor:
    return (H - batch[1]).square().mean()


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([w.detach().flatten() for w in module.parameters()])


def loader(pairs) -> DataLoader:
    return DataLoader(TensorDataset(*pairs), batch_size=16, shuffle=True, generator=seeded(0))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["tensor", "tuple", "dict"])
def test_batches_of_every_kind_train_alike(pairs, kind):
    X, H = pairs
    batch = {"tensor": X, "tuple": (X, H), "dict": {"X": X, "H": H}}[kind]
    trained = network()
    history = fit(trained, [batch], lambda found, _: (found - H).square().mean(), epochs=4)
    twin = network()
    fit(twin, [(X, H)], error, epochs=4)
    assert torch.equal(weights(trained), weights(twin))
    assert history.cost[-1] < history.cost[0]


def test_an_epochs_cost_is_the_mean_over_samples(pairs):
    X, H = pairs
    still = partial(torch.optim.SGD, lr=0.0)
    batches = [(X[:40], H[:40]), (X[40:], H[40:])]
    history = fit(network(), batches, error, epochs=1, optimizer=still)
    assert history.cost == pytest.approx([error(network()(X), (X, H)).item()])


def test_optimiser_schedule_and_clipping_are_torchs(pairs):
    """Written out: AdamW under a schedule, gradients clipped, weights projected."""
    X, H = pairs
    adam = partial(torch.optim.AdamW, lr=1e-2)
    halving = partial(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
    trained, twin = network(), network()
    fit(trained, [(X, H)], error, epochs=3, optimizer=adam, scheduler=halving, clip=0.01)
    optimiser = adam(twin.parameters())
    schedule = halving(optimiser)
    for _ in range(3):
        optimiser.zero_grad()
        error(twin(X), (X, H)).backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 0.01)
        optimiser.step()
        schedule.step()
        twin.project_nonnegative_()
    assert torch.equal(weights(trained), weights(twin))


def test_what_is_not_chosen_stands_still(pairs):
    trained, start = network(), network()
    fit(trained, [pairs], error, epochs=2, trainable=["layers.*.gram", "l1_reg"], optimizer=ADAM)
    for name, weight in trained.named_parameters():
        moved = not torch.equal(weight, start.get_parameter(name))
        assert moved == (name.endswith("gram") or name == "l1_reg")
        assert weight.requires_grad


def test_every_layer_can_have_its_share_of_the_loss(pairs):
    X, H = pairs
    trained, twin = network(), network()
    fit(trained, [(X, H)], error, epochs=1, layer_weights=[0.0, 0.25, 1.0], optimizer=ADAM)
    optimiser = ADAM(twin.parameters())
    states = twin.iterates(X)
    (0.25 * error(states[2], (X, H)) + error(states[3], (X, H))).backward()
    optimiser.step()
    twin.project_nonnegative_()
    torch.testing.assert_close(weights(trained), weights(twin))


def test_every_part_of_a_network_is_projected(problem):
    X, _, W = problem(20, 12, 3, 0)
    codes = ExactNNLS(W)
    total = nn.Linear(3, 1, bias=False, dtype=X.dtype)
    nn.init.ones_(total.weight)
    fast = partial(torch.optim.SGD, lr=1.0)
    # Codes are larger beside a smaller dictionary: a step goes far below zero.
    fit(nn.Sequential(codes, total), [X], lambda found, _: -found.mean(), epochs=1, optimizer=fast)
    assert codes.dictionary.min() == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_forward_pass_may_be_in_half_precision(dtype):
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(64, 8, generator=generator)
    linear = nn.Linear(8, 2)
    seen = []

    def loss(H, batch):
        seen.append(H.dtype)
        return (H.float() - X[:, :2]).square().mean()

    history = fit(linear, [X], loss, epochs=60, optimizer=ADAM, autocast=dtype)
    assert set(seen) == {dtype}
    assert history.cost[-1] < 0.5 * history.cost[0]
    assert linear.weight.dtype == torch.float32


def test_callbacks_see_every_epoch_and_end_the_training(pairs):
    seen = []

    def watch(state):
        seen.append((state.epoch, state.epochs, state.cost, state.validation))
        return state.epoch == 3

    history = fit(network(), [pairs], error, epochs=9, validation=[pairs], callbacks=[watch])
    assert seen == [(i + 1, 9, history.cost[i], history.validation[i]) for i in range(3)]


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Interruption(Exception):
    """As Ctrl-C, or the end of a time limit."""


@pytest.mark.parametrize("optimiser", [torch.optim.Adam, torch.optim.SGD])
def test_an_interrupted_training_goes_on_with_the_same_bits(pairs, tmp_path, optimiser):
    """Shuffled batches, noise from the global generator and one's own, a schedule of known length, the best epoch."""

    def run(folder, stop=None):
        torch.set_rng_state(seeded(3).get_state())
        own = seeded(1)
        module = network()
        if stop is None and folder is not None:
            torch.rand(5)  # a new process has drawn other numbers

        def loss(H, batch):
            noise = torch.rand(H.shape, dtype=H.dtype)
            noise = noise + torch.rand(H.shape, dtype=H.dtype, generator=own)
            return (H - batch[1] * (1 + 0.1 * noise)).square().mean()

        def interrupt(state):
            if state.epoch == stop:
                raise Interruption

        history = fit(
            module,
            loader(pairs),
            loss,
            epochs=6,
            optimizer=partial(optimiser, lr=1e-2),
            scheduler=lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1e-2, total_steps=18),
            validation=[pairs],
            callbacks=[interrupt],
            checkpoint=folder,
            generator=own,
        )
        return weights(module), history

    with torch.random.fork_rng():
        expected, costs = run(None)
        with pytest.raises(Interruption):
            run(tmp_path / "kept", stop=2)
        found, resumed = run(tmp_path / "kept")
        again, _ = run(tmp_path / "kept")  # nothing is left to do
    assert resumed == costs
    assert torch.equal(found, expected)
    assert torch.equal(again, expected)


def test_a_checkpoint_of_other_work_or_a_damaged_one_is_refused(pairs, tmp_path):
    fit(network(), [pairs], error, epochs=1, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match="differs in: optimizer"):
        fit(network(), [pairs], error, optimizer=torch.optim.AdamW, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match="differs in: weights"):
        fit(UnfoldedMU(12, 4, 3, dtype=torch.float64), [pairs], error, checkpoint=tmp_path)
    card = json.loads((tmp_path / "training.json").read_text("utf-8"))
    (tmp_path / "training.json").write_text(json.dumps(card | {"epoch": 0}), "utf-8")
    with pytest.raises(CheckpointError, match="altered"):
        fit(network(), [pairs], error, checkpoint=tmp_path)
    (tmp_path / "training.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="truncated"):
        fit(network(), [pairs], error, checkpoint=tmp_path)


# ── ranks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


DEEP = [0.0, 0.5, 1.0]


def train_rank(rank: int, folder: str, X, H, results) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    rows = slice(24 * rank, 24 * rank + 24)
    results[rank] = [
        train(DistributedDataParallel(network()), (X[rows], H[rows]), layer_weights)
        for layer_weights in (None, DEEP)
    ]
    torch.distributed.destroy_process_group()


def train(module: nn.Module, batch, layer_weights):
    options = {"epochs": 3, "optimizer": ADAM, "validation": [batch]}
    history = fit(module, [batch], error, layer_weights=layer_weights, **options)
    return weights(module), history.cost, history.validation


@pytest.mark.usefixtures("ranks_on_loopback")
def test_two_ranks_train_as_one_process_on_the_joined_batch(pairs, tmp_path):
    with torch.multiprocessing.Manager() as manager:
        results = manager.dict()
        ranks = torch.multiprocessing.spawn(
            train_rank, (str(tmp_path), *pairs, results), nprocs=2, join=False
        )
        try:
            deadline = time.monotonic() + 300
            while not ranks.join(timeout=10):
                assert time.monotonic() < deadline, "the ranks do not meet"
        finally:
            for process in ranks.processes:
                process.kill()
        found = dict(results)
    for i, layer_weights in enumerate((None, DEEP)):
        expected, costs, validation = train(network(), pairs, layer_weights)
        assert torch.equal(found[0][i][0], found[1][i][0])
        torch.testing.assert_close(found[0][i][0], expected, rtol=1e-9, atol=1e-12)
        assert found[0][i][1] == found[1][i][1] == pytest.approx(costs)
        assert found[0][i][2] == found[1][i][2] == pytest.approx(validation)


# ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_that_is_not_finite_is_named_and_the_last_good_weights_are_kept(pairs):
    X, H = pairs
    spoilt = X.clone()
    spoilt[5, 2] = float("nan")
    trained, twin = network(), network()
    message = r"loss is nan in batch 3 of epoch 1.*Row 5 of the batch"
    with pytest.raises(FloatingPointError, match=message):
        fit(trained, [(X, H), (X, H), (spoilt, H)], error, optimizer=ADAM)
    fit(twin, [(X, H), (X, H)], error, epochs=1, optimizer=ADAM)
    assert torch.equal(weights(trained), weights(twin))


def test_a_gradient_that_is_not_finite_moves_no_weight():
    """The root has a finite value at 0, and no slope there."""
    linear = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(linear.weight)
    with pytest.raises(
        FloatingPointError, match="its gradient is not finite in batch 1 of epoch 1"
    ):
        fit(linear, [torch.ones(3, 2)], lambda H, _: H.square().sum().sqrt())
    assert (linear.weight == 0).all()


def test_samples_of_another_size_are_refused_with_the_batch(problem):
    X, _, W = problem(6, 12, 3, 0)
    with pytest.raises(ValueError, match="expected samples of 12 features") as caught:
        fit(Unfolded.from_dictionary(W, 2, layer="mu"), [X, X[:, :11]], lambda H, _: H.mean())
    assert caught.value.__notes__ == ["in batch 2 of epoch 1"]


def test_a_loss_that_is_no_number_is_refused(pairs):
    with pytest.raises(
        ValueError, match=re.escape("one number, such as a mean over the batch, not (48,)")
    ):
        fit(network(), [pairs], lambda H, batch: (H - batch[1]).square().sum(dim=1))


def test_a_name_that_no_parameter_has_is_told_with_near_ones(pairs):
    with pytest.raises(ValueError, match=r"no parameter 'layers.0.grma'. Near: .*layers\.0\.gram"):
        fit(network(), [pairs], error, trainable=["layers.0.grma"])


def test_batches_that_cannot_be_read_twice_are_refused(pairs):
    with pytest.raises(ValueError, match="no batches in pass 2: give a DataLoader or a list"):
        fit(network(), iter([pairs]), error, epochs=2)


def test_layer_weights_of_another_depth_are_refused(pairs):
    with pytest.raises(ValueError, match="2 weights for 3 layers"):
        fit(network(), [pairs], error, layer_weights=[1.0, 1.0])


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"clip": 0.0}, ValueError, "clip must be above 0"),
        ({"clip": float("nan")}, ValueError, "clip must be above 0"),
        ({"epochs": -1}, ValueError, "epochs must be at least 0, not -1"),
        ({"validation": torch.ones(2, 12)}, TypeError, "validation must be batches"),
    ],
)
def test_settings_out_of_range_are_refused(pairs, options, kind, message):
    with pytest.raises(kind, match=message):
        fit(network(), [pairs], error, **options)


@pytest.mark.usefixtures("unchecked_shapes")
def test_what_is_not_in_batches_is_refused(pairs):
    for unbatched in (pairs, pairs[0], TensorDataset(*pairs), {"X": pairs[0]}):
        with pytest.raises(TypeError, match=r"loader must be batches, such as DataLoader.* not a "):
            fit(network(), unbatched, error)


@pytest.mark.usefixtures("unchecked_shapes")
def test_an_optimiser_that_is_made_already_is_refused(pairs):
    module = network()
    ready = torch.optim.Adam(module.parameters())
    with pytest.raises(TypeError, match=r"optimizer must be what makes one, such as partial"):
        fit(module, [pairs], error, optimizer=ready)
    with pytest.raises(TypeError, match="scheduler must be what makes one"):
        fit(module, [pairs], error, scheduler=torch.optim.lr_scheduler.StepLR(ready, 1))


def test_batches_without_samples_are_named(pairs):
    X, H = pairs
    empty = (X[:0], H[:0])
    for name, options in (("epoch 1", {}), ("the validation", {"validation": [pairs, empty]})):
        loader = [pairs] if options else [pairs, empty]
        with pytest.raises(ValueError, match="has no samples") as caught:
            fit(network(), loader, error, **options)
        assert caught.value.__notes__ == [f"in batch 2 of {name}"]


def test_validation_that_is_not_finite_is_named(pairs):
    X, H = pairs
    spoilt = X.clone()
    spoilt[5, 2] = float("nan")
    with pytest.raises(FloatingPointError, match=r"nan in batch 2 of the validation. Row 5 of"):
        fit(network(), [pairs], error, validation=[pairs, (spoilt, H)])


def test_one_name_chooses_alone(pairs):
    trained, start = network(), network()
    fit(trained, [pairs], error, epochs=1, trainable="layers", optimizer=ADAM)
    for name, weight in trained.named_parameters():
        assert torch.equal(weight, start.get_parameter(name)) != name.startswith("layers")
