"""What a choice of the number of components needs: the noise of the data, and the search for components under it."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


class DataModel(Protocol):
    """The noise of the data, and the search for components under it; all matrices are non-negative."""

    @property
    def stable_silhouette(self) -> float:
        """Mean silhouette over restarts from which a number of components is stable."""

    def of(self, rows: Tensor) -> Self:
        """Return the model of some of the samples."""

    def resample(self, X: Float[Tensor, "n f"], generator: torch.Generator) -> Float[Tensor, "n f"]:
        """Draw data that deviate from the given ones about as much as those from their expectation."""

    def find(self, X: Float[Tensor, "n f"], W0: Float[Tensor, "k f"]) -> Float[Tensor, "k f"]:
        """Find components from a start; rows sum to 1."""

    def refine(self, X: Float[Tensor, "n f"], W: Float[Tensor, "k f"]) -> Float[Tensor, "k f"]:
        """Go on from components near an optimum; rows sum to 1."""

    def best(
        self, X: Float[Tensor, "n f"], found: Sequence[Float[Tensor, "k f"]]
    ) -> tuple[Float[Tensor, "k f"], Float[np.ndarray, " m"]]:
        """Return components of the data by way of all restarts, and the cost of each restart."""

    def exposures(self, X: Float[Tensor, "n f"], W: Float[Tensor, "k f"]) -> Float[Tensor, "n k"]:
        """Return the exposures of samples to given components."""

    def held_out(
        self, X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], generator: torch.Generator
    ) -> Float[Tensor, " n"]:
        """Return the error of each sample when every feature is predicted from the others (bi-cross-validation).

        ``X`` had no part in finding ``W``; ``generator`` draws which features are left out together.
        """
