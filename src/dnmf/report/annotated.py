"""Results as AnnData; the package ``anndata`` is an optional extra."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dnmf.report.records import RunResult
from dnmf.signatures import SignatureSet
from dnmf.signatures.annotated import NEEDS_PACKAGE

if TYPE_CHECKING:
    from anndata import AnnData


def annotated_data(
    result: RunResult,
    signatures: SignatureSet,
    exposures: pd.DataFrame,
    *,
    samples: pd.DataFrame,
    layers: Mapping[str, pd.DataFrame | None],
    of_signatures: pd.DataFrame | None = None,
) -> "AnnData":
    """Return exposures as AnnData: samples in ``obs``, signatures in ``var``, mutations in ``X``.

    Parameters
    ----------
    result : RunResult
        Its catalog is ``obsm["counts"]``; parameters and versions are ``uns["dnmf"]``.
    signatures : SignatureSet
        Profiles of the columns of ``exposures``: ``varm["profiles"]``.
    exposures : DataFrame (n, k)
    samples, of_signatures : DataFrame (n, ...), (k, ...)
        What is known of samples and signatures: ``obs`` and ``var``.
    layers : mapping of DataFrame (n, k) or None
        Tables like the exposures; NaN in rows they lack. None is left out.

    Raises
    ------
    ImportError
        The extra is not installed; the message says how to.
    """
    if find_spec("anndata") is None:
        raise ImportError(NEEDS_PACKAGE)
    from anndata import AnnData

    names = list(exposures.columns)
    obs = plain_texts(samples.reindex(exposures.index))
    var = pd.DataFrame(index=exposures.columns) if of_signatures is None else of_signatures
    data = AnnData(X=exposures.to_numpy(dtype=float), obs=obs, var=plain_texts(var.reindex(names)))
    for name, layer in layers.items():
        if layer is not None:
            data.layers[name] = layer.reindex(index=exposures.index, columns=names).to_numpy(float)
    data.obsm["counts"] = plain_texts(result.catalog.counts)
    data.varm["profiles"] = plain_texts(signatures.profiles.loc[names])
    data.uns["dnmf"] = {
        "parameters": {name: str(value) for name, value in result.parameters.items()},
        "versions": dict(result.versions),
        "channels": signatures.schema.name,
        "reference": signatures.source,
        "warnings": np.array(result.warnings, dtype=object),
    }
    return data


def plain_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy with texts as Python's: AnnData does not write pandas' own kind of text into files."""

    def plain(values: Any) -> Any:
        numeric = pd.api.types.is_numeric_dtype(values.dtype)
        return values if numeric else values.astype(str).astype(object)

    copy = frame.copy()
    copy = copy.apply(plain) if len(copy.columns) else copy
    copy.index, copy.columns = plain(copy.index), plain(copy.columns)
    copy.index.name = copy.columns.name = None
    return copy
