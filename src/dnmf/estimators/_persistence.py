"""Saving and loading models: numbers in safetensors, the rest in JSON, nothing that can execute."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from sklearn.utils.validation import check_is_fitted

from dnmf.estimators._base import FactorisationEstimator
from dnmf.estimators._dnmf import DNMF
from dnmf.estimators._mu import MultiplicativeNMF
from dnmf.estimators._paper import PaperDNMF, PaperSupervisedDNMF
from dnmf.estimators._supervised import SupervisedDNMF
from dnmf.exceptions import ModelFileError
from dnmf.storage import ModelFormat, below

FORMAT = ModelFormat("dnmf-model", "a dnmf model", (1, 2, 3), indent=2, sort_keys=True)
CARD_NAME, WEIGHTS_NAME = "model.json", "model.safetensors"
ESTIMATORS: dict[str, type[FactorisationEstimator]] = {
    cls.__name__: cls
    for cls in (DNMF, MultiplicativeNMF, PaperDNMF, PaperSupervisedDNMF, SupervisedDNMF)
}


def save_model(
    estimator: FactorisationEstimator,
    directory: str | Path,
    *,
    metadata: dict[str, Any] | None = None,
) -> Path:
    """Write a fitted estimator as ``model.safetensors`` and ``model.json`` into a folder.

    Parameters
    ----------
    estimator
        Any of the estimators, fitted.
    directory : path
        Existing folder. A model in it is replaced: killed at any moment, the old or the new one can be loaded.
    metadata : dict, optional
        Anything JSON can hold; :func:`load_model` returns it.

    Returns
    -------
    Path
        Of ``model.json``, the card: version, parameters, shapes, checksum of the weights, metadata.

    Raises
    ------
    ModelFileError
        If weights or history are not finite.
    OutputExistsError
        If one of the two names is a device, a FIFO or a link.
    """
    check_is_fitted(estimator)
    directory = Path(directory)
    k, f = estimator.components_.shape
    tensors = {"components": torch.tensor(estimator.components_)}
    network = getattr(estimator, "network_", None)
    if network is not None:
        weights = network.state_dict()
        tensors |= {f"network.{name}": weights[name].cpu().contiguous() for name in weights}
    tensors |= {f"history.{phase}": torch.tensor(c) for phase, c in estimator.history_.items()}
    for name, values in tensors.items():
        if not values.isfinite().all():
            raise ModelFileError(f"{name} holds values that are not finite: not a model to keep")
    parameters = {name: _plain(value) for name, value in estimator.get_params(deep=False).items()}
    if not isinstance(parameters.get("random_state", 0), int):
        parameters["random_state"] = None  # a generator's state is not a parameter
    names = getattr(estimator, "feature_names_in_", None)
    content = {
        "estimator": type(estimator).__name__,
        "parameters": parameters,
        "n_components": k,
        "n_features": f,
        "n_iter": int(estimator.n_iter_),
        "feature_names": None if names is None else list(names),
        "weights": WEIGHTS_NAME,
        "metadata": metadata or {},
    }
    card = directory / CARD_NAME
    FORMAT.write(card, directory / WEIGHTS_NAME, content, save(tensors))
    return card


def _plain(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's numbers and lists: JSON holds no others."""
    return np.asarray(value).tolist() if hasattr(value, "__array__") else value


def load_model(path: str | Path) -> tuple[FactorisationEstimator, dict[str, Any]]:
    """Return a saved estimator, fitted as it was, and its metadata.

    Parameters
    ----------
    path : path
        The folder, its ``model.json`` or its ``model.safetensors``.

    Raises
    ------
    ModelFileError
        When a file is not a dnmf model, or truncated, altered, or of another format version; the message says which.
    FileNotFoundError
        When there is none.
    """
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"no such model: {folder}")
    if folder.is_file():
        folder = folder.parent
    card, weights = FORMAT.read(folder / CARD_NAME, folder / WEIGHTS_NAME)
    estimator = _build(card, folder / CARD_NAME)
    _load_weights(estimator, card, weights, folder / WEIGHTS_NAME)
    return estimator, card["metadata"]


def _build(card: dict[str, Any], path: Path) -> FactorisationEstimator:
    name = card.get("estimator")
    if name not in ESTIMATORS:
        raise ModelFileError(f"{path} names an unknown estimator {name!r}")
    try:
        if card["format_version"] < FORMAT.versions[-1]:
            card = _in_todays_names(card)
        # A model trained elsewhere may name a device this machine has not.
        estimator = ESTIMATORS[card["estimator"]](**{**card["parameters"], "device": "cpu"})
        estimator._check_parameters()
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} lacks or misnames parameters of {name}: {error}") from None
    if not isinstance(card.get("metadata"), dict) or not isinstance(card.get("n_iter"), int):
        raise ModelFileError(f"{path} lacks its metadata or its number of iterations")
    return estimator


def _in_todays_names(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card of a former version with the estimator and the parameters that it meant."""
    name, parameters = card["estimator"], dict(card["parameters"])
    if name == "MultiplicativeNMF":
        return card
    preset = parameters.pop("preset")
    if preset not in ("default", "paper"):
        raise ValueError(f"unknown preset {preset!r}")
    if preset == "paper":
        name = f"Paper{name}"
    elif name == "DNMF":
        parameters["n_steps"] = parameters.pop("max_epochs")
        if parameters["layer"] is None and card["format_version"] == 1:
            parameters["layer"] = "admm"
        if parameters["layer"] == "nalmu":
            parameters["layer"] = "weighted-mu"
    taken = ESTIMATORS[name]._get_param_names()
    kept = {
        parameter: value
        for parameter, value in parameters.items()
        if parameter in taken and (value is not None or parameter == "n_components")
    }
    return {**card, "estimator": name, "parameters": kept}


def _load_weights(
    estimator: FactorisationEstimator, card: dict[str, Any], weights: bytes, path: Path
) -> None:
    try:
        tensors = load(weights)
        k, f = int(card["n_components"]), int(card["n_features"])
        network = estimator._empty_network(f, k)
        if network is not None:
            network.load_state_dict(below("network.", tensors))
        components = tensors["components"]
    except (SafetensorError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise ModelFileError(f"{path} does not hold what {CARD_NAME} describes: {error}") from None
    if components.shape != (k, f) or not all(bool(t.isfinite().all()) for t in tensors.values()):
        raise ModelFileError(
            f"{path} holds components of shape {tuple(components.shape)} or values that are not finite"
        )
    history = {phase: costs.numpy() for phase, costs in below("history.", tensors).items()}
    estimator._keep(network, components, history, card["n_iter"])
    estimator.n_features_in_ = f
    if card.get("feature_names") is not None:
        estimator.feature_names_in_ = np.asarray(card["feature_names"], dtype=object)
