"""Which known signatures a cohort has, and what is novel."""

from dataclasses import replace

import numpy as np
import pytest

from dnmf.kernels.gamma_poisson import CHANNEL_COUNT, GammaPoisson
from dnmf.metrics import cosine_similarity
from dnmf.search.cohort import (
    MOST_MUTATIONS,
    CohortSignatures,
    capped,
    find_cohort_signatures,
)
from dnmf.search.cohort_certainty import (
    exposure_reaches,
    losses_in_halves,
    profile_covariances,
    profile_intervals,
)
from dnmf.search.cohort_trials import NOVEL

TRUE = [0, 3, 5, 8]


def reference(f: int = 48, k: int = 12) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.full(f, 0.2), k)


def counts(W: np.ndarray, seed: int = 1, n: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    H = rng.gamma(1.0, 400.0, (n, len(W))) * (rng.random((n, len(W))) < 0.6)
    H[:, 0] += 50
    return rng.poisson(H @ W).astype(float)


@pytest.fixture(scope="module")
def found() -> CohortSignatures:
    return find_cohort_signatures(counts(reference()[TRUE]), reference())


def test_the_signatures_of_a_cohort_are_found_and_no_others(found: CohortSignatures) -> None:
    assert sorted(found.labels) == TRUE
    assert (found.losses > 50).all()


@pytest.fixture(scope="module")
def found_novel() -> CohortSignatures:
    W = reference()
    return find_cohort_signatures(counts(W[TRUE]), np.delete(W, 5, axis=0))


def test_a_signature_that_the_reference_lacks_is_novel(found_novel: CohortSignatures) -> None:
    assert found_novel.labels.tolist().count(NOVEL) == 1
    profile = found_novel.state.profiles[found_novel.labels == NOVEL]
    assert cosine_similarity(profile, reference()[[5]])[0, 0] > 0.98


def test_a_reference_that_deviates_from_the_data_adds_no_signature() -> None:
    W = reference()
    data = W * np.exp(0.3 * np.random.default_rng(3).standard_normal(W.shape))
    found = find_cohort_signatures(counts(data[TRUE] / data[TRUE].sum(axis=1, keepdims=True)), W)
    assert sorted(found.labels) == TRUE


@pytest.mark.parametrize("where", ["threads", "cluster"])
def test_workers_and_repetition_change_nothing(
    found: CohortSignatures, where: str, request: pytest.FixtureRequest
) -> None:
    executor = request.getfixturevalue("dask_client") if where == "cluster" else None
    X = counts(reference()[TRUE])
    again = find_cohort_signatures(X, reference(), workers=2, executor=executor)
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.state.counts, found.state.counts)


def test_what_the_progress_callback_raises_ends_the_work() -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_cohort_signatures(counts(reference()[TRUE]), reference(), progress=stop)


def test_samples_above_the_cap_keep_their_spectrum() -> None:
    X = np.array([[3 * MOST_MUTATIONS, MOST_MUTATIONS], [2.0, 1.0]])
    np.testing.assert_allclose(
        capped(X), [[0.75 * MOST_MUTATIONS, 0.25 * MOST_MUTATIONS], [2.0, 1.0]]
    )


def test_both_halves_of_the_samples_need_what_all_need(found: CohortSignatures) -> None:
    halves = losses_in_halves(found, np.random.default_rng(0))
    assert halves.shape == (2, len(TRUE))
    assert (halves > 10).all()
    assert (halves.sum(axis=0) < 1.5 * found.losses).all()


def test_a_near_copy_in_the_reference_is_an_equivalent() -> None:
    W = reference()
    rng = np.random.default_rng(2)
    copy = W[5] * np.exp(0.02 * rng.standard_normal(W.shape[1]))
    both = np.vstack([W, copy / copy.sum()])
    found = find_cohort_signatures(counts(W[TRUE]), both)
    names = {5, len(W)}
    taken = names & set(found.labels.tolist())
    assert len(taken) == 1
    first = found.equivalents[0]
    assert {int(found.labels[first.signature]), first.reference} == names
    assert first.nats < 10


def test_intervals_of_novel_signatures_hold_the_truth(found_novel: CohortSignatures) -> None:
    low, high = profile_intervals(found_novel, profile_covariances(found_novel))
    truth = reference()[5]
    assert ((truth >= low[0]) & (truth <= high[0])).mean() > 0.8
    # Without data the interval of each of 48 channels is wider than this in all.
    assert (high - low).sum() < 1.5


def test_deviations_of_a_novel_profile_sum_to_0(found_novel: CohortSignatures) -> None:
    (covariance,) = profile_covariances(found_novel)
    np.testing.assert_allclose(covariance.sum(axis=1), 0, atol=1e-12)
    assert np.linalg.eigvalsh(covariance).min() > -1e-12


def test_the_covariance_of_a_profile_is_its_part_of_that_of_profile_and_exposures() -> None:
    rng = np.random.default_rng(0)
    n, k, f, novel = 5, 3, 6, 2
    concentrations = 1_000 * rng.dirichlet(np.ones(f), k) + CHANNEL_COUNT
    h, shapes = rng.gamma(2.0, 200.0, (n, k)), np.array([0.5, 0.2, 0.3])
    h[0, 1] = 0.0
    state = GammaPoisson(np.full((k, f), CHANNEL_COUNT), concentrations, h + shapes, shapes)
    X = rng.poisson(h @ state.profiles).astype(float)
    found = CohortSignatures(np.array([0, 1, NOVEL]), state, np.ones(k), X, [])
    totals = X.sum(axis=1)
    means = state.counts / state.counts.sum(axis=1, keepdims=True)
    r = totals[:, None] * means @ state.profiles
    # Precision of the profile and of all exposures together.
    precision = np.zeros((f + n * k, f + n * k))
    precision[:f, :f] = np.eye(f) * f**2 / 2
    for i in range(n):
        slope = np.zeros((f + n * k, f))
        slope[:f] = h[i, novel] * np.eye(f)
        slope[f + i * k : f + (i + 1) * k] = state.profiles
        precision += slope / r[i] @ slope.T
    precision[f + 1, f + 1] += (shapes.sum() / totals[0]) ** 2 / shapes[1]
    sums_to_0 = np.linalg.qr(np.column_stack([np.ones(f), np.eye(f)[:, 1:]]))[0][:, 1:]
    basis = np.zeros((f + n * k, f - 1 + n * k))
    basis[:f, : f - 1], basis[f:, f - 1 :] = sums_to_0, np.eye(n * k)
    joint = basis @ np.linalg.inv(basis.T @ precision @ basis) @ basis.T
    np.testing.assert_allclose(profile_covariances(found)[0], joint[:f, :f], rtol=1e-4, atol=1e-9)


def test_a_novel_profile_that_known_ones_can_take_from_is_less_certain(
    found_novel: CohortSignatures,
) -> None:
    """In samples of the novel signature alone its profile is known as well as counts tell."""
    state, novel = found_novel.state, found_novel.labels == NOVEL
    alone = replace(
        found_novel,
        labels=found_novel.labels[novel],
        state=state.take(np.flatnonzero(novel)),
        counts=state.exposures[:, novel] * state.profiles[novel],
    )
    assert np.trace(profile_covariances(alone)[0]) < np.trace(profile_covariances(found_novel)[0])


def test_exposures_are_as_uncertain_as_a_novel_profile_makes_them(
    found_novel: CohortSignatures,
) -> None:
    reaches = exposure_reaches(found_novel, profile_covariances(found_novel))
    novel = found_novel.labels == NOVEL
    share = found_novel.state.exposures[:, novel][:, 0] / found_novel.counts.sum(axis=1)
    # What a sample has none of moves nothing in it.
    assert reaches[share < 1e-3].max() < 1e-3
    assert (reaches[share > 0.3].max(axis=1) > 0.05).all()


def test_without_novel_signatures_there_are_no_intervals(found: CohortSignatures) -> None:
    covariances = profile_covariances(found)
    low, high = profile_intervals(found, covariances)
    assert covariances.shape == (0, 48, 48)
    assert low.shape == high.shape == (0, 48)
