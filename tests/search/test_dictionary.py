"""The dictionary search: it knows the noise of the data, not their unit, and loses no component."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import NMF

from dnmf.kernels import (
    Phase,
    exact_exposures,
    frobenius_cost,
    initialize_factors,
    kl_cost,
    kl_gap,
    nmf_kl,
    successive_projection,
)
from dnmf.search import Search, estimate_noise, find_dictionary
from dnmf.search.dictionary import SEARCH, SQUARE_ROOT_ITERATIONS

SHORT = Search(
    without_late=(Phase(15, exposures=(100.0, 1.0), exposure_offset=(3000.0, 3.0)),),
    with_all=(
        Phase(20, exposures=(100.0, 10.0), exposure_offset=(3000.0, 10.0)),
        Phase(20, exposures=(10.0, 0.05), exposure_offset=(10.0, 3.0), signatures=(100.0, 3.0)),
        Phase(10, signatures=(3.0, 0.01)),
    ),
    late_components=2,
    apart=0.01,
)


def distance_to_truth(W: torch.Tensor, true: torch.Tensor) -> float:
    return torch.cdist(W, true).min(dim=0).values.max().item()


# ── noise ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_counting_noise_grows_with_the_total(problem):
    X, _, W = problem(300, 48, 4, 0)
    X = X[X.sum(dim=1) > 100]
    noise = estimate_noise(X, exact_exposures(X, W), W)
    totals = X.sum(dim=1)
    assert noise.slope >= 3
    # Poisson: the mean over channels of the variance is total / f
    ratio = noise.weights.square() * totals / 48
    large = totals > totals.median()
    assert 0.6 < ratio[large].median() < 1.6
    assert ratio[large].max() / ratio[large].min() < 2


def test_rounding_noise_is_the_same_for_all_samples_and_a_twelfth(problem):
    _, H, W = problem(300, 48, 4, 1)
    X = (H @ W).round()
    X = X[X.sum(dim=1) > 500]
    noise = estimate_noise(X, exact_exposures(X, W), W)
    assert noise.slope <= 0.1
    assert noise.level == pytest.approx(1 / 12, rel=0.25)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_noise_is_measured_in_the_unit_of_the_data(problem, unit):
    X, _, W = problem(100, 48, 4, 2)
    H = exact_exposures(X, W)
    plain, scaled = estimate_noise(X, H, W), estimate_noise(unit * X, unit * H, W)
    assert scaled.slope == plain.slope
    assert scaled.level == pytest.approx(unit**2 * plain.level, rel=1e-6)
    torch.testing.assert_close(scaled.weights * unit, plain.weights, rtol=1e-6, atol=0)


def test_a_few_samples_that_nothing_explains_do_not_change_the_noise_of_the_others(problem):
    X, _, W = problem(200, 48, 4, 3)
    X = X[X.sum(dim=1) > 100]
    plain = estimate_noise(X, exact_exposures(X, W), W)
    foreign = X.clone()
    foreign[:10] = 20 * X[:10].flip(1)
    disturbed = estimate_noise(foreign, exact_exposures(foreign, W), W)
    ratio = disturbed.weights[10:] / plain.weights[10:]
    assert 0.7 < ratio.min() <= ratio.max() < 1.4


def test_exact_data_and_empty_samples_leave_the_weights_finite(problem):
    _, H, W = problem(50, 48, 4, 4)
    H[3] = 0
    noise = estimate_noise(H @ W, H, W)
    assert noise.weights.isfinite().all()
    assert (noise.weights > 0).all()
    assert noise.level > 0


# ── search ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def mixtures(problem):
    """Counts with sparse exposures: each signature is absent from most samples."""
    _, H, W = problem(120, 32, 5, 5)
    rng = np.random.default_rng(5)
    H = H * torch.from_numpy(rng.integers(0, 3, H.shape) == 0) + 1e-3 * H
    X = torch.from_numpy(rng.poisson((H @ W).numpy()).astype(np.float64))
    return X[X.sum(dim=1) > 50], W


def test_it_finds_the_signatures_of_sparse_mixtures(mixtures):
    X, W = mixtures
    found = find_dictionary(X, successive_projection(X, 5))
    assert distance_to_truth(found.W, W) < 0.03


def test_of_many_dictionaries_that_fit_exact_data_it_finds_a_truer_one():
    """No sample is pure, so that the least-squares fit alone does not say where the signatures are."""
    rng = np.random.default_rng(6)
    W = torch.from_numpy(rng.dirichlet(np.ones(32), size=5))
    H = torch.from_numpy(rng.gamma(2.0, 1000.0, (120, 5)))
    for row in H:
        row[torch.from_numpy(rng.permutation(5)[:2])] = 0
    X = (H @ W).round()
    W0 = successive_projection(X, 5)
    plain, found = find_dictionary(X, W0, search=Search()), find_dictionary(X, W0)
    assert distance_to_truth(found.W, W) < 0.2 * distance_to_truth(plain.W, W)


@pytest.mark.parametrize("unit", [1e-5, 1e5])
def test_the_unit_of_the_data_does_not_matter(mixtures, unit):
    X, _ = mixtures
    W0 = successive_projection(X, 5)
    plain, scaled = (
        find_dictionary(X, W0, search=SHORT),
        find_dictionary(unit * X, W0, search=SHORT),
    )
    torch.testing.assert_close(scaled.W, plain.W, rtol=1e-4, atol=1e-6)
    size = plain.H.max().item()
    torch.testing.assert_close(scaled.H / unit, plain.H, rtol=1e-4, atol=1e-5 * size)


def test_signatures_sum_to_one_and_exposures_are_exact_for_them(mixtures):
    X, _ = mixtures
    for penalties in ({}, {"l1_reg": 5.0, "l2_reg": 0.01}):
        found = find_dictionary(X, successive_projection(X, 5), search=SHORT, **penalties)
        torch.testing.assert_close(found.W.sum(dim=1), X.new_ones(5), rtol=1e-12, atol=0)
        exact = exact_exposures(X, found.W, **penalties)
        torch.testing.assert_close(found.H, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", [5, 11])
def test_a_component_that_no_sample_uses_is_given_the_samples_explained_worst(problem, seed):
    """Exact steps never bring back what they dropped: from these random starts they drop one."""
    X, _, W = problem(80, 32, 5, seed)
    _, W0 = initialize_factors(X, 5, "random", generator=torch.Generator().manual_seed(seed))
    found = find_dictionary(X, W0, search=SHORT)
    assert (found.W.sum(dim=1) > 0).all()
    assert (found.H.sum(dim=0) > 0).all()
    truth = frobenius_cost(X, exact_exposures(X, W), W)
    assert frobenius_cost(X, found.H, found.W) <= 1.01 * truth


def test_callback_counts_through_all_stages_and_may_interrupt(mixtures):
    X, _ = mixtures
    W0, seen = successive_projection(X, 5), []
    find_dictionary(X, W0, search=SHORT, callback=lambda *call: seen.append(call))
    assert [step for step, _ in seen] == list(range(1, SHORT.iterations(5) + 1))
    assert SHORT.iterations(5) < SEARCH.iterations(5)
    # One scale through all stages, whatever their weights and the unit of the data.
    costs = np.array([cost for _, cost in seen])
    assert (costs < 1).all()
    find_dictionary(X / 1e5, W0, search=SHORT, callback=lambda *call: seen.append(call))
    np.testing.assert_allclose([cost for _, cost in seen[len(costs) :]], costs, rtol=1e-3)

    def interrupt(iteration, cost):
        if iteration > SQUARE_ROOT_ITERATIONS:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_dictionary(X, W0, callback=interrupt)


@pytest.mark.parametrize(("k", "late"), [(1, 0), (2, 0), (3, 1), (5, 1), (6, 2), (40, 2)])
def test_few_components_do_not_wait_for_each_other(k, late):
    assert SEARCH.late(k) == late


@pytest.mark.parametrize("k", [1, 2, 3])
def test_its_length_is_known_whatever_the_options(mixtures, k):
    X, _ = mixtures
    seen = []
    find_dictionary(
        X,
        successive_projection(X, k),
        search=SHORT,
        min_volume=10.0,
        callback=lambda *call: seen.append(call),
    )
    assert len(seen) == SHORT.iterations(k)


# ── maximum likelihood ───────────────────────────────────────────────────────────────────────────────────────────────


def test_likelihood_never_falls_and_ends_at_exposures_with_a_certificate(mixtures):
    X, _ = mixtures
    found = nmf_kl(X, successive_projection(X, 5), max_iter=60)
    costs = np.array(found.cost)
    assert len(costs) == 60
    assert (np.diff(costs) <= 1e-9 * costs[0]).all()
    assert kl_cost(X, found.H, found.W).item() <= costs[-1] * (1 + 1e-6)
    assert kl_gap(X, found.H, found.W).max() <= 1e-3
    torch.testing.assert_close(found.W.sum(dim=1), X.new_ones(5), rtol=1e-12, atol=0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_likelihood_is_no_lower_than_scikit_learns(mixtures):
    X, _ = mixtures
    W0 = successive_projection(X, 5) + 1e-3
    found = nmf_kl(X, W0, max_iter=300)
    theirs = NMF(5, init="custom", solver="mu", beta_loss="kullback-leibler", max_iter=600, tol=0)
    H = theirs.fit_transform(X.numpy(), W=np.full((len(X), 5), 100.0), H=W0.numpy().copy())
    cost = kl_cost(X, torch.from_numpy(H), torch.from_numpy(theirs.components_))
    assert kl_cost(X, found.H, found.W) <= 1.01 * cost


def test_likelihood_tells_of_every_iteration(mixtures):
    X, _ = mixtures
    W0, seen = successive_projection(X, 5), []
    found = nmf_kl(X, W0, max_iter=20, callback=lambda *call: seen.append(call))
    assert len(found.cost) == 20
    assert seen == list(enumerate(found.cost, start=1))


def test_likelihood_keeps_empty_samples_empty_and_channels_without_counts_at_zero(mixtures):
    X = mixtures[0].clone()
    X[3] = 0
    X[:, 7] = 0
    found = nmf_kl(X, successive_projection(X, 5), max_iter=20)
    assert found.H.isfinite().all()
    assert found.W.isfinite().all()
    assert (found.H[3] == 0).all()
    assert found.W[:, 7].max() < 1e-12
