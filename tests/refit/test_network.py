"""The refit network: its weights belong to no signature, and with neutral gates it is the classic step."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dnmf.kernels import kl_step
from dnmf.refit.evidence import Evidence, best_fit, gather_evidence
from dnmf.refit.model import load_model
from dnmf.refit.network import RefitLayer, RefitNetwork, RefitOutput

Array = NDArray[np.float64]


def evidence_of(X: Array, W: Array, known: Array | None = None) -> Evidence:
    return gather_evidence(X, W, best_fit(X, W), np.zeros((0, len(W))) if known is None else known)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(30, 0.4), size=8)
    known = rng.dirichlet(np.full(8, 0.3), size=25)
    mutations = np.array([30, 400, 5000, 60_000])[:, None]
    X = rng.poisson(mutations * rng.dirichlet(np.full(8, 0.4), size=4) @ W).astype(float)
    return evidence_of(X, W, known)


@pytest.fixture
def network() -> RefitNetwork:
    network = RefitNetwork(n_layers=3, width=16)
    network.initialise(torch.Generator().manual_seed(0))
    return network


def permuted(evidence: Evidence, order: torch.Tensor) -> Evidence:
    """Return the evidence of a reference in another order; all signatures are seen."""
    return replace(
        evidence,
        W=evidence.W[order],
        candidates=evidence.candidates[:, :, order],
        features=evidence.features[:, order],
        similarity=evidence.similarity[:, order][:, :, order],
        known=evidence.known[:, :, order],
    )


def test_the_order_of_signatures_changes_nothing_but_the_order(
    evidence: Evidence, network: RefitNetwork
) -> None:
    order = torch.randperm(8, generator=torch.Generator().manual_seed(1))
    for net in (network, load_model().network):
        with torch.no_grad():
            found, other = net(evidence), net(permuted(evidence, order))
        for name in ("shares", "presence", "lower", "upper"):
            torch.testing.assert_close(
                getattr(other, name), getattr(found, name)[:, order], rtol=1e-3, atol=1e-5
            )
        torch.testing.assert_close(other.foreign, found.foreign, rtol=1e-3, atol=1e-4)


def test_a_layer_with_neutral_gates_is_the_classic_step(evidence: Evidence) -> None:
    layer = RefitLayer(width=4)
    with torch.no_grad():
        layer.gates.weight.zero_()
        layer.gates.bias.copy_(torch.tensor([0.0, 0.0, -60.0]))
        h = torch.full((4, 8), 1 / 8)
        found, _ = layer(h, torch.zeros(4, 8, 4), evidence)
    expected = kl_step(evidence.X.double(), h.double(), evidence.W.double())
    expected = expected / expected.sum(dim=1, keepdim=True)
    torch.testing.assert_close(found.double(), expected, rtol=2e-3, atol=2e-5)


def test_a_layer_can_give_exact_zeros(evidence: Evidence) -> None:
    layer = RefitLayer(width=4)
    with torch.no_grad():
        layer.gates.weight.zero_()
        layer.gates.bias.copy_(torch.tensor([0.0, 0.0, 60.0]))
        h = torch.full((4, 8), 1e-4)
        h[:, 2:4] = 0.5
        found, _ = layer(h, torch.zeros(4, 8, 4), evidence)
    assert (found == 0).any()
    torch.testing.assert_close(found.sum(dim=1), torch.ones(4))


def test_every_weight_gets_a_finite_gradient(evidence: Evidence, network: RefitNetwork) -> None:
    output = network(evidence)
    loss = output.shares.square().sum() + output.presence.sum() + output.foreign.sum()
    loss = loss + output.lower.sum() + output.upper.sum()
    loss.backward()  # type: ignore[no-untyped-call]
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.any(), name


def test_the_start_of_training_is_drawn_from_the_generator_alone() -> None:
    first, again = RefitNetwork(2, 8), RefitNetwork(2, 8)
    for net in (first, again):
        net.initialise(torch.Generator().manual_seed(7))
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def valid(output: RefitOutput) -> None:
    for name, values in output._asdict().items():
        assert values.isfinite().all(), name
    torch.testing.assert_close(output.shares.sum(dim=1), torch.ones(len(output.shares)))
    assert (output.shares >= 0).all()
    assert ((output.lower >= 0) & (output.lower <= output.shares)).all()
    assert ((output.upper <= 1) & (output.upper >= output.shares - 1e-6)).all()


@pytest.mark.parametrize(
    ("W", "known"),
    [
        ([[0.5, 0.3, 0.2]], None),  # one signature, three channels
        ([[0.9, 0.1, 0.0], [0.0, 0.1, 0.9]], None),  # channels that a signature lacks
        (
            [[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]],
            [[1.0, 0.0]],
        ),  # copies; a prior of one row with a zero
        ([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]], None),  # a channel that no signature has
    ],
)
def test_hard_inputs_have_finite_answers(
    W: list[list[float]], known: list[list[float]] | None
) -> None:
    X = np.array([[1.0, 0, 0], [0, 0, 1], [0.01, 0, 0], [1e6, 0, 1], [3e5, 3e5, 4e5]])
    data = evidence_of(X, np.array(W), None if known is None else np.array(known))
    for f in fields(data):
        assert getattr(data, f.name).double().isfinite().all(), f.name
    with torch.no_grad():
        valid(load_model().network(data))
