"""The model of counts: counting noise by the Gamma-Poisson model, nearly noise-free counts by least squares."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dnmf.criteria import STABLE_MEAN_SILHOUETTE, STABLE_MEAN_SILHOUETTE_OF_NOISY
from dnmf.search.count_noise import CountNoise
from dnmf.search.find import (
    find_signatures,
    noise_free_cost,
    penalised_exposures,
    refine_signatures,
)
from dnmf.search.gamma_poisson_search import best_signatures
from dnmf.search.held_out import held_out_deviance
from dnmf.selection.restarts import consensus


def stable_silhouette(noise: CountNoise) -> float:
    """Return the mean silhouette from which a number of components is stable, for counts of this noise."""
    return STABLE_MEAN_SILHOUETTE_OF_NOISY if noise.counting else STABLE_MEAN_SILHOUETTE


def resample(X: Tensor, noise: CountNoise, generator: torch.Generator) -> Tensor:
    """Draw counts that deviate from the given ones as much as those deviate from their expectation.

    Poisson counts with the observed ones as their means; where the data have less noise than counting, normal
    deviations of that noise, cut at 0.
    """
    if noise.counting:
        return torch.poisson(X, generator=generator)
    deviations = torch.randn(X.shape, dtype=X.dtype, generator=generator)
    return (X + deviations / noise.sample_weights[:, None]).clamp(min=0)


@dataclass(frozen=True, slots=True)
class CountModel:
    """Counts and their noise, see :class:`dnmf.selection.model.DataModel`.

    Attributes
    ----------
    noise : CountNoise
        How the counts vary around their means.
    """

    noise: CountNoise

    @property
    def stable_silhouette(self) -> float:
        """See :func:`stable_silhouette`."""
        return stable_silhouette(self.noise)

    def of(self, rows: Tensor) -> "CountModel":
        """Return the model of some of the samples."""
        return CountModel(self.noise.of(rows))

    def resample(self, X: Tensor, generator: torch.Generator) -> Tensor:
        """See :func:`resample`."""
        return resample(X, self.noise, generator)

    def find(self, X: Tensor, W0: Tensor) -> Tensor:
        """See :func:`dnmf.search.find.find_signatures`."""
        return find_signatures(X, W0, self.noise)

    def refine(self, X: Tensor, W: Tensor) -> Tensor:
        """See :func:`dnmf.search.find.refine_signatures`."""
        return refine_signatures(X, W, self.noise)

    def best(self, X: Tensor, found: Sequence[Tensor]) -> tuple[Tensor, np.ndarray]:
        """Return components of the data by way of all restarts, and the cost of each restart.

        Where counts have counting noise the best of the restarts are improved; else the consensus of all is, since
        restarts from nearly noise-free data deviate from one solution.
        """
        if self.noise.counting:
            return best_signatures(X, found)
        costs = np.array([noise_free_cost(X, W, self.noise) for W in found])
        versions = np.stack([W.numpy() for W in found])
        start = consensus(versions, versions[int(costs.argmin())])
        return self.refine(X, torch.from_numpy(start)), costs

    def exposures(self, X: Tensor, W: Tensor) -> Tensor:
        """See :func:`dnmf.search.find.penalised_exposures`."""
        return penalised_exposures(X, W, self.noise)

    def held_out(self, X: Tensor, W: Tensor, generator: torch.Generator) -> Tensor:
        """Return the deviance of each sample, see :func:`dnmf.search.held_out.held_out_deviance`."""
        return held_out_deviance(X, W, self.noise, generator=generator)
