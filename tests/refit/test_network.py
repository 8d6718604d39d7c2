"""The refit network: its step, what it may answer, how it follows its reference, and how its training resumes."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from dnmf.exceptions import CheckpointError
from dnmf.kernels import kl_exposures, kl_gap, kl_step
from dnmf.kernels.goodness_of_fit import poisson_deviance
from dnmf.refit.calibration import calibrate
from dnmf.refit.estimate import (
    RefitEstimate,
    estimate_exposures,
    informed_output,
    most_possible,
    polish,
    standard_errors,
    unexplained_share,
)
from dnmf.refit.network import RefitNetwork, RefitOutput
from dnmf.refit.training import (
    ExposurePrior,
    RefitTraining,
    drop_small,
    learning_rate_at,
    refit_loss,
    train_refit,
)
from dnmf.unfolding.conditioned import ConditionedDesign, ConditionedLayer, _Step

TINY = ConditionedDesign(n_layers=3, context_width=5, prior_width=4, head_width=6)
QUICK = RefitTraining(steps=40, batch_size=32)


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reference(k: int, f: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    W = torch.rand(k, f, generator=random(seed), dtype=dtype) ** 4 + 1e-4
    return W / W.sum(dim=1, keepdim=True)


def tumours(m: int, k: int, seed: int) -> tuple[Tensor, Tensor]:
    shares = torch.rand(m, k, generator=random(seed)) ** 8
    return shares / shares.sum(dim=1, keepdim=True), torch.arange(m) % 3 + 1


def shaken(W: Tensor, seed: int) -> RefitNetwork:
    """A network with weights as far from their start as training may take them."""
    network = RefitNetwork(W, 3, TINY)
    network.initialise(torch.full((len(W),), 1 / len(W), dtype=W.dtype), random(seed))
    with torch.no_grad():
        for weight in network.parameters():
            noise = torch.randn(weight.shape, generator=random(seed), dtype=weight.dtype)
            weight.add_(0.3 * noise)
    return network.eval()


@pytest.fixture(scope="module")
def trained() -> RefitNetwork:
    shares, types = tumours(60, 7, 0)
    network = train_refit(reference(7, 24, 0), shares, types, n_types=3, config=QUICK, design=TINY)
    calibrate(network, shares, types, QUICK, samples=60)
    return network


def test_the_gradient_of_a_step_is_that_of_finite_differences():
    log_h = torch.log_softmax(3 * torch.randn(4, 5, generator=random(0), dtype=torch.float64), 1)
    x = torch.rand(4, 7, generator=random(1), dtype=torch.float64)
    x[0, 2] = 0
    ahead = torch.rand(5, 7, generator=random(2), dtype=torch.float64) + 0.01
    back = reference(5, 7, 3, torch.float64)
    control = torch.randn(4, 15, generator=random(4), dtype=torch.float64)
    inputs = [t.requires_grad_() for t in (log_h, ahead, back, control)]
    assert torch.autograd.gradcheck(
        lambda h, a, b, c: _Step.apply(h, x, a, b, c), inputs, atol=1e-6
    )


def test_an_untrained_layer_is_the_classic_step_up_to_its_small_threshold():
    W = reference(6, 20, 0, torch.float64)
    X = torch.poisson(500 * reference(3, 20, 1, torch.float64), generator=random(1))
    h = reference(3, 6, 2, torch.float64)
    layer = ConditionedLayer(W, TINY).double()
    zeros = torch.zeros(3, TINY.prior_width, dtype=torch.float64)
    x = X / X.sum(dim=1, keepdim=True)
    stepped = layer(h.log(), x, zeros, torch.zeros(3, 18, dtype=torch.float64)).exp()
    classic = kl_step(x, h, W)
    assert_close(stepped, classic, atol=0.01, rtol=0.01)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([0.0, 1.0, 30.0, 1e4, 1e7]))
def test_answers_are_shares_probabilities_and_ordered_intervals_whatever_the_weights(
    seed, mutations
):
    W = reference(6, 20, seed)
    network = shaken(W, seed)
    X = torch.poisson(mutations * reference(8, 20, seed + 1), generator=random(seed))
    X[0] = 0
    X[1] = 0
    X[1, 3] = mutations
    with torch.no_grad():
        output = network(X, torch.arange(8) % 4)
    assert_close(output.shares.sum(dim=1), torch.ones(8))
    for values in (output.shares, output.presence, output.lower, output.upper):
        assert values.isfinite().all()
        assert (values >= 0).all()
        assert (values <= 1 + 1e-6).all()
    assert (output.lower <= output.shares + 1e-7).all()
    assert (output.shares <= output.upper + 1e-7).all()


def test_scaling_is_not_ignored_the_number_of_mutations_is_a_condition():
    network = shaken(reference(6, 20, 0), 0)
    X = torch.poisson(50 * reference(1, 20, 1), generator=random(1))
    few, many = network(X).shares, network(100 * X).shares
    assert (few - many).abs().max() > 1e-3


def test_permuting_the_reference_permutes_the_answer():
    W = reference(6, 20, 0)
    network = shaken(W, 1)
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    permuted = network.for_reference(W[order], order)
    X = torch.poisson(300 * reference(5, 20, 1), generator=random(1))
    types = torch.tensor([0, 1, 2, 3, 0])
    ours, theirs = network(X, types), permuted(X, types)
    for name in ("shares", "presence", "lower", "upper"):
        assert_close(getattr(theirs, name), getattr(ours, name)[:, order], atol=1e-5, rtol=1e-4)


def test_a_signature_without_a_relative_starts_as_its_own_classic_step():
    W = reference(6, 20, 0)
    network = shaken(W, 1)
    larger = torch.cat([W, reference(2, 20, 9)])
    grown = network.for_reference(larger, torch.tensor([0, 1, 2, 3, 4, 5, -1, -1]))
    layer = grown.layers[0]
    assert_close(layer.log_ahead[6:].exp(), larger[6:].clamp(min=1e-5))
    assert_close(layer.log_ahead[:6], network.layers[0].log_ahead)


def test_a_batch_is_answered_sample_by_sample(trained):
    X = torch.poisson(200 * reference(6, 24, 1), generator=random(1))
    together = estimate_exposures(trained, X)
    alone = np.concatenate([estimate_exposures(trained, X[i : i + 1]).shares for i in range(6)])
    np.testing.assert_allclose(together.shares, alone, atol=1e-5, rtol=1e-4)


def test_empty_and_extreme_samples_have_finite_answers(trained):
    X = torch.zeros(4, 24)
    X[1, 0] = 1
    X[2] = 4e5
    X[3, 5] = 1e7
    estimate = estimate_exposures(trained, X)
    for name in set(RefitEstimate.__slots__) - {"method", "reason"}:
        assert np.isfinite(getattr(estimate, name)).all(), name
    np.testing.assert_allclose(estimate.shares.sum(axis=1), 1)
    assert estimate.p_value[0] == 1
    assert estimate.p_value[3] < 0.01


def test_with_very_many_mutations_the_answer_is_the_likelihoods(trained):
    W = trained.W.double()
    truth = torch.tensor([[0.2, 0.3, 0.0, 0.0, 0.5, 0.0, 0.0], [0, 0, 0.6, 0.1, 0.1, 0.1, 0.1]])
    X = torch.poisson(1e6 * (truth.double() @ W), generator=random(3)).float()
    estimate = estimate_exposures(trained, X)
    np.testing.assert_allclose(estimate.shares, truth, atol=0.01)
    # Signatures with a score below four standard deviations are left out: each costs a few nats.
    assert (estimate.certificate < 30).all()


def test_polishing_keeps_the_networks_support_and_never_lowers_its_likelihood():
    W = reference(6, 20, 0)
    X = torch.poisson(2000 * reference(5, 20, 1), generator=random(1))
    shares = reference(5, 6, 2)
    called = shares > 0.1
    support = called | (shares >= shares.amax(dim=1, keepdim=True))
    polished, added = polish(X, shares, called, W)
    assert (polished[~support] == 0).all()
    assert not added.any()
    total = X.sum(dim=1, keepdim=True)
    restricted = shares * support / (shares * support).sum(dim=1, keepdim=True)
    before = kl_gap(X, restricted * total, W, support=support)
    assert (kl_gap(X, polished * total, W, support=support) <= before.clamp(min=0.1)).all()


def test_a_signature_that_the_reference_lacks_is_noticed(trained):
    W = trained.W
    alien = torch.zeros(1, 24)
    alien[0, torch.randperm(24, generator=random(0))[:2]] = 0.5
    known = torch.poisson(3000 * W[:3], generator=random(1))
    odd = torch.poisson(3000 * (0.5 * W[:3] + 0.5 * alien), generator=random(1))
    assert (
        estimate_exposures(trained, odd).p_value < estimate_exposures(trained, known).p_value
    ).all()
    assert (estimate_exposures(trained, odd).p_value < 0.05).all()


def test_a_known_type_counts_in_full_with_few_mutations_and_by_half_with_many():
    W = reference(6, 20, 0)
    network = shaken(W, 1)
    few = torch.zeros(1, 20)
    few[0, :4] = 100
    for X, part in ((few, 0.0), (100 * few, 0.5)):
        known, alone = torch.tensor([2]), torch.tensor([0])
        informed = informed_output(network, X, known).shares
        expected = (1 - part) * network(X, known).shares + part * network(X, alone).shares
        assert_close(informed, expected.detach())


def test_what_is_left_over_is_nothing_by_chance_and_most_of_a_foreign_share_otherwise():
    expected = 1000 * reference(200, 24, 1)
    by_chance = unexplained_share(torch.poisson(expected, generator=random(1)), expected)
    assert by_chance.mean() < 0.02
    foreign = torch.zeros(200, 24)
    foreign[:, 0] = 1
    mixed = torch.poisson(0.7 * expected + 300 * foreign, generator=random(2))
    # A little less than 0.3: where much is missing, chance is subtracted though it hardly shows.
    assert 0.2 < unexplained_share(mixed, expected).mean() < 0.31


def test_standard_errors_are_those_of_repeated_sampling():
    W = reference(5, 40, 0)
    truth = torch.tensor([[0.5, 0.3, 0.2, 0.0, 0.0]])
    support = (truth > 0).expand(400, 5)
    X = torch.poisson(20_000 * (truth @ W).expand(400, -1), generator=random(1))
    found = kl_exposures(X, W, support=support).H / X.sum(dim=1, keepdim=True)
    errors = standard_errors(truth, truth > 0, torch.tensor([20_000.0]), W)
    assert_close(found.std(dim=0)[:3], errors[0, :3], rtol=0.15, atol=0)
    assert (errors[0, 3:] == 0).all()


def test_overdispersed_counts_get_wider_intervals(trained):
    expected = 5e4 * reference(1, 7, 3) @ trained.W
    plain = torch.poisson(expected, generator=random(1))
    wild = torch.poisson(
        expected * (0.5 + torch.rand(24, generator=random(2))), generator=random(3)
    )
    narrow, wide = estimate_exposures(trained, plain), estimate_exposures(trained, wild)
    assert wide.dispersion > 5 * narrow.dispersion
    assert (wide.upper - wide.lower).sum() > (narrow.upper - narrow.lower).sum()


def test_the_deviance_is_zero_for_a_perfect_reconstruction():
    X = torch.poisson(5 * torch.ones(3, 10), generator=random(0))
    assert_close(poisson_deviance(X, X), torch.zeros(3), atol=1e-6, rtol=0)


def test_p_values_of_the_null_are_uniform(trained):
    calibration = trained.calibration
    null = calibration.null_misfit[4]
    total = calibration.log_counts[4].exp().expand(len(null))
    p = calibration.p_value(null, total)
    levels = [i / 20 for i in range(1, 18)]
    # At and below the lowest quantile it is 1: no fit is too good.
    assert_close(p[1 : len(levels)], 1 - torch.tensor(levels[1:]), atol=2e-3, rtol=0)
    assert p[0] == 1


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(2, 9), st.integers(0, 99))
def test_drawn_exposures_are_shares_and_types_are_those_of_the_tumours(m, k, seed):
    shares, types = tumours(m + 3, k, seed)
    prior = ExposurePrior(shares, types, RefitTraining())
    drawn, counts, shown = prior.draw(20, random(seed))
    assert_close(drawn.sum(dim=1), torch.ones(20))
    assert (drawn >= 0).all()
    assert (counts >= 19.9).all()
    assert (counts <= 200_100).all()
    assert ((shown >= 0) & (shown <= 3)).all()


def test_every_signature_can_be_drawn_also_one_without_example():
    shares, types = tumours(10, 6, 0)
    shares[:, 5] = 0
    shares = shares / shares.sum(dim=1, keepdim=True)
    drawn, _, _ = ExposurePrior(shares, types, RefitTraining()).draw(4000, random(0))
    assert 0.005 < (drawn[:, 5] > 0.01).float().mean() < 0.1


@pytest.mark.parametrize("mislabelled", [0.0, 0.3])
def test_so_many_of_the_told_types_are_wrong_as_mislabelled_says(mislabelled: float):
    """Each of 40 types has one tumour, with a signature of its own that names its type."""
    calm = RefitTraining(jitter=0.0, crossed=0.0, foreign=0.0, uniform=0.0, drop=0.0)
    config = replace(calm, cohort_shown=1.0, mislabelled=mislabelled)
    prior = ExposurePrior(torch.eye(40), torch.arange(1, 41), config)
    shares, shown = prior.draw_at(torch.full((4000,), 1000.0), random(0))
    wrong = (shown != shares.argmax(dim=1) + 1).float().mean().item()
    # The other sample is of the same type in one case of 40; the standard error is 0.007.
    assert wrong == pytest.approx(mislabelled * 39 / 40, abs=0.03)


@pytest.mark.parametrize(
    ("head", "best"), [("lower", 0.05 * 0.8), ("upper", 0.95 * 0.8), ("presence", 0.75)]
)
def test_each_head_learns_what_it_stands_for(head: str, best: float):
    """Among constant outputs the loss prefers the 5 % quantile, the 95 % quantile, and how often it is present."""
    shares = torch.linspace(0, 0.8, 401, dtype=torch.float64)[:, None].repeat(1, 2)
    counts = torch.full((401,), 50.0, dtype=torch.float64)  # ten mutations are a share of 0.2
    output = RefitOutput(*(torch.full_like(shares, value) for value in (0.4, 0.5, 0.0, 1.0)))
    tried = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    losses = [
        refit_loss(
            output._replace(**{head: torch.full_like(shares, value)}), shares, counts, emphasis=0.0
        )[0]
        for value in tried.tolist()
    ]
    assert tried[torch.stack(losses).argmin()].item() == pytest.approx(best, abs=0.011)


def test_contributions_below_ten_mutations_are_dropped_but_never_all():
    shares = torch.tensor([[0.5, 0.45, 0.05], [0.4, 0.3, 0.3]])
    dropped = drop_small(shares, torch.tensor([100.0, 5.0]))
    assert_close(dropped, torch.tensor([[0.5 / 0.95, 0.45 / 0.95, 0.0], [1.0, 0.0, 0.0]]))


def test_the_learning_rate_rises_and_falls_once():
    rates = [learning_rate_at(step, QUICK) for step in range(QUICK.steps)]
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert math.isclose(max(rates), QUICK.learning_rate, rel_tol=1e-3)


class Interrupted(Exception):
    """Stands for the user's Ctrl-C."""


@pytest.mark.parametrize("in_columns", [False, True])
def test_an_interrupted_training_goes_on_to_the_same_weights_bit_for_bit(
    tmp_path: Path, in_columns: bool
):
    W = reference(5, 12, 0)
    if in_columns:  # as a table's columns lie in memory
        W = W.mT.contiguous().mT
    shares, types = tumours(20, 5, 0)
    arguments = {"n_types": 3, "config": QUICK, "design": TINY, "seed": 3}
    whole = train_refit(W, shares, types, **arguments)
    checkpoint = tmp_path / "training.safetensors"

    def interrupt(phase: str, step: int, steps: int, error: float) -> None:
        if step == 27:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_refit(
            W,
            shares,
            types,
            **arguments,
            checkpoint=checkpoint,
            checkpoint_every=10,
            progress=interrupt,
        )
    seen: list[int] = []
    resumed = train_refit(
        W,
        shares,
        types,
        **arguments,
        checkpoint=checkpoint,
        progress=lambda phase, step, steps, error: seen.append(step),
    )
    assert seen[0] == 21
    for ours, theirs in zip(
        whole.state_dict().values(), resumed.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path):
    W = reference(5, 12, 0)
    shares, types = tumours(20, 5, 0)
    checkpoint = tmp_path / "training.safetensors"

    def interrupt(phase: str, step: int, steps: int, error: float) -> None:
        if step == 10:
            raise Interrupted

    def train(**changed: object) -> RefitNetwork:
        arguments = {"W": W, "shares": shares, "tumour_types": types, "n_types": 3, "config": QUICK}
        arguments |= {"design": TINY, "checkpoint": checkpoint, "checkpoint_every": 5}
        return train_refit(**(arguments | {"origin": {"split": "first"}} | changed))

    with pytest.raises(Interrupted):
        train(progress=interrupt)
    for changed, named in (
        ({"seed": 1}, "seed"),
        ({"config": replace(QUICK, jitter=0.2)}, "settings"),
        ({"W": reference(5, 12, 1)}, "reference"),
        ({"shares": tumours(20, 5, 1)[0]}, "training tumours"),
        ({"tumour_types": types.flip(0)}, "training tumours"),
        ({"start": RefitNetwork(W, 3, TINY)}, "network to start from"),
        ({"origin": {"split": "second"}}, "split"),
    ):
        with pytest.raises(CheckpointError, match=rf"differs in: {named}( \([^)]+\))?\. Nothing"):
            train(**changed)
    train()
    checkpoint.write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        train()


def test_a_finished_training_is_not_repeated(tmp_path: Path):
    W = reference(5, 12, 0)
    shares, types = tumours(20, 5, 0)
    seen: list[int] = []

    def train() -> RefitNetwork:
        return train_refit(
            W,
            shares,
            types,
            n_types=3,
            config=QUICK,
            design=TINY,
            checkpoint=tmp_path / "training.safetensors",
            progress=lambda phase, step, steps, error: seen.append(step),
        )

    first = train()
    assert seen.pop() == QUICK.steps
    seen.clear()
    second = train()
    assert seen == []
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_training_lowers_the_error():
    W = reference(5, 24, 0)
    shares, types = tumours(30, 5, 0)
    errors: list[float] = []
    config = RefitTraining(steps=150, batch_size=64)
    train_refit(
        W,
        shares,
        types,
        n_types=3,
        config=config,
        design=TINY,
        progress=lambda phase, step, steps, error: errors.append(error),
    )
    assert sum(errors[-20:]) < 0.8 * sum(errors[:20])


def test_the_most_possible_share_is_never_less_than_a_poisson_sample_asks_for():
    W = reference(6, 40, 0)
    shares = tumours(500, 6, 0)[0]
    for total in (20, 1000, 50_000):
        X = torch.poisson(total * shares @ W, generator=random(1))
        bound = most_possible(X, W)
        assert (shares <= bound).float().mean() > 0.995
        assert_close(most_possible(X[3:4], W), bound[3:4])
    # A channel that is empty has room for eight mutations.
    X = torch.tensor([[1000.0, 0.0]])
    signatures = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    assert_close(most_possible(X, signatures), torch.tensor([[0.016, 1.13055]]), rtol=1e-4, atol=0)
