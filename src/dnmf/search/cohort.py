"""Which known signatures a cohort has, and whether it has others: selection by evidence, from a reference."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from dnmf.criteria import GOOD_MATCH_COSINE, present_from
from dnmf.executors import Executor, Workers, opened
from dnmf.kernels.gamma_poisson import (
    CHANNEL_COUNT,
    FIRST_SHAPE,
    STRENGTHS,
    GammaPoisson,
    gains_of_deletions,
    improve,
    known_priors,
    strengths,
)
from dnmf.kernels.goodness_of_fit import (
    deviance_dispersion,
    deviance_moments,
    poisson_deviance,
)
from dnmf.kernels.kl import kl_exposures
from dnmf.kernels.mixture import mixture_posterior
from dnmf.metrics import cosine_similarity
from dnmf.progress import Progress
from dnmf.search.cohort_trials import (
    FINAL_ROUNDS,
    NOVEL,
    NOVEL_COST,
    Array,
    Found,
    Labels,
    Trials,
)

MOST_MUTATIONS = 10_000.0
"""Mutations to which the counts of a sample are scaled down: above about as many the variation of real tumours
exceeds counting noise, and a few hypermutated tumours would decide alone."""

RECOGNISED_COSINE = 0.85
"""Cosine between a known signature and what the data show of it from which it is that one, where most of the reference
deviates from the data; where most of it does not, ``GOOD_MATCH_COSINE``."""

# Excess of a sample's variance over Poisson variance that counts as noise, in medians of the cohort.
MOST_OVER_TYPICAL = 5.0
# Mutations of a fit from which a signature counts as a parameter of it.
FITTED_EXPOSURE = 0.5
# Rounds in which exposures follow known profiles that are set back to those of the reference.
STIFF_ROUNDS = 4
# Trials that are improved fully, the best first, and nats by which a trial may fall short of the present state.
TRIALS_IMPROVED, TRIAL_SHORTFALL = 3, 60.0
# References that are tried in the place of each known signature: so many most like it, from this cosine on.
TRIED_ALIKE, LEAST_ALIKE = 4, 0.5
# Presence in some sample from which a signature takes part in the selection.
LEAST_PRESENCE = 0.5
# A part of the clearly worthless signatures is deleted at once while there are as many as this.
DELETED_AT_ONCE, DELETED_PART = 4, 1 / 3
# Samples that are explained worst, the positive residuals of which are starts of novel signatures.
WORST_SAMPLES = 4
# Directions of largest residual that are starts, in both senses.
RESIDUAL_DIRECTIONS = 3
# Mutations that a known signature must explain for what the data show of it to be a start.
LEAST_SHOWN = 50.0
# Novel signatures, at most.
MOST_NOVEL = 12
# Nats by which a score must rise for a step to be taken.
LEAST_GAIN = 1.0


class Equivalent(NamedTuple):
    """A signature of the cohort could be another one of the ``reference``, at a loss of so many ``nats``."""

    signature: int
    reference: int
    nats: float


@dataclass(frozen=True)
class CohortSignatures:
    """The signatures of a cohort.

    Attributes
    ----------
    labels : (k,)
        Index of each signature in the reference, ``NOVEL`` for those that are not in it; known ones first.
    state : GammaPoisson
        The fit, signatures in this order.
    losses : (k,)
        Nats that the evidence falls if a signature is taken away and the others take its place.
    counts : (n, f)
        What the model was fitted to: counts divided by the dispersion of their sample, scaled down to the cap.
    equivalents : list
        Other known signatures that could stand in the place of a known one, the least loss first; those most like it
        were tried.
    """

    labels: Labels
    state: GammaPoisson
    losses: Array
    counts: Array
    equivalents: list[Equivalent]


def capped(X: Array) -> Array:
    """Return counts (n, f) with rows scaled down to ``MOST_MUTATIONS``."""
    return X * np.minimum(1.0, MOST_MUTATIONS / X.sum(axis=1, keepdims=True))


def find_cohort_signatures(
    X: Array,
    W: Array,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> CohortSignatures:
    """Return which signatures of a reference a cohort has, and novel ones where these do not suffice.

    The model is that of :class:`dnmf.kernels.gamma_poisson.GammaPoisson`. Counts are divided by
    the dispersion of their sample (:func:`dnmf.kernels.goodness_of_fit.deviance_dispersion`) and capped. The score is
    the evidence minus ``KNOWN_COST`` for a known and ``NOVEL_COST`` for a novel signature.

    1. It starts from signatures that some sample's own posterior calls present. How far the data may deviate from each
       reference profile is learned all the time.
    2. Those without which the score is not lower are deleted, the most worthless first. Then each signature left out is
       tried once more, and others deleted again.
    3. Each signature is named after the reference profile that the data show; one that resembles none is novel.
    4. Novel signatures are added one at a time: from what is left unexplained, from what known ones explain beyond
       their profile, and from the profiles of the known ones as the data show them; steps 2 and 3 after each.
    5. Known ones are exchanged for others like them while the score rises.

    Parameters
    ----------
    X : (n, f)
        Counts; every row has some.
    W : (r, f)
        The reference, rows sum to 1.
    workers : int
        Threads; the result does not depend on it.
    executor : Executor, optional
        Tries in place of threads: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
    progress : callable, optional
        Called as ``progress(phase, step, 0, nan)`` after every step: how many there will be is not known.
    """
    counts = capped(X / _dispersions(X, W)[:, None])
    with opened(executor, workers) as pool:
        return _Search(counts, W, pool, progress or (lambda *_: None)).run()


def _dispersions(X: Array, W: Array) -> Array:
    """Return by how much the counts of each sample vary more than Poisson counts around the best mixture of ``W``.

    The excess grows with the mutations of a sample. It counts as far as it is at most ``MOST_OVER_TYPICAL`` times what
    is typical of the cohort for as many mutations: beyond that a sample has what the reference lacks.
    """
    counts, profiles = torch.from_numpy(X), torch.from_numpy(W)
    H = kl_exposures(counts, profiles).H
    expected = H @ profiles
    mean, variance = deviance_moments(expected, (H > FITTED_EXPOSURE).double().sum(dim=1))
    deviance = poisson_deviance(counts, expected).numpy()
    excess = deviance_dispersion(deviance, mean, np.sqrt(variance)) - 1
    totals = X.sum(axis=1)
    typical = float(np.median(excess / totals)) * totals
    return np.asarray(1 + np.minimum(excess, MOST_OVER_TYPICAL * typical))


class _Search(Trials):
    """Decides from the scores of trials what is tried next."""

    def __init__(self, X: Array, W: Array, workers: Workers, progress: Progress) -> None:
        super().__init__(X, W)
        self.workers, self.progress = workers, progress
        self.trials = workers.share(Trials(X, W))
        self.phase, self.steps = "", 0

    def tried(
        self, trial: Callable[[Trials, Any, Any], Found], found: Any, values: Sequence[Any]
    ) -> list[Found]:
        """Return what a trial from ``found`` leads to with each value."""
        return self.workers.map(trial, (self.trials, self.workers.share(found)), values)

    def run(self) -> CohortSignatures:
        self._begin("starting")
        found = self.first()
        self._begin("known signatures")
        found = self.with_known_ones_added(self.eliminate(found))
        self._begin("novel signatures")
        found = self.with_novel_ones(self.renamed(found))
        found, equivalents = self.exchanged(found)
        losses = -gains_of_deletions(self.X, found.state)
        return CohortSignatures(found.labels, found.state, losses, self.X, equivalents)

    def exchanged(self, found: Found) -> tuple[Found, list[Equivalent]]:
        """Put other known signatures in the place of known ones while the score rises; return also what falls short.

        Known ones come first in what is returned, and are settled.
        """
        while True:
            order = np.argsort(found.labels == NOVEL, kind="stable")
            found = replace(found, state=found.state.take(order), labels=found.labels[order])
            found = self.improved(found, FINAL_ROUNDS)
            self._report()
            pairs = self.alike(found)
            trials = self.tried(Trials.with_other, found, pairs)
            if pairs and (best := max(trials, key=lambda trial: trial.score)).score > (
                found.score + LEAST_GAIN
            ):
                found = self.eliminate(best)
                continue
            nats = [found.state.evidence - trial.state.evidence for trial in trials]
            rows = [Equivalent(j, r, loss) for (j, r), loss in zip(pairs, nats, strict=True)]
            return found, sorted(rows, key=lambda row: row.nats)

    def alike(self, found: Found) -> list[tuple[int, int]]:
        """Return each known signature j with the references r most like it that the cohort does not have."""
        pairs = []
        for j, label in enumerate(found.labels):
            if label == NOVEL:
                continue
            cosines = cosine_similarity(self.W[[label]], self.W)[0]
            cosines[found.labels[found.labels != NOVEL]] = 0.0
            near = np.argsort(-cosines, kind="stable")[:TRIED_ALIKE]
            pairs += [(j, int(r)) for r in near if cosines[r] >= LEAST_ALIKE]
        return pairs

    def _begin(self, phase: str) -> None:
        self.phase, self.steps = phase, 0
        self._report()

    def _report(self) -> None:
        """Tell that another step is done; nobody knows how many there will be."""
        self.progress(self.phase, self.steps, 0, math.nan)
        self.steps += 1

    # ------------------------------------------------------------ known signatures
    def first(self) -> Found:
        """Return the signatures that some sample calls present, at the strength with the highest evidence."""
        totals = self.X.sum(axis=1)
        likeliest = kl_exposures(torch.from_numpy(self.X), torch.from_numpy(self.W)).H
        posterior = mixture_posterior(
            self.X,
            self.W,
            likeliest.numpy() / totals[:, None],
            present_from(totals),
            np.zeros((0, len(self.W))),
        ).even
        called = np.asarray((posterior[:, 2] > LEAST_PRESENCE).any(axis=0))
        called[posterior[:, 0].mean(axis=0).argmax()] = True
        labels = np.flatnonzero(called)
        counts = posterior[:, 0][:, labels] * totals[:, None] + FIRST_SHAPE
        ends = (STRENGTHS[0], STRENGTHS[-1])
        fits = self.tried(Trials.at_strength, (labels, counts), ends)
        return max(fits, key=lambda found: found.score)

    def eliminate(self, found: Found) -> Found:
        """Delete signatures, the most worthless first, until the score would fall."""
        while len(found.labels) > 1:
            gains = gains_of_deletions(self.X, found.state) + found.costs
            order = np.argsort(-gains, kind="stable")
            worthless = order[gains[order] > 0]
            if len(worthless) >= DELETED_AT_ONCE:
                fewer = self.deleted(found, worthless[: int(len(worthless) * DELETED_PART)])
                if fewer.score >= found.score:
                    found = fewer
                    continue
            near = [int(j) for j in order[:TRIALS_IMPROVED] if gains[j] > -TRIAL_SHORTFALL]
            if not near:
                break
            trials = self.tried(Trials.deleted, found, near)
            best = max(trials, key=lambda trial: trial.score)
            if best.score < found.score:
                # The state may still gain by itself what the deletion seems to lose.
                found = self.improved(found)
                if best.score < found.score:
                    break
            found = best
            self._report()
        return found

    def with_known_ones_added(self, found: Found) -> Found:
        """Add known signatures that were left out as long as the score rises, and eliminate after each."""
        while True:
            left_out = np.setdiff1d(np.arange(len(self.W)), found.labels).tolist()
            better = self.best_of(found, self.tried(Trials.with_one, found, left_out))
            if better is None:
                return found
            found = better
            self._report()

    def best_of(self, found: Found, trials: list[Found]) -> Found | None:
        """Improve the best trials and eliminate from them; return the best if its score is above the present one."""
        ranked = sorted(trials, key=lambda trial: -trial.score)[:TRIALS_IMPROVED]
        near = [
            trial for trial in ranked if trial.score > found.score - TRIAL_SHORTFALL - NOVEL_COST
        ]
        best = None
        for trial in near:
            full = self.eliminate(self.improved(trial))
            if best is None or full.score > best.score:
                best = full
        return best if best is not None and best.score > found.score + LEAST_GAIN else None

    def stiff(self, found: Found) -> Found:
        """Return the same signatures, the known ones exactly as in the reference."""
        state, known = found.state, found.labels != NOVEL
        W = self.W[found.labels]
        shown = np.maximum(state.concentrations - state.priors, 0.0)
        shown[known] = shown[known].sum(axis=1, keepdims=True) * W[known]
        priors = np.where(known[:, None], known_priors(W, STRENGTHS[0]), state.priors)
        state = replace(state, priors=priors, concentrations=priors + shown)
        return replace(found, state=improve(self.X, state, rounds=STIFF_ROUNDS))

    # ------------------------------------------------------------ novel signatures
    def with_novel_ones(self, found: Found) -> Found:
        """Add novel signatures one at a time as long as the score rises.

        Known signatures that may deviate from the reference can hide a missing one. So where nothing is gained with
        them, a novel signature is also tried with known ones that may not, and the strength chosen afterwards.
        """
        while found.n_novel < MOST_NOVEL:
            self._report()
            better = self.with_novel_one(found, found)
            if better is None and self.deviating(found).any():
                better = self.with_novel_one(self.stiff(found), found)
            if better is None:
                break
            better = self.renamed(self.with_known_ones_added(better))
            if better.score <= found.score + LEAST_GAIN:
                break
            found = better
        return found

    def renamed(self, found: Found) -> Found:
        """Name each signature after the reference that it resembles as the data show it, and fit again.

        One that resembles none well (``GOOD_MATCH_COSINE``) is novel: a known one can only stand for what it resembles.
        """
        state, labels = found.state, found.labels.copy()
        reliable = self.deviating(found).mean() < 0.5
        cosines = cosine_similarity(state.profiles, self.W)
        for j, label in enumerate(found.labels):
            taken = np.delete(labels, j)
            cosines[j, taken[taken != NOVEL]] = 0.0
            nearest = int(cosines[j].argmax())
            bound = GOOD_MATCH_COSINE if label == NOVEL or reliable else RECOGNISED_COSINE
            labels[j] = nearest if cosines[j, nearest] >= bound else NOVEL
        changed = labels != found.labels
        if not changed.any():
            return found
        loose = known_priors(self.W[labels], STRENGTHS[-1])
        loose[labels == NOVEL] = CHANNEL_COUNT
        priors = np.where(changed[:, None], loose, state.priors)
        shown = state.concentrations - state.priors
        state = replace(state, priors=priors, concentrations=priors + shown)
        return self.eliminate(self.improved(Found(state, labels)))

    def deviating(self, found: Found) -> NDArray[np.bool_]:
        """Return which known signatures deviate from the reference, as the data show them."""
        known = found.labels != NOVEL
        return np.asarray(strengths(found.state.priors[known]) < STRENGTHS[0])

    def with_novel_one(self, found: Found, rival: Found) -> Found | None:
        """Return the best that one more novel signature leads to from ``found`` if it is better than ``rival``."""
        return self.best_of(rival, self.tried(Trials.novel, found, self.starts(found)))

    def starts(self, found: Found) -> list[Array]:
        """Return profiles (f,) of novel signatures to try.

        The positive residuals of the samples that are explained worst, their sum over all samples, the directions of
        largest residual, what the data show of each known signature, and what they show beyond its profile.
        """
        X, state = self.X, found.state
        means = state.counts / state.counts.sum(axis=1, keepdims=True)
        expected = means @ state.profiles * X.sum(axis=1, keepdims=True)
        residual = X - expected
        excess = np.maximum(residual, 0.0)
        worst = np.argsort(-excess.sum(axis=1) / np.sqrt(X.sum(axis=1)), kind="stable")
        profiles = [excess[n] for n in worst[:WORST_SAMPLES]]
        profiles.append(excess.sum(axis=0))
        scaled = residual / np.sqrt(expected + 0.5)
        _, vectors = np.linalg.eigh(scaled.T @ scaled)
        for v in vectors.T[::-1][:RESIDUAL_DIRECTIONS]:
            for side in (v, -v):
                profiles.append(np.maximum(side, 0.0) * np.sqrt(expected.sum(axis=0) + 0.5))
        shown = state.concentrations - state.priors
        profiles += [row for row in shown if row.sum() > LEAST_SHOWN]
        known = found.labels != NOVEL
        beyond = state.profiles[known] - self.W[found.labels[known]]
        profiles += list(np.maximum(beyond, 0.0))
        return [row / row.sum() for row in profiles if row.sum() > 0]
