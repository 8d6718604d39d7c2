"""How long a selection will take and how much memory, before it begins."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from dnmf.extraction.arguments import filled_counts
from dnmf.extraction.checkpoint import Checkpoint
from dnmf.kernels import successive_projection
from dnmf.kernels.alternating import Phase, nmf_anls
from dnmf.search import gamma_poisson_search as counted
from dnmf.search.count_noise import CountNoise, estimate_count_noise
from dnmf.search.find import NOISE_FREE_REFINEMENT, NOISE_FREE_SEARCH
from dnmf.selection.candidate import SAMPLE_FOLDS
from dnmf.signatures import MutationCatalog

# Iterations that are timed, after as many that are not: the first ones are slower.
TIMED_ITERATIONS = 4
TIMED_ROUNDS = 20
# Memory of Python, torch, matplotlib and the libraries below them without any data.
BASE_BYTES = 620_000_000
# Arrays of n x f, and of n x k, that a worker holds at a time.
SAMPLE_ARRAYS, EXPOSURE_ARRAYS = 8, 12


@dataclass(frozen=True)
class RunEstimate:
    """What is left to do.

    Attributes
    ----------
    fits : int
        Restarts, and fits of the data as they are, that are not finished.
    seconds : float
        Wall time.
    bytes : int
        Memory at its peak.
    """

    fits: int
    seconds: float
    bytes: int


def estimate_run(
    catalog: MutationCatalog,
    numbers: Sequence[int],
    *,
    n_restarts: int,
    workers: int = 1,
    checkpoint: Checkpoint | None = None,
) -> RunEstimate:
    """Estimate time and memory of :func:`dnmf.extraction.select_signatures` from a few iterations.

    A fit of k signatures takes ``i t(k)``, ``i`` its number of iterations and ``t(k) = a k^b`` the time of one, through
    two measured points: the smallest and the largest k. Judging a k (best restarts, folds, halves) counts as further
    iterations. Memory is ``620 MB + workers 8 bytes (8 n f + 12 n k)`` for the largest k.
    """
    X = torch.from_numpy(filled_counts(catalog))
    ks = sorted(set(numbers))
    noise = estimate_count_noise(X)
    first, last = (_seconds_per_iteration(X, k, noise) for k in (ks[0], ks[-1]))
    power = np.log(last / first) / np.log(ks[-1] / ks[0]) if ks[-1] > ks[0] else 0.0
    seconds, fits = 0.0, 0
    for k in ks:
        left = 1 + n_restarts - finished_fits(checkpoint, k, 1 + n_restarts)
        fits += left
        if left or checkpoint is None or checkpoint.candidate(k) is None:
            restart, judging = _iterations(k, 1 + n_restarts, noise)
            seconds += (left * restart + judging) * first * (k / ks[0]) ** power
    n, f = X.shape
    held = 8 * (SAMPLE_ARRAYS * n * f + EXPOSURE_ARRAYS * n * ks[-1])
    at_once = max(min(workers, fits), 1)
    return RunEstimate(fits, float(seconds) / at_once, BASE_BYTES + workers * held)


def finished_fits(checkpoint: Checkpoint | None, k: int, n_fits: int) -> int:
    """Return how many of a number's fits are in a checkpoint."""
    if checkpoint is None:
        return 0
    if checkpoint.candidate(k) is not None:
        return n_fits
    return sum(checkpoint.restart(k, index) is not None for index in range(n_fits))


def _iterations(k: int, n_fits: int, noise: CountNoise) -> tuple[int, int]:
    """Return the iterations of a restart, and those of judging a number."""
    if noise.counting:
        restart, refinement = counted.SEARCH_ROUNDS, counted.REFINEMENT_ROUNDS
        polished = min(counted.POLISHED, n_fits) * counted.POLISHING_ROUNDS
        best = n_fits * counted.RANKING_ROUNDS + polished
    else:
        restart = NOISE_FREE_SEARCH.iterations(k)
        best = refinement = sum(phase.iterations for phase in NOISE_FREE_REFINEMENT)
    return restart, best + restart + SAMPLE_FOLDS * refinement


def _seconds_per_iteration(X: torch.Tensor, k: int, noise: CountNoise) -> float:
    W = successive_projection(X, k)
    if noise.counting:
        timed = TIMED_ROUNDS
        started = time.perf_counter()
        counted.search_counts(X, W, rounds=timed)
    else:
        timed, phases = TIMED_ITERATIONS, (Phase(TIMED_ITERATIONS),)
        warm = nmf_anls(X, W, phases=phases, sample_weights=noise.sample_weights)
        started = time.perf_counter()
        nmf_anls(X, warm.W, H0=warm.H, phases=phases, sample_weights=noise.sample_weights)
    return (time.perf_counter() - started) / timed
