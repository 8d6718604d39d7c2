"""The Gamma-Poisson model: its bound, its shapes, deletions, and how far known signatures are trusted."""

import numpy as np
import pytest
from scipy.special import digamma, gammaln
from scipy.stats import dirichlet

from dnmf.kernels.gamma_poisson import (
    CHANNEL_COUNT,
    GammaPoisson,
    gains_of_deletions,
    improve,
    inverse_digamma,
    known_priors,
    likeliest_priors,
    start,
    strengths,
    with_added,
    without,
)
from dnmf.metrics import cosine_similarity


def cohort(seed: int = 0, n: int = 40, k: int = 3, f: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (n, f) and the signatures (k, f) they were drawn from; the last one is in few samples."""
    rng = np.random.default_rng(seed)
    W = rng.dirichlet(np.full(f, 0.3), k)
    H = rng.gamma(1.0, 300.0, (n, k))
    H[n // 5 :, -1] = 0.0
    return rng.poisson(H @ W).astype(float), W


def fitted(X: np.ndarray, W: np.ndarray, strength: float = 1e5) -> GammaPoisson:
    return improve(X, start(X, known_priors(W, strength), W), rounds=300, tolerance=1e-6)


def bound(X: np.ndarray, state: GammaPoisson) -> float:
    """The evidence bound term by term, as the model is written down."""
    a, b = state.shapes, (state.shapes.sum() / X.sum(axis=1))[:, None]
    A, E = state.counts, state.concentrations
    log_h = digamma(A) - np.log1p(b)
    log_w = digamma(E) - digamma(E.sum(axis=1, keepdims=True))
    R = np.exp(log_h) @ np.exp(log_w)
    value = (X * np.log(R)).sum() - (A / (1 + b)).sum()
    posterior = A * np.log1p(b) - gammaln(A) + (A - 1) * log_h - A
    prior = a * np.log(b) - gammaln(a) + (a - 1) * log_h - b * A / (1 + b)
    value -= (posterior - prior).sum()
    for mine, given in zip(E, state.priors, strict=True):
        log = digamma(mine) - digamma(mine.sum())
        value -= -dirichlet(mine).entropy() + gammaln(given).sum() - gammaln(given.sum())
        value += ((given - 1) * log).sum()
    return float(value)


def test_the_evidence_is_the_bound_of_the_model_as_written_down() -> None:
    X, W = cohort()
    state = fitted(X, W)
    # Signatures that explain less than a thousandth of a mutation of a sample are left at their prior.
    assert state.evidence == pytest.approx(bound(X, state), abs=0.5)


def test_rounds_raise_the_evidence() -> None:
    X, W = cohort(1)
    state = start(
        X, np.full(W.shape, CHANNEL_COUNT), np.random.default_rng(0).dirichlet(np.ones(24), 3)
    )
    values = []
    for _ in range(8):
        state = improve(X, state, rounds=15)
        values.append(state.evidence)
    assert (np.diff(values) > -0.1).all()


def test_free_signatures_are_found() -> None:
    X, W = cohort(2)
    begun = np.random.default_rng(5).dirichlet(np.ones(24), 3)
    states = [
        improve(X, start(X, np.full(W.shape, CHANNEL_COUNT), begun[order]), rounds=300)
        for order in ([0, 1, 2], [2, 0, 1])
    ]
    best = max(states, key=lambda state: state.evidence)
    assert cosine_similarity(W, best.profiles).max(axis=1).min() > 0.95


def test_a_signature_of_few_samples_has_a_small_shape() -> None:
    X, W = cohort(3)
    shapes = fitted(X, W).shapes
    assert shapes[2] < 0.2 < shapes[:2].min()


def test_deleting_what_is_not_there_gains_and_deleting_what_is_there_loses() -> None:
    X, W = cohort(4)
    more = np.concatenate([W, np.random.default_rng(9).dirichlet(np.full(24, 0.3), 1)])
    state = fitted(X, more)
    gains = gains_of_deletions(X, state)
    assert gains[3] > -5
    assert (gains[:3] < -50).all()
    whole = improve(X, without(state, 0), rounds=300)
    # The others keep their shapes in the quick answer: it is a bound of what a full fit loses, and not far from it.
    assert whole.evidence - state.evidence == pytest.approx(gains[0], rel=0.2)


def test_a_signature_that_is_added_gets_the_mutations_that_are_its_own() -> None:
    X, W = cohort(5)
    state = improve(X, start(X, known_priors(W[:2], 1e5), W[:2]), rounds=100)
    prior = known_priors(W[2], 1e5)
    added = improve(X, with_added(X, state, prior, W[2]), rounds=100)
    assert added.evidence > state.evidence + 50
    assert added.exposures[:8, 2].sum() > 20 * added.exposures[8:, 2].sum()


def test_a_signature_can_take_the_place_of_the_only_one() -> None:
    X, W = cohort()
    alone = without(start(X, known_priors(W[:1], 1e5), W[:1]), 0)
    state = improve(X, with_added(X, alone, known_priors(W[1], 1e5), W[1]), rounds=20)
    assert state.exposures[:, 0] == pytest.approx(X.sum(axis=1), rel=0.03)


def test_known_signatures_are_trusted_as_far_as_the_data_agree() -> None:
    X, W = cohort(6, n=80)
    off = W[0] * np.exp(0.3 * np.random.default_rng(1).standard_normal(24))
    given = np.stack([off / off.sum(), *W[1:]])
    state = start(X, known_priors(given, 1e5), given)
    state = improve(X, state, rounds=200, references=given)
    worth = strengths(state.priors)
    assert worth[0] < worth[1]
    assert cosine_similarity(W[:1], state.profiles[:1])[0, 0] > 0.999


def test_priors_of_free_signatures_stay() -> None:
    shown = np.random.default_rng(0).poisson(5.0, (2, 6)).astype(float)
    references = np.stack([np.full(6, 1 / 6), np.zeros(6)])
    priors = likeliest_priors(references, shown, np.full((2, 6), CHANNEL_COUNT))
    np.testing.assert_array_equal(priors[1], CHANNEL_COUNT)
    assert strengths(priors)[0] > 0


def test_samples_do_not_depend_on_the_order_of_rows() -> None:
    X, W = cohort(7)
    order = np.random.default_rng(0).permutation(len(X))
    one, other = fitted(X, W), fitted(X[order], W)
    np.testing.assert_allclose(other.counts, one.counts[order], rtol=1e-5, atol=1e-3)


def test_inverse_digamma() -> None:
    x = np.array([1e-3, 0.1, 1.0, 7.0, 1e4])
    np.testing.assert_allclose(inverse_digamma(digamma(x)), x, rtol=1e-6)
