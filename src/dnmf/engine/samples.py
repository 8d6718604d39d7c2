"""Data wherever they are, as chunks of samples: checked while they are first read, never copied whole."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from dnmf.engine.batches import check_kind
from dnmf.engine.checks import (
    check_dense,
    check_known_features,
    check_range,
    check_sparse,
)
from dnmf.engine.sources import BackedCsr, Csr, Memmap, Memory, Pieces, Source, Store, source_of
from dnmf.exceptions import InputDataError

SparseRows: TypeAlias = Any  # scipy.sparse.csr_array or csr_matrix; scipy ships no types


@dataclass(frozen=True)
class Chunk:
    """Some consecutive samples.

    Attributes
    ----------
    X : (m, f) tensor or scipy csr
        Data >= 0; 0 where an entry is missing.
    weights : (m,) tensor or None
        How often each sample counts; None for once.
    observed : (m, f) bool tensor or None
        Which entries are known; None when all are.
    start : (m, k) tensor or None
        Exposures to start from.
    first_row : int
        Number of the first sample in the whole data.
    """

    X: Tensor | SparseRows
    weights: Tensor | None = None
    observed: Tensor | None = None
    start: Tensor | None = None
    first_row: int = 0


class Samples:
    """Rows of data in chunks; made by :func:`as_samples`.

    Attributes
    ----------
    n_samples, n_features : int
    dtype : torch.dtype
        float32 or float64.
    bounds : tuple of (first, last)
        The rows of each chunk; results depend on these, not on where the data are.
    device : torch.device
        Where the chunks are handed out.
    on_disk : bool
        Whether the data are read from somewhere else than memory.
    source : Source
        Where they lie.
    whole : bool
        Whether these are all samples: of a part a feature may be unknown in every sample.
    """

    def __init__(
        self,
        rows: Source,
        *,
        chunk_rows: int | None,
        dtype: torch.dtype,
        device: torch.device,
        weights: Tensor | None,
        mask: Any,
        start: Any,
    ) -> None:
        self.source, self._mask, self._start = rows, mask, start
        self._weights: Tensor | _Slice | None = weights
        self.n_samples, self.n_features = rows.n_samples, rows.n_features
        self.dtype, self.device, self.on_disk = dtype, device, rows.on_disk
        self.bounds = rows.bounds(chunk_rows)
        self._has_nan: list[bool | None] = [None] * len(self.bounds)
        self.whole = True
        self.known_features = np.zeros(self.n_features, dtype=bool)

    def chunk(self, index: int) -> Chunk:
        """Return one chunk; it is checked when it is read for the first time.

        Raises
        ------
        InputDataError
            If an entry is negative or infinite, a sample or a feature has no known entry, or a chunk is not what it
            was or what the first one was.
        """
        first, last = self.bounds[index]
        weights = None if self._weights is None else self._weights[first:last]
        start = None if self._start is None else self._tensor(self._start[first:last])
        raw = self.source.read(index, first, last)
        if raw.shape != (last - first, self.n_features):
            raise InputDataError(
                f"chunk {index} of the data has the shape {tuple(raw.shape)}; expected "
                f"{(last - first, self.n_features)}: every chunk needs the same features, at every pass"
            )
        unknown = self._has_nan[index] is None
        if sparse.issparse(raw):
            _check_sparse_use(self._mask, self.device)
            X = raw.astype(_NUMPY[self.dtype], copy=False)
            if unknown:
                check_sparse(X, first)
                check_range("X", X, self._precision, first)
                self.known_features[:] = True
                self._has_nan[index] = False
            return Chunk(X, weights, None, start, first)
        observed = None
        if self._mask is not None:
            observed = ~self._mask_rows(first, last)
        if np.ma.isMaskedArray(raw):
            own = torch.from_numpy(~np.ma.getmaskarray(raw)).to(self.device)
            observed = own if observed is None else own & observed
            raw = raw.filled(0)
        X = self._tensor(raw)
        if unknown:
            self._has_nan[index] = bool(torch.isnan(X.sum())) and bool(torch.isnan(X).any())
        if self._has_nan[index]:
            known = ~torch.isnan(X)
            observed = known if observed is None else known & observed
        if observed is not None:
            X = torch.where(observed, X, 0.0)
        if unknown:
            check_dense(X, first)
            check_range("X", X.cpu().numpy(), self._precision, first)
            self._check_observed(observed, index, first)
        return Chunk(X, weights, observed, start, first)

    @property
    def _precision(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    def _tensor(self, raw: Any) -> Tensor:
        if not isinstance(raw, Tensor):
            raw = torch.from_numpy(
                np.require(raw, _NUMPY[self.dtype], requirements=("C", "W", "E"))
            )
        return raw.to(self.device, self.dtype).contiguous()

    def _mask_rows(self, first: int, last: int) -> Tensor:
        rows = self._mask[first:last]
        rows = rows if isinstance(rows, Tensor) else torch.from_numpy(np.array(rows, dtype=bool))
        return rows.to(self.device, torch.bool)

    def _check_observed(self, observed: Tensor | None, index: int, first: int) -> None:
        if observed is None:
            self.known_features[:] = True
        else:
            empty = (~observed.any(dim=1)).nonzero()
            if len(empty):
                raise InputDataError(
                    f"sample {first + int(empty[0])} has no known entry (all are missing or masked): leave it out"
                )
            self.known_features |= observed.any(dim=0).cpu().numpy()
        if self.whole and all(seen is not None for seen in self._has_nan):
            check_known_features(self.known_features)

    def part(self, first: int, last: int) -> "Samples":
        """Return the chunks from ``first`` until before ``last``, by their numbers here, to be sent elsewhere.

        Data in files are read there; others follow by :meth:`with_chunks`.
        """
        rows = slice(self.bounds[first][0], self.bounds[last - 1][1])
        part = copy(self)
        if not self.in_files:
            part.source = Pieces((), first, self.bounds, self.source)
        if self._weights is not None:
            part._weights = _Slice(self._weights[rows].clone(), rows.start)
        if self._start is not None:
            part._start = _Slice(torch.as_tensor(self._start[rows]).clone(), rows.start)
        if self._mask is not None:
            part._mask = _Slice(self._mask_rows(rows.start, rows.stop), rows.start)
        part._has_nan = [None] * len(self.bounds)
        part.known_features = np.zeros(self.n_features, dtype=bool)
        part.whole = False
        return part

    @property
    def weighted(self) -> bool:
        """Whether samples have weights."""
        return self._weights is not None

    def scale_start(self, factor: float) -> None:
        """Multiply the exposures to start from."""
        self._start = self._start * factor

    @property
    def in_files(self) -> bool:
        """Whether other processes can read the data by themselves."""
        return isinstance(self.source, Memmap | Store | BackedCsr)

    def with_chunks(self, chunks: Sequence[Any], first: int) -> "Samples":
        """Return the same with these data as the chunks from number ``first`` on."""
        part = copy(self)
        part.source = Pieces(chunks, first, self.bounds, self.source)
        return part


@dataclass(frozen=True)
class _Slice:
    """Rows of a table that begin with number ``first``, to be sliced as the whole table."""

    values: Tensor
    first: int

    def __getitem__(self, rows: slice) -> Tensor:
        return self.values[rows.start - self.first : rows.stop - self.first]


SINGLE = ("float32", "torch.float32", ">f4", "<f4")
_NUMPY = {torch.float32: np.float32, torch.float64: np.float64}


def as_samples(
    X: Any,
    *,
    sample_weight: Any = None,
    mask: Any = None,
    start: Any = None,
    chunk_rows: int | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Samples:
    """Return data as chunks of samples, wherever they are.

    Parameters
    ----------
    X : array-like (n, f), or iterable of batches (m, f)
        numpy, torch, scipy.sparse, np.memmap, dask, zarr, h5py, AnnData (also backed), or anything that can be iterated
        more than once and yields arrays with the same features; these batches are the chunks. NaN is a missing entry;
        sparse data take none. Nothing is copied whole, except sparse matrices in another format than csr, and data in
        memory to another ``device``.
    sample_weight : (n,), optional
        How often each sample counts.
    mask : (n, f) of bool, optional
        True where an entry is missing, as in ``numpy.ma``; anything that can be sliced by rows.
    start : (n, k), optional
        Exposures to start from; anything that can be sliced by rows.
    chunk_rows : int, optional
        Rows of a chunk; default about 262,144 entries, of data kept on another device than the CPU 16,777,216.
    dtype : torch.dtype, optional
        Default that of X when it is float32, else float64.
    device : torch.device, optional
        Where to compute; default where X is, or the CPU.

    Raises
    ------
    InputDataError
        For data, weights or masks that do not fit together. Entries are checked while they are first read.
    """
    if np.ma.isMaskedArray(X):
        mask = np.ma.getmaskarray(X) if mask is None else mask
        X = X.data
    rows = source_of(X)
    check_kind(rows.dtype)
    if dtype is None:
        dtype = torch.float32 if str(rows.dtype) in SINGLE else torch.float64
    if dtype not in _NUMPY:
        raise InputDataError(f"dtype {dtype}: data are worked on in torch.float32 or torch.float64")
    if device is None:
        device = X.device if isinstance(X, Tensor) else "cpu"
    device = torch.device(device)
    if device.type != "cpu" and isinstance(rows, Memory):  # once, not at every pass
        rows = Memory(torch.as_tensor(rows.X).to(device, dtype))
    n, f = rows.n_samples, rows.n_features
    if n < 1 or f < 1:
        raise InputDataError(f"the data have {n} samples and {f} features: nothing to work on")
    if isinstance(rows, Csr | BackedCsr):
        _check_sparse_use(mask, device)
    for name, value, shape in (("mask", mask, (n, f)), ("start", start, (n, None))):
        if value is not None and (
            len(value.shape) != 2 or value.shape[0] != n or shape[1] not in (None, value.shape[1])
        ):
            raise InputDataError(
                f"{name} has the shape {tuple(value.shape)}, the data have {(n, f)}"
            )
    return Samples(
        rows,
        chunk_rows=chunk_rows,
        dtype=dtype,
        device=device,
        weights=_checked_weights(sample_weight, n, dtype, device),
        mask=mask,
        start=start,
    )


def _check_sparse_use(mask: Any, device: torch.device) -> None:
    if mask is not None:
        raise InputDataError(
            "a mask needs dense data: what a sparse matrix leaves out is 0, not missing"
        )
    if device.type != "cpu":
        raise InputDataError(
            f"sparse data are worked on by the CPU, not by the device {str(device)!r}: set device='cpu', or give dense "
            "data, such as X.toarray()"
        )


def _checked_weights(
    weights: Any, n: int, dtype: torch.dtype, device: torch.device
) -> Tensor | None:
    if weights is None:
        return None
    w = weights if isinstance(weights, Tensor) else torch.from_numpy(np.asarray(weights).copy())
    w = w.detach().to(device, dtype)
    if w.shape != (n,):
        raise InputDataError(f"sample_weight has the shape {tuple(w.shape)}; expected ({n},)")
    bad = (~(w >= 0) | w.isinf()).nonzero()
    if len(bad):
        row = int(bad[0])
        raise InputDataError(
            f"sample_weight of sample {row} is {w[row].item():g}; weights must be finite and >= 0"
        )
    if not bool((w > 0).any()):
        raise InputDataError("sample_weight is zero for every sample: nothing to work on")
    return w
