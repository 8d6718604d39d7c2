"""Signatures of counts with counting noise: the Gamma-Poisson model, its starts, and the best of many."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.free_signatures import improve_free
from dnmf.kernels.gamma_poisson import CHANNEL_COUNT, Array, GammaPoisson, improve, start
from dnmf.search.cohort import capped

# Rounds of a restart; those from it on the data, by which restarts are ranked; those of the best few, and how many.
SEARCH_ROUNDS, RANKING_ROUNDS, POLISHING_ROUNDS, POLISHED = 140, 40, 500, 6
# Rounds after which signatures have moved from an optimum to that of a part of the samples.
REFINEMENT_ROUNDS = 60
# Rise of the evidence in nats below which a fit has converged.
CONVERGED = 0.5
# Part of a starting signature that is even, of a start and of what a search has found: a channel that starts without
# mutations gets hardly any.
START_EVEN_PART, FOUND_EVEN_PART = 0.2, 0.02
FIRST_SHAPE = 0.3
# Prior mutations by which signatures stay as they are, and the rounds in which exposures are fitted to such.
FIRMLY, EXPOSURE_ROUNDS = 1e9, 10


def search_counts(
    X: Float[Tensor, "n f"], W0: Float[Tensor, "k f"], *, rounds: int | None = None
) -> Float[Tensor, "k f"]:
    """Find signatures from a start by ``rounds`` rounds, of the Gamma-Poisson model with a shape for each signature.

    ``x_nc ~ Poisson(sum_k h_nk w_kc)``, ``h_nk ~ Gamma(a_k, b_n)``, ``b_n = sum_k a_k / T_n``,
    ``w_k ~ Dirichlet(g_k, ..., g_k)``, ``T_n`` the mutations of the sample; ``a_k`` and ``g_k`` are learned. Exposures
    and signatures are independent in the posterior, see :class:`dnmf.kernels.gamma_poisson.GammaPoisson`. Samples of
    more than ``MOST_MUTATIONS`` are scaled down to it; those without mutations have no part.

    Parameters
    ----------
    X, W0 : (n, f), (k, f)
        Counts and the starting signatures, rows summing to 1.
    rounds : int, optional
        By default ``SEARCH_ROUNDS``.

    Returns
    -------
    (k, f) tensor
        Signatures, rows summing to 1; one that nothing supports is even.
    """
    counts = _capped(X)
    if not len(counts):
        return W0
    rounds = SEARCH_ROUNDS if rounds is None else rounds
    k, f = W0.shape
    smooth = (1 - START_EVEN_PART) * W0.numpy() + START_EVEN_PART / f
    state = start(counts, np.full((k, f), CHANNEL_COUNT), smooth, shape=FIRST_SHAPE)
    return _signatures(improve_free(counts, state, rounds=rounds))


def best_signatures(
    X: Float[Tensor, "n f"], found: Sequence[Float[Tensor, "k f"]]
) -> tuple[Float[Tensor, "k f"], Float[np.ndarray, " m"]]:
    """Return the signatures of the most evidence that any of the starts leads to, and the cost of each start.

    All m are improved by ``RANKING_ROUNDS`` rounds, the best ``POLISHED`` of them by ``POLISHING_ROUNDS``. The cost is
    the evidence in nats, without ``sum log x!``, times -1: that of those not polished is an upper bound.
    """
    counts = _capped(X)
    states = [improve_free(counts, _found(counts, W), rounds=RANKING_ROUNDS) for W in found]
    order = np.argsort([-state.evidence for state in states], kind="stable")
    for index in order[:POLISHED]:
        states[index] = improve_free(
            counts, states[index], rounds=POLISHING_ROUNDS, tolerance=CONVERGED
        )
    best = max(states, key=lambda state: state.evidence)
    return _signatures(best), np.array([-state.evidence for state in states])


def refine_counts(X: Float[Tensor, "n f"], W: Float[Tensor, "k f"]) -> Float[Tensor, "k f"]:
    """Go on from signatures near an optimum of :func:`search_counts`."""
    counts = _capped(X)
    return _signatures(
        improve_free(counts, _found(counts, W), rounds=REFINEMENT_ROUNDS, tolerance=CONVERGED)
    )


def _capped(X: Tensor) -> Array:
    counts = X.numpy()
    return capped(counts[counts.sum(axis=1) > 0])


def _found(counts: Array, W: Tensor) -> GammaPoisson:
    """Return signatures that a search has found, with their exposures to the counts."""
    k, f = W.shape
    smooth = (1 - FOUND_EVEN_PART) * W.numpy() + FOUND_EVEN_PART / f
    firm = CHANNEL_COUNT + FIRMLY * smooth
    fixed = start(counts, firm, smooth, shape=FIRST_SHAPE)
    fitted = improve(counts, fixed, rounds=EXPOSURE_ROUNDS)
    priors = np.full((k, f), CHANNEL_COUNT)
    explained = fitted.exposures.sum(axis=0).clip(1.0)
    return replace(fitted, priors=priors, concentrations=priors + smooth * explained[:, None])


def _signatures(state: GammaPoisson) -> Tensor:
    return torch.from_numpy(state.profiles.copy())
