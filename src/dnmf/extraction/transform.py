"""Exposures of new samples by a trained network."""

from typing import Any

import numpy as np
import pandas as pd

from dnmf.estimators import DNMF
from dnmf.exceptions import ChannelMismatchError, ModelFileError
from dnmf.signatures import MutationCatalog


def transform_catalog(
    model: DNMF, metadata: dict[str, Any], catalog: MutationCatalog
) -> pd.DataFrame:
    """Return the exposures that a trained network gives to the samples of a catalog.

    Parameters
    ----------
    model : DNMF
        A fitted estimator with ``k`` components, such as ``load_model`` returns.
    metadata : dict
        ``channels``: the input columns in the model's order; ``signatures``: the name of each
        component, in the model's order. ``load_model`` returns it,
        ``ExtractionResult.model_metadata`` holds it.
    catalog : MutationCatalog
        ``n`` samples. Channels are matched by label, never by position.

    Returns
    -------
    DataFrame (n, k)
        Mutations per sample (row) and signature (column), signatures in alphabetical order of
        extraction (SBS96A first). Samples without mutations get zeros.

    Raises
    ------
    ModelFileError
        The metadata does not describe this model.
    ChannelMismatchError
        The catalog has other channels than the model was trained on.
    """
    names = _described(metadata, "signatures", model.n_components_, "components")
    channels = _described(metadata, "channels", model.n_features_in_, "input channels")
    missing = [channel for channel in channels if channel not in catalog.counts.columns]
    if missing or len(channels) != catalog.counts.shape[1]:
        found = (
            f"channels {missing[:3]} are missing"
            if missing
            else "there are channels it does not know"
        )
        raise ChannelMismatchError(
            f"{catalog.source or 'the catalog'}: the model was trained on {len(channels)} "
            f"channels and this catalog has {catalog.counts.shape[1]}; {found}. Use a catalog of "
            "the kind the model was trained on."
        )
    counts = catalog.counts[channels].to_numpy(dtype=float)
    exposures = mutation_exposures(model, counts)
    frame = pd.DataFrame(exposures, index=catalog.counts.index, columns=pd.Index(names))
    by_rank: list[str] = sorted(names, key=lambda name: (len(name), name))
    return frame[by_rank]


def mutation_exposures(model: DNMF, counts: np.ndarray) -> np.ndarray:
    """Return the network's exposures ``(n, k)`` in mutations, whatever the components' scale.

    ``transform(X) @ components_`` approximates ``X``; scaling each component to sum 1 moves its sum
    to the exposures. Rows of ``counts (n, f)`` without any mutation give exact zeros.
    """
    exposures = np.zeros((counts.shape[0], model.n_components_))
    filled = counts.sum(axis=1) > 0
    if filled.any():
        exposures[filled] = model.transform(counts[filled]) * model.components_.sum(axis=1)
    return exposures


def _described(metadata: dict[str, Any], key: str, expected: int, what: str) -> list[str]:
    """Return the list of names under ``key`` after checking that it fits the model."""
    names = metadata.get(key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelFileError(
            f"the model file does not name its {key}: it was not written by an extraction. "
            "Use a model.json written by `dnmf extract`."
        )
    if len(names) != expected or len(set(names)) != len(names):
        raise ModelFileError(
            f"the model file names {len(set(names))} distinct {key} but the model has {expected} "
            f"{what}: the file was altered. Run the extraction again."
        )
    return names
