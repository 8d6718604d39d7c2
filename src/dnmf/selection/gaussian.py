"""The model of data with equal, normal noise in all entries: plain least squares, samples drawn with replacement."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dnmf.criteria import STABLE_MEAN_SILHOUETTE
from dnmf.engine.chunks import LocalChunks
from dnmf.engine.least_squares import factorise
from dnmf.engine.samples import as_samples
from dnmf.kernels.costs import frobenius_cost
from dnmf.kernels.nnls import exact_exposures
from dnmf.search.held_out import predicted_channels

# Part of the cost that ten iterations must gain to go on, and the most of them.
TOLERANCE, MOST_ITERATIONS = 1e-5, 500
# How many of the best restarts go on from their components on the data as they are.
POLISHED = 3


@dataclass(frozen=True, slots=True)
class GaussianModel:
    """Equal noise in all entries, of any unit and level, see :class:`dnmf.selection.model.DataModel`.

    Samples are drawn with replacement (bootstrap), so that nothing need be known of the noise.
    """

    @property
    def stable_silhouette(self) -> float:
        """The field's usual bound."""
        return STABLE_MEAN_SILHOUETTE

    def of(self, rows: Tensor) -> "GaussianModel":
        """Return the model itself: all samples have the same noise."""
        del rows
        return self

    def resample(self, X: Tensor, generator: torch.Generator) -> Tensor:
        """Draw as many samples with replacement."""
        return X[torch.randint(len(X), (len(X),), generator=generator)]

    def find(self, X: Tensor, W0: Tensor) -> Tensor:
        """Find components by alternating least squares, see :func:`dnmf.engine.least_squares.factorise`."""
        chunks = LocalChunks(as_samples(X))
        return factorise(chunks, W0, tol=TOLERANCE, max_iter=MOST_ITERATIONS).W

    def refine(self, X: Tensor, W: Tensor) -> Tensor:
        """Go on from components near an optimum."""
        return self.find(X, W)

    def best(self, X: Tensor, found: Sequence[Tensor]) -> tuple[Tensor, np.ndarray]:
        """Improve the best restarts on the data; return the best of them, and the cost of each restart."""

        def cost(W: Tensor) -> float:
            return frobenius_cost(X, exact_exposures(X, W), W).item()

        costs = np.array([cost(W) for W in found])
        order = costs.argsort(kind="stable")[:POLISHED]
        return min((self.refine(X, found[index]) for index in order), key=cost), costs

    def exposures(self, X: Tensor, W: Tensor) -> Tensor:
        """Return exact least-squares exposures."""
        return exact_exposures(X, W)

    def held_out(self, X: Tensor, W: Tensor, generator: torch.Generator) -> Tensor:
        """Return each sample's squared error when every feature is predicted from others, as a part of its squares.

        Owen and Perry 2009, Annals of Applied Statistics 3:564.
        """
        predicted = predicted_channels(
            W, lambda kept: exact_exposures(X[:, kept], W[:, kept]), generator
        )
        return (X - predicted).square().sum(dim=1) / X.square().sum(dim=1)
