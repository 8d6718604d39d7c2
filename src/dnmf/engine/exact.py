"""Exact exposures of a chunk for a known dictionary, what exposures cost, and how far they are from exact."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dnmf.criteria import EXACT_NATS
from dnmf.engine import kullback_leibler, least_squares
from dnmf.engine.chunks import State
from dnmf.engine.products import pair_sums, symmetric, times_transposed
from dnmf.engine.samples import Chunk, SparseRows
from dnmf.kernels.kl import kl_exposures, kl_gap
from dnmf.kernels.nnls import nnls_kkt_residual
from dnmf.kernels.objectives import Frobenius, Objective, Poisson

# Features up to which Newton steps on the likelihood of a dense sample are quicker than coordinate descent.
NEWTON_FEATURES = 512
# Sum to which samples are scaled for a tolerance in nats.
_SUM = 1e4
# Numbers of temporary arrays: a Gram matrix of each sample with missing entries, or dense rows of sparse data.
BLOCK_ENTRIES = 2**20


def exact_exposures(
    chunk: Chunk, W: Tensor, objective: Objective, *, state: State = None
) -> Tensor:
    """Return ``argmin_{H >= 0}`` of an objective over the known entries of samples, one row each.

    The ``state`` that :func:`factorise` left beside the chunk saves time.
    """
    if isinstance(objective, Frobenius):
        penalties = float(objective.l1_reg), float(objective.l2_reg)
        return least_squares.exact_exposures_of(chunk, state, (W, *penalties))
    # The solvers stop at a number of nats: samples of the same sum make that the same whatever the unit.
    total = _totals(chunk).to(W)
    scale = torch.where(total > 0, _SUM / total, 1.0)[:, None]
    state = None if state is None else state * scale
    tol = EXACT_NATS["float64"] * _SUM
    dense = isinstance(chunk.X, Tensor) and chunk.observed is None
    if dense and chunk.X.shape[1] <= NEWTON_FEATURES:
        start = None if state is None else state[1]
        return kl_exposures(chunk.X * scale, W, start=start, tol=tol).H / scale
    X = chunk.X * scale if isinstance(chunk.X, Tensor) else _rows_times(chunk.X, scale)
    start = None if chunk.start is None else chunk.start * scale
    scaled = replace(chunk, X=X, start=start)
    H = kullback_leibler.exact_exposures_of(scaled, state, (W, tol))
    return (H if chunk.observed is not None else _finished(scaled, H, W, tol)) / scale


def _finished(chunk: Chunk, H: Tensor, W: Tensor, tol: float) -> Tensor:
    """Return exposures of highest likelihood, by Newton steps for the samples that lack more than ``tol`` nats."""
    late = (certificates(chunk, H, W, Poisson()) > tol).nonzero()[:, 0]
    for part in _blocks(len(late), W.shape[1]):
        rows = late[part]
        X = chunk.X[rows] if isinstance(chunk.X, Tensor) else _dense(chunk.X[rows.numpy()], W)
        H[rows] = kl_exposures(X, W, start=H[rows], tol=tol).H
    return H


def _dense(X: SparseRows, like: Tensor) -> Tensor:
    return torch.from_numpy(X.toarray()).to(like)


def certificates(chunk: Chunk, H: Tensor, W: Tensor, objective: Objective) -> Tensor:
    """Return how far exposures are from exact, one number per sample, as the objective's certificate of whole samples.

    :func:`dnmf.kernels.nnls_kkt_residual` or :func:`dnmf.kernels.kl_gap`, over the known entries.
    """
    if not isinstance(objective, Frobenius):
        parts = [
            kl_gap(X, H[rows], W, observed=None if chunk.observed is None else chunk.observed[rows])
            for rows, X in _dense_blocks(chunk)
        ]
        return torch.cat(parts)
    moments = times_transposed(chunk.X, W) - objective.l1_reg
    parts = [
        nnls_kkt_residual(gram, moments[rows], H[rows])
        for rows, gram in _grams(chunk, W, objective)
    ]
    return torch.cat(parts)


def costs(chunk: Chunk, H: Tensor, W: Tensor, objective: Objective) -> Tensor:
    """Return what exposures cost over the known entries of samples, one number each, penalties left out."""
    X, observed = chunk.X, chunk.observed
    least_squares = isinstance(objective, Frobenius)
    if isinstance(X, Tensor):
        fitted = H @ W
        if observed is not None:
            fitted = fitted * observed
        if least_squares:
            return 0.5 * (X - fitted).square().sum(dim=1)
        logs = torch.special.xlogy(X, X) - torch.special.xlogy(X, fitted)
        return (logs - X + fitted).sum(dim=1)
    if least_squares:
        squares = torch.from_numpy(np.asarray(X.power(2).sum(axis=1))).flatten().to(H)
        difference = (H @ (W @ W.mT) - 2 * times_transposed(X, W)) * H
        return 0.5 * (squares + difference.sum(dim=1)).clamp(min=0)
    rows = torch.from_numpy(np.repeat(np.arange(len(H)), np.diff(X.indptr)))
    values, columns = torch.from_numpy(X.data).to(H), torch.from_numpy(X.indices).long()
    fitted = values.new_empty(len(values))
    for part in _blocks(len(values), len(W)):
        fitted[part] = (H[rows[part]] * W.mT[columns[part]]).sum(dim=1)
    logs = torch.special.xlogy(values, values) - torch.special.xlogy(values, fitted) - values
    return (H @ W.sum(dim=1)).index_add(0, rows, logs)


def _totals(chunk: Chunk) -> Tensor:
    X = chunk.X
    return (
        X.sum(dim=1)
        if isinstance(X, Tensor)
        else torch.from_numpy(np.asarray(X.sum(axis=1))).flatten()
    )


def _rows_times(X: SparseRows, factors: Tensor) -> SparseRows:
    scaled = X.copy()
    scaled.data *= np.repeat(factors.numpy().ravel(), np.diff(X.indptr))
    return scaled


def _grams(chunk: Chunk, W: Tensor, objective: Frobenius) -> Iterator[tuple[slice, Tensor]]:
    """Yield rows of a chunk with their Gram matrix, which samples with missing entries do not share."""
    k = len(W)
    eye = torch.eye(k, dtype=W.dtype, device=W.device)
    if chunk.observed is None:
        yield slice(None), W @ W.mT + objective.l2_reg * eye
        return
    for rows in _blocks(len(chunk.observed), k * k):
        known = chunk.observed[rows].to(W)
        yield rows, symmetric(pair_sums(W.mT, W.mT, known.mT), k) + objective.l2_reg * eye


def _dense_blocks(chunk: Chunk) -> Iterator[tuple[slice, Tensor]]:
    X = chunk.X
    if isinstance(X, Tensor):
        yield slice(None), X
        return
    for rows in _blocks(X.shape[0], X.shape[1]):
        yield rows, torch.from_numpy(X[rows].toarray())


def _blocks(n: int, width: int) -> Iterator[slice]:
    size = max(BLOCK_ENTRIES // width, 1)
    return (slice(a, min(a + size, n)) for a in range(0, n, size))
