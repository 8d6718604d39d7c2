"""One restart: the data, resampled as their noise would have it, and a start of its own."""

import numpy as np
import torch
from torch import Tensor

from dnmf.kernels import successive_projection
from dnmf.search.count_noise import CountNoise
from dnmf.search.penalised import find_signatures

# What a seed is used for, beside the number of signatures and of the restart.
RESTARTS, FOLDS, HALVES, EXPOSURES = range(4)


def generator_for(seed: int, purpose: int, *numbers: int) -> torch.Generator:
    """Return randomness that depends on what is computed, never on when or by which worker."""
    state = np.random.SeedSequence([seed, purpose, *numbers]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]) >> 1)


def resample(X: Tensor, noise: CountNoise, generator: torch.Generator) -> Tensor:
    """Draw counts as different from these as these are from their expectation.

    Poisson counts with the observed ones as their means; where the data have less noise than counting, normal
    deviations of that noise, cut at 0.
    """
    if noise.counting:
        return torch.poisson(X, generator=generator)
    deviations = torch.randn(X.shape, dtype=X.dtype, generator=generator)
    return (X + deviations / noise.sample_weights[:, None]).clamp(min=0)


def restart(X: Tensor, k: int, index: int, noise: CountNoise, seed: int) -> Tensor:
    """Return the (k, f) signatures of one restart; number 0 is the data as they are.

    Each starts from the extreme samples (successive projection) of a random half of its resampled counts: as varied as
    random starts, and rarely as bad.
    """
    if index == 0:
        return find_signatures(X, successive_projection(X, k), noise)
    generator = generator_for(seed, RESTARTS, k, index)
    counts = resample(X, noise, generator)
    half = counts[torch.randperm(len(X), generator=generator)[: max(len(X) // 2, 1)]]
    return find_signatures(
        counts, successive_projection(half if _allows(half, k) else counts, k), noise
    )


def _allows(X: Tensor, k: int) -> bool:
    """Whether there are samples enough to start from."""
    return int((X.sum(dim=1) > 0).sum()) >= k
