"""The problem that every layer of a network works on: samples, dictionary and penalties."""

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.nnls import exposure_gram, sample_moments


class Problem:
    """Find exposures H >= 0 with ``X ≈ H W``, for one sample or a batch of any number of dimensions.

    What follows from samples and dictionary is computed when it is first asked for, and kept.

    Parameters
    ----------
    X : (..., f)
        Data.
    W : (k, f), optional
        The dictionary, for the rules that keep their dependence on it.
    l1_reg, l2_reg : float or tensor
        Penalties on the exposures: scalars, or (..., k) for the linear and (k,) for the quadratic one.
    gram : (k, k), optional
        What :attr:`gram` is, where it is known already.

    Raises
    ------
    ValueError
        If samples and dictionary differ in their features.
    """

    def __init__(
        self,
        X: Float[Tensor, "*batch f"],
        W: Float[Tensor, "k f"] | None = None,
        l1_reg: float | Tensor = 0.0,
        l2_reg: float | Tensor = 0.0,
        *,
        gram: Float[Tensor, "k k"] | None = None,
    ) -> None:
        if X.ndim == 0 or (W is not None and (W.ndim != 2 or W.shape[1] != X.shape[-1])):
            found = "" if W is None else f" and a dictionary of shape {tuple(W.shape)}"
            raise ValueError(
                f"expected samples (..., f) and a dictionary (k, f), got samples of shape {tuple(X.shape)}{found}"
            )
        self.X, self.W, self.l1_reg, self.l2_reg = X, W, l1_reg, l2_reg
        # No cached_property: in Python 3.11 it takes a lock, which torch.compile cannot follow.
        self._gram = gram
        self._moments: Tensor | None = None
        self._diagonal: Tensor | None = None

    @property
    def dictionary(self) -> Float[Tensor, "k f"]:
        """W, or an error for a network that was built without one."""
        if self.W is None:
            raise ValueError("this layer needs the dictionary: build its network from one")
        return self.W

    @property
    def gram(self) -> Float[Tensor, "k k"]:
        """``W W^T + diag(l2_reg)``."""
        if self._gram is None:
            self._gram = exposure_gram(self.dictionary, l2_reg=self.l2_reg)
        return self._gram

    @property
    def moments(self) -> Float[Tensor, "*batch k"]:
        """``X W^T - l1_reg``."""
        if self._moments is None:
            self._moments = sample_moments(self.X, self.dictionary, l1_reg=self.l1_reg)
        return self._moments

    @property
    def diagonal(self) -> Float[Tensor, " k"]:
        """Diagonal of the Gram matrix, 1 for components (nearly) without mass: a division by it stays finite."""
        if self._diagonal is None:
            diagonal = self.gram.diagonal()
            least = torch.finfo(diagonal.dtype).tiny ** 0.5
            self._diagonal = torch.where(diagonal > least, diagonal, torch.ones_like(diagonal))
        return self._diagonal
