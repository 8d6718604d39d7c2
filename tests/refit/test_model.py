"""The shipped model: files that are not it, the user's random numbers, and what its calibration promises."""

from collections.abc import Callable
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from dnmf.exceptions import ModelFileError
from dnmf.refit.evidence import UNLIKE_SCALAR, Evidence, best_fit, gather_evidence
from dnmf.refit.model import (
    CALIBRATION_COUNTS,
    MODEL_FILE,
    NULL_LEVELS,
    RefitCalibration,
    RefitModel,
    at_counts,
    load_model,
    read_model,
)
from dnmf.refit.network import RefitOutput


@pytest.fixture(scope="module")
def content() -> bytes:
    return resources.files("dnmf.refit").joinpath("data", MODEL_FILE).read_bytes()


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(24, 0.4), size=6)
    mutations = np.array([3, 15, 150, 1000, 1_000_000])[:, None]
    X = rng.poisson(mutations * rng.dirichlet(np.full(6, 0.4), size=5) @ W).astype(float)
    X[0, 0] += 1
    return gather_evidence(X, W, best_fit(X, W), rng.dirichlet(np.full(6, 0.3), size=20))


def uncalibrated() -> RefitModel:
    return RefitModel(load_model().network, RefitCalibration.none())


def test_the_packaged_model_is_read_and_small(content: bytes) -> None:
    model = read_model(content, "the package")
    assert not model.network.training
    assert not any(weight.requires_grad for weight in model.network.parameters())
    assert len(content) < 1_000_000


def test_reading_draws_nothing_from_the_users_generator(content: bytes) -> None:
    before = torch.get_rng_state()
    read_model(content, "the package")
    load_model.cache_clear()
    load_model()
    assert torch.equal(torch.get_rng_state(), before)


def _without(name: str) -> Callable[[dict[str, Tensor]], None]:
    def change(tensors: dict[str, Tensor]) -> None:
        del tensors[name]

    return change


def _with_nan(tensors: dict[str, Tensor]) -> None:
    tensors["embed.bias"][0] = torch.nan


def _of_another_width(tensors: dict[str, Tensor]) -> None:
    tensors["embed.weight"] = tensors["embed.weight"][:, 1:].contiguous()


def _without_a_layer(tensors: dict[str, Tensor]) -> None:
    for name in [name for name in tensors if name.startswith("layers.1.")]:
        del tensors[name]


def _with_more(tensors: dict[str, Tensor]) -> None:
    tensors["more"] = torch.ones(1)


@pytest.mark.parametrize(
    "change",
    [
        _without("embed.bias"),
        _without("calibration.null"),
        _with_nan,
        _of_another_width,
        _without_a_layer,
        _with_more,
    ],
)
def test_a_file_of_other_weights_is_refused_by_name(
    content: bytes, change: Callable[[dict[str, Tensor]], None]
) -> None:
    tensors = load(content)
    change(tensors)
    with pytest.raises(ModelFileError, match=r"mine\.safetensors is not the refit model"):
        read_model(save(tensors), "mine.safetensors")


@pytest.mark.parametrize("name", ["lower", "null", "null_unlike"])
def test_tables_of_another_shape_are_refused(content: bytes, name: str) -> None:
    tensors = load(content)
    tensors[f"calibration.{name}"] = tensors[f"calibration.{name}"][1:].contiguous()
    with pytest.raises(ModelFileError, match=name):
        read_model(save(tensors), "mine.safetensors")


def test_damaged_content_is_refused(content: bytes) -> None:
    for damaged in (b"", b"no tensors", content[: len(content) // 2], b"\xff" * 64 + content[64:]):
        with pytest.raises(ModelFileError):
            read_model(damaged, "mine.safetensors")


def test_tables_are_linear_in_the_logarithm_and_constant_beyond_their_ends() -> None:
    table = torch.arange(11.0, dtype=torch.float64)[:, None]
    counts = np.array([0.0, 1.0, 10.0, np.sqrt(10 * 20), 20.0, 100_000.0, 1e9])
    assert CALIBRATION_COUNTS[:2] == (10, 20)
    np.testing.assert_allclose(at_counts(table, counts)[:, 0], [0, 0, 0, 0.5, 1, 10, 10])


def output_of(evidence: Evidence) -> RefitOutput:
    with torch.no_grad():
        output: RefitOutput = load_model().network(evidence)
    return output


def test_the_p_value_falls_from_1_to_0_as_the_score_rises(evidence: Evidence) -> None:
    output, scores = output_of(evidence), np.linspace(-30, 30, 601)
    for model in (uncalibrated(), load_model()):
        p = np.array(
            [
                model.p_answer(evidence, output._replace(foreign=torch.full((5,), score)))
                for score in scores
            ]
        )
        assert ((p >= 0) & (p <= 1)).all()
        assert (np.diff(p, axis=0) <= 1e-12).all()
        assert (p[0] > 0.9).all()
        assert (p[-1] < 0.01).all()


def test_without_calibration_the_score_is_standard_normal(evidence: Evidence) -> None:
    output = output_of(evidence)
    for level in (0.5, 0.95, NULL_LEVELS[-1]):
        score = float(torch.special.ndtri(torch.tensor(level, dtype=torch.float64)))
        at = output._replace(foreign=torch.full((5,), score))
        np.testing.assert_allclose(uncalibrated().p_answer(evidence, at), 1 - level, rtol=1e-4)


def test_samples_unlike_the_known_ones_have_their_own_tables(evidence: Evidence) -> None:
    calibration = RefitCalibration.none()
    model = replace(uncalibrated(), calibration=replace(calibration, null=calibration.null + 2))
    score = output_of(evidence)._replace(foreign=torch.full((5,), 2.0))
    for unlike, expected in ((0.0, 0.5), (1.0, 0.0228), (0.5, 0.159)):
        scalars = evidence.scalars.clone()
        scalars[:, UNLIKE_SCALAR] = unlike
        p = model.p_answer(replace(evidence, scalars=scalars), score)
        np.testing.assert_allclose(p, expected, rtol=0.03)


def test_intervals_are_ordered_and_wider_by_their_factors(evidence: Evidence) -> None:
    output = output_of(evidence)
    shares = output.shares.double().numpy()
    called = shares > 0.05
    shares = np.where(called, shares, 0.0)
    for model in (uncalibrated(), load_model()):
        lower, upper = model.interval_ends(evidence, output, shares, called)
        assert (lower >= 0).all()
        assert (lower <= shares).all()
        assert (shares <= upper).all()
        assert (upper <= 1).all()
        assert (lower[~called] == 0).all()
        assert (upper > 0).all()
    tables = {name: 3 * torch.ones(11, 2, dtype=torch.float64) for name in ("lower", "upper")}
    plain = uncalibrated()
    wide = RefitModel(plain.network, replace(plain.calibration, **tables))
    low, high = plain.interval_ends(evidence, output, shares, called)
    lower, upper = wide.interval_ends(evidence, output, shares, called)
    free = called & (lower > 0)
    assert free.any()
    np.testing.assert_allclose((shares - lower)[free], 3 * (shares - low)[free])
    np.testing.assert_array_equal(upper[~called], high[~called])
    assert (upper >= high).all()


def test_a_signature_is_not_larger_than_its_emptiest_channel_allows() -> None:
    W = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    X = np.array([[5000.0, 5000.0, 0.0]])
    evidence = gather_evidence(X, W, best_fit(X, W), np.zeros((0, 2)))
    output = output_of(evidence)
    wide = output._replace(upper=torch.ones(1, 2))
    shares = np.array([[1.0, 0.0]])
    _, upper = uncalibrated().interval_ends(evidence, wide, shares, shares > 0)
    assert upper[0, 1] == pytest.approx(8 / (0.5 * 10_000), rel=0.1)
