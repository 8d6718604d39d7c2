"""Exact layers: their answers, their gradients against three other ways, and everything torch does with modules."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.export import Dim, export
from torch.func import functional_call, grad, vmap
from torch.testing import assert_close

from dnmf.exceptions import InputDataError
from dnmf.kernels import exact_exposures, kl_exposures, kl_step
from dnmf.unfolding import ADMMLayer, ExactNNLS, ExactPoisson, Problem, exact_nnls, exact_poisson

LAYERS = pytest.mark.parametrize("cls", [ExactNNLS, ExactPoisson])
FUNCTIONS = pytest.mark.parametrize("function", [exact_nnls, exact_poisson])


def draw(*shape: int, k: int = 4, f: int = 9, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples (*shape, f) that a dictionary (k, f) does not fit well: about half of the components are in use."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(3 * rng.uniform(size=(*shape, f))), torch.from_numpy(
        rng.uniform(size=(k, f))
    )


def leaves(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return tuple(tensor.detach().clone().requires_grad_() for tensor in tensors)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_least_squares_are_those_of_the_kernel():
    X, W = draw(2, 5)
    found = ExactNNLS(W, l1_reg=0.3, l2_reg=0.2)(X)
    assert found.shape == (2, 5, 4)
    expected = exact_exposures(X.reshape(-1, 9), W, l1_reg=0.3, l2_reg=0.2)
    assert_close(found.reshape(-1, 4), expected, rtol=1e-12, atol=1e-14)
    assert 0.2 < (found > 0).double().mean() < 0.8


def test_poisson_exposures_are_those_of_the_kernel():
    X, W = draw(2, 5)
    W[1] = 0  # a component without mass
    found = ExactPoisson(W)(X).reshape(-1, 4)
    assert_close(found, kl_exposures(X.reshape(-1, 9), W).H, rtol=1e-5, atol=1e-5)
    assert 0.2 < (found > 0).double().mean() < 0.8


@LAYERS
def test_the_certificate_is_zero_at_the_answer_only(cls):
    X, W = draw(2, 3)
    layer = cls(W)
    H = layer(X)
    certificate = layer.certificate(X, H)
    assert certificate.shape == (2, 3)
    assert not certificate.requires_grad
    assert (certificate < 1e-12).all()
    assert (layer.certificate(X, H + 0.1) > 1e-3).all()
    assert layer.certificate(X[0, 0], H[0, 0]).shape == ()


@FUNCTIONS
def test_one_sample_and_batches_of_any_number_of_dimensions(function):
    X, W = draw(2, 3, 4)
    H = function(X, W)
    assert_close(function(X[1, 2, 3], W), H[1, 2, 3], rtol=1e-12, atol=1e-14)
    assert_close(function(X[0], W), H[0], rtol=1e-12, atol=1e-14)
    assert function(X[:0], W).shape == (0, 3, 4, 4)


# ── gradients ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("l1", [(), (3,), (2, 3), (2, 1)])
def test_gradients_of_least_squares_against_finite_differences(l1):
    X, W = draw(2, f=5, k=3)
    l2 = torch.tensor([0.3, 0.0, 0.1]) if l1 else torch.tensor(0.2)
    inputs = leaves(X, W, torch.full(l1, 0.1, dtype=X.dtype), l2.to(X))

    def run(X, W, l1_reg, l2_reg):
        return exact_nnls(X, W, l1_reg=l1_reg, l2_reg=l2_reg)

    assert gradcheck(run, inputs)
    if not l1:
        assert gradgradcheck(run, inputs)


def test_gradients_of_poisson_against_finite_differences():
    assert gradcheck(exact_poisson, leaves(*draw(2, 3)))


def test_gradients_are_those_of_a_long_unrolled_network():
    X, W = draw(6)
    weights = torch.from_numpy(np.random.default_rng(1).normal(size=(6, 4)))
    long, short = leaves(X, W), leaves(X, W)
    layer = ADMMLayer.from_dictionary(W)
    problem = Problem(*long, l1_reg=0.1, l2_reg=0.05)
    state = layer.start_from(long[0] @ torch.linalg.pinv(long[1]))
    for _ in range(150):
        state = layer(state, problem)
    (state.relu() * weights).sum().backward()
    (exact_nnls(*short, l1_reg=0.1, l2_reg=0.05) * weights).sum().backward()
    for unrolled, exact in zip(long, short, strict=True):
        assert_close(exact.grad, unrolled.grad, rtol=1e-8, atol=1e-9)


def test_gradients_are_those_of_long_multiplicative_iterations():
    X, W = draw(3)
    long, short = leaves(X, W), leaves(X, W)
    H = torch.ones(3, 4, dtype=X.dtype)
    for _ in range(1500):
        H = kl_step(long[0], H, long[1])
    weights = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 4)))
    (H * weights).sum().backward()
    (exact_poisson(*short) * weights).sum().backward()
    for unrolled, exact in zip(long, short, strict=True):
        assert_close(exact.grad, unrolled.grad, rtol=1e-4, atol=1e-5)


def test_all_weights_of_a_layer_have_gradients():
    X, W = draw(3)
    layer = ExactNNLS(W, l1_reg=0.1, l2_reg=torch.full((4,), 0.05), learn_penalties=True)
    names, values = zip(*layer.named_parameters(), strict=True)
    assert set(names) == {"dictionary", "l1_reg", "l2_reg"}
    assert gradcheck(
        lambda *v: functional_call(layer, dict(zip(names, v, strict=True)), (X,)), leaves(*values)
    )
    assert {name for name, _ in ExactNNLS(W).named_parameters()} == {"dictionary"}


# ── where the solution has no derivative, or is not unique ───────────────────────────────────────────────────────────


@FUNCTIONS
def test_empty_samples_have_no_gradient(function):
    X, W = draw(3)
    X[1] = 0
    X, W = leaves(X, W)
    H = function(X, W)
    assert (H[1] == 0).all()
    H.sum().backward()
    assert (X.grad[1] == 0).all()
    assert (X.grad[0] != 0).any()
    alone = leaves(X[[0, 2]], W)
    function(*alone).sum().backward()
    assert_close(W.grad, alone[1].grad, rtol=1e-9, atol=1e-12)


def test_penalties_that_leave_no_component_have_no_gradient():
    X, W = leaves(*draw(3))
    H = exact_nnls(X, W, l1_reg=1e3)
    H.sum().backward()
    assert not H.any()
    assert not X.grad.any()
    assert not W.grad.any()


@FUNCTIONS
def test_with_a_component_given_twice_the_reconstruction_has_its_gradient(function):
    """The codes are not unique then, their product with the dictionary is."""
    X, W = draw(4)
    W = torch.cat([W, W[:2], torch.zeros(1, 9, dtype=W.dtype)])
    reconstruction = lambda X: function(X, W) @ W  # noqa: E731
    assert gradcheck(reconstruction, leaves(X))
    (dictionary,) = leaves(W)
    function(X, dictionary).sum().backward()
    assert dictionary.grad.isfinite().all()


def test_fewer_counts_than_components_still_tell_the_total():
    """Two counts, three components that all produce them: only sums of exposures have a derivative."""
    W = torch.tensor(
        [[0.5, 0.5, 0, 0], [0.4, 0.4, 0.2, 0], [0.3, 0.3, 0, 0.4]], dtype=torch.float64
    )
    X = torch.tensor([[5.0, 5.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    X.requires_grad_()
    H = exact_poisson(X, W)
    H.sum().backward()
    assert_close(H.sum(dim=1), X.sum(dim=1), rtol=1e-9, atol=0)
    assert X.grad.isfinite().all()
    assert_close(X.grad[0], torch.ones(4, dtype=X.dtype), rtol=1e-9, atol=0)
    assert X.grad[1, 0] == pytest.approx(1)


def test_counts_that_no_component_produces_have_no_gradient():
    X, W = draw(3)
    W[:, 0] = 0
    X, W = leaves(X, W)
    exact_poisson(X, W).square().sum().backward()
    assert not X.grad[:, 0].any()
    assert W.grad.isfinite().all()


# ── what torch does with functions and modules ───────────────────────────────────────────────────────────────────────


@FUNCTIONS
def test_vmap_over_samples_over_dictionaries_and_of_gradients(function):
    X, W = draw(5, 3)
    assert_close(vmap(function, (0, None))(X, W), function(X, W))
    dictionaries = torch.stack([W, W.flip(0), W + 0.1, W, W])
    separate = torch.stack([function(*pair) for pair in zip(X, dictionaries, strict=True)])
    assert_close(vmap(function)(X, dictionaries), separate)
    loss = lambda W, X: function(X, W).square().sum()  # noqa: E731
    per_sample = vmap(grad(loss), (None, 0))(W, X)
    assert_close(per_sample.sum(dim=0), grad(loss)(W, X), rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own
@pytest.mark.usefixtures("unchecked_shapes")
@LAYERS
def test_one_graph_without_breaks_and_its_gradients(cls):
    X, W = draw(6)
    plain, compiled = cls(W), cls(W)
    expected, found = plain(X), torch.compile(compiled, fullgraph=True, backend="aot_eager")(X)
    assert_close(found, expected)
    expected.square().sum().backward()
    found.square().sum().backward()
    assert_close(compiled.dictionary.grad, plain.dictionary.grad)


@pytest.mark.usefixtures("unchecked_shapes")
@LAYERS
def test_exported_it_takes_batches_of_any_size_and_can_be_trained(cls):
    X, W = draw(6)
    layer = cls(W)
    exported = export(layer, (X,), dynamic_shapes=({0: Dim("n")},)).module()
    more, _ = draw(11, seed=1)
    assert_close(exported(more), layer(more))
    exported(more).square().sum().backward()
    layer(more).square().sum().backward()
    assert_close(exported.dictionary.grad, layer.dictionary.grad)


@LAYERS
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precision_in_lower_precision_out(cls, dtype):
    X, W = draw(4)
    X, W = X.to(dtype), W.to(dtype)
    layer = cls(W)
    H = layer(X)
    assert H.dtype == dtype
    assert_close(H, cls(W.double())(X.double()).to(dtype), rtol=1e-3, atol=1e-3)
    H.sum().backward()
    assert layer.dictionary.grad.dtype == dtype
    assert layer.dictionary.grad.isfinite().all()


@LAYERS
def test_autocast_does_not_round_the_products(cls):
    X, W = draw(4)
    layer = cls(W).float()
    with torch.autocast("cpu", torch.bfloat16):
        H = layer(X.float())
    assert H.dtype == torch.float32
    assert_close(H, layer(X.float()))


@LAYERS
def test_weights_are_saved_and_loaded(cls):
    X, W = draw(4)
    saved, loaded = cls(W), cls(torch.zeros_like(W))
    loaded.load_state_dict(saved.state_dict())
    assert torch.equal(loaded(X), saved(X))
    assert "n_features=9, n_components=4" in repr(loaded)


@LAYERS
def test_a_dictionary_is_learned_through_it(cls):
    """From codes alone: at the true dictionary they are reproduced."""
    X, truth = draw(60, f=6, k=2, seed=3)
    with torch.no_grad():
        codes = cls(truth)(X)
    layer = cls(torch.full_like(truth, 0.5) + 0.1 * truth.flip(0))
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(150):
        optimiser.zero_grad()
        loss = (layer(X) - codes).square().mean()
        loss.backward()
        optimiser.step()
        layer.project_nonnegative_()
        losses.append(loss.item())
    assert (layer.dictionary >= 0).all()
    assert losses[-1] < 0.01 * losses[0]


# ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("unchecked_shapes")
@LAYERS
def test_samples_of_other_features_are_refused(cls):
    X, W = draw(4)
    with pytest.raises(ValueError, match="expected samples of 9 features"):
        cls(W)(X[:, :5])


@LAYERS
def test_numbers_that_are_none_are_refused(cls):
    X, W = draw(4)
    X[2, 3] = torch.nan
    with pytest.raises(ValueError, match="finite"):
        cls(W)(X)
    with pytest.raises(ValueError, match="finite values >= 0"):
        cls(-W)


def test_a_component_whose_square_vanishes_is_named():
    X, W = draw(4)
    W[2] = 1e-170
    with pytest.raises(InputDataError, match="component 2 of the dictionary is too small"):
        exact_nnls(X, W)


@pytest.mark.parametrize("penalty", [-1.0, [0.1, 0.2], float("nan")])
def test_impossible_penalties_are_refused(penalty):
    _, W = draw(4)
    with pytest.raises(ValueError, match="l2_reg is one number >= 0, or one of each component"):
        ExactNNLS(W, l2_reg=torch.tensor(penalty))


def test_poisson_is_differentiable_once():
    X, W = leaves(*draw(2))
    (first,) = torch.autograd.grad(exact_poisson(X, W).sum(), X, create_graph=True)
    with pytest.raises(NotImplementedError, match="once"):
        first.sum().backward()
