"""What runs on a processor runs on a graphics card, where there is one, and gives the same answers."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from dnmf.engine.samples import Chunk
from dnmf.estimators import (
    DNMF,
    MultiplicativeNMF,
    PaperDNMF,
    PaperSupervisedDNMF,
    SupervisedDNMF,
    load_model,
    save_model,
)
from dnmf.estimators._passes import Model, infer
from dnmf.kernels import Frobenius, Poisson
from dnmf.unfolding import LAYERS, ExactNNLS, ExactPoisson, Unfolded

WITH_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
ON_EACH_DEVICE = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=WITH_CUDA)])
N, F, K = 40, 24, 4


@pytest.fixture(scope="module")
def small(problem):
    return problem(N, F, K, 0)


@ON_EACH_DEVICE
@pytest.mark.parametrize("rule", LAYERS)
def test_a_network_and_its_gradients(small, rule, device):
    X, _, W = small

    def run(where: str) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        network = Unfolded.from_dictionary(W.to(where), 1, layer=rule)
        H = network(X.to(where))
        assert H.device.type == where
        H.square().mean().backward()
        return H, {name: p.grad for name, p in network.named_parameters() if p.grad is not None}

    there, gradients = run(device)
    here, expected = run("cpu")
    torch.testing.assert_close(there.cpu(), here, rtol=1e-8, atol=1e-8)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        assert gradient.device.type == device
        # An exact step leaves gradients that are rounding alone.
        tolerance = max(1e-7 * expected[name].abs().max().item(), 1e-12)
        torch.testing.assert_close(gradient.cpu(), expected[name], rtol=0, atol=tolerance)


@ON_EACH_DEVICE
@pytest.mark.parametrize("rule", LAYERS)
def test_a_layer_in_a_network_moved_there(small, rule, device):
    X, _, W = small
    network = Unfolded.from_dictionary(W, 2, layer=rule)
    here = network(X)
    there = network.to(device)(X.to(device))
    assert there.device.type == device
    torch.testing.assert_close(there.cpu(), here, rtol=1e-8, atol=1e-8)


@ON_EACH_DEVICE
@pytest.mark.parametrize("objective", [Frobenius(), Frobenius(l1_reg=0.5), Poisson()])
def test_exact_exposures_and_their_certificate(small, objective, device):
    X, _, W = small
    exact = objective.exposures(X.to(device), W.to(device))
    certificate = objective.certificate(X.to(device), exact, W.to(device))
    assert exact.device.type == certificate.device.type == device
    torch.testing.assert_close(exact.cpu(), objective.exposures(X, W), rtol=1e-9, atol=1e-6)


@ON_EACH_DEVICE
@pytest.mark.parametrize("cls", [ExactNNLS, ExactPoisson])
def test_an_exact_layer_and_its_gradients(small, cls, device):
    X, _, W = small
    gradients = []
    for where in (device, "cpu"):
        layer = cls(W).to(where)
        samples = X.clone().to(where).requires_grad_()
        H = layer(samples)
        H.square().mean().backward()
        assert H.device.type == samples.grad.device.type == where
        assert layer.certificate(samples.detach(), H).max() < 1e-6
        gradients.append((H.cpu(), samples.grad.cpu(), layer.dictionary.grad.cpu()))
    for there, here in zip(*gradients, strict=True):
        torch.testing.assert_close(there, here, rtol=1e-7, atol=1e-7 * here.abs().max().item())


ESTIMATORS = [
    DNMF(K, n_steps=20, random_state=0),
    DNMF(K, n_steps=20, random_state=0, dtype="float32"),
    DNMF(K, n_steps=20, random_state=0, layer="kl", init="random"),
    DNMF(K, n_steps=20, random_state=0, search="signatures"),
    DNMF(K, n_steps=20, random_state=0, search="signatures", min_volume=0.1),
    MultiplicativeNMF(K, max_iter=50, tol=1e-2, random_state=0),
    PaperDNMF(K, max_epochs=20, dtype="float32"),
    SupervisedDNMF(max_epochs=5, random_state=0),
    PaperSupervisedDNMF(max_epochs=20),
]


# On a processor, one is enough to see that this test runs: test_persistence loads all of them there.
@pytest.mark.parametrize(
    ("number", "device"),
    [(1, "cpu"), *(pytest.param(i, "cuda", marks=WITH_CUDA) for i in range(len(ESTIMATORS)))],
)
def test_an_estimator_fits_there_and_is_loaded_here(small, number, device, tmp_path):
    X, H, _ = (part.numpy() for part in small)
    model = clone(ESTIMATORS[number]).set_params(device=device)
    model.fit(X, H)  # the unsupervised ones ignore the exposures
    exposures = model.transform(X)
    assert isinstance(exposures, np.ndarray)
    assert np.isfinite(model.score(X, H))
    save_model(model, tmp_path)
    loaded, _ = load_model(tmp_path)
    assert loaded.device == "cpu"
    tolerance = 1e-2 if getattr(model, "dtype", "") == "float32" else 1e-6
    np.testing.assert_allclose(loaded.transform(X), exposures, rtol=0, atol=tolerance * H.max())
    if device != "cpu":
        here = clone(model).set_params(device="cpu").fit(X, H)
        assert model.score(X, H) >= here.score(X, H) * (1 + tolerance)  # scores are negative


@ON_EACH_DEVICE
@pytest.mark.parametrize("layer", ["newton", "kl"])
def test_a_plain_fit_and_exact_inference_with_and_without_missing_entries(small, layer, device):
    X = small[0].numpy()
    mask = np.random.default_rng(0).random(X.shape) < 0.1
    bound = 1e-5 if layer == "kl" else 1e-9
    for options in ({}, {"mask": mask}):
        model = DNMF(K, layer=layer, device=device).fit(X, **options)
        here = DNMF(K, layer=layer).fit(X, **options)
        assert model.reconstruction_err_ == pytest.approx(here.reconstruction_err_, rel=1e-3)
        exposures = model.transform(X, **options)
        assert model.certificate(X, exposures, **options).max() <= bound
        model.partial_fit(X, **options)


@ON_EACH_DEVICE
@pytest.mark.parametrize("layer", ["newton", "mu", "kl"])
def test_what_the_network_leaves_is_finished_where_its_certificate_asks_for_it(
    small, layer, device
):
    """As devices other than the CPU infer: the network first, and the exact solver for the rest."""
    X, _, W = (part.to(device) for part in small)
    network = Unfolded.from_dictionary(W, 2, layer=layer)
    objective = network.rule.objective()
    bound, unit = (1e-10, X.sum(dim=1)) if layer == "kl" else (1e-9, X.new_ones(N))
    with torch.no_grad():
        alone = objective.certificate(X, network(X), W)
        H = infer(Chunk(X), None, Model(W, objective, network, bound))
    assert (alone > bound * unit).any()
    assert H.device.type == device
    assert (objective.certificate(X, H, W) <= bound * unit).all()
    kept = alone <= bound * unit
    torch.testing.assert_close(H[kept], network(X).detach()[kept], rtol=0, atol=0)
