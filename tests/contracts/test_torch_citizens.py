"""What every network owes PyTorch: any batch, compilation and export as a whole, ONNX, half precision, torch.func.

The table of what holds for which network::

    python tests/contracts/test_torch_citizens.py
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, jacrev, vmap

from dnmf.unfolding import LAYERS, BetaMULayer, Unfolded, UnfoldedMU, UnfoldedNMF

NETWORKS: dict[str, Callable[[torch.Tensor, int], torch.nn.Module]] = {
    **{rule: partial(Unfolded.from_dictionary, layer=rule) for rule in LAYERS},
    "UnfoldedMU": UnfoldedMU.from_dictionary,
    "beta 0.5": partial(Unfolded.from_dictionary, layer=BetaMULayer.of(0.5)),
}


class Exposures(torch.nn.Module):
    """Those of a factorisation: one of its samples depends on the others, two data sets do not."""

    def __init__(self, rule: str, W: torch.Tensor, layers: int) -> None:
        super().__init__()
        self.factorisation = UnfoldedNMF.from_dictionary(W, layers, rule=rule)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.factorisation(X).H

    def freeze(self) -> torch.nn.Module:
        return self


FACTORISATIONS: dict[str, Callable[[torch.Tensor, int], torch.nn.Module]] = {
    f"both factors, {rule}": partial(Exposures, rule) for rule in ("nalmu", "palm")
}
TABLE = NETWORKS | FACTORISATIONS
N, F, K = 6, 8, 3
# Half of the last digit of bfloat16 and of float16, relative.
ROUNDING = {torch.bfloat16: 2**-9, torch.float16: 2**-12}


def samples_and_network(
    name: str, dtype: torch.dtype, layers: int = 2
) -> tuple[torch.Tensor, torch.nn.Module]:
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(F, 0.5), size=K)
    X = rng.poisson(rng.gamma(1.0, 50.0, size=(N, K)) @ W)
    return torch.tensor(X, dtype=dtype), TABLE[name](torch.tensor(W, dtype=dtype), layers)


@contextmanager
def quiet() -> Iterator[None]:
    """PyTorch warns of its own parts while it traces; tests take warnings for errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def close(found: torch.Tensor, expected: torch.Tensor, relative: float) -> None:
    assert found.shape == expected.shape
    size = expected.abs().max().item()
    torch.testing.assert_close(found.to(expected), expected, rtol=relative, atol=relative * size)


# ── the five of the table ────────────────────────────────────────────────────────────────────────────────────────────


class Several(torch.nn.Module):
    """Networks side by side: most of the time of a compilation or an export does not depend on their number."""

    def __init__(self, networks: list[torch.nn.Module]) -> None:
        super().__init__()
        self.networks = torch.nn.ModuleList(networks)

    def forward(self, X: torch.Tensor) -> list[torch.Tensor]:
        return [network(X) for network in self.networks]


def side_by_side(names: tuple[str, ...]) -> tuple[torch.Tensor, Several]:
    made = [samples_and_network(name, torch.float64) for name in names]
    return made[0][0], Several([network for _, network in made])


def compiles_as_one_graph(*names: str) -> None:
    X, networks = side_by_side(names)
    with quiet():
        torch.compiler.reset()
        compiled = torch.compile(networks, fullgraph=True, backend="eager", dynamic=True)
        for samples in (X, X[:4]):
            for found, expected in zip(compiled(samples), networks(samples), strict=True):
                close(found, expected, 1e-12)


def exports_with_any_number_of_samples(*names: str) -> None:
    X, networks = side_by_side(names)
    shapes = ({0: torch.export.Dim("n")},)
    with quiet():
        exported = torch.export.export(networks, (X,), dynamic_shapes=shapes).module()
    for samples in (X, X[:4]):
        for found, expected in zip(exported(samples), networks(samples), strict=True):
            close(found, expected, 1e-12)


def answers_alike_in_onnx(*names: str) -> None:
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    import onnxruntime

    made = [samples_and_network(name, torch.float32, layers=1) for name in names]
    X, networks = made[0][0], [network for _, network in made]
    with quiet():
        program = torch.onnx.export(
            Several([network.freeze() for network in networks]),
            (X,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("n")},),
            verbose=False,
        )
        session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for samples in (X, X[:4]):
        answers = session.run(None, {session.get_inputs()[0].name: samples.numpy()})
        for found, network in zip(answers, networks, strict=True):
            close(torch.from_numpy(found), network(samples).detach(), 2e-5)


def answers_in_autocast_as_without(name: str) -> None:
    X, network = samples_and_network(name, torch.float32)
    for half in ROUNDING:
        with torch.autocast("cpu", half):
            found = network(X)
            found.sum().backward()
            assert network(X.to(half)).isfinite().all()  # as the layer before gives it
        assert torch.equal(found, network(X))
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        assert gradients
        assert all(gradient.dtype == torch.float32 for gradient in gradients)


def takes_any_batch(name: str) -> None:
    X, network = samples_and_network(name, torch.float64)
    rows = network(X)
    if name in FACTORISATIONS:
        close(network(torch.stack([X, X.flip(0)]))[0], rows, 1e-12)
        return
    close(network(X.reshape(2, 3, F)), rows.reshape(2, 3, K), 1e-12)
    close(network(X.reshape(1, 2, 3, F)), rows.reshape(1, 2, 3, K), 1e-12)
    close(network(X[0]), rows[0], 1e-12)
    assert network(X[:0].reshape(2, 0, F)).shape == (2, 0, K)


CHECKS = {
    "compile": compiles_as_one_graph,
    "export": exports_with_any_number_of_samples,
    "ONNX": answers_alike_in_onnx,
    "autocast": answers_in_autocast_as_without,
    "3-D": takes_any_batch,
}


@pytest.mark.parametrize("check", ["autocast", "3-D"])
@pytest.mark.parametrize("name", TABLE)
def test_the_table(name, check):
    CHECKS[check](name)


@pytest.mark.usefixtures("traceable")
@pytest.mark.parametrize("check", ["compile", "export", "ONNX"])
def test_whole_columns_of_the_table(check):
    CHECKS[check](*TABLE)


# ── and more ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ALL = pytest.mark.parametrize("name", NETWORKS)


@ALL
@pytest.mark.parametrize("half", ROUNDING)
def test_stored_in_half_precision_it_errs_by_the_rounding_of_weights_and_samples(name, half):
    X, network = samples_and_network(name, torch.float32)
    rough = deepcopy(network).to(half)
    found = rough(X.to(half))
    assert found.dtype == half
    # Weights, samples and answer are rounded, and what they err is multiplied by the condition of the dictionary.
    close(found.float(), network(X.to(half).float()), 8 * ROUNDING[half])
    found.float().square().mean().backward()
    for weight in rough.parameters():
        assert weight.grad.dtype == half
        assert weight.grad.isfinite().all()


@ALL
@pytest.mark.parametrize("half", ROUNDING)
@pytest.mark.parametrize("largest", [1e-4, 3e4])
def test_no_number_that_half_precision_holds_makes_it_nan(name, half, largest):
    X, network = samples_and_network(name, torch.float32)
    X = (X / X.max() * largest).to(half)
    X[1] = 0
    assert not network.to(half)(X).isnan().any()
    assert not network.freeze()(X).isnan().any()


@ALL
def test_frozen_it_answers_alike_and_passes_gradients_to_samples_alone(name):
    X, network = samples_and_network(name, torch.float64)
    frozen = network.freeze()
    X.requires_grad_()
    expected = grad(lambda x: network(x).square().sum())(X)
    found = frozen(X)
    close(found, network(X).detach(), 1e-13)
    found.square().sum().backward()
    close(X.grad, expected, 1e-10)
    assert not any(p.requires_grad for p in frozen.parameters())
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(1.1)
    close(frozen(X), found, 0.0)


@pytest.mark.parametrize("name", ["admm", "newton"])
def test_frozen_it_computes_no_inverse_again(name, monkeypatch):
    X, network = samples_and_network(name, torch.float64)
    expected, frozen = network(X), network.freeze()
    monkeypatch.setattr(torch.linalg, "inv", None)
    assert torch.equal(frozen(X), expected)


@ALL
def test_functions_of_torch_func_go_through_it(name):
    X, network = samples_and_network(name, torch.float64)
    X = X + 1.0
    weights = {n: p.detach() for n, p in network.named_parameters()}

    def loss(weights, x):
        return functional_call(network, weights, (x,)).square().sum()

    per_sample = vmap(grad(loss), in_dims=(None, 0))(weights, X)
    together = grad(loss)(weights, X)
    for weight, gradients in per_sample.items():
        assert gradients.shape == (N, *weights[weight].shape)
        close(gradients.sum(dim=0), together[weight], 1e-9)
    assert jacrev(network)(X[0]).shape == (K, F)


@ALL
def test_given_exposures_it_starts_from_them(name):
    X, network = samples_and_network(name, torch.float64)
    H0 = torch.rand(2, 3, K, dtype=X.dtype, generator=torch.Generator().manual_seed(0)) * 50 + 1
    first = network.iterates(X.reshape(2, 3, F), H0)[0]
    close(first, H0, 1e-3)  # multiplicative rules lift their start off zero
    close(network(X, H0.reshape(N, K)), network(X.reshape(2, 3, F), H0).reshape(N, K), 1e-12)


@ALL
def test_all_it_makes_is_on_the_device_of_its_samples(name):
    """Tensors without data are on a device of their own, which refuses those of the processor."""
    X, network = samples_and_network(name, torch.float32)
    for there in (network, network.freeze()):
        assert there.to("meta")(X.to("meta")).is_meta
        with pytest.raises((RuntimeError, NotImplementedError)):
            there(X)


def main() -> None:
    line = "{:24}" + "{:>10}" * len(CHECKS) + "\n"
    sys.stdout.write(line.format("", *CHECKS))
    held = 0
    for name in TABLE:
        cells = []
        for check in CHECKS.values():
            try:
                check(name)
            except Exception as error:  # noqa: BLE001  (the table shows whatever fails)
                cells.append(type(error).__name__[:9])
            else:
                cells.append("yes")
        held += cells.count("yes")
        sys.stdout.write(line.format(name, *cells))
    sys.stdout.write(f"{held} of {len(TABLE) * len(CHECKS)}\n")


if __name__ == "__main__":
    main()
