"""Which signatures of different restarts are the same, and how alike they are."""

import numpy as np
from jaxtyping import Float
from sklearn.metrics import silhouette_samples

from dnmf.metrics import cosine_similarity, match_components

# Cosine above which signatures of two restarts are taken for the same: the field's usual bound.
SAME = 0.9

Signatures = Float[np.ndarray, "k f"]
Replicates = Float[np.ndarray, "r k f"]


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

    Versions whose cosine to the best restart's is below 0.9 are other signatures: averaged in, they would make one that
    no restart has seen.
    """
    aligned = align(replicates, best)
    lengths = np.linalg.norm(aligned, axis=2) * np.linalg.norm(best, axis=1)
    cosines = (aligned * best).sum(axis=2) / lengths
    same = (cosines >= SAME)[..., None]
    return np.asarray((aligned * same).sum(axis=0) / same.sum(axis=0))


def silhouettes(replicates: Replicates) -> Float[np.ndarray, " k"]:
    """Return how well each signature is told from its nearest neighbour over restarts, from -1 to 1.

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
