"""What is computed of a sample before the network: best fit, dispersion, and what counts as present."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dnmf.criteria import present_from
from dnmf.kernels import kl_exposures
from dnmf.kernels.goodness_of_fit import deviance_dispersion
from dnmf.refit.evidence import (
    SEEN_SIGNATURES,
    best_fit,
    gather_evidence,
    reported,
)

Array = NDArray[np.float64]


def spectra(n: int, k: int, f: int, mutations: float, seed: int = 0) -> tuple[Array, Array, Array]:
    """Return expected counts (n, f), signatures (k, f) and known shares (30, k)."""
    rng = np.random.default_rng(seed)
    W = rng.dirichlet(np.full(f, 0.6), size=k)
    known = rng.dirichlet(np.full(k, 0.3), size=30)
    return mutations * rng.dirichlet(np.full(k, 0.5), size=n) @ W, W, known


def measured(X: Array, W: Array) -> Array:
    fit = best_fit(X, W)
    return deviance_dispersion(fit.deviance, fit.expected, fit.deviation)


def test_the_best_fit_is_certified_and_explains_what_it_was_made_of() -> None:
    expected, W, _ = spectra(40, 4, 60, 3000.0)
    X = np.random.default_rng(1).poisson(expected).astype(float)
    fit = best_fit(X, W)
    np.testing.assert_allclose(fit.shares.sum(axis=1), 1)
    assert (fit.gap <= 0.02).all()
    exact = kl_exposures(torch.tensor(X), torch.tensor(W), tol=1e-9).H.numpy()
    np.testing.assert_allclose(fit.shares, exact / X.sum(axis=1, keepdims=True), atol=0.005)
    # A test with a level of 5 % raises about two alarms in forty samples.
    assert (fit.p_value() < 0.05).sum() <= 6
    wrong = best_fit(np.roll(X, 7, axis=1), W)
    assert (wrong.p_value() < 1e-6).all()


@pytest.mark.parametrize("times", [2.0, 10.0])
def test_dispersion_is_1_for_poisson_counts_and_what_multiplies_their_variance(
    times: float,
) -> None:
    expected, W, _ = spectra(80, 4, 96, 20_000.0)
    rng = np.random.default_rng(2)
    plain = measured(rng.poisson(expected).astype(float), W)
    assert np.median(plain) == pytest.approx(1, abs=0.01)
    assert plain.min() >= 1
    more = measured(times * rng.poisson(expected / times), W)
    assert np.median(more) == pytest.approx(times, rel=0.15)


def test_dispersion_rises_with_the_deviance_without_a_jump() -> None:
    deviance = np.linspace(0, 1000, 20_001)
    found = deviance_dispersion(
        deviance, np.full_like(deviance, 80.0), np.full_like(deviance, 12.0)
    )
    assert (found[deviance <= 80] == 1).all()
    assert (np.diff(found) >= 0).all()
    assert np.diff(found).max() < 0.002
    assert found[-1] == pytest.approx(1000 / 80, rel=0.01)


def test_present_is_ten_mutations_or_five_percent() -> None:
    np.testing.assert_allclose(
        present_from(np.array([0.0, 15.0, 200.0, 1000.0, 1e6])), [0.05, 0.05, 0.05, 0.01, 1e-5]
    )


def test_what_is_too_small_to_be_reported_is_left_out_but_for_the_largest() -> None:
    shares = np.array([[0.6, 0.32, 0.08], [0.5, 0.49, 0.01]])
    without_last = [[60 / 92, 32 / 92, 0], [50 / 99, 49 / 99, 0]]
    np.testing.assert_allclose(reported(shares, 10_000), shares)
    np.testing.assert_allclose(reported(shares, 200), [shares[0], without_last[1]])
    np.testing.assert_allclose(reported(shares, 100), without_last)
    # Of twelve mutations a tenth is enough.
    np.testing.assert_allclose(reported(shares, 12), without_last)
    np.testing.assert_allclose(
        reported(shares, np.array([12, 10_000])), [without_last[0], shares[1]]
    )
    even = np.full((1, 20), 0.05)
    np.testing.assert_allclose(reported(even, 50), even)  # all are the largest


def test_evidence_is_of_counts_divided_by_their_dispersion() -> None:
    expected, W, known = spectra(10, 5, 50, 20_000.0)
    X = 8 * np.random.default_rng(3).poisson(expected / 8).astype(float)
    evidence = gather_evidence(X, W, best_fit(X, W), known)
    found = evidence.dispersion.double().numpy()
    assert np.median(found) == pytest.approx(8, rel=0.25)
    np.testing.assert_allclose(evidence.X.double().numpy(), X / found[:, None], rtol=1e-5)
    np.testing.assert_allclose(evidence.total.double().numpy(), X.sum(axis=1) / found, rtol=1e-5)
    # Presence is a statement on all mutations, not on those that are left after the division.
    np.testing.assert_allclose(
        evidence.present_from.double().numpy(), present_from(X.sum(axis=1)), rtol=1e-5
    )
    assert (evidence.known[:, 1] > 0).any()


def test_the_network_sees_the_signatures_that_are_there_in_the_order_of_the_reference() -> None:
    rng = np.random.default_rng(4)
    W = rng.dirichlet(np.full(80, 0.2), size=50)
    shares = np.zeros((6, 50))
    for row in shares:
        row[rng.permutation(50)[:4]] = [0.4, 0.3, 0.2, 0.1]
    X = rng.poisson(3000 * shares @ W).astype(float)
    evidence = gather_evidence(X, W, best_fit(X, W), np.zeros((0, 50)))
    assert evidence.seen.shape == (6, SEEN_SIGNATURES)
    assert (evidence.seen.diff(dim=1) > 0).all()
    seen = evidence.seen.numpy()
    assert (np.take_along_axis(shares, seen, axis=1).sum(axis=1) > 0.999).all()
    mean = evidence.candidates[:, 0].double().numpy()
    assert abs(mean - np.take_along_axis(shares, seen, axis=1)).sum(axis=1).max() < 0.3


def test_some_samples_are_taken_with_all_that_belongs_to_them() -> None:
    expected, W, known = spectra(5, 4, 20, 300.0)
    X = np.random.default_rng(5).poisson(expected).astype(float)
    whole = gather_evidence(X, W, best_fit(X, W), known)
    part = whole.take(torch.tensor([3, 0]))
    assert part.W is whole.W
    for f in fields(whole):
        values = getattr(part, f.name)
        assert torch.isfinite(values.double()).all()
        if f.name != "W":
            assert torch.equal(values, getattr(whole, f.name)[[3, 0]])
