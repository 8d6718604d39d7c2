"""Fixed points as layers: for the classic steps they are the exact layers, for trained weights they pass gradcheck."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torch.func import functional_call
from torch.testing import assert_close

from dnmf.exceptions import DoubtfulDataWarning
from dnmf.kernels import Poisson
from dnmf.unfolding import (
    LAYERS,
    ADMMLayer,
    FixedPoint,
    KLLayer,
    MULayer,
    exact_nnls,
    exact_poisson,
)

K, F = 3, 12


@pytest.fixture(scope="module")
def small():
    """Samples near a mixture, whose exact codes are well above zero or clearly zero, and their dictionary."""
    rng = np.random.default_rng(5)
    W = rng.dirichlet(np.full(F, 0.3), size=K)
    codes = rng.uniform(0.3, 2.0, size=(6, K)) * (rng.uniform(size=(6, K)) < 0.7)
    X = codes @ W - 0.02 * codes.sum(axis=1, keepdims=True) * W.mean(axis=0) + 0.01
    return torch.from_numpy(X), torch.from_numpy(W)


def weights_of(rule: str, W: torch.Tensor) -> dict[str, torch.Tensor]:
    """The weights that make a rule with free matrices the classic step for W, as functions of W."""
    gram = W @ W.mT
    size = torch.linalg.matrix_norm(gram, 2)
    return {
        "mu": {"gram": gram, "dictionary": W},
        "kl": {"forward_dictionary": W, "backward_dictionary": W},
        "projected-gradient": {"dictionary": W / size, "mixing": torch.eye(K) - gram / size},
    }.get(rule, {})


@pytest.mark.parametrize("rule", LAYERS)
def test_of_every_classic_step_it_is_the_exact_layer_with_its_gradients(small, rule):
    X, W = small
    layer = LAYERS[rule].from_dictionary(W)
    fixed = FixedPoint(layer, W, tol=1e-13, max_steps=50_000)
    exact = exact_poisson if layer.objective is Poisson else exact_nnls
    g = torch.from_numpy(np.random.default_rng(1).normal(size=(6, K)))
    answers = []
    for run in (
        lambda X, W: functional_call(
            fixed,
            {f"layer.{name}": weight for name, weight in weights_of(rule, W).items()}
            | {"dictionary": W},
            (X,),
        ),
        exact,
    ):
        inputs = X.clone().requires_grad_(), W.clone().requires_grad_()
        H = run(*inputs)
        answers.append((H.detach(), *torch.autograd.grad(H, inputs, g)))
    for mine, theirs in zip(*answers, strict=True):
        assert_close(mine, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rule", ["projected-gradient", "weighted-mu"])
def test_gradients_of_trained_weights_data_and_penalties_against_finite_differences(rule):
    rng = np.random.default_rng(2)
    W = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.3, 0.7]], dtype=torch.float64)
    X = torch.tensor([[1.0, 1.5, 0.9]], dtype=torch.float64, requires_grad=True)
    fixed = FixedPoint(LAYERS[rule].from_dictionary(W), W, l1_reg=0.02, l2_reg=0.01, tol=1e-13)
    state = dict(fixed.named_parameters()) | dict(fixed.named_buffers())
    if rule == "projected-gradient":
        del state["dictionary"]  # its weights are all that it knows of it
    values = [
        (value * torch.from_numpy(rng.uniform(0.9, 1.1, value.shape))).detach().requires_grad_()
        for value in state.values()
    ]

    def run(X, *values):
        return functional_call(fixed, dict(zip(state, values, strict=True)), (X,))

    assert len(values) == 5
    assert gradcheck(run, (X, *values), check_undefined_grad=False)


def test_batches_and_networks_that_need_no_gradient(small):
    X, W = small
    fixed = FixedPoint(ADMMLayer.from_dictionary(W), W)
    with torch.no_grad():
        H = fixed(X.reshape(2, 3, F))
    assert H.shape == (2, 3, K)
    assert_close(H.reshape(6, K), exact_nnls(X, W), rtol=1e-8, atol=1e-8)
    assert_close(fixed(X[0]), H[0, 0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("layer", [ADMMLayer, MULayer])
def test_half_precision_and_autocast_are_computed_in_single_precision(small, layer):
    X, W = small
    exact = exact_nnls(X, W).float()
    fixed = FixedPoint(layer.from_dictionary(W).float(), W.float())
    with torch.autocast("cpu", torch.bfloat16):
        assert_close(fixed(X.float()), exact, rtol=0, atol=0.02)
    samples = X.bfloat16().requires_grad_()
    H = fixed.bfloat16()(samples)
    assert H.dtype == torch.bfloat16
    assert_close(H.float(), exact, rtol=0, atol=0.1)
    H.sum().backward()
    assert samples.grad.isfinite().all()


@pytest.mark.parametrize("layer", [MULayer, KLLayer])
def test_components_without_mass_and_empty_samples_have_finite_gradients(small, layer):
    """A component without mass stays where it started, whatever that is: I - J is singular."""
    X, W = small
    W = torch.cat([W, torch.zeros(1, F, dtype=W.dtype)])
    X = torch.cat([X, torch.zeros(1, F, dtype=W.dtype)]).requires_grad_()
    fixed = FixedPoint(layer.from_dictionary(W), W)
    H = fixed(X)
    H.sum().backward()
    assert (H[-1] <= 1e-6).all()
    for gradient in (X.grad, *(p.grad for p in fixed.parameters())):
        assert gradient.isfinite().all()


def test_a_dictionary_that_is_a_parameter_is_trained_and_kept_feasible(small):
    X, W = small
    fixed = FixedPoint(ADMMLayer.from_dictionary(W), torch.nn.Parameter(W.clone()))
    fixed(X).sum().backward()
    assert (fixed.dictionary.grad != 0).any()
    with torch.no_grad():
        fixed.dictionary -= 1
    fixed.project_nonnegative_()
    assert (fixed.dictionary >= 0).all()
    assert not FixedPoint(ADMMLayer.from_dictionary(W), W).dictionary.requires_grad


def test_samples_that_have_not_arrived_are_counted(small):
    X, W = small
    fixed = FixedPoint(MULayer.from_dictionary(W), W, max_steps=2)
    with pytest.warns(
        DoubtfulDataWarning, match="6 of 6 samples have not reached .* after 2 steps"
    ):
        fixed(X)


def test_a_layer_without_fixed_point_is_an_error(small):
    X, W = small
    layer = ADMMLayer.from_dictionary(W)
    with torch.no_grad():
        layer.alpha.fill_(50.0)
    with pytest.raises(FloatingPointError, match="do not stay finite"):
        FixedPoint(layer, W)(X)


@pytest.mark.usefixtures("unchecked_shapes")
def test_what_cannot_be_is_refused(small):
    X, W = small
    layer = KLLayer.from_dictionary(W)
    with pytest.raises(ValueError, match="takes no penalties"):
        FixedPoint(layer, W, l1_reg=1.0)
    with pytest.raises(ValueError, match="max_steps is at least 1"):
        FixedPoint(layer, W, max_steps=0)
    with pytest.raises(ValueError, match="expected samples of 12 features"):
        FixedPoint(layer, W)(X[:, :5])
