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
        """Diagonal of the Gram matrix, lifted off zero for components without mass."""
        return self.gram.diagonal().clamp(min=torch.finfo(self.X.dtype).tiny)
