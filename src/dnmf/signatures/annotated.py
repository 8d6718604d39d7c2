"""Catalogs in files of AnnData (``.h5ad``). The package ``anndata`` is an optional extra."""

import os
from importlib.util import find_spec
from io import BytesIO

import numpy as np
import pandas as pd

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.inputs import InputFile, read_input
from dnmf.signatures.catalog import MutationCatalog
from dnmf.signatures.channels import ChannelSchema, few
from dnmf.signatures.schemas import detect_schema

NEEDS_EXTRA = "AnnData needs an optional extra of dnmf: pip install 'dnmf[anndata]'"


def is_annotated(file: str | os.PathLike[str] | InputFile) -> bool:
    """Whether a file is one of AnnData, by its name."""
    path = file.path if isinstance(file, InputFile) else os.fspath(file)
    return path.lower().endswith(".h5ad")


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
    file = read_input(file, what="a file of AnnData")
    if find_spec("anndata") is None:
        raise InputDataError(f"{file.path}: {NEEDS_EXTRA}.")
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
    found = schema or detect_schema(channels)
    if found is None:
        raise ChannelMismatchError(
            f"{file.path}: the names of var are no mutation channels: {few(channels)}. Channels belong into var, such "
            "as A[C>A]A, samples into obs."
        )
    counts = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)
    frame = pd.DataFrame(counts, index=[str(name) for name in data.obs_names], columns=channels)
    return MutationCatalog(frame, file.path, found, file.record)
