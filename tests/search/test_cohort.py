"""Which known signatures a cohort has, and what is novel."""

import numpy as np
import pytest

from dnmf.metrics import cosine_similarity
from dnmf.search.cohort import (
    MOST_MUTATIONS,
    NOVEL,
    CohortSignatures,
    capped,
    find_cohort_signatures,
)
from dnmf.search.cohort_certainty import (
    losses_in_halves,
    profile_intervals,
    resampled_profiles,
)

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


def test_a_signature_that_the_reference_lacks_is_novel() -> None:
    W = reference()
    found = find_cohort_signatures(counts(W[TRUE]), np.delete(W, 5, axis=0))
    assert found.labels.tolist().count(NOVEL) == 1
    profile = found.state.profiles[found.labels == NOVEL]
    assert cosine_similarity(profile, W[[5]])[0, 0] > 0.98


def test_a_reference_that_deviates_from_the_data_adds_no_signature() -> None:
    W = reference()
    data = W * np.exp(0.3 * np.random.default_rng(3).standard_normal(W.shape))
    found = find_cohort_signatures(counts(data[TRUE] / data[TRUE].sum(axis=1, keepdims=True)), W)
    assert sorted(found.labels) == TRUE


def test_workers_and_repetition_change_nothing(found: CohortSignatures) -> None:
    again = find_cohort_signatures(counts(reference()[TRUE]), reference(), workers=2)
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


def test_intervals_of_novel_signatures_hold_the_truth() -> None:
    W = reference()
    found = find_cohort_signatures(counts(W[TRUE]), np.delete(W, 5, axis=0))
    draws = resampled_profiles(found, np.random.default_rng(0))
    low, high = profile_intervals(found.state.profiles[found.labels == NOVEL], draws)
    assert (low <= high).all()
    assert ((W[5] >= low[0] - 1e-3) & (W[5] <= high[0] + 1e-3)).mean() > 0.8


def test_without_novel_signatures_there_are_no_intervals(found: CohortSignatures) -> None:
    draws = resampled_profiles(found, np.random.default_rng(0))
    assert draws.shape[1:] == (0, 48)
