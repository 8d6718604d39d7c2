"""Data as batches that are iterated once a pass, and what the rows of a batch or a block may be."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dnmf.exceptions import InputDataError

# Part of a checksum by which two passes may differ: their sums may be added up in another order.
CHECKSUM_TOLERANCE = 1e-9

Bounds = tuple[tuple[int, int], ...]


class Batches:
    """Something that yields batches each time it is iterated; the batches are the chunks, read in their order.

    Batches without samples are passed over. The first pass keeps a checksum of each batch, so that a later one which
    brings others is noticed.
    """

    on_disk = True

    def __init__(self, X: Iterable[Any]) -> None:
        if isinstance(X, Iterator):
            raise InputDataError(
                "the data are an iterator, which can be read once; a fit reads them many times. Give an object whose "
                "__iter__ starts again, such as a list of arrays or a DataLoader"
            )
        self.X = X
        sizes: list[int] = []
        self._checksums: list[float] = []
        for index, batch in enumerate(self._batches()):
            if len(batch.shape) != 2:
                raise InputDataError(
                    f"batch {index} of the data has the shape {tuple(batch.shape)}; expected samples and features"
                )
            if index == 0:
                self.n_features, self.dtype = int(batch.shape[1]), batch.dtype
                check_kind(self.dtype)
            if batch.shape[1] != self.n_features or batch.dtype != self.dtype:
                raise InputDataError(
                    f"batch {index} of the data has {batch.shape[1]} features of {batch.dtype}; batch 0 has "
                    f"{self.n_features} of {self.dtype}"
                )
            sizes.append(int(batch.shape[0]))
            self._checksums.append(checksum(batch))
        if not sizes:
            raise InputDataError("the data have no batches")
        ends = np.cumsum(sizes).tolist()
        self._bounds = tuple(zip([0, *ends[:-1]], ends, strict=True))
        self.n_samples = ends[-1]
        self._iterator: Iterator[Any] = iter(())
        self._next = -1

    def _batches(self) -> Iterator[Any]:
        return (batch for batch in map(_rows_of_batch, self.X) if batch.shape[:1] != (0,))

    def bounds(self, chunk_rows: int | None) -> Bounds:
        """Return the rows of each batch."""
        if chunk_rows is not None:
            raise InputDataError(
                "the batches of the data are its chunks: chunk_rows cannot change them"
            )
        return self._bounds

    def read(self, index: int, first: int, last: int) -> Any:
        """Return one batch; in the order of the batches none is read twice in a pass."""
        if self._next < 0 or index < self._next:
            self._iterator, self._next = self._batches(), 0
        for batch in self._iterator:
            self._next += 1
            if self._next > index:
                self._check_unchanged(index, batch, last - first)
                return batch
        number, self._next = self._next, -1
        raise InputDataError(
            f"the data end after {number} batches; there were {len(self._bounds)} at the first pass. They must be the "
            "same each time they are iterated"
        )

    def _check_unchanged(self, index: int, batch: Any, n_rows: int) -> None:
        shape, expected = tuple(batch.shape), (n_rows, self.n_features)
        if shape != expected:
            wrong = f"has the shape {shape}; it had {expected} at the first pass"
        elif not np.isclose(
            checksum(batch), self._checksums[index], rtol=CHECKSUM_TOLERANCE, atol=0, equal_nan=True
        ):
            wrong = "holds other numbers than at the first pass"
        elif index + 1 == len(self._bounds) and next(self._iterator, None) is not None:
            index += 1
            wrong = f"is more than there was at the first pass, which ended after {index}"
        else:
            return
        self._next = -1
        raise InputDataError(
            f"batch {index} of the data {wrong}. Batches must be the same, in the same order, each time they are "
            "iterated: a DataLoader without shuffle, nothing drawn at random"
        )


def checksum(rows: Any) -> float:
    """Return the sum of ``i / m`` times the sum of row i of m, which another order of the rows changes too."""
    if isinstance(rows, Tensor):
        rows = rows.cpu().numpy()
    if np.ma.isMaskedArray(rows):
        rows = rows.filled(0)
    m = rows.shape[0]
    sums = rows.sum(axis=1) if sparse.issparse(rows) else np.nansum(rows, axis=1, dtype=np.float64)
    return float(np.ravel(sums) @ np.arange(1, m + 1) / m)


def holds_batches(X: Any) -> bool:
    """Whether a list holds arrays, or what a DataLoader yields, and not numbers."""
    first = X[0] if len(X) else None
    if isinstance(first, (list, tuple)) and len(first) == 1:
        first = first[0]
    return len(getattr(first, "shape", ())) == 2


def check_kind(dtype: Any) -> None:
    """Raise an InputDataError for data that are no real numbers."""
    real = not dtype.is_complex if isinstance(dtype, torch.dtype) else dtype.kind in "fiub"
    if not real:
        raise InputDataError(f"data of dtype {dtype}: expected numbers, real ones")


def plain_rows(rows: Any) -> Any:
    """Return rows as csr where they are sparse, else as an array, which keeps its mask."""
    if sparse.issparse(rows):
        return rows.tocsr()
    return rows if np.ma.isMaskedArray(rows) else np.asarray(rows)


def _rows_of_batch(batch: Any) -> Any:
    """Return the array of a batch, which a DataLoader wraps into a list."""
    if isinstance(batch, (list, tuple)):
        if len(batch) != 1:
            raise InputDataError(f"a batch of the data holds {len(batch)} arrays; expected one")
        batch = batch[0]
    return batch.detach() if isinstance(batch, Tensor) else plain_rows(batch)
