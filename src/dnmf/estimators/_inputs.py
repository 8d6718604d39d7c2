"""What users give as samples, as chunks: tables go through scikit-learn's validation, all else through the engine's."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from dnmf.engine.batches import holds_batches
from dnmf.engine.checks import check_range
from dnmf.engine.samples import Samples, as_samples
from dnmf.engine.sources import is_in_file
from dnmf.exceptions import InputDataError

FLOATS = (np.float64, np.float32)
# Kept where they are, and read chunk by chunk: by the packages of their types.
_READ_IN_CHUNKS = ("dask", "zarr", "h5py", "anndata", "torch")


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
    # New samples may lack a feature; a fit cannot do without any.
    samples.whole = reset
    if not table:
        _check_features(estimator, samples.n_features, reset)
    return samples


def _is_table(X: Any) -> bool:
    """Whether X lies in memory as an array, a table, rows or a sparse matrix, or is nothing that could be data."""
    if is_in_file(X) or type(X).__module__.partition(".")[0] in _READ_IN_CHUNKS:
        return False
    if isinstance(X, (list, tuple)):
        return not holds_batches(X)
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
