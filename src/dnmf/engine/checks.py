"""What the entries of a chunk must be: >= 0, finite, in the range of the precision, some known for every feature."""

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dnmf.criteria import LARGEST_ENTRY
from dnmf.exceptions import InputDataError

_ROWS_AT_A_TIME = 4096


def check_known_features(known: np.ndarray) -> None:
    """Raise InputDataError if a feature is unknown in every sample."""
    if not known.all():
        column = int(np.flatnonzero(~known)[0])
        raise InputDataError(
            f"feature {column} has no known entry (all are missing or masked): leave it out"
        )


def check_dense(X: Tensor, first: int) -> None:
    """Raise an InputDataError for an entry that is negative, infinite or too large; ``first`` is the first row's."""
    if not X.numel():
        return
    low, high = torch.aminmax(X)
    limit = LARGEST_ENTRY[str(X.dtype).removeprefix("torch.")]
    if bool(low >= 0) and bool(high <= limit):
        return
    row, column = (~((X >= 0) & (limit >= X))).nonzero()[0].tolist()
    _refuse(X[row, column].item(), first + row, column, limit)


def check_sparse(X: Any, first: int) -> None:
    """Raise an InputDataError as :func:`check_dense`, for a csr matrix, and for NaN."""
    limit = LARGEST_ENTRY[str(X.dtype)]
    bad = ~((X.data >= 0) & (X.data <= limit))
    if bad.any():
        entry = int(np.flatnonzero(bad)[0])
        row = int(np.searchsorted(X.indptr, entry, side="right")) - 1
        value = float(X.data[entry])
        if np.isnan(value):
            raise InputDataError(
                f"sample {first + row}, feature {X.indices[entry]}: NaN in sparse data. Missing entries need a dense "
                "array: what a sparse matrix leaves out is 0"
            )
        _refuse(value, first + row, int(X.indices[entry]), limit)


def _refuse(value: float, row: int, column: int, limit: float) -> None:
    other = ", or take dtype='float64'" if limit == LARGEST_ENTRY["float32"] else ""
    advice = f". Scale the data{other}" if limit < value < float("inf") else ""
    raise InputDataError(
        f"sample {row}, feature {column} is {value:g}; data must be >= 0, finite and, in this precision, at most "
        f"{limit:g}{advice}"
    )


def check_range(name: str, rows: Any, precision: str, first_row: int = 0) -> None:
    """Raise an InputDataError for a row whose entries are so large or so small that products over- or underflow."""
    largest = LARGEST_ENTRY[precision]
    other = ', or take dtype="float64"' if precision == "float32" else ""
    for first in range(0, rows.shape[0], _ROWS_AT_A_TIME):
        part = rows[first : first + _ROWS_AT_A_TIME]
        if sparse.issparse(part):
            part = part.tocsr()
            top = part.max(axis=1).toarray().ravel()
            least = np.full(len(top), part.data[part.data > 0].min(initial=np.inf))
        else:
            top = np.fmax.reduce(part, axis=1, initial=0.0)
            least = np.where(part > 0, part, np.inf).min(axis=1, initial=np.inf)
        # The bounds of one precision may be beyond the numbers of another.
        top, least = top.astype(np.float64), least.astype(np.float64)
        small = ((top > 0) & (top < 1 / largest)) | (least < largest**-3)
        for size, wrong, entry in (("large", top > largest, top), ("small", small, least)):
            if wrong.any():
                row = int(wrong.argmax())
                raise InputDataError(
                    f"{name} is too {size}: row {first_row + first + row} holds {entry[row]:.3g}. In {precision} the "
                    f"largest entry of a row must be 0 or from {1 / largest:g} to {largest:g}, and no other below "
                    f"{largest**-3:g}. Scale the data, e.g. divide by their mean{other}."
                )
