"""The multiplicative rule for any beta-divergence from 0 to 2."""

from functools import cache, partial
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.beta import beta_step, check_beta
from dnmf.kernels.objectives import BetaDivergence
from dnmf.unfolding.layers import MultiplicativeLayer
from dnmf.unfolding.problem import Problem


class BetaMULayer(MultiplicativeLayer):
    """One multiplicative update for a beta-divergence, with free matrices; ``BetaMULayer.of(0.5)`` is a rule.

    ``H <- H * ((V^(beta-2) X) B^T / (V^(beta-1) B^T + l1_reg))^gamma``, ``V = H F``, with ``0 / 0 = 0``

    ``gamma`` is ``1 / (2 - beta)`` below 1, else 1. Itakura-Saito is 0; Kullback-Leibler 1, as
    :class:`dnmf.unfolding.KLLayer`; least squares 2, whose :class:`dnmf.unfolding.MULayer` has a free Gram matrix
    instead of F.

    Attributes
    ----------
    forward_dictionary, backward_dictionary : Parameter (k, f)
        F, which predicts the samples, and B, which returns what they miss; both the dictionary in the classic step.

    Notes
    -----
    The step of :func:`dnmf.kernels.beta_step` (Févotte and Idier 2011) with its two uses of W set free.

    Examples
    --------
    >>> import torch
    >>> from dnmf.unfolding import Unfolded
    >>> W = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    >>> network = Unfolded.from_dictionary(W, n_layers=200, layer=BetaMULayer.of(0.5))
    >>> network(torch.tensor([1.0, 3.0, 2.0])).detach().round(decimals=3)
    tensor([2., 4.])
    """

    beta: ClassVar[float]
    nonnegative = ("forward_dictionary", "backward_dictionary")
    forward_dictionary: nn.Parameter
    backward_dictionary: nn.Parameter

    @staticmethod
    def of(beta: float) -> type[MultiplicativeLayer]:
        """Return the rule of one divergence, always the same class; a ValueError for beta outside of 0 to 2."""
        return _rule(float(beta))

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "BetaMULayer":
        """Return the layer that is one classic update for the dictionary ``W``."""
        return cls(forward_dictionary=W, backward_dictionary=W)

    def forward(
        self, state: Float[Tensor, "*batch k"], problem: Problem
    ) -> Float[Tensor, "*batch k"]:
        """Return the updated exposures."""
        return beta_step(
            problem.X,
            state,
            self.forward_dictionary,
            self.beta,
            backward=self.backward_dictionary,
            l1_reg=problem.l1_reg,
        )


@cache
def _rule(beta: float) -> type[MultiplicativeLayer]:
    check_beta(beta)
    objective = staticmethod(partial(BetaDivergence, beta=beta))
    return type(f"BetaMULayer[{beta:g}]", (BetaMULayer,), {"beta": beta, "objective": objective})
