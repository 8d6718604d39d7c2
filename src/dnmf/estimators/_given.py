"""Factors that users give: fixed dictionaries, and starts of their own."""

import numpy as np
import torch
from numpy.typing import ArrayLike

from dnmf.engine.checks import check_range
from dnmf.engine.chunks import LocalChunks, State, Sums
from dnmf.engine.products import times_transposed
from dnmf.engine.samples import Chunk, Samples
from dnmf.kernels.objectives import Frobenius, Objective


def check_dictionary(dictionary: ArrayLike, n_components: int | None, precision: str) -> None:
    """Raise a ValueError for what cannot be a dictionary, or has another number of components."""
    rows = np.asarray(dictionary, dtype=np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all() or (rows < 0).any():
        raise ValueError("dictionary must be a (k, f) array of finite numbers >= 0")
    if not (rows.sum(axis=1) > 0).all():
        raise ValueError("dictionary has a row of zeros, which is no component")
    check_range("dictionary", rows, precision)
    if n_components is not None and n_components != len(rows):
        raise ValueError(
            f"n_components={n_components!r}, but dictionary has {len(rows)} rows: make them agree, or n_components=None"
        )


def fixed_dictionary(dictionary: ArrayLike, like: torch.Tensor) -> torch.Tensor:
    """Return a checked dictionary, rows scaled to sum to 1, for samples like these."""
    rows = np.asarray(dictionary, dtype=np.float64)
    if rows.shape[1] != like.shape[1]:
        raise ValueError(f"dictionary has {rows.shape[1]} features, X has {like.shape[1]}")
    return torch.as_tensor(rows / rows.sum(axis=1, keepdims=True)).to(like)


def check_custom_start(
    custom: bool, components: ArrayLike | None, exposures: ArrayLike | None, n_components: int
) -> np.ndarray | None:
    """Return the exposures to start from as an array.

    Raises
    ------
    ValueError
        Factors to start from are missing or not wanted, or could be none.
    """
    if custom != (components is not None) or (exposures is not None and not custom):
        raise ValueError(
            "init='custom' starts from fit(X, components=..., exposures=...), of which the exposures may be left out; "
            "another init takes neither"
        )
    if components is not None:
        rows = _matrix("components", components)
        empty = np.flatnonzero(rows.sum(axis=1) == 0)
        if len(empty):
            raise ValueError(
                f"row {empty[0]} of components is all zero, and would stay so: start it from something else"
            )
    if exposures is None:
        return None
    start = _matrix("exposures", exposures)
    if start.shape[1] != n_components:
        raise ValueError(
            f"exposures have the shape {start.shape}, expected {n_components} columns, one for each component"
        )
    return start


def _matrix(name: str, factor: ArrayLike) -> np.ndarray:
    try:
        values = np.asarray(factor, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 2 or not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(f"{name} must be a matrix of finite numbers >= 0")
    return values


def custom_components(components: ArrayLike, n_components: int, like: torch.Tensor) -> torch.Tensor:
    """Return components to start from, for samples like these."""
    given, wanted = np.asarray(components), (n_components, like.shape[1])
    if given.shape != wanted:
        raise ValueError(f"components have the shape {given.shape}, expected {wanted}")
    return torch.as_tensor(given).to(like)


def fit_scale(samples: Samples, W: torch.Tensor, objective: Objective) -> None:
    """Multiply the exposures to start from by one number, the best for the objective without penalties.

    With ``R = H W`` over the known entries: ``sum(X R) / sum(R^2)`` for least squares, ``sum(X) / sum(R)`` for the
    Kullback-Leibler divergence.
    """
    sums = LocalChunks(samples).run(
        _of_start, (W.to(samples.device, samples.dtype), isinstance(objective, Frobenius))
    )
    if float(sums["own"]) > 0 and float(sums["shared"]) > 0:
        samples.scale_start(float(sums["shared"] / sums["own"]))


def _of_start(chunk: Chunk, state: State, given: tuple[torch.Tensor, bool]) -> tuple[State, Sums]:
    (W, squared), H, observed = given, chunk.start, chunk.observed
    assert H is not None
    weights = H.new_ones(len(H), 1) if chunk.weights is None else chunk.weights[:, None]
    weighted = weights * H
    if squared:
        shared = (times_transposed(chunk.X, W) * weighted).sum()
    else:
        shared = (times_transposed(chunk.X, torch.ones_like(W[:1])) * weights).sum()
    if observed is None:
        own = ((weighted.mT @ H) * (W @ W.mT)).sum() if squared else weighted.sum(0) @ W.sum(1)
    else:
        fitted = (weighted @ W) * observed
        own = (fitted * (H @ W)).sum() if squared else fitted.sum()
    return state, {"shared": shared, "own": own}
