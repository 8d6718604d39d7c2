"""Estimates of a refit from arrays: what holds of every answer, whatever else is in the batch."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from dnmf.criteria import PRESENCE_RAMP, PRESENCE_THRESHOLD
from dnmf.kernels import kl_exposures
from dnmf.refit import estimate as module
from dnmf.refit.estimate import (
    COHORT_PASSES,
    RefitEstimate,
    estimate_exposures,
    final_shares,
)
from dnmf.refit.evidence import best_fit, gather_evidence
from dnmf.refit.network import RefitOutput
from dnmf.refit.prior import ExposurePrior

Array = NDArray[np.float64]
NUMBERS = (
    *("shares", "lower", "upper", "presence", "unassigned"),
    *("p_reference", "p_answer", "certificate", "dispersion"),
)


def prior_of(shares: Array) -> ExposurePrior:
    return ExposurePrior("file", "mine", shares)


def without_prior(k: int) -> ExposurePrior:
    return ExposurePrior("none", "none", np.zeros((0, k)))


COHORT = ExposurePrior("cohort", "cohort", np.zeros((0, 6)))


@pytest.fixture(scope="module")
def problem() -> tuple[Array, Array, Array, Array]:
    """Counts (40, f), signatures (6, f), true shares (40, 6), known shares (30, 6)."""
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(30, 0.3), size=6)
    H = rng.dirichlet(np.full(6, 0.3), size=70)
    H[H < 0.05] = 0
    H /= H.sum(axis=1, keepdims=True)
    mutations = np.resize([15, 100, 1000, 30_000], 40)[:, None]
    X = rng.poisson(mutations * H[:40] @ W).astype(float)
    X[7] = 0
    return X, W, H[:40], H[40:]


def the_same(found: RefitEstimate, other: RefitEstimate, atol: float = 0.0) -> None:
    for name in NUMBERS:
        np.testing.assert_allclose(
            getattr(found, name), getattr(other, name), rtol=0, atol=atol, err_msg=name
        )
    np.testing.assert_array_equal(found.shares == 0, other.shares == 0)
    np.testing.assert_array_equal(found.method, other.method)


@pytest.mark.parametrize("kind", ["none", "file", "cohort"])
def test_what_holds_of_every_answer(problem: tuple[Array, Array, Array, Array], kind: str) -> None:
    X, W, H, known = problem
    prior = {"none": without_prior(6), "file": prior_of(known), "cohort": COHORT}[kind]
    found = estimate_exposures(X, W, prior)
    filled = X.sum(axis=1) > 0
    np.testing.assert_allclose(found.shares.sum(axis=1), filled)
    assert (found.lower >= 0).all()
    assert (found.lower <= found.shares).all()
    assert (found.shares <= found.upper).all()
    assert (found.upper <= 1).all()
    given = found.presence[filled] > PRESENCE_THRESHOLD - PRESENCE_RAMP
    largest = found.shares[filled] >= found.shares[filled].max(axis=1, keepdims=True)
    assert (found.shares[filled][~given & ~largest] == 0).all()
    assert (found.shares[filled][given] > 0).all()
    assert (found.shares == 0).any()
    for p in (found.p_reference, found.p_answer):
        assert ((p >= 0) & (p <= 1)).all()
    assert (found.dispersion >= 1).all()
    assert (found.certificate >= 0).all()
    sure = np.minimum(found.p_reference, found.p_answer) >= 0.05
    assert (found.unassigned[sure] == 0).all()
    assert list(found.method[[6, 7, 8]]) == ["network", "none", "network"]
    assert np.isnan(found.presence[7]).all()
    many = X.sum(axis=1) > 10_000
    assert abs(found.shares - H)[many].sum(axis=1).mean() < 0.05
    few = (X.sum(axis=1) < 40) & filled
    assert abs(found.shares - H)[few].sum(axis=1).mean() < 0.9
    assert (found.upper - found.lower)[few].max(axis=1).mean() > 0.2


def test_no_share_jumps_when_a_probability_of_presence_passes_a_threshold() -> None:
    W = np.random.default_rng(0).dirichlet(np.full(12, 0.5), size=3)
    X = 200 * np.array([[0.5, 0.3, 0.2]]) @ W
    evidence = gather_evidence(X, W, best_fit(X, W), np.zeros((0, 3)))
    shares = []
    for presence in np.linspace(0.25, 0.55, 301):
        output = RefitOutput(
            torch.tensor([[0.5, 0.3, 0.2]]),
            torch.logit(torch.tensor([[1.0, 1.0, presence]]), eps=1e-6),
            *(torch.zeros(1, 3),) * 2,
            torch.zeros(1),
        )
        shares.append(final_shares(evidence, output)[2][0, 2])
    assert max(shares[:50]) == 0
    assert shares[51] > 0
    assert_allclose(shares[-40:], 0.2, atol=0.01)
    assert np.diff(shares).min() >= 0
    assert np.diff(shares).max() < 0.005


def test_the_certificate_bounds_how_far_the_likelihood_is_below_the_highest(
    problem: tuple[Array, Array, Array, Array],
) -> None:
    X, W, _, known = problem
    X = X[X.sum(axis=1) > 0]
    found = estimate_exposures(X, W, prior_of(known))
    best = kl_exposures(torch.tensor(X), torch.tensor(W), tol=1e-9).H.numpy()
    best /= X.sum(axis=1, keepdims=True)
    lost = (X * np.log((best @ W) / (found.shares @ W))).sum(axis=1)
    assert (lost <= found.certificate + 1e-6).all()
    assert (found.certificate <= lost + 0.05).all()


def test_an_answer_depends_on_no_other_sample(problem: tuple[Array, Array, Array, Array]) -> None:
    X, W, _, known = problem
    prior = prior_of(known)
    found = estimate_exposures(X, W, prior)
    order = np.random.default_rng(1).permutation(len(X))
    back = np.argsort(order)
    other = estimate_exposures(X[order], W, prior)
    # Products of matrices of another size, or in another order, differ by rounding in single precision.
    shuffled = RefitEstimate(*(getattr(other, name)[back] for name in (*NUMBERS, "method")))
    the_same(shuffled, found, atol=1e-4)
    for i in (0, 1, 2, 3, 7):
        alone = estimate_exposures(X[i : i + 1], W, prior)
        here = RefitEstimate(*(getattr(found, name)[i : i + 1] for name in (*NUMBERS, "method")))
        the_same(alone, here, atol=1e-4)


def test_the_same_input_has_the_same_answer_to_the_last_bit(
    problem: tuple[Array, Array, Array, Array],
) -> None:
    X, W, _, known = problem
    the_same(estimate_exposures(X, W, prior_of(known)), estimate_exposures(X, W, prior_of(known)))


def test_the_number_of_threads_changes_nothing(
    problem: tuple[Array, Array, Array, Array],
    monkeypatch: pytest.MonkeyPatch,
    torch_threads: Callable[[int], None],
) -> None:
    X, W, _, known = problem
    seen = []
    gather = module.gather_evidence

    def spy(*arguments: Any, **named: Any) -> Any:
        seen.append(torch.get_num_threads())
        return gather(*arguments, **named)

    monkeypatch.setattr(module, "gather_evidence", spy)
    torch_threads(2)
    estimate_exposures(X[:4], W, prior_of(known))
    assert set(seen) == {1}
    assert torch.get_num_threads() == 2


def test_the_order_of_signatures_changes_nothing_but_the_order(
    problem: tuple[Array, Array, Array, Array],
) -> None:
    X, W, _, known = problem
    order = np.array([3, 0, 5, 1, 4, 2])
    found = estimate_exposures(X, W, prior_of(known))
    other = estimate_exposures(X, W[order], prior_of(known[:, order]))
    np.testing.assert_allclose(other.shares, found.shares[:, order], atol=0.005)
    np.testing.assert_allclose(other.upper, found.upper[:, order], atol=0.01)


def test_a_cohort_in_another_order_has_the_same_answers(
    problem: tuple[Array, Array, Array, Array],
) -> None:
    X, W, _, _ = problem
    order = np.random.default_rng(2).permutation(len(X))
    found, other = estimate_exposures(X, W, COHORT), estimate_exposures(X[order], W, COHORT)
    np.testing.assert_allclose(other.shares, found.shares[order], atol=1e-4)


def test_each_sample_of_a_cohort_is_answered_without_its_own_row(
    problem: tuple[Array, Array, Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, W, _, _ = problem
    seen = []
    gather = module.gather_evidence

    def spy(X: Array, W: Array, fit: object, known: Array, *, own: Array) -> object:
        seen.append((X.sum(axis=1), len(known), own.copy()))
        return gather(X, W, fit, known, own=own)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "gather_evidence", spy)
    estimate_exposures(X, W, COHORT)
    filled = np.flatnonzero(X.sum(axis=1) > 0)
    levels = len(seen) // (COHORT_PASSES + 1)
    assert all(len_known == 0 for _, len_known, _ in seen[:levels])
    for totals, n_known, own in seen[levels:]:
        assert n_known == len(filled)
        assert (X[filled[own]].sum(axis=1) == totals).all()


def test_large_cohorts_are_represented_by_some_of_their_samples(
    problem: tuple[Array, Array, Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, W, _, _ = problem
    monkeypatch.setattr(module, "MOST_KNOWN", 20)
    steps: list[int] = []
    found = estimate_exposures(X, W, COHORT, progress=lambda *step: steps.append(step[2]))
    assert set(steps) == {20, 39}
    np.testing.assert_allclose(found.shares.sum(axis=1), X.sum(axis=1) > 0)


@pytest.mark.parametrize("where", ["threads", "cluster"])
def test_workers_do_not_change_a_bit(
    problem: tuple[Array, Array, Array, Array],
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(module, "CHUNK_SAMPLES", 5)
    executor = request.getfixturevalue("dask_client") if where == "cluster" else None
    X, W, *_ = problem
    alone = estimate_exposures(X[:16], W, COHORT)
    the_same(estimate_exposures(X[:16], W, COHORT, workers=3, executor=executor), alone)


def test_progress_counts_samples_and_what_it_raises_ends_the_work(
    problem: tuple[Array, Array, Array, Array],
) -> None:
    X, W, _, known = problem
    calls: list[tuple[str, int, int, float]] = []
    estimate_exposures(X, W, prior_of(known), progress=lambda *step: calls.append(step))
    assert [step for _, step, _, _ in calls] == sorted(step for _, step, _, _ in calls)
    assert calls[-1][:3] == ("refitting", 39, 39)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        estimate_exposures(X, W, prior_of(known), progress=stop)


def test_counts_that_vary_more_than_poisson_counts_have_wider_intervals(
    problem: tuple[Array, Array, Array, Array],
) -> None:
    _, W, H, known = problem
    rng = np.random.default_rng(3)
    few = rng.poisson(1000 * H @ W).astype(float)
    narrow = estimate_exposures(rng.poisson(30_000 * H @ W).astype(float), W, prior_of(known))
    wide = estimate_exposures(30 * few, W, prior_of(known))
    assert np.median(wide.dispersion) == pytest.approx(30, rel=0.3)
    width = (wide.upper - wide.lower).max(axis=1)
    assert np.median(width / (narrow.upper - narrow.lower).max(axis=1)) > 2


def test_an_empty_catalog_and_mutations_that_no_signature_has() -> None:
    W = np.array([[0.0, 0.9, 0.1], [0.0, 0.2, 0.8]])
    empty = estimate_exposures(np.zeros((0, 3)), W, without_prior(2))
    assert empty.shares.shape == (0, 2)
    found = estimate_exposures(np.array([[30.0, 0.0, 0.0], [0, 0, 0]]), W, without_prior(2))
    assert found.shares[0].sum() == pytest.approx(1)
    assert not found.shares[1].any()
    assert found.p_reference[0] < 1e-6
    assert found.unassigned[0] > 0.5
    assert list(found.method) == ["network", "none"]


@pytest.mark.parametrize("mutations", [1e9, 1e15])
def test_very_large_counts_have_finite_answers(mutations: float) -> None:
    W = np.array([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    found = estimate_exposures(mutations * np.array([[2.0, 2, 1, 1]]), W, without_prior(2))
    np.testing.assert_allclose(found.shares, [[2 / 3, 1 / 3]], rtol=1e-3)


MEMORY_OF_A_REFIT = """
import sys, tracemalloc
import numpy as np
from dnmf.refit import estimate
from dnmf.refit.prior import ExposurePrior

estimate.CHUNK_SAMPLES = 25
rng = np.random.default_rng(4)
W = rng.dirichlet(np.full(6, 0.5), size=2)
without_prior = ExposurePrior("none", "none", np.zeros((0, 2)))
def catalog(samples):
    return rng.poisson(100 * rng.dirichlet(np.ones(2), size=samples) @ W).astype(float)

estimate.estimate_exposures(catalog(50), W, without_prior)  # imports, and fills caches
for samples in (50, 350):
    X = catalog(samples)
    tracemalloc.start()
    estimate.estimate_exposures(X, W, without_prior)
    print(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
"""


def test_memory_does_not_grow_with_the_cohort_beyond_its_answers() -> None:
    # In a process of its own: threads that other tests leave behind allocate, too.
    run = [sys.executable, "-c", MEMORY_OF_A_REFIT]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    few, many = (int(peak) for peak in printed.split())
    answers = 300 * (4 * 2 + 6) * 8  # bytes
    # It grows by 3 times the answers, since those of the chunks are joined; by 10 times if all samples are one chunk.
    assert many - few < 4 * answers
