"""Factors that users give: fixed dictionaries, and starts of their own."""

import numpy as np
import torch
from numpy.typing import ArrayLike

from dnmf.engine.checks import check_range


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
    custom: bool, components: ArrayLike | None, exposures: ArrayLike | None
) -> None:
    """Raise a ValueError unless factors to start from are given where they are wanted, and could be some."""
    if custom != (components is not None) or (exposures is not None and not custom):
        raise ValueError(
            "init='custom' starts from fit(X, components=..., exposures=...), of which the exposures may be left out; "
            "another init takes neither"
        )
    for name, factor in (("components", components), ("exposures", exposures)):
        if factor is None:
            continue
        values = np.asarray(factor, dtype=np.float64)
        if values.ndim != 2 or not np.isfinite(values).all() or (values < 0).any():
            raise ValueError(f"{name} must be a matrix of finite numbers >= 0")


def custom_components(components: ArrayLike, n_components: int, like: torch.Tensor) -> torch.Tensor:
    """Return components to start from, for samples like these."""
    given, wanted = np.asarray(components), (n_components, like.shape[1])
    if given.shape != wanted:
        raise ValueError(f"components have the shape {given.shape}, expected {wanted}")
    return torch.as_tensor(given).to(like)
