"""Matching the signatures of restarts."""

import numpy as np
import pytest
import torch

from dnmf.search.count_noise import estimate_count_noise
from dnmf.selection.counts import CountModel
from dnmf.selection.restarts import align, consensus, restart, silhouettes

K, F, R = 4, 30, 5


@pytest.fixture
def signatures() -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.full(F, 0.2), size=K)


def shuffled(signatures: np.ndarray, noise: float) -> np.ndarray:
    """Copies in random order, each with noise of its own."""
    rng = np.random.default_rng(1)
    copies = [rng.permutation(signatures) + noise * rng.random(signatures.shape) for _ in range(R)]
    stack = np.stack(copies)
    return stack / stack.sum(axis=2, keepdims=True)


def test_alignment_undoes_any_order(signatures: np.ndarray) -> None:
    np.testing.assert_allclose(
        align(shuffled(signatures, 0.0), signatures), np.tile(signatures, (R, 1, 1))
    )


def test_equal_restarts_are_their_own_consensus_and_perfectly_stable(
    signatures: np.ndarray,
) -> None:
    copies = align(shuffled(signatures, 0.0), signatures)
    np.testing.assert_allclose(consensus(copies, signatures), signatures)
    np.testing.assert_allclose(silhouettes(copies), 1.0, atol=1e-6)


def test_the_consensus_averages_noise_away(signatures: np.ndarray) -> None:
    copies = shuffled(signatures, 0.01)
    mean = consensus(copies, align(copies, signatures)[0])
    errors = np.abs(align(copies, signatures) - signatures).sum(axis=(1, 2))
    biased = align(copies, signatures).mean(axis=0)
    np.testing.assert_allclose(mean, biased)
    assert np.abs(mean - signatures).sum() < errors.mean()


def test_a_restart_that_found_something_else_does_not_enter_the_consensus(
    signatures: np.ndarray,
) -> None:
    strange = signatures.copy()
    strange[2] = np.eye(F)[7]
    result = consensus(np.stack([signatures, strange]), signatures)
    np.testing.assert_allclose(result, signatures)


def test_a_signature_that_never_comes_back_is_told(signatures: np.ndarray) -> None:
    copies = align(shuffled(signatures, 0.0), signatures)
    rng = np.random.default_rng(3)
    copies[:, 3] = rng.dirichlet(np.full(F, 0.2), size=R)
    values = silhouettes(copies)
    assert (values[:3] > 0.9).all()
    assert values[3] < 0.5


def test_one_signature_is_judged_by_its_likeness_to_itself() -> None:
    copies = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]]])
    np.testing.assert_allclose(silhouettes(copies), [1 / 3])


def test_too_few_restarts_tell_nothing(signatures: np.ndarray) -> None:
    assert np.isnan(silhouettes(signatures[None])).all()
    assert align(np.empty((0, K, F)), signatures).shape == (0, K, F)


@pytest.mark.usefixtures("quick_search")
def test_every_restart_has_counts_and_a_start_of_its_own_whoever_computes_it():
    rng = np.random.default_rng(0)
    X = torch.tensor(rng.poisson(rng.gamma(1.0, 500.0, (20, 3)) @ rng.dirichlet(np.ones(12), 3)))
    X = X.double() + 1.0
    model = CountModel(estimate_count_noise(X))
    found = [restart(X, 3, index, model, 5) for index in (1, 2, 1)]
    assert torch.equal(found[0], found[2])
    assert not torch.isclose(found[0], found[1], rtol=1e-3).all()
    assert not torch.isclose(found[0], restart(X, 3, 1, model, 6), rtol=1e-3).all()
