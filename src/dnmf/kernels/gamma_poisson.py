"""Gamma-Poisson factorisation by variational Bayes: some signatures known, some free, sparsity learned by signature."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

from dnmf.kernels._component_numba import RELAXATION
from dnmf.kernels._gamma_poisson_numba import deletion_gains, improve_samples

Array = NDArray[np.float64]

# Shapes of exposures: below the least one a signature is absent from nearly all samples.
LEAST_SHAPE, MOST_SHAPE = 1e-3, 10.0
# Shape from which a fit starts.
FIRST_SHAPE = 0.1
# Prior counts of a channel of a free signature.
CHANNEL_COUNT = 0.5
# Parts of a mixture below which a signature does not count as part of another.
LEAST_PART = 0.1
# Steps of the exposures between two updates of the shapes and of the free signatures.
INNER_STEPS = 3
# Mutations of a known signature that its reference is worth: from practically exact to a deviation of an eighth in a
# channel of 6 %. Nats that each step costs; rounds between two choices.
STRENGTHS = (1e5, 1e4, 3e3, 1e3)
STRENGTH_COST, STRENGTH_ROUNDS = 3.0, 4
# Part of a plain step that an over-relaxed one takes at least.
LEAST_STEP = 0.3


@dataclass(frozen=True, slots=True)
class GammaPoisson:
    """State of a fit of counts by signatures that may be known.

    ``x_nc ~ Poisson(sum_k h_nk w_kc)``, ``h_nk ~ Gamma(a_k, b_n)``, ``b_n = sum_k a_k / T_n``, ``T_n = sum_c x_nc``,
    ``w_k ~ Dirichlet(priors_k)``

    Attributes
    ----------
    priors : (k, f)
        Prior concentrations of the signatures: 0.5 of free ones, see :func:`known_priors`.
    concentrations : (k, f)
        Posterior of the signatures, ``Dirichlet(concentrations)``.
    counts : (n, k)
        Posterior of the exposures, ``Gamma(counts, 1 + b_n)``.
    shapes : (k,)
        ``a_k``, learned: small for a signature that few samples have.
    evidence : float
        Lower bound of the log evidence in nats, without ``sum log x!``.
    """

    priors: Array
    concentrations: Array
    counts: Array
    shapes: Array
    evidence: float = -np.inf

    @property
    def profiles(self) -> Array:
        """Return the posterior means of the signatures, without the counts of each channel's least prior."""
        kept = np.maximum(self.concentrations - np.minimum(self.priors, CHANNEL_COUNT), 0.0)
        total = kept.sum(axis=1, keepdims=True)
        return np.where(total > 0, kept / np.where(total > 0, total, 1.0), 1 / kept.shape[1])

    @property
    def exposures(self) -> Array:
        """Return the mutations (n, k) that signatures explain: posterior counts less the prior's."""
        return np.maximum(self.counts - self.shapes, 0.0)

    def take(self, kept: NDArray[np.int64]) -> "GammaPoisson":
        """Return the state of some of the signatures, in that order."""
        return GammaPoisson(
            self.priors[kept],
            self.concentrations[kept],
            self.counts[:, kept],
            self.shapes[kept],
            self.evidence,
        )


def known_priors(W: Array, strength: float) -> Array:
    """Return ``0.5 + strength W``: signatures known as well as if ``strength`` of their mutations had been seen."""
    return CHANNEL_COUNT + strength * W


def start(X: Array, priors: Array, W: Array, *, shape: float = FIRST_SHAPE) -> GammaPoisson:
    """Return a state to improve: exposures even, signatures as ``W`` (k, f), rows sum to 1, believed firmly."""
    k = len(W)
    counts = np.repeat(X.sum(axis=1, keepdims=True) / k + shape, k, axis=1)
    return GammaPoisson(priors, priors + W * (X.sum() / k), counts, np.full(k, shape))


def improve(
    X: Array,
    state: GammaPoisson,
    *,
    rounds: int,
    tolerance: float = 0.0,
    references: Array | None = None,
) -> GammaPoisson:
    """Improve a state by ``rounds`` of: three steps of the exposures, one of the signatures and of the shapes.

    With ``eh = exp(psi(A)) / (1 + b)``, ``ew = exp(E log w)`` and ``R = eh ew``: ``A = a + eh sum_c ew x / R``,
    ``E = prior + ew sum_n eh x / R``, ``psi(a_k) = (sum of psi(A) over its samples + sum_n log b_n/(1+b_n)) / m_k``,
    the maximum of the bound over ``a_k`` where m_k samples have the signature and all others keep their prior. Steps
    are over-relaxed.

    Parameters
    ----------
    X : (n, f)
        Counts, not necessarily whole numbers; every row has some.
    state : GammaPoisson
        Unchanged.
    rounds : int
        At most; fewer if a round raises the evidence by less than ``tolerance`` nats.
    references : (k, f), optional
        Profiles that known signatures have in a reference, 0 for free ones. With them, how well each is known is
        learned: its prior becomes that of ``STRENGTHS`` under which what it explains is likeliest.
    """
    X = np.ascontiguousarray(X, dtype=np.float64)
    A, a, E = state.counts.copy(), state.shapes.copy(), state.concentrations
    totals, k, priors = X.sum(axis=1), len(state.shapes), state.priors
    eW = expected_log(E)
    attributed, active, logs = np.empty_like(eW), np.empty(k), np.empty(k)
    evidence, before = -np.inf, -np.inf
    for number in range(rounds + 1):
        b = a.sum() / totals
        last = number == rounds or (number > 0 and evidence - before < tolerance)
        before = evidence
        evidence = improve_samples(
            X, eW, A, a, b, 0 if last else INNER_STEPS, attributed, active, logs
        )
        evidence -= float(_divergence(E, priors).sum())
        if last:
            break
        shown, before_shown = eW * attributed, E - priors
        if references is not None and number % STRENGTH_ROUNDS == STRENGTH_ROUNDS - 1:
            priors = likeliest_priors(references, shown, priors)
        E = priors + np.maximum(
            before_shown + RELAXATION * (shown - before_shown), LEAST_STEP * shown
        )
        eW = expected_log(E)
        updated = _shapes(active, logs, float(np.log(b / (1 + b)).sum()))
        # Samples in which a signature is not active keep the prior, whatever it is.
        A = np.where(a < A, np.maximum(A, updated), updated)
        a = updated
    return GammaPoisson(priors, E, A, a, evidence)


def likeliest_priors(references: Array, shown: Array, priors: Array) -> Array:
    """Return the priors (k, f) that make the counts ``shown`` (k, f) likeliest; those of free signatures as they are.

    ``log p = sum_c [lgamma(P_c + x_c) - lgamma(P_c)] - lgamma(sum P + sum x) + lgamma(sum P)`` (Dirichlet-multinomial)
    with ``P = 0.5 + strength * reference``, less ``STRENGTH_COST`` nats for each step from the strongest.
    """
    known = references.sum(axis=1) > 0
    best, chosen = np.full(len(priors), -np.inf), priors.copy()
    for step, strength in enumerate(STRENGTHS):
        P = known_priors(references, strength)
        value = (gammaln(P + shown) - gammaln(P)).sum(axis=1)
        value += gammaln(P.sum(axis=1)) - gammaln((P + shown).sum(axis=1)) - STRENGTH_COST * step
        better = known & (value > best)
        chosen[better], best[better] = P[better], value[better]
    return chosen


def strengths(priors: Array) -> Array:
    """Return how many mutations of each signature (k,) its reference is worth under these priors; 0 for free ones."""
    return np.asarray(priors.sum(axis=1) - CHANNEL_COUNT * priors.shape[1]).round(6)


def without(state: GammaPoisson, j: int) -> GammaPoisson:
    """Return the state with signature j deleted, its mutations given to the others."""
    substitutes = resembling_mixtures(state.profiles, np.array([j]))[0]
    kept = state.exposures
    moved = kept[:, j].copy()
    kept[:, j] = 0.0
    others = kept.sum(axis=1, keepdims=True)
    half = np.where(others > 0, 0.5, 0.0)
    kept = kept + moved[:, None] * (
        half * kept / np.where(others > 0, others, 1.0) + (1 - half) * substitutes
    )
    rest = np.delete(np.arange(len(state.shapes)), j)
    return replace(state, counts=kept + state.shapes).take(rest)


def gains_of_deletions(X: Array, state: GammaPoisson, *, steps: int = 15) -> Array:
    """Return by how many nats the evidence changes when each signature is deleted alone.

    The others keep their shapes and profiles. The cost of the profile that is deleted counts.
    """
    k = len(state.shapes)
    gains = np.empty(k)
    deletion_gains(
        np.ascontiguousarray(X, dtype=np.float64),
        expected_log(state.concentrations),
        state.counts,
        state.shapes,
        state.shapes.sum() / X.sum(axis=1),
        resembling_mixtures(state.profiles, np.arange(k)),
        np.arange(k),
        steps,
        gains,
    )
    return np.asarray(gains + _divergence(state.concentrations, state.priors))


def expected_log(E: Array) -> Array:
    """Return ``exp(E log w)`` of ``Dirichlet(E)`` (k, f)."""
    return np.asarray(np.exp(digamma(E) - digamma(E.sum(axis=1, keepdims=True))))


def resembling_mixtures(W: Array, candidates: NDArray[np.int64], *, steps: int = 100) -> Array:
    """Return, for each candidate, the mixture (k,) of the other signatures with the least divergence from it.

    Expectation maximisation from an even mixture: ``h <- h * (w_j / (h W)) W^T``, h_j = 0.
    """
    k = len(W)
    h = np.full((len(candidates), k), 1.0 / max(k - 1, 1))
    h[np.arange(len(candidates)), candidates] = 0.0
    for _ in range(steps):
        h *= (W[candidates] / np.maximum(h @ W, 1e-12)) @ W.T
    total = h.sum(axis=1, keepdims=True)
    return np.asarray(h / np.where(total > 0, total, 1.0))


def _shapes(active: Array, logs: Array, log_rates: float) -> Array:
    m = np.maximum(active, 1e-9)
    target = (logs + log_rates) / m
    shapes = inverse_digamma(np.where(active > 0, target, -1e6))
    return np.asarray(shapes.clip(LEAST_SHAPE, MOST_SHAPE))


def inverse_digamma(y: Array) -> Array:
    """Return x with ``psi(x) = y``, by Newton steps (Minka 2000, appendix C)."""
    x = np.where(
        y >= -2.22, np.exp(np.minimum(y, 50.0)) + 0.5, -1.0 / (np.minimum(y, -2.22) - digamma(1.0))
    )
    for _ in range(5):
        x = x - (digamma(x) - y) / polygamma(1, x)
    return np.asarray(x)


def _divergence(E: Array, prior: Array) -> Array:
    """Return the divergence (k,) of ``Dirichlet(E)`` from ``Dirichlet(prior)`` in nats."""
    total, before = E.sum(axis=1), prior.sum(axis=1)
    cost = gammaln(total) - gammaln(before) - (gammaln(E) - gammaln(prior)).sum(axis=1)
    return np.asarray(cost + ((E - prior) * (digamma(E) - digamma(total)[:, None])).sum(axis=1))


def with_added(X: Array, state: GammaPoisson, prior: Array, W: Array) -> GammaPoisson:
    """Return the state with one signature ``W`` (f,) more, with a start for its exposures.

    It starts with what others explain that resembles it: with m the mixture of the others nearest to it, half of
    ``min_k h_nk / m_k`` over the parts of m above 0.1. To that comes what is unexplained: under a good fit the mean
    over a sample's mutations of ``w_c / r_c`` is 1, r the expected counts as shares; half of its excess over 1, at most
    half of the sample.
    """
    profiles = np.concatenate([state.profiles, W[None]])
    mixture = resembling_mixtures(profiles, np.array([len(profiles) - 1]))[0][:-1]
    parts = mixture > LEAST_PART
    kept = state.exposures
    # Without other signatures there is nothing to take over.
    absorbed = np.zeros(len(X))
    if parts.any():
        absorbed = 0.5 * (kept[:, parts] / mixture[parts]).min(axis=1)
    kept = np.maximum(kept - absorbed[:, None] * np.where(parts, mixture, 0.0), 0.0)
    expected = (state.counts / state.counts.sum(axis=1, keepdims=True)) @ state.profiles
    total = X.sum(axis=1)
    excess = (X / np.maximum(expected, 1e-9)) @ W / total - 1
    share = excess.clip(0.0, 1.0) / 2
    moved = absorbed + total * share
    kept *= ((total - moved).clip(0.0) / np.maximum(kept.sum(axis=1), 1e-9)).clip(0, 1)[:, None]
    return GammaPoisson(
        np.concatenate([state.priors, prior[None]]),
        np.concatenate([state.concentrations, (prior + W * moved.sum())[None]]),
        np.concatenate([kept + state.shapes, (moved + FIRST_SHAPE)[:, None]], axis=1),
        np.append(state.shapes, FIRST_SHAPE),
    )
