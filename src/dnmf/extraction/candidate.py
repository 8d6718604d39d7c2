"""The extraction with one number of signatures: consensus of the restarts, stability and held-out deviance."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.model_selection import KFold
from torch import Tensor

from dnmf.criteria import MIN_SAMPLES_TO_CHOOSE
from dnmf.extraction.restarts import (
    FOLDS,
    HALVES,
    align,
    consensus,
    generator_for,
    matched,
    silhouettes,
)
from dnmf.kernels import successive_projection
from dnmf.metrics import cosine_similarity, reconstruction_quality
from dnmf.search.count_noise import CountNoise
from dnmf.search.find import (
    find_signatures,
    noise_free_cost,
    penalised_exposures,
    refine_signatures,
)
from dnmf.search.gamma_poisson_search import best_signatures
from dnmf.search.held_out import held_out_deviance

SAMPLE_FOLDS = 5


@dataclass(frozen=True)
class Candidate:
    """The extraction with one number of signatures.

    Attributes
    ----------
    signatures : (k, f)
        The best of the restarts, or of nearly noise-free counts their consensus, refined on the data as they are; rows
        sum to 1.
    replicates : (R, k, f)
        The signatures of the resampled restarts, matched to ``signatures``.
    costs : (1 + R,)
        The search's objective on the data, of the unresampled fit and of each restart.
    silhouette : (k,)
        How well each signature is separated from the others over restarts, -1 to 1; NaN with fewer than two restarts.
    split_half_cosine : (k,)
        Cosine between its versions in two random halves of the samples; NaN with fewer than 2 k samples.
    held_out : (n,)
        Deviance of each sample under bi-cross-validation; NaN with fewer than 5 samples.
    cosine : (n,)
        Between each spectrum and its reconstruction.
    """

    signatures: np.ndarray
    replicates: np.ndarray
    costs: np.ndarray
    silhouette: np.ndarray
    split_half_cosine: np.ndarray
    held_out: np.ndarray
    cosine: np.ndarray

    @property
    def n_signatures(self) -> int:
        """Return k."""
        return len(self.signatures)


def finish_candidate(X: Tensor, found: list[Tensor], noise: CountNoise, seed: int) -> Candidate:
    """Find the signatures of the data by way of all restarts and measure their stability and what they predict.

    ``X (n, f)`` holds samples with mutations, ``found`` the (k, f) signatures of each restart, the first from the data
    as they are; ``seed`` draws the folds and the halves of the samples.
    """
    W, costs = _best(X, found, noise)
    signatures = W.numpy()
    replicates = align(np.stack([one.numpy() for one in found])[1:], signatures)
    H = penalised_exposures(X, W, noise)
    return Candidate(
        signatures=signatures,
        replicates=replicates,
        costs=costs,
        silhouette=silhouettes(replicates),
        split_half_cosine=_split_half_cosine(X, W, noise, seed),
        held_out=_held_out(X, W, noise, seed),
        cosine=np.asarray(reconstruction_quality(X.numpy(), (H @ W).numpy())["cosine"]),
    )


def _best(X: Tensor, found: list[Tensor], noise: CountNoise) -> tuple[Tensor, np.ndarray]:
    """Return signatures of the data by way of all restarts, and the cost of each restart.

    Where counts have counting noise the best of the restarts are improved; else the consensus of all is, since restarts
    from nearly noise-free data deviate from one solution.
    """
    if noise.counting:
        return best_signatures(X, found)
    costs = np.array([noise_free_cost(X, W, noise) for W in found])
    versions = np.stack([W.numpy() for W in found])
    start = consensus(versions, versions[int(costs.argmin())])
    return refine_signatures(X, torch.from_numpy(start), noise), costs


def _held_out(X: Tensor, W: Tensor, noise: CountNoise, seed: int) -> np.ndarray:
    deviance = np.full(len(X), np.nan)
    if len(X) < MIN_SAMPLES_TO_CHOOSE:
        return deviance
    for rows, held_out, generator in sample_folds(X, seed):
        refined = refine_signatures(X[rows], W, noise.of(rows))
        deviance[held_out.numpy()] = held_out_deviance(
            X[held_out], refined, noise.of(held_out), generator=generator
        ).numpy()
    return deviance


def sample_folds(X: Tensor, seed: int) -> Iterator[tuple[Tensor, Tensor, torch.Generator]]:
    """Yield the rows of the training samples, those of the held-out samples, and the randomness of each fold.

    They depend on the seed alone: the deviances of all numbers of signatures, and of all penalties, are compared sample
    by sample.
    """
    folds = KFold(SAMPLE_FOLDS, shuffle=True, random_state=seed)
    for number, (train, test) in enumerate(folds.split(X.numpy())):
        yield torch.from_numpy(train), torch.from_numpy(test), generator_for(seed, FOLDS, number)


def _split_half_cosine(X: Tensor, W: Tensor, noise: CountNoise, seed: int) -> np.ndarray:
    k = len(W)
    if len(X) < 2 * k:
        return np.full(k, np.nan)
    order = torch.randperm(len(X), generator=generator_for(seed, HALVES))
    versions = []
    for rows in order.tensor_split(2):
        half = X[rows]
        found = find_signatures(half, successive_projection(half, k), noise.of(rows))
        versions.append(matched(found.numpy(), W.numpy()))
    return np.diagonal(cosine_similarity(*versions)).copy()
