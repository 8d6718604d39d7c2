"""Alternating exact least squares with extrapolation and annealed penalties: the strong classic solver."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.extrapolation import Extrapolation
from dnmf.kernels.nnls import exact_exposures, exposure_moments, nnls
from dnmf.kernels.scaling import scale_signatures_to_unit_sum

# Probability of a channel, far below which the penalty on signatures treats it as absent.
SIGNATURE_OFFSET = 1e-3
# Added to the diagonal of W W^T, so that the log volume stays finite when two signatures coincide.
VOLUME_OFFSET = 1e-3


class LogPenalty(NamedTuple):
    """The concave penalty of one iteration: ``p sum(log(H + e)) + q sum(log(W + 0.001))``."""

    exposures: float = 0.0
    exposure_offset: float = 0.0
    signatures: float = 0.0


NO_PENALTY = LogPenalty()


@dataclass(frozen=True, slots=True)
class Phase:
    """A number of iterations in which each penalty moves geometrically from its first to its second value.

    ``p sum(log(H + e)) + q sum(log(W + 0.001))``

    A concave penalty: it asks for few large entries rather than for small ones. On exposures it tells which components
    a sample has, on signatures it pushes them outwards, so that they enclose samples not seen yet.

    Attributes
    ----------
    iterations : int
        How many.
    exposures : (float, float)
        p; in the unit of the cost.
    exposure_offset : (float, float)
        e; in the unit of the exposures: entries far below it count as zero.
    signatures : (float, float)
        q; in the unit of the cost.
    """

    iterations: int
    exposures: tuple[float, float] = (0.0, 0.0)
    exposure_offset: tuple[float, float] = (1.0, 1.0)
    signatures: tuple[float, float] = (0.0, 0.0)

    def penalties(self) -> Iterator[LogPenalty]:
        """Yield the penalty of every iteration."""
        for i in range(self.iterations):
            t = i / max(self.iterations - 1, 1)
            yield LogPenalty(
                _between(self.exposures, t),
                _between(self.exposure_offset, t),
                _between(self.signatures, t),
            )

    def in_units_of(self, unit: float) -> "Phase":
        """Return the phase with exposures measured in ``unit`` instead of 1, and costs in its square."""
        return Phase(
            self.iterations,
            (self.exposures[0] * unit**2, self.exposures[1] * unit**2),
            (self.exposure_offset[0] * unit, self.exposure_offset[1] * unit),
            (self.signatures[0] * unit**2, self.signatures[1] * unit**2),
        )


def _between(ends: tuple[float, float], t: float) -> float:
    first, last = ends
    return first if first == last else first * (last / first) ** t


@dataclass(frozen=True, slots=True)
class AlternatingResult:
    """What alternating least squares found.

    Attributes
    ----------
    H, W : (n, k), (k, f)
        Exposures, optimal for these signatures, and signatures whose rows sum to 1.
    cost : list of float
        The weighted least-squares cost after every iteration, at the extrapolated point. It leaves out the penalties
        of phases and of the volume. An iteration that raised the cost with these penalties was undone.
    """

    H: Tensor
    W: Tensor
    cost: list[float]


class _WeightedProblem:
    """Samples times their weights: the cost of factors, and the exact step of either; exposures are weighted, too."""

    def __init__(
        self,
        X: Tensor,
        weights: Tensor | None,
        l1_reg: float,
        l2_reg: float,
        min_volume: float,
    ) -> None:
        self.weights = X.new_ones(len(X), 1) if weights is None else weights[:, None]
        self.X = X if weights is None else X * self.weights
        self.Xt = self.X.mT.contiguous()
        self.l1_reg, self.l2_reg, self.min_volume = l1_reg, l2_reg, min_volume

    def needs_unit_sum(self, penalty: LogPenalty) -> bool:
        """Whether factors could lower a penalty by moving scale from one to the other."""
        fixed = self.l1_reg or self.l2_reg or self.min_volume
        return bool(fixed or penalty.exposures or penalty.signatures)

    def exposures(
        self, W: Tensor, start: Tensor | None = None, penalty: LogPenalty = NO_PENALTY
    ) -> Tensor:
        gram, moments = exposure_moments(self.X, W, l2_reg=self.l2_reg)
        if self.l1_reg:
            moments = moments - self.l1_reg * self.weights
        if penalty.exposures and start is not None:
            moments = moments - penalty.exposures / (start + penalty.exposure_offset)
        return nnls(gram, moments, start=start)

    def signatures(self, H: Tensor, start: Tensor, penalty: LogPenalty) -> Tensor:
        gram, moments = H.mT @ H, self.Xt @ H
        # Each row of W is scaled to sum to 1 afterwards. A row with sum s thus multiplies its exposures by s and costs
        # l1 s sum(h) + l2/2 s^2 sum(h^2): penalties on exposures act on the signatures, too. The quadratic one is
        # applied to one channel at a time, with the other channels fixed.
        if self.l1_reg:
            moments = moments - self.l1_reg * (self.weights * H).sum(dim=0)
        if self.l2_reg:
            squares = self.l2_reg * H.square().sum(dim=0)
            gram = gram + squares.diag()
            moments = moments - squares * (start.sum(dim=1) - start.mT)
        if penalty.signatures:
            moments = moments - (penalty.signatures / (start + SIGNATURE_OFFSET)).mT
        if self.min_volume:
            gram = gram + self.min_volume * torch.linalg.inv(_volume_matrix(start))
        return nnls(gram, moments, start=start.mT).mT

    def cost(self, H: Tensor, W: Tensor) -> float:
        residual = torch.addmm(self.X, H, W, alpha=-1).flatten()
        total = 0.5 * residual.dot(residual)
        if self.l1_reg:
            total = total + self.l1_reg * (self.weights * H).sum()
        if self.l2_reg:
            total = total + 0.5 * self.l2_reg * H.square().sum()
        return total.item()

    def search_cost(self, H: Tensor, W: Tensor, penalty: LogPenalty) -> float:
        """Return what the penalty of an iteration and the volume add to the cost."""
        total = 0.0
        if penalty.exposures:
            total += penalty.exposures * (H + penalty.exposure_offset).log().sum().item()
        if penalty.signatures:
            total += penalty.signatures * (W + SIGNATURE_OFFSET).log().sum().item()
        if self.min_volume:
            total += 0.5 * self.min_volume * _volume_matrix(W).logdet().item()
        return total


def _volume_matrix(W: Tensor) -> Tensor:
    return W @ W.mT + VOLUME_OFFSET * torch.eye(len(W), dtype=W.dtype, device=W.device)


def nmf_anls(
    X: Float[Tensor, "n f"],
    W0: Float[Tensor, "k f"],
    *,
    phases: Sequence[Phase] = (Phase(100),),
    H0: Float[Tensor, "n k"] | None = None,
    l1_reg: float = 0.0,
    l2_reg: float = 0.0,
    sample_weights: Float[Tensor, " n"] | None = None,
    min_volume: float = 0.0,
    callback: Callable[[int, float], None] | None = None,
) -> AlternatingResult:
    """Factorise by extrapolated alternating exact non-negative least squares.

    ``min sum_n w_n^2 (1/2 ||x_n - h_n W||^2 + l1_reg sum(h_n) + 1/2 l2_reg sum(h_n^2))``
    ``+ p sum(log(w H + e)) + q sum(log(W + 0.001)) + 1/2 min_volume logdet(W W^T + 0.001 I)``

    Each iteration solves both blocks exactly from extrapolated points (concave penalties by their tangent at the last
    point) and takes the extrapolation back when the cost rises. With any penalty signatures are rescaled to unit sum in
    every iteration: otherwise shrinking exposures and growing signatures would escape it.

    Parameters
    ----------
    X, W0 : (n, f), (k, f)
        Counts and the starting signatures.
    phases : sequence of Phase
        How many iterations, under which penalties; the extrapolation runs on through all of them.
    H0 : (n, k), optional
        Starting exposures; default optimal for ``W0``.
    l1_reg, l2_reg : float
        Penalties on the exposures, see :func:`dnmf.kernels.frobenius_cost`.
    sample_weights : (n,), optional
        w, one over each sample's noise; ``1 / sqrt(sum(x))`` for Poisson counts. Exposures in penalties are weighted,
        too: they are measured in units of noise.
    min_volume : float
        Weight of the volume that the signatures span, in the unit of the cost.
    callback : callable(iteration, cost), optional
        Called after every iteration, with the cost as a part of that of no signatures: it has no unit, so costs under
        different weights compare.

    Returns
    -------
    AlternatingResult

    Notes
    -----
    Ang and Gillis 2019, Neural Computation 31:417 (extrapolation); Kim and Park 2011 (exact alternating least squares);
    Candès, Wakin and Boyd 2008 (reweighted l1 for the logarithm); Leplat, Ang and Gillis 2019 (volume).
    """
    problem = _WeightedProblem(X, sample_weights, l1_reg, l2_reg, min_volume)
    H = problem.exposures(W0) if H0 is None else H0 * problem.weights
    W = W_ahead = W0
    last_cost, last_point = float("inf"), (H, W)
    extrapolation = Extrapolation()
    cost: list[float] = []
    nothing = max(0.5 * problem.X.square().sum().item(), torch.finfo(X.dtype).tiny)
    for penalty in chain.from_iterable(phase.penalties() for phase in phases):
        beta = extrapolation.factor
        H_next = problem.exposures(W_ahead, H, penalty)
        H_ahead = (H_next + beta * (H_next - H)).clamp(min=0)
        W_next = problem.signatures(H_ahead, W, penalty)
        if problem.needs_unit_sum(penalty):
            H_next, _ = scale_signatures_to_unit_sum(H_next, W_next)
            H_ahead, W_next = scale_signatures_to_unit_sum(H_ahead, W_next)
        extrapolated = (W_next + beta * (W_next - W)).clamp(min=0)
        cost.append(problem.cost(H_ahead, W_next))
        # Both points under the penalty of this iteration, which is not that under which the last one was found.
        whole = cost[-1] + problem.search_cost(H_ahead, W_next, penalty)
        if whole > last_cost + problem.search_cost(*last_point, penalty):
            W_ahead = W
            extrapolation.went_up()
        else:
            W_ahead, H, W = extrapolated, H_next, W_next
            last_cost, last_point = cost[-1], (H_ahead, W_next)
            extrapolation.went_down()
        if callback is not None:
            callback(len(cost), cost[-1] / nothing)
    _, W = scale_signatures_to_unit_sum(H, W)
    start = H / problem.weights
    return AlternatingResult(
        H=exact_exposures(X, W, l1_reg=l1_reg, l2_reg=l2_reg, start=start), W=W, cost=cost
    )
