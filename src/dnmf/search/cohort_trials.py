"""A fit of a cohort with its score, and what is tried from it: signatures deleted, added, exchanged, loosened."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dnmf.kernels.gamma_poisson import (
    CHANNEL_COUNT,
    STRENGTH_COST,
    STRENGTHS,
    GammaPoisson,
    improve,
    known_priors,
    start,
    strengths,
    with_added,
    without,
)

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

KNOWN_COST = 5.0
"""Nats that a known signature must gain: the logarithm of how many there are to choose from, about."""

NOVEL_COST = 60.0
"""Nats that a novel signature must gain beyond the cost of its channels: duplicates of flat ones gain up to half."""

NOVEL = -1
"""Label of a signature that is not of the reference."""

# Rounds of improvement: of a trial, of a choice, and of what is reported; a round that gains less nats is the last.
TRIAL_ROUNDS, CHOICE_ROUNDS, FINAL_ROUNDS, SETTLED_NATS = 12, 40, 300, 0.1
# Part of each sample that a novel signature starts with, beside what its start explains.
NOVEL_SHARE = 0.02


@dataclass(frozen=True)
class Found:
    """A state with its labels and score."""

    state: GammaPoisson
    labels: Labels

    @property
    def costs(self) -> Array:
        """Nats (k,) that each signature must gain."""
        worth = strengths(self.state.priors)
        steps = np.searchsorted(-np.array(STRENGTHS), -worth).clip(max=len(STRENGTHS) - 1)
        return np.where(self.labels == NOVEL, NOVEL_COST, KNOWN_COST + STRENGTH_COST * steps)

    @property
    def score(self) -> float:
        """Evidence minus the costs of the signatures, in nats."""
        return self.state.evidence - float(self.costs.sum())

    @property
    def n_novel(self) -> int:
        """How many signatures are not of the reference."""
        return int((self.labels == NOVEL).sum())


class Trials:
    """What is tried from a fit; several at a time, perhaps by processes elsewhere."""

    def __init__(self, X: Array, W: Array) -> None:
        self.X, self.W = X, W

    def at_strength(self, first: tuple[Labels, Array], strength: float) -> Found:
        """Return the fit of reference signatures from their first counts, profiles as stiff as ``strength``."""
        labels, counts = first
        W = self.W[labels]
        state = replace(start(self.X, known_priors(W, strength), W), counts=counts)
        return self.improved(Found(state, labels))

    def improved(self, found: Found, rounds: int = CHOICE_ROUNDS) -> Found:
        """Return the same signatures after so many rounds of improvement at most."""
        references = np.where((found.labels == NOVEL)[:, None], 0.0, self.W[found.labels])
        state = improve(
            self.X,
            found.state,
            rounds=rounds,
            tolerance=SETTLED_NATS,
            references=references,
        )
        return replace(found, state=state)

    def with_other(self, found: Found, pair: tuple[int, int]) -> Found:
        """Return the fit with reference r in the place of signature j, which may deviate as far from its profile."""
        j, r = pair
        strength = float(strengths(found.state.priors)[j])
        state = with_added(
            self.X, without(found.state, j), known_priors(self.W[r], strength), self.W[r]
        )
        return self.improved(Found(state, np.append(np.delete(found.labels, j), r)), FINAL_ROUNDS)

    def deleted(self, found: Found, which: int | Labels) -> Found:
        """Return the fit without one or several signatures."""
        state = found.state
        for j in sorted(np.atleast_1d(which), reverse=True):
            state = without(state, int(j))
        return self.improved(Found(state, np.delete(found.labels, which)))

    def with_one(self, found: Found, r: int) -> Found:
        """Return the fit with reference r added."""
        state = with_added(self.X, found.state, known_priors(self.W[r], STRENGTHS[-1]), self.W[r])
        return self.improved(Found(state, np.append(found.labels, r)), TRIAL_ROUNDS)

    def novel(self, found: Found, profile: Array) -> Found:
        """Return the fit with a novel signature added that starts from ``profile``."""
        state = found.state
        state = with_added(self.X, state, np.full(profile.shape, CHANNEL_COUNT), profile)
        more = NOVEL_SHARE * self.X.sum(axis=1)
        counts, E = state.counts.copy(), state.concentrations.copy()
        counts[:, -1] += more
        E[-1] += profile * more.sum()
        state = replace(state, counts=counts, concentrations=E)
        return self.improved(Found(state, np.append(found.labels, NOVEL)), TRIAL_ROUNDS)
