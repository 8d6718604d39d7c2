"""Catalogs in files of AnnData (``.h5ad``, ``.zarr``), whole or some samples at a time.

The packages ``anndata`` and ``zarr`` are optional extras.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.inputs import InputFile, read_input
from dnmf.signatures.catalog import MutationCatalog
from dnmf.signatures.channels import ChannelSchema, few
from dnmf.signatures.schemas import detect_schema

NEEDS_PACKAGE = "AnnData needs the package anndata: pip install anndata"


def is_annotated(file: str | os.PathLike[str] | InputFile) -> bool:
    """Whether a file is one of AnnData, by its name."""
    path = file.path if isinstance(file, InputFile) else os.fspath(file)
    return path.lower().endswith((".h5ad", ".zarr"))


def read_annotated(
    file: str | os.PathLike[str] | InputFile, schema: ChannelSchema | None
) -> MutationCatalog:
    """Return ``X`` of an AnnData file, samples (``obs``) by channels (``var``), as a catalog.

    Raises
    ------
    InputDataError
        The package is not installed, or the file is none of AnnData, or has no ``X``.
    ChannelMismatchError
        The names of ``var`` are not the channels of a class.
    """
    path = file.path if isinstance(file, InputFile) else os.fspath(file)
    if Path(path).is_dir():
        store = AnnotatedFile.opened(path, schema)
        return store.read(0, store.n_samples)
    file = read_input(file, what="a file of AnnData")
    if find_spec("anndata") is None:
        raise InputDataError(f"{file.path}: {NEEDS_PACKAGE}.")
    import h5py
    from anndata import AnnData
    from anndata.io import read_elem

    try:
        with h5py.File(BytesIO(file.content), "r") as opened:
            data = read_elem(opened)
    except Exception as error:  # a damaged file makes HDF5 and AnnData raise anything
        raise InputDataError(f"{file.path}: cannot be read as AnnData ({error}).") from error
    if not isinstance(data, AnnData) or data.X is None:
        raise InputDataError(
            f"{file.path}: is HDF5, but no AnnData with counts in X (samples in obs, channels in var). Write one "
            "with AnnData.write_h5ad."
        )
    channels = [str(name) for name in data.var_names]
    found = _schema_of(channels, schema, file.path)
    counts = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)
    frame = pd.DataFrame(counts, index=[str(name) for name in data.obs_names], columns=channels)
    return MutationCatalog(frame, file.path, found, file.record)


def _schema_of(channels: list[str], schema: ChannelSchema | None, source: str) -> ChannelSchema:
    found = schema or detect_schema(channels)
    if found is None:
        raise ChannelMismatchError(
            f"{source}: the names of var are no mutation channels: {few(channels)}. Channels belong into var, such "
            "as A[C>A]A, samples into obs."
        )
    return found


@dataclass(frozen=True)
class AnnotatedFile:
    """A file or folder of AnnData of which some samples are read at a time; it can be sent to other processes.

    Attributes
    ----------
    path : str
    n_samples : int
    channels : list of str
        As they are spelled in ``var``.
    schema : ChannelSchema
    """

    path: str
    n_samples: int
    channels: list[str]
    schema: ChannelSchema

    @classmethod
    def opened(
        cls, path: str | os.PathLike[str], schema: ChannelSchema | None = None
    ) -> "AnnotatedFile":
        """Return what is in a file, by its names alone.

        Raises
        ------
        InputDataError
            A package is not installed, or the path holds no AnnData, or that has no ``X``.
        ChannelMismatchError
            The names of ``var`` are not the channels of a class.
        """
        source = os.fspath(path)
        with _store(source) as data:
            from anndata.io import read_elem

            channels = [str(name) for name in read_elem(data["var"]).index]
            n_samples = _n_samples(data["X"])
        absolute = str(Path(source).absolute())
        return cls(absolute, n_samples, channels, _schema_of(channels, schema, source))

    def read(self, first: int, last: int) -> MutationCatalog:
        """Return the samples from number ``first`` until before ``last``."""
        with _store(self.path) as data:
            counts = _rows(data["X"], first, last, self.path)
        frame = pd.DataFrame(counts, index=self.names(first, last), columns=self.channels)
        return MutationCatalog(frame, self.path, self.schema)

    def names(self, first: int, last: int) -> list[str]:
        """Return the names of samples."""
        with _store(self.path) as data:
            obs = data["obs"]
            names = obs[obs.attrs["_index"]]
            if not hasattr(names, "shape"):  # kept in several arrays
                from anndata.io import read_elem

                names = pd.Index(read_elem(names))
            part = names.asstr()[first:last] if hasattr(names, "asstr") else names[first:last]
        return [str(name) for name in part]

    def record(self) -> dict[str, Any]:
        """Return name, bytes and SHA-256 of the file; of a folder the name and what its files have together."""
        digest, size, path = hashlib.sha256(), 0, Path(self.path)
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            if file is not path:
                digest.update(file.relative_to(path).as_posix().encode() + b"\0")
            with file.open("rb") as opened:
                while block := opened.read(1 << 20):
                    digest.update(block)
                    size += len(block)
        return {"name": path.name, "bytes": size, "sha256": digest.hexdigest()}


def _n_samples(X: Any) -> int:
    return int(X.shape[0] if hasattr(X, "shape") else X.attrs["shape"][0])


def _rows(X: Any, first: int, last: int, path: str) -> np.ndarray:
    """Return rows of the matrix of an opened store."""
    if hasattr(X, "shape"):
        return np.asarray(X[first:last])
    if X.attrs["encoding-type"] != "csr_matrix":
        raise InputDataError(
            f"{path}: X is sparse and stored by channels (csc), so that samples cannot be read one after the other. "
            "Store it as csr, or dense."
        )
    starts = np.asarray(X["indptr"][first : last + 1])
    entries = slice(int(starts[0]), int(starts[-1]))
    parts = X["data"][entries], X["indices"][entries], starts - starts[0]
    dense: np.ndarray = csr_array(parts, shape=(last - first, X.attrs["shape"][1])).toarray()
    return dense


@contextmanager
def _store(path: str) -> Iterator[Any]:
    """Yield the opened groups of a file of AnnData."""
    is_folder = Path(path).is_dir()
    if find_spec("anndata") is None or (is_folder and find_spec("zarr") is None):
        raise InputDataError(f"{path}: {NEEDS_PACKAGE}{' zarr' if is_folder else ''}.")
    try:
        if is_folder:
            import zarr

            data: Any = zarr.open_group(path, mode="r")
        else:
            import h5py

            data = h5py.File(path, "r")
    except Exception as error:  # a damaged file makes HDF5 and zarr raise anything
        raise InputDataError(f"{path}: cannot be read as AnnData ({error}).") from error
    try:
        if not {"X", "obs", "var"} <= set(data):
            raise InputDataError(
                f"{path}: is no AnnData with counts in X (samples in obs, channels in var). Write one with "
                f"AnnData.{'write_zarr' if is_folder else 'write_h5ad'}."
            )
        yield data
    finally:
        if not is_folder:
            data.close()
