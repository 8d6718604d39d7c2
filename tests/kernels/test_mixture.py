"""The mixture posterior against its formulas in plain NumPy, against integrals, and under changes that mean nothing."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, logsumexp

from dnmf.kernels import kl_exposures
from dnmf.kernels._component_numba import OUTSIDE_COUNT, Sample, fit_component, shares_on_support
from dnmf.kernels.mixture import MixturePosterior, mixture_posterior

Array = NDArray[np.float64]


def posterior(
    X: Array, W: Array, known: Array | None = None, own: NDArray[np.int64] | None = None
) -> MixturePosterior:
    k = len(W)
    best = kl_exposures(torch.tensor(X), torch.tensor(W)).H.numpy()
    best = best / np.maximum(X.sum(axis=1, keepdims=True), 1e-12)
    least = np.minimum(10 / np.maximum(X.sum(axis=1), 1e-9), 0.05)
    return mixture_posterior(
        X, W, best, least, np.zeros((0, k)) if known is None else known, own=own
    )


def slow_component(x: Array, W: Array, alpha: Array, outside: float) -> tuple[Array, float]:
    """Variational Bayes of a multinomial mixture as it is written: responsibilities, counts, and the bound."""
    g = alpha + x.sum() / len(alpha)
    for _ in range(2000):
        weights = np.exp(digamma(g))[:, None] * W
        g = alpha + (weights / weights.sum(axis=0)) @ x
    log_h = digamma(g) - digamma(g.sum() + outside)
    phi = np.exp(log_h)[:, None] * W
    phi = phi / phi.sum(axis=0)
    bound = (x * phi * (np.log(W) + log_h[:, None] - np.log(phi))).sum()
    bound += gammaln(alpha.sum() + outside) - gammaln(alpha).sum()
    bound -= gammaln(g.sum() + outside) - gammaln(g).sum()
    return g, bound + ((alpha - g) * log_h).sum()


@pytest.mark.parametrize("scale", [0.1, 1.0, 300.0])
def test_a_component_is_the_fixed_point_and_the_bound_of_variational_bayes(scale: float) -> None:
    rng = np.random.default_rng(1)
    W = rng.dirichlet(np.full(9, 0.8), size=6)
    x = scale * rng.integers(1, 20, 9).astype(float)
    members, alpha = np.array([4, 0, 3]), np.array([1.0, 0.4, 5.0])
    room = Sample(x, W, np.zeros(6, np.uint64), np.empty((6, 9)), *map(np.empty, (6, 6, 9, 6)))
    g = alpha + x.sum() / 3
    bound = fit_component(room, members, alpha, g, np.int64(3000))
    expected, highest = slow_component(x, W[members], alpha, 3 * OUTSIDE_COUNT)
    np.testing.assert_allclose(g, expected, atol=0.01 * np.sqrt(x.sum()))
    assert bound == pytest.approx(highest, abs=1e-3 + 1e-5 * x.sum())


@pytest.mark.parametrize("counts", [[1.0, 0.0, 0.0], [4.0, 1.0, 2.5], [600.0, 200.0, 300.0]])
def test_with_two_signatures_the_bound_lies_below_the_integral_and_the_mean_near_it(
    counts: list[float],
) -> None:
    x, W = np.array(counts), np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
    found = posterior(x[None], W)
    t = (np.arange(100_000) + 0.5) / 100_000
    log_likelihood = np.log(np.stack([t, 1 - t], axis=1) @ W) @ x
    both = logsumexp(log_likelihood) - np.log(t.size)
    mean_of_both = np.exp(log_likelihood - both) @ t / t.size
    one, other = np.log(W) @ x
    # Sizes are as likely, and the supports of a size: 1/4, 1/4 and 1/2.
    terms = np.log([0.25, 0.25, 0.5]) + np.array([one, other, both])
    evidence = logsumexp(terms)
    weights = np.exp(terms - evidence)
    assert evidence - 1 < found.evidence[0, 0] <= evidence
    exact = weights @ [1.0, 0.0, mean_of_both]
    noise = 1 / np.sqrt(x.sum() + 2)
    assert found.even[0, 0, 0] == pytest.approx(exact, abs=0.25 * noise)


def random_problem(n: int = 6, k: int = 7, m: int = 24) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(5)
    W = rng.dirichlet(np.full(18, 0.4), size=k)
    known = rng.dirichlet(np.full(k, 0.25), size=m)
    known[known < 0.02] = 0
    known /= known.sum(axis=1, keepdims=True)
    mutations = np.resize([12, 90, 800, 20_000], n)[:, None]
    X = rng.poisson(mutations * (rng.dirichlet(np.full(k, 0.3), size=n) @ W)).astype(float)
    return X, W, known


def test_moments_and_origins_are_those_of_probabilities() -> None:
    X, W, known = random_problem()
    found = posterior(X, W, known)
    for moments in (found.even, found.known):
        mean, second, presence = moments.swapaxes(0, 1)
        assert (second >= mean**2 - 1e-12).all()
        assert (second <= mean + 1e-12).all()
        assert ((presence >= 0) & (presence <= 1)).all()
        np.testing.assert_allclose(mean.sum(axis=1), 1, atol=0.01)
    np.testing.assert_allclose(found.origin.sum(axis=1), 1)
    np.testing.assert_allclose(found.nearest.sum(axis=1), 1)
    assert (found.components >= 1 - 1e-9).all()


def test_one_signature_explains_everything() -> None:
    found = posterior(np.array([[3.0, 1.0], [900.0, 0.0]]), np.array([[0.7, 0.3]]))
    np.testing.assert_allclose(found.even[:, 0], 1)
    np.testing.assert_allclose(found.even[:, 1], 1)


def test_without_known_exposures_both_posteriors_are_the_same() -> None:
    X, W, _ = random_problem()
    found = posterior(X, W)
    np.testing.assert_array_equal(found.known, found.even)
    np.testing.assert_array_equal(found.evidence[:, 0], found.evidence[:, 1])
    np.testing.assert_array_equal(found.origin, [[0, 0, 1]] * len(X))
    np.testing.assert_array_equal(found.nearest, np.full((len(X), 7), 1 / 7))


def test_known_exposures_settle_what_few_mutations_leave_open() -> None:
    _, W, known = random_problem()
    x = np.rint(60 * known[3] @ W)[None]
    near, far = posterior(x, W, known), posterior(x, W)
    assert abs(near.known[0, 0] - known[3]).sum() < 0.5 * abs(far.known[0, 0] - known[3]).sum()
    assert near.evidence[0, 1] > near.evidence[0, 0]
    assert near.origin[0, 0] > 0.5


def test_a_samples_own_row_is_not_used_for_it() -> None:
    _, W, known = random_problem(m=30)
    known[:, 0] = 0
    known = np.where(known.sum(axis=1, keepdims=True) > 0, known, np.eye(7)[1])
    known /= known.sum(axis=1, keepdims=True)
    known[-1] = np.eye(7)[0]  # the only row with the first signature
    x = np.rint(40 * known[-1:] @ W)
    seen, hidden = posterior(x, W, known), posterior(x, W, known, own=np.array([29]))
    assert seen.nearest[0, 0] > 0.9
    assert hidden.nearest[0, 0] == 0
    assert hidden.origin[0, 0] < seen.origin[0, 0] / 10
    nobodys = posterior(x, W, known, own=np.array([-1]))
    np.testing.assert_allclose(nobodys.nearest, seen.nearest, atol=1e-9)
    alone = posterior(x, W, known[-1:], own=np.array([0]))
    np.testing.assert_array_equal(alone.known, alone.even)


def test_a_cohort_of_two_has_one_row_for_each() -> None:
    X, W, known = random_problem(n=2)
    found = posterior(X, W, known[:2], own=np.array([0, 1]))
    np.testing.assert_allclose(found.nearest, known[[1, 0]])


def test_the_order_of_signatures_changes_nothing_but_the_order() -> None:
    X, W, known = random_problem()
    order = np.random.default_rng(2).permutation(7)
    found, other = posterior(X, W, known), posterior(X, W[order], known[:, order])
    np.testing.assert_allclose(other.known, found.known[:, :, order], atol=2e-3)
    np.testing.assert_allclose(other.even, found.even[:, :, order], atol=2e-3)


def test_splitting_a_channel_in_proportion_changes_nothing() -> None:
    X, W, known = random_problem()
    part = 0.3
    X2 = np.hstack([part * X[:, :1], (1 - part) * X[:, :1], X[:, 1:]])
    W2 = np.hstack([part * W[:, :1], (1 - part) * W[:, :1], W[:, 1:]])
    found, other = posterior(X, W, known), posterior(X2, W2, known)
    np.testing.assert_allclose(other.known, found.known, atol=1e-3)


def test_samples_do_not_depend_on_each_other() -> None:
    X, W, known = random_problem()
    together = posterior(X, W, known)
    for i in range(len(X)):
        alone = posterior(X[i : i + 1], W, known)
        np.testing.assert_array_equal(alone.known[0], together.known[i])
        np.testing.assert_array_equal(alone.evidence[0], together.evidence[i])


def test_no_mutations_give_zeros_and_parts_of_mutations_are_counted_as_such() -> None:
    _, W, known = random_problem()
    X = np.vstack([np.zeros(18), 0.01 * W[0], 1e5 * W[0] + 0.25])
    found = posterior(X, W, known)
    assert not found.known[0].any()
    assert not found.even[0].any()
    assert np.isfinite(found.known).all()
    assert np.isfinite(found.evidence).all()
    assert found.known[2, 0, 0] > 0.99


def test_mutations_that_no_signature_explains_leave_the_prior() -> None:
    W = np.array([[0.0, 0.9, 0.1], [0.0, 0.2, 0.8]])
    found = posterior(np.array([[3.0, 0.0, 0.0], [1e7, 1.0, 0.0]]), W)
    assert np.isfinite(found.even).all()
    np.testing.assert_allclose(found.even[:, 0].sum(axis=1), 1, atol=0.01)
    np.testing.assert_allclose(found.even[0, 0], 0.5, atol=0.01)


def test_shares_on_a_support_are_optimal_there_and_zero_elsewhere() -> None:
    X, W, _ = random_problem(n=8)
    start = np.random.default_rng(3).dirichlet(np.full(7, 1.0), size=8)
    start[:, [1, 4]] = 0
    start /= start.sum(axis=1, keepdims=True)
    for prior_counts in (0.0, 50.0, 1000.0):
        shares = start.copy()
        shares_on_support(X, W, shares, prior_counts, 5000)
        assert not shares[:, [1, 4]].any()
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        # The gradient of the objective is the same for all signatures that are there: the total.
        total = X.sum(axis=1, keepdims=True) + prior_counts
        gain = (X / (shares @ W)) @ W.T + prior_counts * start / np.maximum(shares, 1e-9)
        assert (gain / total < 1 + 0.02 / np.sqrt(total) + 0.01)[:, [0, 2, 3, 5, 6]].all()
        noise = np.sqrt(total) / total
        assert (abs(gain / total - 1) * shares < 0.01 * noise).all()
    support = torch.tensor(start > 0)
    shares = start.copy()
    shares_on_support(X, W, shares, 0.0, 5000)
    best = kl_exposures(torch.tensor(X), torch.tensor(W), support=support).H.numpy()
    likelihood = (X * np.log(shares @ W)).sum(axis=1)
    highest = (X * np.log(best / X.sum(axis=1, keepdims=True) @ W)).sum(axis=1)
    np.testing.assert_allclose(likelihood, highest, atol=0.1)
