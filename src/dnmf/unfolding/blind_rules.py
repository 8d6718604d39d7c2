"""Rules that keep their dependence on the dictionary, so that both factors of a factorisation can be unfolded.

Each layer maps ``(state, problem) -> state`` like every :class:`UnfoldedLayer`. The exposures of ``X ≈ H W`` are the
state of the problem ``(X, W)``; the dictionary is the state of the transposed problem: ``W^T`` for ``(X^T, H^T)``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.kl import kl_step
from dnmf.kernels.multiplicative import mu_step
from dnmf.kernels.objectives import Poisson
from dnmf.unfolding.layers import (
    ADMMLayer,
    MULayer,
    MultiplicativeLayer,
    UnfoldedLayer,
    WeightedMULayer,
)
from dnmf.unfolding.problem import Problem

# Fahes et al. take a step this much shorter than the inverse of the Lipschitz constant.
LPALM_MARGIN = 1.001


class NALMULayer(MultiplicativeLayer):
    """One multiplicative update whose result is multiplied by learned factors: the published NALMU.

    ``H <- A * H * (X W^T + eps) / (H W W^T + l1_reg + l2_reg H + eps)``

    All factors at 1 is the classic update. For the dictionary the same on the transposed problem.

    Attributes
    ----------
    factors : Parameter (k,), (n, k) or, for a dictionary, (f, k)
        A, not negative; one per component is shared by all samples.

    Notes
    -----
    Kervazo, Chetoui and Cohen 2024, Deep unrolling of the multiplicative updates algorithm for blind source separation,
    with application to spectral unmixing, EUSIPCO.

    Examples
    --------
    >>> W = torch.tensor([[1.0, 1.0]])
    >>> layer = NALMULayer(factors=torch.tensor([1.5]))
    >>> layer(torch.ones(1, 1), Problem(torch.tensor([[2.0, 2.0]]), W)).detach().round(decimals=4)
    tensor([[3.]])
    """

    nonnegative = ("factors",)
    factors: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "NALMULayer":
        """Return the classic update of exposures, with one factor a component."""
        return cls(factors=W.new_ones(len(W)))

    @classmethod
    def for_dictionary(cls, W: Float[Tensor, "k f"]) -> "NALMULayer":
        """Return the classic update of a dictionary of this shape, with one factor an entry."""
        return cls(factors=torch.ones_like(W.mT))

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the updated factor of the factorisation."""
        W = problem.dictionary
        updated = mu_step(state, problem.X @ W.mT, W @ W.mT, problem.l1_reg, problem.l2_reg)
        return self.factors * updated


class PALMLayer(UnfoldedLayer):
    """One proximal gradient step with a learned length and a learned threshold per component.

    With ``G = W W^T``, ``c = X W^T - l1_reg``, ``L = max_j sum_i G_ij`` and, for each sample, ``u = max_j c_j / L``::

        h <- max(h + s (c - h G) / L - s t u, 0)

    ``s = 1, t = 0`` is the classic step of proximal alternating linearised minimisation: L is a bound of the largest
    eigenvalue of G, so the step never raises the cost. t adds an L1 penalty, as a fraction of the smallest one that
    would set all exposures of the sample to zero. Both are free of any unit.

    Attributes
    ----------
    step, threshold : Parameter (k,)
        s and t.

    Notes
    -----
    Bolte, Sabach and Teboulle 2014 for the algorithm; Fahes, Kervazo, Bobin and Tupin 2022 learn its steps and
    thresholds, see :class:`LPALMLayer` for their rule to the letter.
    """

    nonnegative = ("step", "threshold")
    step: nn.Parameter
    threshold: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "PALMLayer":
        """Return the classic step for whatever dictionary its problem has."""
        return cls(step=W.new_ones(len(W)), threshold=W.new_zeros(len(W)))

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the next state."""
        gram, moments = problem.gram, problem.moments
        bound = gram.abs().sum(dim=-1).amax(dim=-1).clamp(min=torch.finfo(state.dtype).tiny)
        unit = moments.amax(dim=-1, keepdim=True).clamp(min=0) / bound
        moved = state + self.step * (moments - state @ gram) / bound
        return self.shrink(moved, self.step * self.threshold, unit)

    def shrink(
        self, z: Float[Tensor, "n k"], size: Float[Tensor, " k"], unit: Float[Tensor, "n 1"]
    ) -> Float[Tensor, "n k"]:
        """Return the proximal point of the penalty and of ``h >= 0``."""
        return (z - size * unit).clamp(min=0)


class LpPALMLayer(PALMLayer):
    """The step of :class:`PALMLayer` with a penalty ``|h|^p``, ``0 < p <= 1`` learned: the thresholds of SNMF-Net.

    With ``z`` the exposures after the gradient step, in the unit u, and ``m = s t``::

        h <- u (z - m p z^(p - 1))   where   z > (2 m (1 - p))^(1 / (2 - p)) + m p (2 m (1 - p))^((p - 1) / (2 - p)),
        h <- 0                       elsewhere

    Attributes
    ----------
    power : Parameter (k,)
        p; 1 is the soft threshold.

    Notes
    -----
    Xiong, Zhou, Tao, Lu and Qian 2022, SNMF-Net: Learning a deep alternating neural network for hyperspectral unmixing,
    IEEE TGRS 60. The threshold is that of Zuo et al. 2013, A generalized iterated shrinkage algorithm for non-convex
    sparse coding, with one of its inner iterations. SNMF-Net also has a learned matrix in place of the gradient's
    ``W^T``, which :class:`LPALMLayer` has.
    """

    INITIAL_POWER = 0.5
    INITIAL_THRESHOLD = 0.01
    LEAST_POWER = 1e-3
    power: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "LpPALMLayer":
        """Return the step with p = 1/2 and a threshold of one hundredth."""
        k = len(W)
        return cls(
            step=W.new_ones(k),
            threshold=W.new_full((k,), cls.INITIAL_THRESHOLD),
            power=W.new_full((k,), cls.INITIAL_POWER),
        )

    def shrink(
        self, z: Float[Tensor, "n k"], size: Float[Tensor, " k"], unit: Float[Tensor, "n 1"]
    ) -> Float[Tensor, "n k"]:
        """Return one iteration of generalised shrinkage."""
        # A little above zero: the powers of zero have no derivative, and an empty sample has no unit.
        unit = unit.clamp(min=torch.finfo(z.dtype).tiny ** 0.5)
        p, z = self.power, z / unit
        base = (2 * size * (1 - p)).clamp(min=torch.finfo(z.dtype).eps ** 2)
        least = base ** (1 / (2 - p)) + size * p * base ** ((p - 1) / (2 - p))
        kept = z > least
        shrunk = z - size * p * torch.where(kept, z, 1.0) ** (p - 1)
        return unit * torch.where(kept, shrunk.clamp(min=0), 0.0)

    def project_nonnegative_(self) -> None:
        """Keep the step and threshold non-negative, and the power within (0, 1]."""
        super().project_nonnegative_()
        with torch.no_grad():
            self.power.clamp_(min=self.LEAST_POWER, max=1)


class LPALMLayer(UnfoldedLayer):
    """The published LPALM step of the exposures: a free matrix in place of the gradient's ``W^T``, a free threshold.

    ``H <- max(H + (X - H W) V^T - threshold, 0)``

    Started as the classic step for the dictionary that it was built from, ``V = W / (1.001 ||W||_2^2)``.

    Attributes
    ----------
    analysis, threshold : Parameter (k, f), (k,)
        V and the threshold, in the unit of the exposures: scale the data.

    Notes
    -----
    Fahes, Kervazo, Bobin and Tupin 2022, Unrolling PALM for sparse semi-blind source separation, ICLR, whose sources
    may have either sign; here they may not. :func:`lpalm` has it together with their step of the dictionary.
    """

    nonnegative = ("threshold",)
    analysis: nn.Parameter
    threshold: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "LPALMLayer":
        """Return the layer that is one classic step for the dictionary ``W``."""
        return cls(analysis=W * _lpalm_step(W), threshold=W.new_zeros(len(W)))

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the next exposures."""
        residual = problem.X - state @ problem.dictionary
        return (state + residual @ self.analysis.mT - self.threshold).clamp(min=0)


class UnitBallLayer(UnfoldedLayer):
    """The published LPALM step of the dictionary: a learned length, then components into the unit ball.

    ``W <- W + step H^T (X - H W)``, negative entries to 0, then rows longer than 1 to length 1.

    Attributes
    ----------
    step : Parameter ()
        The inverse of LPALM's learned constant ``L_A``, in the inverse unit of the exposures squared.

    Notes
    -----
    Fahes et al. 2022, see :class:`LPALMLayer`.
    """

    nonnegative = ("step",)
    step: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "UnitBallLayer":
        """Return the classic step for exposures like these: the dictionary ``H^T`` of the transposed problem."""
        return cls(step=_lpalm_step(W))

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the next dictionary, transposed."""
        slope = problem.moments - state @ problem.gram
        moved = (state + self.step * slope).clamp(min=0)
        # The square under the root is at least 1: a row of zeros keeps a finite gradient.
        length = moved.square().sum(dim=-2, keepdim=True).clamp(min=1).sqrt()
        return moved / length


def _lpalm_step(W: Float[Tensor, "k f"]) -> Float[Tensor, ""]:
    norm = torch.linalg.matrix_norm(W, 2).clamp(min=torch.finfo(W.dtype).tiny ** 0.25)
    return 1 / (LPALM_MARGIN * norm.square())


class DeepNMFLayer(MultiplicativeLayer):
    """One multiplicative update for the Kullback-Leibler cost with a dictionary of its own: Deep NMF.

    ``H <- H * ((X / (H D)) D^T) / (rowsum(D) + l1_reg)``

    Attributes
    ----------
    dictionary : Parameter (k, f)
        D, untied: every layer has its own.

    Notes
    -----
    Le Roux, Hershey and Weninger 2015, Deep NMF for speech separation, ICASSP (their beta = 1, ``l1_reg`` their
    sparsity). The dictionary by which the sources are rebuilt is the network's: see :func:`separate`.
    """

    objective = Poisson
    nonnegative = ("dictionary",)
    dictionary: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "DeepNMFLayer":
        """Return the layer that is one classic update for the dictionary ``W``."""
        return cls(dictionary=W)

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the updated exposures."""
        mass = self.dictionary.sum(dim=-1)
        penalised = mass + problem.l1_reg
        shrunk = torch.where(penalised > 0, mass, 1.0) / torch.where(penalised > 0, penalised, 1.0)
        return shrunk * kl_step(problem.X, state, self.dictionary)


@dataclass(frozen=True)
class BlindRule:
    """How the two factors are updated in a layer of :class:`dnmf.unfolding.UnfoldedNMF`.

    Attributes
    ----------
    exposures : callable(W) -> UnfoldedLayer
        Makes the step of the exposures, given a dictionary (k, f) to start from.
    dictionary : callable(W) -> UnfoldedLayer, optional
        Makes the step of the dictionary, a layer of the transposed problem; None: the dictionary stays.
    dictionary_first : bool
        Whether a layer updates the dictionary before the exposures.

    Examples
    --------
    The paper's network, whose dictionary is no part of it:

    >>> paper = BlindRule(lambda W: MULayer.constant(W, 1.0))
    """

    exposures: Callable[[Tensor], UnfoldedLayer]
    dictionary: Callable[[Tensor], UnfoldedLayer] | None = None
    dictionary_first: bool = False


def lpalm(exposures: Float[Tensor, "n k"]) -> BlindRule:
    """Return the published LPALM, given exposures like those to come: from them its dictionary step starts.

    Parameters
    ----------
    exposures : (n, k)
        Like those to come, >= 0.
    """
    return BlindRule(
        LPALMLayer.from_dictionary, lambda W: UnitBallLayer.from_dictionary(exposures.mT)
    )


def _weighted_mu_dictionary(W: Float[Tensor, "k f"]) -> WeightedMULayer:
    # One weight a component, not an entry: the transposed problem has as many features as there are samples.
    k = len(W)
    return WeightedMULayer(dictionary_weights=W.new_ones(k, 1), gram_weights=W.new_ones(k, k))


BLIND_RULES: dict[str, BlindRule] = {
    # The published order: the dictionary first.
    "nalmu": BlindRule(
        NALMULayer.from_dictionary, NALMULayer.for_dictionary, dictionary_first=True
    ),
    # Free matrices would forget the dictionary that is being found: only the exposures have them.
    "mu": BlindRule(MULayer.from_dictionary, NALMULayer.for_dictionary),
    "weighted-mu": BlindRule(WeightedMULayer.from_dictionary, _weighted_mu_dictionary),
    "palm": BlindRule(PALMLayer.from_dictionary, PALMLayer.from_dictionary),
    "lp-palm": BlindRule(LpPALMLayer.from_dictionary, PALMLayer.from_dictionary),
    # One step each of Huang, Sidiropoulos and Liavas 2016, alternating optimisation with ADMM.
    "admm": BlindRule(ADMMLayer.from_dictionary, ADMMLayer.from_dictionary),
    "deep-nmf": BlindRule(DeepNMFLayer.from_dictionary),
}
"""The rules of :class:`dnmf.unfolding.UnfoldedNMF`, by the names that users give."""
