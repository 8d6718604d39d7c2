"""What a layer is asked: a batch of samples, the dictionary, and the penalties."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Problem:
    """What a network is asked about a batch: find exposures H >= 0 with ``X ≈ H W``.

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
    def gram(self) -> Float[Tensor, "k k"]:
        """``W W^T + diag(l2_reg)``."""
        W = self.dictionary
        return W @ W.mT + self.l2_reg * torch.eye(len(W), dtype=W.dtype, device=W.device)

    @cached_property
    def diagonal(self) -> Float[Tensor, " k"]:
        """Diagonal of the Gram matrix, lifted off zero for components without mass."""
        return self.gram.diagonal().clamp(min=torch.finfo(self.X.dtype).tiny)

    @cached_property
    def moments(self) -> Float[Tensor, "n k"]:
        """``X W^T - l1_reg``."""
        return self.X @ self.dictionary.mT - self.l1_reg
