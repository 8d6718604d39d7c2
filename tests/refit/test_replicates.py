"""Samples that the answer does not explain are answered by the mean over replicates of their counts."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from dnmf.refit import replicates as module
from dnmf.refit.estimate import estimate_exposures
from dnmf.refit.evidence import best_fit, gather_evidence
from dnmf.refit.model import load_model
from dnmf.refit.prior import ExposurePrior, load_prior
from dnmf.refit.replicates import noise_variance, smoothed
from dnmf.signatures import example_catalog, load_reference

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def problem() -> tuple[Array, Array, ExposurePrior]:
    """Counts (40, 96) of flat signatures, all but the first ten with profiles that are off; signatures; prior."""
    reference = load_reference("cosmic-v3.4")
    flat = [reference.names.index(f"SBS{name}") for name in ("1", "3", "5", "8", "18", "39", "40a")]
    W = np.array(reference.profiles, dtype=float)
    rng = np.random.default_rng(0)
    means = 4000 * rng.dirichlet(np.ones(7), size=40) @ W[flat]
    means[10:] *= rng.lognormal(0, 0.15, (30, 96))
    return rng.poisson(means).astype(float), W, load_prior("pan-cancer", reference, 40)


def test_noise_begins_at_nothing_and_ends_at_half_the_variance_of_counts() -> None:
    found = noise_variance(np.array([1, 0.01, 0.01 * (1 - 1e-9), 10**-2.5, 0.001, 1e-9, 0.0]))
    assert_allclose(found, [0, 0, 0, 0.25, 0.5, 0.5, 0.5], atol=1e-8)


def test_only_samples_that_are_not_explained_are_smoothed(
    problem: tuple[Array, Array, ExposurePrior],
) -> None:
    X, W, prior = problem
    evidence = gather_evidence(X, W, best_fit(X, W), prior.shares)
    model, own = load_model(), np.full(len(X), -1)
    with torch.no_grad():
        output = model.network(evidence)
        found = smoothed(X, W, prior.shares, own, evidence, output, model)
    explained = model.p_answer(evidence, output) >= module.P_SMOOTHED
    assert explained[:10].mean() > 0.5 > explained[10:].mean()
    assert (~explained).any()
    for before, after in zip(output[:4], found[:4], strict=True):
        assert_array_equal((before == after).all(dim=1).numpy(), explained)
    assert_allclose(found.shares.sum(dim=1), 1, atol=0.01)
    assert (found.lower <= found.shares).all()
    assert (found.shares <= found.upper).all()


def test_few_real_genomes_move_when_a_hundredth_of_their_calls_is_exchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalog = example_catalog()
    reference = load_reference("cosmic-v3.4")
    W = np.array(reference.profiles, dtype=float)
    prior = load_prior("pan-cancer", reference, len(catalog.counts))
    counts = catalog.counts[list(reference.profiles.columns)].to_numpy(dtype=float)
    rng = np.random.default_rng(0)
    changed = counts.copy()
    for row in changed:
        size = round(0.01 * row.sum())
        taken = rng.multivariate_hypergeometric(row.astype(int), size)
        row += rng.multinomial(size, row / row.sum()) - taken

    def moved() -> Array:
        one, other = (estimate_exposures(X, W, prior).shares for X in (counts, changed))
        half: Array = abs(one - other).sum(axis=1) / 2
        return half

    smooth = moved()
    monkeypatch.setattr(module, "noise_variance", np.zeros_like)
    single = moved()
    assert (smooth > 0.05).sum() <= 1
    assert (single > 0.05).sum() >= 4
