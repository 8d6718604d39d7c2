"""Signatures of counts with counting noise: the best of many starts, the cap, and data that say little."""

import numpy as np
import pytest
import torch
from torch import Tensor

from dnmf.metrics import match_components
from dnmf.search import cohort
from dnmf.search import gamma_poisson_search as search
from dnmf.search.gamma_poisson_search import best_signatures, refine_counts, search_counts

N, K, F = 60, 3, 24


@pytest.fixture(scope="module")
def truth() -> tuple[Tensor, Tensor]:
    """Exposures (n, k), each in half of the samples, and a flat, a middling and a peaked signature (k, f)."""
    rng = np.random.default_rng(0)
    signatures = np.stack([rng.dirichlet(np.full(F, g)) for g in (2.0, 0.5, 0.1)])
    exposures = rng.gamma(1.0, 1000.0, (N, K)) * (rng.random((N, K)) < 0.5)
    return torch.from_numpy(exposures), torch.from_numpy(signatures)


@pytest.fixture(scope="module")
def counts(truth: tuple[Tensor, Tensor]) -> Tensor:
    exposures, signatures = truth
    return torch.poisson(exposures @ signatures, generator=torch.Generator().manual_seed(1))


def even(k: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(2).dirichlet(np.full(F, 5.0), k))


def least_cosine(W: Tensor, signatures: Tensor) -> float:
    return float(match_components(W.numpy(), signatures.numpy())[2].min())


def test_the_best_of_several_starts_has_the_most_evidence_and_the_true_signatures(
    truth: tuple[Tensor, Tensor], counts: Tensor
) -> None:
    poor = even(K)
    W, costs = best_signatures(counts, [poor, truth[1], poor])
    assert costs.shape == (3,)
    assert costs[1] == costs.min()
    assert least_cosine(W, truth[1]) > 0.99
    torch.testing.assert_close(W.sum(dim=1), torch.ones(K, dtype=W.dtype))


def test_search_and_refinement_end_at_the_same_signatures(
    truth: tuple[Tensor, Tensor], counts: Tensor
) -> None:
    found = search_counts(counts, truth[1])
    assert least_cosine(refine_counts(counts, found), found) > 0.999


def test_one_huge_sample_beyond_counting_noise_moves_no_signature(
    truth: tuple[Tensor, Tensor], counts: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It deviates by a third of the expectation in each channel, and has nearly all mutations."""
    _, signatures = truth
    factors = torch.from_numpy(np.random.default_rng(3).gamma(10.0, 0.1, F))
    huge = (2e7 * signatures.mean(dim=0) * factors).round()
    assert huge.sum() > 50 * counts.sum()
    X = torch.cat([counts, huge[None]])
    assert least_cosine(search_counts(X, signatures), signatures) > 0.98
    monkeypatch.setattr(cohort, "MOST_MUTATIONS", np.inf)
    assert least_cosine(search_counts(X, signatures), signatures) < 0.95


def test_only_samples_above_the_cap_are_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort, "MOST_MUTATIONS", 10.0)
    X = torch.tensor([[3.0, 1.0], [30.0, 10.0], [0.0, 0.0]], dtype=torch.float64)
    np.testing.assert_allclose(search._capped(X), [[3.0, 1.0], [7.5, 2.5]])


def test_what_nothing_supports_is_even_and_never_nan() -> None:
    X = torch.zeros((4, F), dtype=torch.float64)
    X[:3, 0] = 1.0
    W = search_counts(X, even(4))
    assert torch.isfinite(W).all()
    torch.testing.assert_close(W.sum(dim=1), torch.ones(4, dtype=W.dtype))
    nothing = even(2)
    torch.testing.assert_close(search_counts(torch.zeros_like(X), nothing), nothing)


def test_the_counts_that_are_given_stay_as_they_are(counts: Tensor) -> None:
    before = 100 * counts
    given = before.clone()
    search_counts(given, even(K), rounds=20)
    assert torch.equal(given, before)
