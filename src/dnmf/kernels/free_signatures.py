"""Gamma-Poisson factorisation without known signatures: concentrations learned by signature, steps extrapolated."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

from dnmf.kernels.gamma_poisson import LEAST_SHAPE, MOST_SHAPE, GammaPoisson, improve

Array = NDArray[np.float64]

# Prior counts of a channel of a free signature: few for one of few channels, many for an even one.
LEAST_CONCENTRATION, MOST_CONCENTRATION = 0.1, 2.0
NEWTON_STEPS = 8
# Rounds between two updates of the concentrations, and between two points from which a step is extrapolated.
LEARNING_ROUNDS, POINT_ROUNDS = 20, 2
# Longest first extrapolation, its bounds, and how it grows or shrinks when a step succeeds or fails.
FIRST_LENGTH, LEAST_LENGTH, MOST_LENGTH, GROWTH = 4.0, 1.5, 64.0, 2.0
# An extrapolation multiplies no count by more than this.
MOST_FACTOR = 20.0
# Counts are extrapolated on a logarithmic scale, on which 0 is this.
LEAST_COUNT = 1e-8


def improve_free(
    X: Array, state: GammaPoisson, *, rounds: int, tolerance: float = 0.0
) -> GammaPoisson:
    """Improve a state of free signatures: about ``rounds`` rounds of :func:`improve`, extrapolated, priors learned.

    Each signature has a prior ``Dirichlet(g_k, ..., g_k)`` of its own; every ``LEARNING_ROUNDS`` rounds ``g_k`` becomes
    the maximum of the bound, ``f psi(f g) - f psi(g) + sum_c E log w_c = 0``, within ``LEAST_CONCENTRATION`` and
    ``MOST_CONCENTRATION``. So a peaked signature pays little for its empty channels, an even one for its full ones.

    Parameters
    ----------
    X : (n, f)
        Counts, not necessarily whole numbers; every row has some.
    state : GammaPoisson
        Unchanged. The priors of its signatures are even.
    rounds : int
        At least this many, fewer if ``LEARNING_ROUNDS`` raise the evidence by less than ``tolerance`` nats.

    Notes
    -----
    The rounds converge slowly: a step is extrapolated on the logarithms of all counts and shapes (Varadhan and Roland
    2008, Scandinavian Journal of Statistics 35:335), and kept where the evidence does not fall.
    """
    done, length, before = 0, FIRST_LENGTH, -np.inf
    while done < rounds:
        state, length = _extrapolated(X, state, length)
        state = with_learned_concentrations(state)
        done += LEARNING_ROUNDS
        if state.evidence - before < tolerance:
            break
        before = state.evidence
    return improve(X, state, rounds=POINT_ROUNDS)


def with_learned_concentrations(state: GammaPoisson) -> GammaPoisson:
    """Return the state with the even priors of its signatures at the maximum of the bound."""
    E, f = state.concentrations, state.concentrations.shape[1]
    mean_log = (digamma(E) - digamma(E.sum(axis=1, keepdims=True))).mean(axis=1)
    g = state.priors[:, 0]
    for _ in range(NEWTON_STEPS):
        slope = digamma(f * g) - digamma(g) + mean_log
        curvature = f * polygamma(1, f * g) - polygamma(1, g)
        g = g * np.exp(np.clip(-slope / (curvature * g), -1.0, 1.0))
        g = g.clip(LEAST_CONCENTRATION, MOST_CONCENTRATION)
    priors = np.repeat(g[:, None], f, axis=1)
    return replace(state, priors=priors, concentrations=E - state.priors + priors)


def _extrapolated(X: Array, state: GammaPoisson, length: float) -> tuple[GammaPoisson, float]:
    """Return the state after ``LEARNING_ROUNDS`` rounds, and the longest extrapolation to try next."""
    state = improve(X, state, rounds=POINT_ROUNDS)
    done = POINT_ROUNDS
    while done < LEARNING_ROUNDS:
        first = improve(X, state, rounds=POINT_ROUNDS)
        second = improve(X, first, rounds=POINT_ROUNDS)
        done += 2 * POINT_ROUNDS
        points = [_logarithms(one) for one in (state, first, second)]
        step, change = points[1] - points[0], points[2] - 2 * points[1] + points[0]
        # No product of BLAS: its last bits depend on where arrays lie in memory.
        size = float(np.sqrt(np.square(step).sum() / max(np.square(change).sum(), 1e-24)))
        size = min(size, length)
        state = second
        if size <= 1:
            continue
        ahead = points[0] + 2 * size * step + size**2 * change
        ahead = np.minimum(ahead, points[2] + np.log(MOST_FACTOR))
        trial = improve(X, _of_logarithms(ahead, second), rounds=POINT_ROUNDS)
        done += POINT_ROUNDS
        if trial.evidence >= second.evidence:
            state = trial
            if size == length:
                length = min(length * GROWTH, MOST_LENGTH)
        else:
            length = max(length / GROWTH, LEAST_LENGTH)
    return state, length


def _logarithms(state: GammaPoisson) -> Array:
    counts = (state.concentrations - state.priors, state.counts - state.shapes)
    logs = [np.log(part.clip(0.0) + LEAST_COUNT).ravel() for part in counts]
    return np.concatenate([*logs, np.log(state.shapes)])


def _of_logarithms(logs: Array, state: GammaPoisson) -> GammaPoisson:
    k, f = state.priors.shape
    attributed, kept, shapes = np.split(np.exp(logs), [k * f, len(logs) - k])
    shapes = shapes.clip(LEAST_SHAPE, MOST_SHAPE)
    return replace(
        state,
        concentrations=state.priors + attributed.reshape(k, f),
        counts=shapes + kept.reshape(-1, k),
        shapes=shapes,
    )
