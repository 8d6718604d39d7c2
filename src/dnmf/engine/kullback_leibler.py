"""Kullback-Leibler in passes over chunks: extrapolated alternating second-order steps, one pass per iteration."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dnmf.engine.chunks import Chunks, State, Sums
from dnmf.engine.factorised import TOL, Factorised, has_converged
from dnmf.engine.products import pair_sums, sum_dtype, symmetric, unit_rows
from dnmf.engine.samples import Chunk, SparseRows
from dnmf.kernels._kl_descent_numba import kl_sums_sparse
from dnmf.kernels.coordinate import coordinate_descent
from dnmf.kernels.extrapolation import Extrapolation
from dnmf.kernels.finite import finite
from dnmf.kernels.kl_descent import kl_descend
from dnmf.kernels.objectives import Poisson

# Sweeps on the second-order model of a pass: of exposures, of the dictionary.
EXPOSURE_SWEEPS, DICTIONARY_SWEEPS = 1, 2
# Second-order steps from even exposures, in the first pass.
FIRST_STEPS = 3
# Share of an even spectrum in the components to start from, and of even exposures in those to start from: every count
# must be possible.
EVEN_SHARE = 1e-2
# Part of an entry that extrapolation leaves at least.
KEPT_AHEAD = 1e-6
# Part of an entry of the dictionary that a step leaves at least: the model is good as long as no reconstruction falls
# below half of what it was. Entries that make less than this share of a feature may become zero.
KEPT_IN_STEP, NEGLIGIBLE_SHARE = 0.5, 1e-4
# Rows of which temporary arrays stay in the cache of a processor.
BLOCK_ROWS = 256
# Steps and sweeps of the exact exposures.
EXACT_STEPS, EXACT_SWEEPS = 200, 5


@dataclass(frozen=True)
class _Pass:
    """What every chunk is told: the dictionary, whether the last candidates were accepted, how far to look ahead."""

    W: Tensor
    accepted: bool
    ahead: float
    last_ahead: float
    first: bool


def factorise(
    chunks: Chunks,
    W0: Tensor,
    *,
    objective: Poisson | None = None,
    max_iter: int = 250,
    tol: float = TOL,
    callback: Callable[[int, float], None] | None = None,
) -> Factorised:
    """Lower ``sum_n w_n sum_c (x log(x / r) - x + r)`` with ``r = h_n W`` over H, W >= 0.

    Each iteration is one pass over the data: a second-order step on the exposures of every sample from a point ahead of
    the last one, then the cost and the sums ``H^T (X / R)`` and, of every feature, ``sum_n h_n h_n^T x / r^2`` at a
    point ahead of the new ones. From these a second-order step on the dictionary follows. When the cost rises, the
    iteration is undone, the next does not look ahead, and those after it look less far ahead.

    Parameters
    ----------
    chunks : Chunks
        The data, and where they are worked on.
    W0 : (k, f)
        The dictionary to start from; 1 % of it becomes even, so that every count is possible.
    objective : Poisson, optional
        It has nothing to set.
    max_iter : int
        Most iterations.
    tol : float
        Stop when 10 iterations lowered the cost by less than this part of it; 0 stops only at rounding level.
    callback : callable(iteration, cost), optional
        Called after every iteration with the best cost so far, in nats.

    Returns
    -------
    Factorised
        The exposures follow from :func:`exposures`.

    Notes
    -----
    Second-order steps by coordinate descent: Hsieh and Dhillon 2011; extrapolation: Ang and Gillis 2019. The sums take
    ``f k (k + 3) / 2`` numbers.
    """
    del objective
    dtype, device = chunks.samples.dtype, chunks.samples.device
    W0 = unit_rows(W0.to(device, sum_dtype(device)))
    W = W_ahead = best = (1 - EVEN_SHARE) * W0 + EVEN_SHARE / W0.shape[1]
    extrapolation, last_ahead, accepted = Extrapolation(), 0.0, True
    cost: list[float] = []
    converged = False
    constant, rounding = W.new_zeros(()), 0.0
    for iteration in range(1, max_iter + 1):
        # From the point whose cost is known, and not looking ahead: such a step hardly ever raises the cost.
        ahead = extrapolation.factor if accepted else 0.0
        shared = _Pass(W_ahead.to(dtype), accepted, ahead, last_ahead, not cost)
        sums = chunks.run(_update, shared)
        exposures_per_feature = sums["exposures"]
        if "known_exposures" in sums:
            exposures_per_feature = exposures_per_feature + sums["known_exposures"]
        total = (exposures_per_feature * W_ahead.mT).sum()
        if not cost:
            constant = finite("factorise", sums["constant"])
            rounding = total.item() * torch.finfo(dtype).eps
        value = (constant + total - sums["logs"]).item()
        last_ahead, was_accepted = ahead, accepted
        accepted = not cost or value <= cost[-1]
        if accepted:
            best = W_ahead
            W_next = _dictionary(sums, exposures_per_feature, W_ahead)
            W_ahead = _ahead(W_next, W, ahead)
            W = W_next
            extrapolation.went_down()
        else:
            # A second rise in a row is that of the dictionary's own step.
            W_ahead = W = W if was_accepted else best
            extrapolation.went_up()
        cost.append(value if accepted else cost[-1])
        if callback is not None:
            callback(iteration, cost[-1])
        if has_converged(cost, tol, rounding):
            converged = True
            break
    return Factorised(finite("factorise", unit_rows(best).to(dtype)), cost, len(cost), converged)


def exposures(chunks: Chunks, W: Tensor, *, tol: float = 1e-6) -> Iterator[Tensor]:
    """Yield exposures of the samples for a dictionary, chunk by chunk, each within ``tol`` nats of the best.

    After :func:`factorise` on the same chunks they start from where it ended.
    """
    return chunks.rows(exact_exposures_of, (W.to(chunks.samples.dtype), tol))


def _ahead(new: Tensor, old: Tensor, factor: float) -> Tensor:
    """Return a point further on from ``old`` to ``new``, in which no entry of ``new`` vanishes."""
    return torch.maximum(new + factor * (new - old), KEPT_AHEAD * new)


def _update(chunk: Chunk, state: State, shared: _Pass) -> tuple[State, Sums]:
    """One pass over a chunk; the state holds the last exposures, the candidates after them, and where these began."""
    W = shared.W
    mass = _mass(chunk, W)
    if shared.first or state is None:
        start = _start(chunk, W, mass)
        candidate = H = kl_descend(
            chunk.X, W, start, mass=mass, steps=FIRST_STEPS, sweeps=EXPOSURE_SWEEPS
        )
    else:
        if shared.accepted:
            H = state[1]
            start = _ahead(H, state[0], shared.last_ahead)
        else:
            H = start = state[2]
        candidate = kl_descend(chunk.X, W, start, mass=mass, sweeps=EXPOSURE_SWEEPS)
    sums = dictionary_sums(chunk, _ahead(candidate, H, shared.ahead), W)
    if shared.first:
        sums["constant"] = _constant(chunk)
    return torch.stack([H, candidate, start]), sums


def _mass(chunk: Chunk, W: Tensor) -> Tensor:
    """Return what a unit of each component adds to the known entries: (1, k), or (m, k) where some are missing."""
    return W.sum(dim=1)[None] if chunk.observed is None else chunk.observed.to(W) @ W.mT


def _start(chunk: Chunk, W: Tensor, mass: Tensor) -> Tensor:
    total = chunk.X.sum(dim=1) if isinstance(chunk.X, Tensor) else _tensor(chunk.X.sum(axis=1), W)
    even = total.reshape(-1, 1) / (len(W) * torch.where(mass > 0, mass, 1.0))
    return even if chunk.start is None else chunk.start + EVEN_SHARE * even


def dictionary_sums(chunk: Chunk, H: Tensor, W: Tensor) -> Sums:
    """Return the cost but for what it owes to the data alone, and its derivatives by the dictionary."""
    wide = sum_dtype(W.device)
    weighted = H if chunk.weights is None else chunk.weights[:, None] * H
    if chunk.observed is None:
        sums = {"exposures": weighted.sum(dim=0, dtype=wide)}
    else:
        known = chunk.observed.to(W).mT @ weighted
        sums = {"exposures": H.new_zeros(len(W), dtype=wide), "known_exposures": known.to(wide)}
    if isinstance(chunk.X, Tensor):
        return sums | _dense_sums(chunk.X, H, weighted, W, chunk.weights)
    return sums | _sparse_sums(chunk.X, H, W, chunk.weights)


def _sparse_sums(X: SparseRows, H: Tensor, W: Tensor, weights: Tensor | None) -> Sums:
    (f, k), wide = W.mT.shape, sum_dtype(W.device)
    first = H.new_zeros(f, k, dtype=wide)
    second = H.new_zeros(f, k * (k + 1) // 2, dtype=wide)
    weights = H.new_ones(1) if weights is None else weights
    dictionary = np.ascontiguousarray(W.mT.numpy())
    arrays = dictionary, H.numpy(), weights.numpy(), first.numpy(), second.numpy()
    logs = kl_sums_sparse(X.data, X.indices, X.indptr, *arrays)
    return {"logs": first.new_tensor(logs), "first": first, "second": second.mT}


def _dense_sums(X: Tensor, H: Tensor, weighted: Tensor, W: Tensor, weights: Tensor | None) -> Sums:
    (k, f), wide = W.shape, sum_dtype(W.device)
    logs = W.new_zeros((), dtype=wide)
    first = W.new_zeros(k, f, dtype=wide)
    second = W.new_zeros(k * (k + 1) // 2, f, dtype=wide)
    # A count that is impossible makes the cost huge, not infinite; the iteration is then undone.
    smallest = torch.finfo(W.dtype).tiny ** 0.25
    size = BLOCK_ROWS if W.device.type == "cpu" else len(X)
    for rows in (slice(a, a + size) for a in range(0, len(X), size)):
        x, left, right = X[rows], H[rows], weighted[rows]
        spectrum = (left @ W).clamp_(min=smallest)
        terms = spectrum.log().mul_(x)
        logs += _weighted_sum(terms, None if weights is None else weights[rows], wide)
        inverse = spectrum.reciprocal_()
        ratio = x * inverse
        first += right.mT @ ratio
        second += pair_sums(left, right, ratio.mul_(inverse))
    return {"logs": logs, "first": first.mT, "second": second}


def _constant(chunk: Chunk) -> Tensor:
    """``sum_n w_n sum_c (x log x - x)``."""
    X = chunk.X
    if isinstance(X, Tensor):
        return _weighted_sum(torch.special.xlogy(X, X) - X, chunk.weights, sum_dtype(X.device))
    values = torch.from_numpy(X.data).double()
    terms = torch.special.xlogy(values, values) - values
    if chunk.weights is not None:
        terms = terms * chunk.weights.repeat_interleave(torch.from_numpy(np.diff(X.indptr)).long())
    return terms.sum()


def _weighted_sum(terms: Tensor, weights: Tensor | None, dtype: torch.dtype) -> Tensor:
    per_sample = terms.sum(dim=1, dtype=dtype)
    return (per_sample if weights is None else per_sample * weights).sum()


def _dictionary(sums: Sums, exposures_per_feature: Tensor, W: Tensor) -> Tensor:
    """Return the dictionary after a second-order step from W, at which the sums were made."""
    gram = symmetric(sums["second"], len(W))
    Wt = W.mT
    share = exposures_per_feature * Wt
    least = KEPT_IN_STEP * torch.where(
        share > NEGLIGIBLE_SHARE * share.sum(dim=1, keepdim=True), Wt, 0.0
    )
    above = Wt - least
    slope = exposures_per_feature - sums["first"]
    moments = (gram @ above[:, :, None])[:, :, 0] - slope
    return (least + coordinate_descent(gram, moments, above, max_sweeps=DICTIONARY_SWEEPS)).mT


def exact_exposures_of(chunk: Chunk, state: State, shared: tuple[Tensor, float]) -> Tensor:
    """Return the exposures of a chunk for ``shared``: a dictionary, and the nats that they may lack."""
    W, tol = shared
    mass = _mass(chunk, W)
    start = _start(chunk, W, mass)
    if state is not None and state.shape[-1] == len(W):
        start = (1 - EVEN_SHARE) * state[1] + EVEN_SHARE * start
    return kl_descend(chunk.X, W, start, mass=mass, steps=EXACT_STEPS, sweeps=EXACT_SWEEPS, tol=tol)


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(np.asarray(values)).to(like)
