"""Restarts: extractions from resampled counts, which of their signatures are the same, and their consensus."""

import numpy as np
import torch
from jaxtyping import Float
from sklearn.metrics import silhouette_samples
from torch import Tensor

from dnmf.criteria import RESTART_MATCH_COSINE
from dnmf.kernels import successive_projection
from dnmf.metrics import cosine_similarity, match_components
from dnmf.search.count_noise import CountNoise
from dnmf.search.find import find_signatures

# Purposes of random numbers: each has its own stream, whatever else was drawn.
RESTARTS, FOLDS, HALVES, EXPOSURES = range(4)

Signatures = Float[np.ndarray, "k f"]
Replicates = Float[np.ndarray, "r k f"]


def generator_for(seed: int, purpose: int, *numbers: int) -> torch.Generator:
    """Return randomness that depends on what is computed, never on when or by which worker."""
    state = np.random.SeedSequence([seed, purpose, *numbers]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]) >> 1)


def resample(X: Tensor, noise: CountNoise, generator: torch.Generator) -> Tensor:
    """Draw counts that deviate from the given ones as much as those deviate from their expectation.

    Poisson counts with the observed ones as their means; where the data have less noise than counting, normal
    deviations of that noise, cut at 0.
    """
    if noise.counting:
        return torch.poisson(X, generator=generator)
    deviations = torch.randn(X.shape, dtype=X.dtype, generator=generator)
    return (X + deviations / noise.sample_weights[:, None]).clamp(min=0)


def restart(X: Tensor, k: int, index: int, noise: CountNoise, seed: int) -> Tensor:
    """Return the (k, f) signatures of one restart; number 0 is the data as they are.

    Each starts from the extreme samples (successive projection) of a random half of its resampled counts: such starts
    vary as random ones do and end in a bad local optimum less often.
    """
    if index == 0:
        return find_signatures(X, successive_projection(X, k), noise)
    generator = generator_for(seed, RESTARTS, k, index)
    counts = resample(X, noise, generator)
    half = counts[torch.randperm(len(X), generator=generator)[: max(len(X) // 2, 1)]]
    # Projection needs k samples with mutations to start from.
    enough = int((half.sum(dim=1) > 0).sum()) >= k
    return find_signatures(counts, successive_projection(half if enough else counts, k), noise)


def matched(found: Signatures, signatures: Signatures) -> Signatures:
    """Return ``found`` in the order of ``signatures``: one to one, the sum of cosines as large as possible."""
    _, order, _ = match_components(signatures, found)
    return found[order]


def align(replicates: Replicates, signatures: Signatures) -> Replicates:
    """Match every replicate to the signatures: the clusters of a matched clustering around them."""
    aligned = [matched(replicate, signatures) for replicate in replicates]
    return np.stack(aligned) if aligned else np.empty((0, *signatures.shape))


def consensus(replicates: Replicates, best: Signatures) -> Signatures:
    """Return, for each signature of the best restart, the mean of its versions in all restarts that found it.

    Versions whose cosine to the best restart's is below ``RESTART_MATCH_COSINE`` are other signatures and are left out.
    """
    aligned = align(replicates, best)
    lengths = np.linalg.norm(aligned, axis=2) * np.linalg.norm(best, axis=1)
    cosines = (aligned * best).sum(axis=2) / lengths
    same = (cosines >= RESTART_MATCH_COSINE)[..., None]
    return np.asarray((aligned * same).sum(axis=0) / same.sum(axis=0))


def silhouettes(replicates: Replicates) -> Float[np.ndarray, " k"]:
    """Return how well each signature is separated from its nearest neighbour over restarts, from -1 to 1.

    Rousseeuw 1987, on cosine distances: ``(b - a) / max(a, b)`` with ``a`` the mean distance to the same signature in
    other restarts, ``b`` to the nearest other signature, averaged over restarts. A single signature has no neighbour:
    its value is the mean cosine to itself.
    """
    r, k, f = replicates.shape
    if r < 2:
        return np.full(k, np.nan)
    if k == 1:
        cosines = cosine_similarity(replicates[:, 0], replicates[:, 0])
        return np.array([(cosines.sum() - np.trace(cosines)) / (r * (r - 1))])
    labels = np.tile(np.arange(k), r)
    values = silhouette_samples(replicates.reshape(r * k, f), labels, metric="cosine")
    return np.asarray(values.reshape(r, k).mean(axis=0))
