"""What users give as samples, as chunks: tables go through scikit-learn's validation, all else through the engine's."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from dnmf.criteria import LARGEST_ENTRY
from dnmf.engine.samples import Samples, as_samples
from dnmf.exceptions import InputDataError

FLOATS = (np.float64, np.float32)
# Kept where they are, and read chunk by chunk: by the packages of their types.
_READ_IN_CHUNKS = ("dask", "zarr", "h5py", "anndata", "torch")
_ROWS_AT_A_TIME = 4096


def read_samples(
    estimator: BaseEstimator,
    X: Any,
    *,
    reset: bool,
    device: str,
    dtype: torch.dtype | None,
    sample_weight: Any = None,
    mask: Any = None,
    start: Any = None,
) -> Samples:
    """Return samples in chunks after scikit-learn's checks, or raise an error that names what is wrong.

    ``reset`` says whether the estimator is being fitted; else the features must be those that it was fitted on.
    """
    if np.ma.isMaskedArray(X):
        mask = np.ma.getmaskarray(X) if mask is None else mask | np.ma.getmaskarray(X)
        X = X.filled(0)
    table = _is_table(X)
    if table:
        # What a mask covers may be anything; the engine checks what it leaves.
        known = mask is None
        X = validate_data(
            estimator,
            X,
            reset=reset,
            dtype=FLOATS,
            accept_sparse=("csr", "csc"),
            ensure_all_finite="allow-nan" if known else False,
            ensure_non_negative=known,
        )
        if known:
            precision = str(X.dtype) if dtype is None else str(dtype).removeprefix("torch.")
            check_range("X", X, precision)
    samples = as_samples(
        X,
        sample_weight=sample_weight,
        mask=None if mask is None else _rows_of_mask(mask),
        start=start,
        dtype=dtype,
        device=device,
    )
    if not table:
        _check_features(estimator, samples.n_features, reset)
    return samples


def check_range(name: str, rows: Any, precision: str) -> None:
    """Raise an InputDataError for a row whose entries are so large or so small that products over- or underflow."""
    largest = LARGEST_ENTRY[precision]
    for first in range(0, rows.shape[0], _ROWS_AT_A_TIME):
        part = rows[first : first + _ROWS_AT_A_TIME]
        if sparse.issparse(part):
            part = part.tocsr()
            top = part.max(axis=1).toarray().ravel()
            least = np.full(len(top), part.data[part.data > 0].min(initial=np.inf))
        else:
            top = np.fmax.reduce(part, axis=1, initial=0.0)
            least = np.where(part > 0, part, np.inf).min(axis=1, initial=np.inf)
        small = ((top > 0) & (top < 1 / largest)) | (least < largest**-3)
        for size, wrong, entry in (("large", top > largest, top), ("small", small, least)):
            if wrong.any():
                row = int(wrong.argmax())
                raise InputDataError(
                    f"{name} is too {size}: row {first + row} holds {entry[row]:.3g}. In {precision} the largest entry "
                    f"of a row must be 0 or from {1 / largest:g} to {largest:g}, and no other below {largest**-3:g}. "
                    "Scale the data, e.g. divide by their mean."
                )


def _is_table(X: Any) -> bool:
    """Whether X lies in memory as an array, a table, rows or a sparse matrix, or is nothing that could be data."""
    if isinstance(X, np.memmap) or type(X).__module__.partition(".")[0] in _READ_IN_CHUNKS:
        return False
    if isinstance(X, (list, tuple)):
        return not (len(X) and getattr(X[0], "ndim", 0) == 2)
    in_memory = sparse.issparse(X) or hasattr(X, "__array__") or isinstance(X, str)
    return in_memory or not isinstance(X, Iterable)


def _rows_of_mask(mask: Any) -> Any:
    return mask if hasattr(mask, "shape") else np.asarray(mask, dtype=bool)


def _check_features(estimator: Any, n_features: int, reset: bool) -> None:
    if reset:
        estimator.n_features_in_ = n_features
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif n_features != estimator.n_features_in_:
        raise InputDataError(
            f"X has {n_features} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} "
            "features as input"
        )
