"""Restarts: fits of resampled data, which of their components are the same, and their consensus."""

import numpy as np
import torch
from jaxtyping import Float
from sklearn.metrics import silhouette_samples
from torch import Tensor

from dnmf.criteria import RESTART_MATCH_COSINE
from dnmf.kernels import successive_projection
from dnmf.metrics import cosine_similarity, match_components
from dnmf.selection.model import DataModel

# Purposes of random numbers: each has its own stream, whatever else was drawn.
RESTARTS, FOLDS, HALVES, EXPOSURES = range(4)

Components = Float[np.ndarray, "k f"]
Replicates = Float[np.ndarray, "r k f"]


def generator_for(seed: int, purpose: int, *numbers: int) -> torch.Generator:
    """Return randomness that depends on what is computed, never on when or by which worker."""
    state = np.random.SeedSequence([seed, purpose, *numbers]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]) >> 1)


def restart(X: Tensor, k: int, index: int, model: DataModel, seed: int) -> Tensor:
    """Return the (k, f) components of one restart; number 0 is the data as they are.

    Each starts from the extreme samples (successive projection) of a random half of its resampled data: such starts
    vary as random ones do and end in a bad local optimum less often.
    """
    if index == 0:
        return model.find(X, successive_projection(X, k))
    generator = generator_for(seed, RESTARTS, k, index)
    drawn = model.resample(X, generator)
    half = drawn[torch.randperm(len(X), generator=generator)[: max(len(X) // 2, 1)]]
    # Projection needs k samples that are not all 0 to start from.
    enough = int((half.sum(dim=1) > 0).sum()) >= k
    return model.find(drawn, successive_projection(half if enough else drawn, k))


def matched(found: Components, components: Components) -> Components:
    """Return ``found`` in the order of ``components``: one to one, the sum of cosines as large as possible."""
    _, order, _ = match_components(components, found)
    return found[order]


def align(replicates: Replicates, components: Components) -> Replicates:
    """Match every replicate to the components: the clusters of a matched clustering around them."""
    aligned = [matched(replicate, components) for replicate in replicates]
    return np.stack(aligned) if aligned else np.empty((0, *components.shape))


def consensus(replicates: Replicates, best: Components) -> Components:
    """Return, for each component of the best restart, the mean of its versions in all restarts that found it.

    Versions whose cosine to the best restart's is below ``RESTART_MATCH_COSINE`` are other components and are left out.
    """
    aligned = align(replicates, best)
    lengths = np.linalg.norm(aligned, axis=2) * np.linalg.norm(best, axis=1)
    cosines = (aligned * best).sum(axis=2) / lengths
    same = (cosines >= RESTART_MATCH_COSINE)[..., None]
    return np.asarray((aligned * same).sum(axis=0) / same.sum(axis=0))


def silhouettes(replicates: Replicates) -> Float[np.ndarray, " k"]:
    """Return how well each component is separated from its nearest neighbour over restarts, from -1 to 1.

    Rousseeuw 1987, on cosine distances: ``(b - a) / max(a, b)`` with ``a`` the mean distance to the same component in
    other restarts, ``b`` to the nearest other component, averaged over restarts. A single component has no neighbour:
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
