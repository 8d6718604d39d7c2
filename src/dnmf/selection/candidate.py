"""One number of components: the best of the restarts, how stable it is, and how well it predicts unseen entries."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.model_selection import KFold
from torch import Tensor

from dnmf.criteria import MIN_SAMPLES_TO_CHOOSE
from dnmf.kernels import successive_projection
from dnmf.metrics import cosine_similarity, reconstruction_quality
from dnmf.selection.model import DataModel
from dnmf.selection.restarts import (
    FOLDS,
    HALVES,
    align,
    generator_for,
    matched,
    silhouettes,
)

SAMPLE_FOLDS = 5


@dataclass(frozen=True)
class Candidate:
    """What was found with one number of components.

    Attributes
    ----------
    components : (k, f)
        The best of the restarts, or of nearly noise-free counts their consensus, refined on the data as they are; rows
        sum to 1.
    replicates : (R, k, f)
        The components of the resampled restarts, matched to ``components``.
    costs : (1 + R,)
        The search's objective on the data, of the unresampled fit and of each restart.
    silhouette : (k,)
        How well each component is separated from the others over restarts, -1 to 1; NaN with fewer than two restarts.
    split_half_cosine : (k,)
        Cosine between its versions in two random halves of the samples; NaN with fewer than 2 k samples.
    held_out : (n,)
        Error of each sample under bi-cross-validation: the Poisson deviance of counts, else the sum of squares; NaN
        with fewer than 5 samples.
    cosine : (n,)
        Between each sample and its reconstruction.
    """

    components: np.ndarray
    replicates: np.ndarray
    costs: np.ndarray
    silhouette: np.ndarray
    split_half_cosine: np.ndarray
    held_out: np.ndarray
    cosine: np.ndarray

    @property
    def n_components(self) -> int:
        """Return k."""
        return len(self.components)


def finish_candidate(X: Tensor, found: list[Tensor], model: DataModel, seed: int) -> Candidate:
    """Find the components of the data by way of all restarts and measure their stability and what they predict.

    ``X (n, f)`` holds samples that are not all 0, ``found`` the (k, f) components of each restart, the first from the
    data as they are; ``seed`` draws the folds and the halves of the samples.
    """
    W, costs = model.best(X, found)
    components = W.numpy()
    replicates = align(np.stack([one.numpy() for one in found])[1:], components)
    H = model.exposures(X, W)
    return Candidate(
        components=components,
        replicates=replicates,
        costs=costs,
        silhouette=silhouettes(replicates),
        split_half_cosine=_split_half_cosine(X, W, model, seed),
        held_out=_held_out(X, W, model, seed),
        cosine=np.asarray(reconstruction_quality(X.numpy(), (H @ W).numpy())["cosine"]),
    )


def _held_out(X: Tensor, W: Tensor, model: DataModel, seed: int) -> np.ndarray:
    error = np.full(len(X), np.nan)
    if len(X) < MIN_SAMPLES_TO_CHOOSE:
        return error
    for rows, held_out, generator in sample_folds(X, seed):
        refined = model.of(rows).refine(X[rows], W)
        error[held_out.numpy()] = (
            model.of(held_out).held_out(X[held_out], refined, generator).numpy()
        )
    return error


def sample_folds(X: Tensor, seed: int) -> Iterator[tuple[Tensor, Tensor, torch.Generator]]:
    """Yield the rows of the training samples, those of the held-out samples, and the randomness of each fold.

    They depend on the seed alone: the errors of all numbers of components, and of all penalties, are compared sample by
    sample.
    """
    folds = KFold(SAMPLE_FOLDS, shuffle=True, random_state=seed)
    for number, (train, test) in enumerate(folds.split(X.numpy())):
        yield torch.from_numpy(train), torch.from_numpy(test), generator_for(seed, FOLDS, number)


def _split_half_cosine(X: Tensor, W: Tensor, model: DataModel, seed: int) -> np.ndarray:
    k = len(W)
    if len(X) < 2 * k:
        return np.full(k, np.nan)
    order = torch.randperm(len(X), generator=generator_for(seed, HALVES))
    versions = []
    for rows in order.tensor_split(2):
        half = X[rows]
        found = model.of(rows).find(half, successive_projection(half, k))
        versions.append(matched(found.numpy(), W.numpy()))
    return np.diagonal(cosine_similarity(*versions)).copy()
