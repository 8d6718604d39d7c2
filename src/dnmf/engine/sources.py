"""Where data lie: in memory, sparse, in a file, in a store of arrays, in Dask, or as batches that are iterated."""

import mmap
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dnmf.engine.batches import Batches, Bounds, holds_batches, plain_rows
from dnmf.exceptions import InputDataError

# Entries of a chunk: a chunk in float64 then takes 2 MB, so that it is still in cache when it is needed again.
CHUNK_ENTRIES = 2**18
# On another device, where a pass over a chunk is hundreds of small operations whatever its size: 128 MB in float64.
DEVICE_CHUNK_ENTRIES = 2**24
# Rows below which adding up the sums of a chunk takes longer than making them.
MIN_CHUNK_ROWS = 256


class Source(Protocol):
    """What it takes to read data chunk by chunk."""

    n_samples: int
    n_features: int
    dtype: Any
    on_disk: bool

    def bounds(self, chunk_rows: int | None) -> Bounds:
        """Return the rows of each chunk."""

    def read(self, index: int, first: int, last: int) -> Any:
        """Return the rows of a chunk as an array, a tensor or a csr matrix."""


def source_of(X: Any) -> Source:
    """Return how to read data, by what they are."""
    if sparse.issparse(X):
        return Csr(X)
    if type(X).__module__.split(".")[0] == "dask" and hasattr(X, "chunks"):
        return Dask(X)
    if type(X).__name__ == "AnnData":
        if X.X is None:
            raise InputDataError("the AnnData object has no X")
        return source_of(X.X)
    if hasattr(X, "group") and getattr(X, "format", None) == "csr":
        return BackedCsr(X)
    if isinstance(X, (list, tuple)) and not holds_batches(X):
        X = np.asarray(X)
    if is_in_file(X) and X.ndim == 2 and X.flags.c_contiguous and X.mode != "c":
        return Memmap(X)
    if isinstance(X, Tensor):
        X = X.detach()
    if hasattr(X, "shape") and hasattr(X, "dtype"):
        if len(X.shape) != 2:
            raise InputDataError(f"data need samples and features; these have the shape {X.shape}")
        return Memory(X) if isinstance(X, (np.ndarray, Tensor)) else Store(X)
    if isinstance(X, Iterable):
        return Batches(X)
    raise InputDataError(
        f"cannot read data from {type(X).__name__}: give an array (numpy, torch, scipy.sparse, dask, zarr, AnnData) or "
        "something that yields batches each time it is iterated"
    )


def is_in_file(X: Any) -> bool:
    """Whether an array is a map of a file: what numpy computes from such a map has its type, but lies in memory."""
    return (
        isinstance(X, np.memmap)
        and X.filename is not None
        and getattr(X, "_mmap", None) is not None
    )


class _Array:
    """Anything with a shape and slices of rows."""

    on_disk = False
    chunk_entries = CHUNK_ENTRIES
    # Rows of which a chunk must be a multiple, because they are stored together.
    stored_rows = 1

    def __init__(self, X: Any) -> None:
        self.X = X
        self.n_samples, self.n_features = map(int, X.shape)
        self.dtype = X.dtype

    def bounds(self, chunk_rows: int | None) -> Bounds:
        if chunk_rows is None:
            rows = max(MIN_CHUNK_ROWS, self.chunk_entries // max(self.n_features, 1))
            chunk_rows = -(-rows // self.stored_rows) * self.stored_rows
        return even_bounds(self.n_samples, chunk_rows)

    def read(self, index: int, first: int, last: int) -> Any:
        return self.X[first:last]


def even_bounds(n: int, chunk_rows: int) -> Bounds:
    """Return the rows of chunks of equal size."""
    if chunk_rows < 1:
        raise InputDataError(f"chunk_rows is {chunk_rows}: a chunk needs at least one row")
    return tuple((a, min(a + chunk_rows, n)) for a in range(0, n, chunk_rows))


class Memory(_Array):
    """A numpy array or a tensor; chunks are views."""

    def __init__(self, X: Any) -> None:
        super().__init__(X)
        if isinstance(X, Tensor) and X.device.type != "cpu":
            self.chunk_entries = DEVICE_CHUNK_ENTRIES
        if isinstance(X, Tensor) or not X.dtype.isnative or X.dtype.itemsize > 8:
            return
        if min(X.strides) >= 0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # read-only: nothing is written
                self.X = torch.from_numpy(X)


class Memmap(_Array):
    """A file of numbers, read by plain reads: pages of a map would count as memory of the process.

    It travels to other processes as the place in the file, which they must see under the same path.
    """

    on_disk = True

    def __init__(self, X: Any) -> None:
        super().__init__(X)
        self.path, self.itemsize = X.filename, X.itemsize
        beginning = np.frombuffer(X._mmap, np.uint8).ctypes.data
        # The map begins at a multiple of the granularity; X, or the array of which X is a part, at ``offset``.
        self.place = X.offset - X.offset % mmap.ALLOCATIONGRANULARITY + X.ctypes.data - beginning
        self.X = None

    def read(self, index: int, first: int, last: int) -> Any:
        """Read the rows from the file."""
        rows = np.fromfile(
            self.path,
            self.dtype,
            count=(last - first) * self.n_features,
            offset=self.place + first * self.n_features * self.itemsize,
        )
        return rows.reshape(-1, self.n_features)


class Store(_Array):
    """An array of zarr or HDF5, or a sparse matrix of a backed AnnData object.

    To other processes those of HDF5 travel as the names of file and array, zarr's as zarr sends them.
    """

    on_disk = True

    def __init__(self, X: Any) -> None:
        super().__init__(X)
        stored = getattr(X, "chunks", None)
        self.stored_rows = int(stored[0]) if stored else 1

    def read(self, index: int, first: int, last: int) -> Any:
        """Read the rows; sparse ones become csr."""
        rows = self.X[first:last]
        return plain_rows(rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened(self.X) or (Store, (self.X,))


def _reopened(place: Any) -> tuple[Any, ...] | None:
    """Return how another process opens an array or group of HDF5; None if it is of something else."""
    if not type(place).__module__.startswith("h5py"):
        return None
    return _open_hdf5, (str(Path(place.file.filename).absolute()), place.name)


def _open_hdf5(path: str, name: str) -> Source:
    import h5py

    place = h5py.File(path, "r")[name]
    if isinstance(place, h5py.Group):
        from anndata.io import sparse_dataset

        return source_of(sparse_dataset(place))
    return Store(place)


class Pieces:
    """Chunks that have come from elsewhere; ``bounds`` are those of all chunks, ``first`` the number of the first."""

    on_disk = False

    def __init__(self, chunks: Sequence[Any], first: int, bounds: Bounds, like: Source) -> None:
        self.chunks, self.first, self._bounds = chunks, first, bounds
        self.n_samples, self.n_features, self.dtype = like.n_samples, like.n_features, like.dtype

    def bounds(self, chunk_rows: int | None) -> Bounds:
        """Return the rows of each chunk."""
        return self._bounds

    def read(self, index: int, first: int, last: int) -> Any:
        """Return a chunk."""
        chunk = self.chunks[index - self.first]
        if str(chunk.dtype).removeprefix("torch.") != str(self.dtype).removeprefix("torch."):
            raise InputDataError(
                f"chunk {index} of the data is of dtype {chunk.dtype}, the data of {self.dtype}: convert them with "
                "astype first"
            )
        return chunk


class BackedCsr(_Array):
    """The sparse matrix of an AnnData object in a file; only the places where rows begin are in memory."""

    on_disk = True

    def __init__(self, X: Any) -> None:
        super().__init__(X)
        self.X, self._starts = X.group, np.asarray(X.group["indptr"][:])

    def bounds(self, chunk_rows: int | None) -> Bounds:
        """Return chunks as of a csr matrix in memory."""
        return _sparse_bounds(self, int(self._starts[-1]), chunk_rows)

    def read(self, index: int, first: int, last: int) -> Any:
        """Read the entries of the rows."""
        begin, end = self._starts[first], self._starts[last]
        parts = self.X["data"][begin:end], self.X["indices"][begin:end]
        starts = self._starts[first : last + 1] - begin
        return sparse.csr_array((*parts, starts), shape=(last - first, self.n_features))

    def __reduce__(self) -> Any:
        return _reopened(self.X) or super().__reduce_ex__(2)


class Dask(_Array):
    """A Dask array, computed chunk by chunk; its own chunks of rows are the chunks."""

    on_disk = True

    def __init__(self, X: Any) -> None:
        if len(X.shape) != 2:
            raise InputDataError(f"data need samples and features; these have the shape {X.shape}")
        if any(np.isnan(size) for size in (*X.shape, *X.chunks[0])):
            raise InputDataError(
                "the Dask array has chunks of unknown size: call its compute_chunk_sizes() first"
            )
        # Samples are worked on whole.
        super().__init__(X if X.numblocks[1] == 1 else X.rechunk({1: -1}))

    def bounds(self, chunk_rows: int | None) -> Bounds:
        """Return the array's own chunks of rows."""
        if chunk_rows is not None:
            return super().bounds(chunk_rows)
        ends = np.cumsum(self.X.chunks[0]).tolist()
        return tuple((a, b) for a, b in zip([0, *ends], ends, strict=False) if b > a)

    def read(self, index: int, first: int, last: int) -> Any:
        """Compute the rows."""
        rows = self.X[first:last].compute()
        return plain_rows(rows)


def _sparse_bounds(source: _Array, n_entries: int, chunk_rows: int | None) -> Bounds:
    if chunk_rows is None:
        entries = max(CHUNK_ENTRIES, 16 * source.n_features)
        chunk_rows = max(MIN_CHUNK_ROWS, entries * source.n_samples // max(n_entries, 1))
    return even_bounds(source.n_samples, chunk_rows)


class Csr(_Array):
    """A sparse matrix; chunks are views of a csr matrix."""

    def __init__(self, X: Any) -> None:
        if X.ndim != 2:
            raise InputDataError(f"data need samples and features; these have the shape {X.shape}")
        X = X.tocsr()
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        super().__init__(X)

    def bounds(self, chunk_rows: int | None) -> Bounds:
        """Return chunks with enough entries to outweigh their sums, which are dense."""
        return _sparse_bounds(self, self.X.nnz, chunk_rows)

    def read(self, index: int, first: int, last: int) -> Any:
        """Return the rows without copying their entries."""
        X = self.X
        begin, end = X.indptr[first], X.indptr[last]
        # Not by the constructor, which copies short parts of long arrays.
        rows = sparse.csr_array((last - first, self.n_features), dtype=X.dtype)
        rows.data, rows.indices = X.data[begin:end], X.indices[begin:end]
        rows.indptr = X.indptr[first : last + 1] - begin
        return rows
