"""Least squares in passes over chunks: extrapolated alternating coordinate descent, one pass per iteration."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dnmf.engine.chunks import Chunks, State, Sums
from dnmf.engine.factorised import TOL, Factorised, has_converged
from dnmf.engine.products import (
    pair_sums,
    sum_dtype,
    symmetric,
    times_transposed,
    transposed_times,
    unit_rows,
)
from dnmf.engine.samples import Chunk
from dnmf.kernels.coordinate import coordinate_descent, masked_coordinate_descent
from dnmf.kernels.extrapolation import Extrapolation
from dnmf.kernels.finite import finite
from dnmf.kernels.nnls import nnls, nnls_own_gram
from dnmf.kernels.objectives import Frobenius

# Sweeps of coordinate descent per pass, and the part of the first sweep's gain below which the next is not worth it.
EXPOSURE_SWEEPS, EXPOSURE_ENOUGH = 4, 0.1
# The dictionary's sweeps cost nothing beside a pass over the data.
DICTIONARY_SWEEPS, DICTIONARY_ENOUGH = 8, 0.05
# Sweeps for the first exposures, from zero.
FIRST_SWEEPS, FIRST_ENOUGH = 50, 1e-3


@dataclass(frozen=True)
class _Pass:
    """What every chunk is told: the dictionary, and what became of the candidates of the last pass.

    ``scale`` has moved from the dictionary into the exposures since. ``ahead`` and ``last_ahead`` are the factors of
    extrapolation of this pass and of the last one.
    """

    W: Tensor
    scale: Tensor
    accepted: bool
    ahead: float
    last_ahead: float
    l1_reg: float
    l2_reg: float
    first: bool


def factorise(
    chunks: Chunks,
    W0: Tensor,
    *,
    objective: Frobenius | None = None,
    max_iter: int = 250,
    tol: float = TOL,
    callback: Callable[[int, float], None] | None = None,
) -> Factorised:
    """Lower ``sum_n w_n (1/2 ||x_n - h_n W||^2 + l1_reg sum(h_n) + 1/2 l2_reg sum(h_n^2))`` over H, W >= 0.

    Each iteration is one pass over the data: sweeps of coordinate descent on the exposures of every sample from a point
    ahead of the last one, sums ``H^T H`` and ``H^T X`` at a point ahead of the new ones, sweeps on the dictionary from
    these sums. The cost at the point ahead follows from the same sums; when it rises, the iteration is undone and the
    next looks less far ahead. With a penalty the rows of W are kept at unit sum: otherwise shrinking exposures and a
    growing dictionary would escape it.

    Parameters
    ----------
    chunks : Chunks
        The data, and where they are worked on.
    W0 : (k, f)
        The dictionary to start from. Exposures start from those of the samples where they have some, else from W0.
    objective : Frobenius
        Its penalties, which must be numbers.
    max_iter : int
        Most iterations.
    tol : float
        Stop when 10 iterations lowered the cost by less than this part of it; 0 stops only at rounding level.
    callback : callable(iteration, cost), optional
        Called after every iteration with the best cost so far.

    Returns
    -------
    Factorised
        The exposures follow from :func:`exposures`.

    Notes
    -----
    Ang and Gillis 2019, Neural Computation 31:417 (extrapolation); Gillis and Glineur 2012, Neural Computation 24:1085
    (several sweeps per product with the data); Hsieh and Dhillon 2011 (coordinate descent). The cost from the sums is
    a difference of numbers of the size of ``sum(x^2)``: where the residual is below the square root of rounding its
    decrease is not seen any more, and the iteration ends.
    """
    objective = Frobenius() if objective is None else objective
    l1_reg, l2_reg = float(objective.l1_reg), float(objective.l2_reg)
    dtype = chunks.samples.dtype
    scale = W0.sum(dim=1).to(chunks.samples.device, sum_dtype(W0.device))
    W = unit_rows(W0.to(scale))
    W_ahead = W
    extrapolation, last_ahead, accepted = Extrapolation(), 0.0, True
    cost: list[float] = []
    converged = False
    squares = scale.new_zeros(())
    rounding = 0.0
    for iteration in range(1, max_iter + 1):
        # A step that does not look ahead, from the point whose cost is known, cannot raise the cost.
        ahead = extrapolation.factor if accepted else 0.0
        shared = _Pass(
            W_ahead.to(dtype),
            scale.to(dtype),
            accepted,
            ahead,
            last_ahead,
            l1_reg,
            l2_reg,
            not cost,
        )
        sums = chunks.run(_update, shared)
        if not cost:
            squares = finite("factorise", sums["squares"])
            rounding = squares.item() * torch.finfo(dtype).eps
        gram = gram_of(sums)
        W_next = dictionary_step(sums, gram, W_ahead, l1_reg, l2_reg)
        now = _cost(sums, gram, W_next, squares)
        scale = torch.ones_like(scale)
        if l1_reg or l2_reg:
            scale = W_next.sum(dim=1)
            W_next = unit_rows(W_next)
            now = now + l1_reg * (sums["exposures"] @ scale)
            now = now + 0.5 * l2_reg * (sums["squared_exposures"] @ scale.square())
        value = max(now.item(), 0.0)
        last_ahead = ahead
        accepted = not cost or value <= cost[-1]
        if accepted:
            W_ahead = (W_next + ahead * (W_next - W)).clamp(min=0)
            W = W_next
            extrapolation.went_down()
        else:
            W_ahead = W
            extrapolation.went_up()
        cost.append(value if accepted else cost[-1])
        if callback is not None:
            callback(iteration, cost[-1])
        if has_converged(cost, tol, rounding):
            converged = True
            break
    return Factorised(finite("factorise", unit_rows(W).to(dtype)), cost, len(cost), converged)


def exposures(chunks: Chunks, W: Tensor, *, objective: Frobenius | None = None) -> Iterator[Tensor]:
    """Yield the exact exposures of the samples for a dictionary, chunk by chunk.

    After :func:`factorise` on the same chunks they start from where it ended, which saves most of the time.
    """
    objective = Frobenius() if objective is None else objective
    penalties = float(objective.l1_reg), float(objective.l2_reg)
    return chunks.rows(exact_exposures_of, (W.to(chunks.samples.dtype), *penalties))


def _update(chunk: Chunk, state: State, shared: _Pass) -> tuple[State, Sums]:
    """One pass over a chunk; the state holds the last exposures, the candidates after them, and where these began."""
    descend = _Descent(chunk, shared.W, shared.l1_reg, shared.l2_reg)
    if shared.first or state is None:
        if chunk.start is not None:
            start = chunk.start * shared.scale
        else:
            nothing = shared.W.new_zeros(chunk.X.shape[0], len(shared.W))
            start = descend(nothing, FIRST_SWEEPS, FIRST_ENOUGH)
        H = start
    elif shared.accepted:
        before, H = state[0] * shared.scale, state[1] * shared.scale
        start = (H + shared.last_ahead * (H - before)).clamp(min=0)
    else:
        H = start = state[2]
    candidate = descend(start, EXPOSURE_SWEEPS, EXPOSURE_ENOUGH)
    sums = dictionary_sums(chunk, (candidate + shared.ahead * (candidate - H)).clamp(min=0))
    if shared.first:
        sums["squares"] = _squares(chunk, sums["moments"].dtype)
    return torch.stack([H, candidate, start]), sums


class _Descent:
    """Coordinate descent on the exposures of a chunk, by its normal equations, or by residuals where entries miss."""

    def __init__(self, chunk: Chunk, W: Tensor, l1_reg: float, l2_reg: float) -> None:
        self.chunk, self.W, self.penalties = chunk, W, {"l1_reg": l1_reg, "l2_reg": l2_reg}
        if chunk.observed is None:
            eye = torch.eye(len(W), dtype=W.dtype, device=W.device)
            self.gram = W @ W.mT + l2_reg * eye
            self.moments = times_transposed(chunk.X, W)
            if l1_reg:
                self.moments -= l1_reg

    def __call__(self, start: Tensor, sweeps: int, enough: float) -> Tensor:
        limits: dict[str, Any] = {"max_sweeps": sweeps, "enough": enough}
        if self.chunk.observed is None:
            return coordinate_descent(self.gram, self.moments, start, **limits)
        limits |= self.penalties
        return masked_coordinate_descent(self.chunk.X, self.chunk.observed, self.W, start, **limits)


def dictionary_sums(chunk: Chunk, H: Tensor) -> Sums:
    """Return what the dictionary step needs; ``known_gram`` is by feature, of samples with missing entries."""
    weighted = H if chunk.weights is None else chunk.weights[:, None] * H
    wide = sum_dtype(H.device)
    sums = {
        "moments": transposed_times(weighted, chunk.X).to(wide),
        "exposures": weighted.sum(dim=0, dtype=wide),
        "squared_exposures": (weighted * H).sum(dim=0, dtype=wide),
    }
    if chunk.observed is None:
        sums["gram"] = (weighted.mT @ H).to(wide)
    else:
        sums["known_gram"] = pair_sums(H, weighted, chunk.observed.to(H)).to(wide)
    return sums


def gram_of(sums: Sums) -> Tensor:
    """Return ``H^T H``: (k, k), or (f, k, k) when entries are missing."""
    if "known_gram" not in sums:
        return sums["gram"]
    gram = symmetric(sums["known_gram"], len(sums["moments"]))
    return gram + sums["gram"] if "gram" in sums else gram


def _squares(chunk: Chunk, dtype: torch.dtype) -> Tensor:
    """``sum_n w_n ||x_n||^2``."""
    X = chunk.X
    if isinstance(X, Tensor):
        per_sample = X.square().sum(dim=1, dtype=dtype)
    else:
        per_sample = torch.from_numpy(X.power(2).sum(axis=1)).flatten().to(dtype)
    return (per_sample if chunk.weights is None else per_sample * chunk.weights).sum()


def dictionary_step(
    sums: Sums, gram: Tensor, start: Tensor, l1_reg: float, l2_reg: float
) -> Tensor:
    """Return the dictionary after sweeps of coordinate descent on the cost that the sums make of it."""
    if l1_reg or l2_reg:
        return _penalised_dictionary(sums, gram, start, l1_reg, l2_reg)
    return coordinate_descent(
        gram,
        sums["moments"].mT,
        start.mT,
        max_sweeps=DICTIONARY_SWEEPS,
        enough=DICTIONARY_ENOUGH,
    ).mT


def _penalised_dictionary(
    sums: Sums, gram: Tensor, start: Tensor, l1_reg: float, l2_reg: float
) -> Tensor:
    """Sweeps over rows; penalties on exposures act on them, since they are scaled to unit sum afterwards.

    A row with sum s multiplies its exposures h by s and costs ``l1_reg s sum(h) + l2_reg / 2 s^2 sum(h^2)``. Its
    minimum with the other rows fixed is ``w = max(0, v - t / d)`` with ``t = l1_reg sum(h) + l2_reg sum(h^2) sum(w)``,
    where v is the minimum without penalties and sign and d its curvature.
    """
    W = start.clone()
    linear, quadratic = l1_reg * sums["exposures"], l2_reg * sums["squared_exposures"]
    by_feature = gram.expand(W.shape[1], *gram.shape[-2:])
    curvature = by_feature.diagonal(dim1=-2, dim2=-1).mT
    inverse = torch.where(curvature > 0, 1 / curvature, torch.zeros_like(curvature))
    for _ in range(DICTIONARY_SWEEPS):
        for j in range(len(W)):
            slope = (by_feature[:, j] * W.mT).sum(dim=1) - sums["moments"][j]
            v = W[j] - slope * inverse[j]
            order = (v * curvature[j]).argsort(descending=True)
            # Of the thresholds for every number of positive entries, the right one is the largest.
            total, slack = v[order].cumsum(dim=0), inverse[j][order].cumsum(dim=0)
            t = ((linear[j] + quadratic[j] * total) / (1 + quadratic[j] * slack)).amax()
            t = torch.maximum(t, linear[j])
            W[j] = (v - t * inverse[j]).clamp(min=0) * (inverse[j] > 0)
    return W


def _cost(sums: Sums, gram: Tensor, W: Tensor, squares: Tensor) -> Tensor:
    """``1/2 ||X - H W||^2`` over the known entries, from the sums."""
    reached = gram @ W if gram.ndim == 2 else (gram @ W.mT[:, :, None])[:, :, 0].mT
    return 0.5 * squares - (sums["moments"] * W).sum() + 0.5 * (reached * W).sum()


def exact_exposures_of(chunk: Chunk, state: State, shared: tuple[Tensor, float, float]) -> Tensor:
    """Return the exact exposures of a chunk for ``shared``: a dictionary, l1_reg and l2_reg."""
    W, l1_reg, l2_reg = shared
    start = None if state is None or state.shape[-1] != len(W) else state[1]
    eye = torch.eye(len(W), dtype=W.dtype, device=W.device)
    moments = times_transposed(chunk.X, W) - l1_reg
    if chunk.observed is None:
        return nnls(W @ W.mT + l2_reg * eye, moments, start=start)
    grams = symmetric(pair_sums(W.mT, W.mT, chunk.observed.to(W).mT), len(W)) + l2_reg * eye
    return nnls_own_gram(grams, moments, start=start)
