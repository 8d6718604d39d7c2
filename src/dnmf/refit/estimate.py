"""From counts, reference and prior to exposures: one method for all of them."""

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dnmf.criteria import P_UNASSIGNED, PRESENCE_RAMP, PRESENCE_THRESHOLD
from dnmf.executors import Executor, Workers, opened
from dnmf.kernels.goodness_of_fit import poisson_deviance, unexplained_share
from dnmf.kernels.mixture import likeliest_near
from dnmf.progress import Progress
from dnmf.refit.evidence import Evidence, best_fit, gather_evidence, reported
from dnmf.refit.model import RefitModel, load_model
from dnmf.refit.network import RefitOutput
from dnmf.refit.prior import ExposurePrior
from dnmf.refit.replicates import smoothed
from dnmf.threads import one_thread

Array = NDArray[np.float64]
Words = NDArray[np.object_]

# Samples that are worked on at a time: what they need stays in cache, and memory does not grow with the cohort.
CHUNK_SAMPLES = 256
# Known exposures are reduced to what can be reported at one of these numbers of mutations: powers of this factor.
LEVEL_FACTOR = 1.5
# Prior counts that keep the final shares near the network's.
NETWORK_COUNTS = 1000.0
# Passes over a cohort that is its own prior, before the last one; samples that are its known exposures, at most.
COHORT_PASSES, MOST_KNOWN = 3, 2000


@dataclass(frozen=True, slots=True)
class RefitEstimate:
    """Exposures of ``n`` samples to ``k`` signatures as shares of their mutations, and how far to trust them.

    Attributes
    ----------
    shares, lower, upper : (n, k)
        Rows of ``shares`` sum to 1; 90 % intervals with ``lower <= shares <= upper``.
    presence : (n, k)
        Probability that a signature is present, see ``dnmf.refit.evidence.present_from``; NaN from classic methods.
    unassigned : (n,)
        Share of the mutations that the reconstruction leaves over, see :func:`unexplained_share`; 0 unless
        ``p_reference`` or ``p_answer`` is below 0.05.
    p_reference : (n,)
        Of the test whether a mixture of the reference explains the counts: how often Poisson counts of the mixture of
        highest likelihood deviate as much.
    p_answer : (n,)
        Of the test whether this answer explains the counts: how often samples made of the reference's signatures are
        explained this badly.
    certificate : (n,)
        At most how many nats the log-likelihood is below the highest that any mixture of the signatures reaches. A
        likelihood gains about half the number of signatures by fitting noise.
    dispersion : (n,)
        Number by which the counts of a sample were divided, see
        :func:`dnmf.kernels.goodness_of_fit.deviance_dispersion`; 1 from classic
        methods.
    method : (n,)
        ``"network"``, ``"kl"``, ``"nnls"``, ``"sparse"``, or ``"none"`` of a sample without mutations.
    """

    shares: Array
    lower: Array
    upper: Array
    presence: Array
    unassigned: Array
    p_reference: Array
    p_answer: Array
    certificate: Array
    dispersion: Array
    method: Words

    def put(self, rows: NDArray[np.int_] | slice, other: "RefitEstimate") -> None:
        """Replace the estimates of some samples by those of another estimate; in place."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)

    @classmethod
    def empty(cls, n: int, k: int, method: str = "none") -> "RefitEstimate":
        """Return the estimates of samples without mutations: what holds until a method says more."""
        methods = np.empty(n, dtype=object)
        methods.fill(method)  # np.full would make a word of its own for each sample
        return cls(
            shares=np.zeros((n, k)),
            lower=np.zeros((n, k)),
            upper=np.zeros((n, k)),
            presence=np.full((n, k), np.nan),
            unassigned=np.zeros(n),
            p_reference=np.ones(n),
            p_answer=np.ones(n),
            certificate=np.zeros(n),
            dispersion=np.ones(n),
            method=methods,
        )


@one_thread()
def estimate_exposures(
    counts: Array,
    W: Array,
    prior: ExposurePrior,
    *,
    model: RefitModel | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> RefitEstimate:
    """Refit known signatures: posterior under the prior, the network's steps from it, exact zeros, intervals, tests.

    Parameters
    ----------
    counts, W : (n, f), (k, f)
        Mutations, and signatures whose rows sum to 1.
    prior : ExposurePrior
        Its shares are the known exposures. With the kind ``"cohort"`` the samples themselves are: each is answered with
        what was answered for the others, in several passes.
    model : RefitModel, optional
        By default the one that is shipped.
    workers : int
        Threads; the result does not depend on it.
    executor : Executor, optional
        Computes in place of threads: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
    progress : callable, optional
        Called after every chunk of samples.

    Notes
    -----
    1. The mixture posterior (:func:`dnmf.kernels.mixture.mixture_posterior`) of counts divided by their dispersion.
    2. From it the network; where its answer does not explain the sample, the mean over replicates of the counts
       (:func:`dnmf.refit.replicates.smoothed`).
    3. Signatures with a presence of at most 0.3, but for the largest, get exactly 0, and the share of those with a
       presence p below 0.5 is multiplied by ``(p - 0.3) / 0.2``: no share jumps when a call changes. The answer is
       ``argmax_h sum_c x_c log (h W)_c + 1000 sum_j h0_j log h_j``, h0 these shares.

    A sample's answer does not depend on the other samples, unless the cohort is the prior.
    """
    model = model or load_model()
    counts = np.ascontiguousarray(counts, dtype=np.float64)
    W = np.ascontiguousarray(W, dtype=np.float64)
    estimate = RefitEstimate.empty(len(counts), len(W), "network")
    filled = np.flatnonzero(counts.sum(axis=1) > 0)
    estimate.method[counts.sum(axis=1) <= 0] = "none"
    known, own = prior.shares, np.full(len(counts), -1)
    with opened(executor, workers) as pool:
        answer = _Cohort(counts, pool.share(W), pool.share(model), pool, progress).answer
        if prior.kind == "cohort":
            members = filled
            if len(filled) > MOST_KNOWN:
                members = np.sort(np.random.default_rng(0).permutation(filled)[:MOST_KNOWN])
            known = np.zeros((0, len(W)))
            place = np.full(len(counts), -1)
            for number in range(COHORT_PASSES):
                phase = f"pass {number + 1} of {COHORT_PASSES + 1}"
                for rows, part in answer(members, known, own, phase, is_last=False):
                    estimate.put(rows, part)
                known = estimate.shares[members]
                place[members] = np.arange(len(members))
                own = place
        last = f"pass {COHORT_PASSES + 1} of {COHORT_PASSES + 1}"
        phase = last if prior.kind == "cohort" else "refitting"
        for rows, part in answer(filled, known, own, phase, is_last=True):
            estimate.put(rows, part)
    return estimate


@dataclass(frozen=True)
class _Cohort:
    """Samples, and the workers that answer them; ``W`` and ``model`` are as these share them."""

    counts: Array
    W: Any
    model: Any
    workers: Workers
    progress: Progress | None

    def answer(
        self,
        chosen: NDArray[np.int_],
        known: Array,
        own: NDArray[np.int_],
        phase: str,
        *,
        is_last: bool,
    ) -> Iterator[tuple[NDArray[np.int_], RefitEstimate]]:
        """Yield the estimates of the chosen samples, those of about the same number of mutations at a time."""
        done = 0
        waiting: deque[tuple[NDArray[np.int_], Future[RefitEstimate]]] = deque()
        parts = self._parts(chosen, known)
        while True:
            # Of the next chunks no more wait than keep the workers busy.
            for rows, at_level in islice(parts, max(2 * self.workers.n_tasks - len(waiting), 0)):
                X, place = self.counts[rows], own[rows]
                task = self.workers.submit(_answer, X, self.W, at_level, place, self.model, is_last)
                waiting.append((rows, task))
            if not waiting:
                return
            rows, task = waiting.popleft()
            yield rows, self.workers.result(task)
            done += len(rows)
            if self.progress is not None:
                self.progress(phase, done, len(chosen), math.nan)

    def _parts(
        self, chosen: NDArray[np.int_], known: Array
    ) -> Iterator[tuple[NDArray[np.int_], Array]]:
        """Yield chunks of samples with the known exposures as they can be reported at their number of mutations."""
        levels = np.rint(np.log(self.counts[chosen].sum(axis=1)) / math.log(LEVEL_FACTOR))
        for level in np.unique(levels.astype(int)):
            at_level = reported(known, LEVEL_FACTOR**level) if len(known) else known
            shared, rows = self.workers.share(at_level), chosen[levels == level]
            for start in range(0, len(rows), CHUNK_SAMPLES):
                yield rows[start : start + CHUNK_SAMPLES], shared


def _answer(
    X: Array, W: Array, known: Array, own: NDArray[np.int_], model: RefitModel, is_last: bool
) -> RefitEstimate:
    n, k = len(X), len(W)
    fit = best_fit(X, W)
    evidence = gather_evidence(X, W, fit, known, own=own)
    with torch.no_grad():
        output = model.network(evidence)
        p_answer = model.p_answer(evidence, output)
        if is_last:
            output = smoothed(X, W, known, own, evidence, output, model)
    seen = evidence.seen.numpy()
    presence, called, final = final_shares(evidence, output)
    low, high = model.interval_ends(evidence, output, final, called)

    def whole(values: Array) -> Array:
        wide = np.zeros((n, k))
        np.put_along_axis(wide, seen, values, axis=1)
        return wide

    shares = whole(final)
    expected = shares @ W * X.sum(axis=1, keepdims=True)
    observed, answer = torch.from_numpy(X), torch.from_numpy(expected)
    excess = poisson_deviance(observed, answer).numpy() - fit.deviance
    p_reference = fit.p_value()
    left_over = unexplained_share(observed, answer).numpy()
    return replace(
        RefitEstimate.empty(n, k, "network"),
        shares=shares,
        lower=whole(low),
        upper=whole(high),
        presence=whole(presence),
        unassigned=np.where(np.minimum(p_reference, p_answer) < P_UNASSIGNED, left_over, 0.0),
        p_reference=p_reference,
        p_answer=p_answer,
        certificate=np.maximum(excess, 0) / 2 + fit.gap,
        dispersion=evidence.dispersion.double().numpy(),
    )


def final_shares(evidence: Evidence, output: RefitOutput) -> tuple[Array, NDArray[np.bool_], Array]:
    """Return presence, which signatures are given a share, and the shares, all (n, K) of the seen signatures."""
    presence = torch.sigmoid(output.presence).double().numpy()
    raw = output.shares.double().numpy()
    part = np.clip((presence - PRESENCE_THRESHOLD) / (2 * PRESENCE_RAMP) + 0.5, 0, 1)
    part[raw >= raw.max(axis=1, keepdims=True)] = 1
    called = part > 0
    kept = np.where(called, np.maximum(part * raw, 1e-9), 0)
    kept /= kept.sum(axis=1, keepdims=True)
    seen, W = evidence.seen.numpy(), evidence.W.double().numpy()
    shares = np.zeros((len(seen), len(W)))
    np.put_along_axis(shares, seen, kept, axis=1)
    shares = likeliest_near(evidence.X.double().numpy(), W, shares, NETWORK_COUNTS)
    return presence, called, np.take_along_axis(shares, seen, axis=1)
