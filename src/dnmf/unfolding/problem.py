"""The problem that every layer of a network works on: samples, dictionary and penalties."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.nnls import exposure_moments


@dataclass(frozen=True)
class Problem:
    """Find exposures H >= 0 with ``X ≈ H W`` for a batch of samples.

    Attributes
    ----------
    X : (n, f)
        Data.
    W : (k, f), optional
        The dictionary, for the rules that keep their dependence on it.
    l1_reg, l2_reg : float or tensor
        Penalties on the exposures: scalars, or (n, k) for the linear and (k,) for the quadratic one.
    """

    X: Float[Tensor, "n f"]
    W: Float[Tensor, "k f"] | None = None
    l1_reg: float | Tensor = 0.0
    l2_reg: float | Tensor = 0.0

    def __post_init__(self) -> None:
        """Raise a ValueError for samples that are not rows, or a dictionary of other features."""
        if self.X.ndim != 2 or (self.W is not None and self.W.shape[-1] != self.X.shape[-1]):
            found = "" if self.W is None else f" and a dictionary of shape {tuple(self.W.shape)}"
            raise ValueError(
                f"expected samples as rows (n, f) and a dictionary (k, f), got samples of shape {tuple(self.X.shape)}"
                + found
            )

    @cached_property
    def dictionary(self) -> Float[Tensor, "k f"]:
        """W, or an error for a network that was built without one."""
        if self.W is None:
            raise ValueError("this layer needs the dictionary: build its network from one")
        return self.W

    @cached_property
    def _normal_equations(self) -> tuple[Tensor, Tensor]:
        return exposure_moments(self.X, self.dictionary, l1_reg=self.l1_reg, l2_reg=self.l2_reg)

    @property
    def gram(self) -> Float[Tensor, "k k"]:
        """``W W^T + diag(l2_reg)``."""
        return self._normal_equations[0]

    @property
    def moments(self) -> Float[Tensor, "n k"]:
        """``X W^T - l1_reg``."""
        return self._normal_equations[1]

    @cached_property
    def diagonal(self) -> Float[Tensor, " k"]:
        """Diagonal of the Gram matrix, 1 for components (nearly) without mass: a division by it stays finite."""
        diagonal = self.gram.diagonal()
        least = torch.finfo(diagonal.dtype).tiny ** 0.5
        return torch.where(diagonal > least, diagonal, torch.ones_like(diagonal))
