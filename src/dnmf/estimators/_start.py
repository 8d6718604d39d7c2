"""Where a factorisation starts: some of the samples, a dictionary from them, warnings where these are doubtful."""

import warnings
from typing import cast

import numpy as np
import torch

from dnmf.engine.chunks import Chunks, State
from dnmf.engine.products import unit_rows
from dnmf.engine.samples import Chunk
from dnmf.exceptions import DoubtfulDataWarning, InputDataError, SymmetricInitWarning
from dnmf.kernels.initialize import InitMethod, initialize_factors

# Entries of the samples from which a dictionary starts: 16 MB in float64. More samples start no better.
POOL_ENTRIES = 2**21
# Directions beyond the number of components in which the rank is looked for.
RANK_OVERSAMPLING = 5


def start_factors(
    X: torch.Tensor, n_components: int, init: str, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return starting exposures and components; ``init`` falls back to random where the data cannot give that many."""
    warn_of_rank(X, n_components)
    if init == "ones" and n_components > 1:
        warnings.warn(
            f"all {n_components} components start equal: multiplicative updates cannot make them differ, the result "
            "has rank 1. Use init='separable' or 'random'.",
            SymmetricInitWarning,
            stacklevel=4,
        )
    occupied, rank = int((X.sum(dim=1) > 0).sum()), min(X.shape)
    most = {"separable": occupied, "nndsvd": rank, "nndsvda": rank}
    if n_components > most.get(init, n_components):
        init = "random"
    method = cast(InitMethod, init)  # checked by the estimators
    return initialize_factors(X, int(n_components), method, generator=generator)


def warn_of_rank(X: torch.Tensor, n_components: int) -> None:
    """Warn when there are more components than the data can tell apart.

    The rank is that of the data times a few more random directions than there are components.
    """
    directions = n_components + RANK_OVERSAMPLING
    if directions < X.shape[1]:
        generator = torch.Generator().manual_seed(0)
        shape = (X.shape[1], directions)
        X = X @ torch.randn(shape, generator=generator, dtype=X.dtype).to(X.device)
    rank = int(np.linalg.matrix_rank(X.detach().cpu().numpy()))
    if n_components > rank:
        warnings.warn(
            f"{n_components} components asked of data of rank {rank}: at least {n_components - rank} of them are not "
            "determined by the data. Ask for fewer.",
            DoubtfulDataWarning,
            stacklevel=5,
        )


def warn_of_unused(used: torch.Tensor, *, l1_reg: float, custom: bool) -> None:
    """Warn of components that no sample uses; ``used`` (k,) holds the sums of exposures."""
    unused = int((used <= 0).sum())
    if unused:
        penalty = f", or lower l1_reg={l1_reg:g}, which has the unit of X" if l1_reg else ""
        start = ", or start from other components" if custom else ""
        warnings.warn(
            f"{unused} of {len(used)} components are used by no sample: ask for fewer{penalty}{start}",
            DoubtfulDataWarning,
            stacklevel=3,
        )


def revived(W: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    """Return components of which those that are all zero are samples instead, scaled to sum to 1."""
    empty = (W.sum(dim=1) == 0).nonzero()[:, 0]
    rows = evenly_spaced(samples, len(empty))
    W = W.clone()
    W[empty[: len(rows)]] = unit_rows(rows).to(W)
    return W


def draw_pool(chunks: Chunks) -> torch.Tensor:
    """Return samples that are not empty, evenly spaced over all chunks, as one dense tensor.

    Missing entries are filled by the share of the total that the feature has in the chunk. An InputDataError tells of
    data without any entry above 0.
    """
    samples = chunks.samples
    wanted = max(POOL_ENTRIES // samples.n_features, 1)
    share = min(wanted / samples.n_samples, 1.0)
    pool = torch.cat(list(chunks.rows(pool_rows, share)))
    if not len(pool):
        weighted = ", or the weights of all samples that are not" if samples.weighted else ""
        raise InputDataError(f"X is all zero{weighted}: there is nothing to factorise")
    return pool


def pool_rows(chunk: Chunk, state: State, share: float) -> torch.Tensor:
    """Return about that share of the rows of a chunk, at least one where it has one that is not empty.

    A weighted sample is multiplied by the root of its weight: its products then count as often as those of its copies.
    """
    rows, weights = _rows(chunk, share)
    return rows if weights is None else weights.sqrt()[:, None] * rows


def _rows(chunk: Chunk, share: float) -> tuple[torch.Tensor, torch.Tensor | None]:
    X = chunk.X
    sums = X.sum(dim=1) if isinstance(X, torch.Tensor) else torch.from_numpy(np.asarray(X.sum(1)))
    occupied = (sums.flatten() > 0).nonzero()[:, 0]
    if chunk.weights is not None:
        occupied = occupied[chunk.weights[occupied] > 0]
    count = min(len(occupied), max(round(share * len(sums)), 1))
    rows = evenly_spaced(occupied, count)
    weights = None if chunk.weights is None else chunk.weights[rows]
    if not isinstance(X, torch.Tensor):
        return torch.from_numpy(X[rows.numpy()].toarray()), weights
    if chunk.observed is None:
        return X[rows], weights
    usual = X.sum(dim=0) / chunk.observed.sum(dim=0).clamp(min=1)
    known = chunk.observed[rows]
    explained = (known * usual).sum(dim=1).clamp(min=torch.finfo(X.dtype).tiny)
    fill = (X[rows].sum(dim=1) / explained)[:, None] * usual
    return torch.where(known, X[rows], fill), weights


def evenly_spaced(rows: torch.Tensor, most: int) -> torch.Tensor:
    """Return at most that many of the rows, evenly spaced."""
    count = min(len(rows), most)
    return rows[torch.arange(count, device=rows.device) * len(rows) // max(count, 1)]
