"""Saving and loading models: numbers in safetensors, the rest in JSON, nothing that can execute."""

from pathlib import Path
from reprlib import repr as shortened
from typing import Any, get_type_hints

import numpy as np
import torch
from safetensors.torch import save
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from dnmf.estimators._base import DTYPES, FactorisationEstimator
from dnmf.estimators._dnmf import DNMF
from dnmf.estimators._mu import MultiplicativeNMF
from dnmf.estimators._paper import PaperDNMF, PaperSupervisedDNMF
from dnmf.estimators._supervised import SupervisedDNMF
from dnmf.exceptions import ModelFileError
from dnmf.storage import ModelFormat, below
from dnmf.strict_json import check_entries
from dnmf.unfolding.networks import Unfolded
from dnmf.unfolding.restore import read_tensors, restore_network
from dnmf.unfolding.rules import name_of

FORMAT = ModelFormat("dnmf-model", "a dnmf model", (1, 2, 3, 4), indent=2, sort_keys=True)
CARD_NAME, WEIGHTS_NAME = "model.json", "model.safetensors"
_WHAT_TO_GIVE = f"Give the folder of an extraction or of save_model, or the {CARD_NAME} in it."
ESTIMATORS: dict[str, type[FactorisationEstimator]] = {
    cls.__name__: cls
    for cls in (DNMF, MultiplicativeNMF, PaperDNMF, PaperSupervisedDNMF, SupervisedDNMF)
}

_ENTRIES = {
    "estimator": str,
    "parameters": dict[str, Any],
    "n_components": int,
    "n_features": int,
    "n_iter": int,
    "metadata": dict[str, Any],
}
# The matrices of a layer, of that many numbers squared, are built before they are compared with the weights.
_MOST_COMPONENTS = 4_000
_MOST_TOLD = 300  # characters of what is wrong with parameters


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
        Folder, made if need be. A model in it is replaced: killed at any moment, the old or the new one can be loaded.
    metadata : dict, optional
        Anything JSON can hold; :func:`load_model` returns it.

    Returns
    -------
    Path
        Of ``model.json``, the card: version, parameters, shapes, checksum of the weights, metadata.

    Raises
    ------
    ModelFileError
        If weights or history are not finite, the rule of the layers is not registered, or there are more than 4,000
        components.
    OutputExistsError
        If one of the two names is a device, a FIFO or a link.

    Examples
    --------
    >>> import tempfile
    >>> from dnmf import MultiplicativeNMF
    >>> X = np.array([[2.0, 1.0], [4.0, 2.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     card = save_model(MultiplicativeNMF(n_components=1).fit(X), folder, metadata={"unit": "counts"})
    ...     model, metadata = load_model(folder)
    >>> card.name, metadata
    ('model.json', {'unit': 'counts'})
    """
    check_is_fitted(estimator)
    directory = Path(directory)
    k, f = estimator.components_.shape
    if k > _MOST_COMPONENTS:
        raise ModelFileError(f"a model of more than {_MOST_COMPONENTS:,} components is not kept")
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
    if isinstance(parameters.get("layer"), type):
        try:
            parameters["layer"] = name_of(parameters["layer"])
        except ValueError as error:
            raise ModelFileError(f"layer: {error}") from None
    if not isinstance(parameters.get("random_state", 0), int):
        parameters["random_state"] = None  # a generator's state is not a parameter
    names = getattr(estimator, "feature_names_in_", None)
    content = {
        "estimator": type(estimator).__name__,
        "parameters": parameters,
        "n_components": k,
        "n_features": f,
        "n_iter": int(estimator.n_iter_),
        "reconstruction_err": getattr(estimator, "reconstruction_err_", None),
        "feature_names": None if names is None else list(names),
        "weights": WEIGHTS_NAME,
        "metadata": metadata or {},
    }
    if isinstance(estimator, SupervisedDNMF):
        content["noise"] = estimator.noise_
    directory.mkdir(parents=True, exist_ok=True)
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

    Returns
    -------
    FactorisationEstimator, dict
        The estimator, of the class that was saved, and the metadata.

    Raises
    ------
    ModelFileError
        When a file is not a dnmf model, or truncated, altered, or of another format version; the message says which.
    FileNotFoundError
        When there is none.

    Examples
    --------
    >>> model, metadata = load_model("results")  # doctest: +SKIP
    >>> model.transform(X)  # doctest: +SKIP

    :func:`save_model` has one that runs.
    """
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"{folder}: no such model. {_WHAT_TO_GIVE}")
    if folder.is_file():
        if folder.name not in (CARD_NAME, WEIGHTS_NAME):
            raise ModelFileError(f"{folder}: is no model. {_WHAT_TO_GIVE}")
        folder = folder.parent
    path, weights_path = folder / CARD_NAME, folder / WEIGHTS_NAME
    if not path.exists() and (inner := sorted(folder.glob(f"*/{CARD_NAME}"))):
        raise FileNotFoundError(
            f"{folder}: holds {len(inner)} models, one in each folder. Give one of these, such as {inner[0].parent}."
        )
    card, weights = FORMAT.read(path, weights_path)
    check_entries(card, _ENTRIES, path, ModelFileError)
    estimator = _build(card, path)
    try:
        _load_weights(estimator, card, weights)
    except ValueError as error:
        raise ModelFileError(
            f"{weights_path} does not hold what {CARD_NAME} describes: {error}"
        ) from None
    FORMAT.check_unchanged(card, path)
    return estimator, card["metadata"]


def _build(card: dict[str, Any], path: Path) -> FactorisationEstimator:
    name = card["estimator"]
    if name not in ESTIMATORS:
        raise ModelFileError(f"{path} names an unknown estimator {shortened(name)}")
    try:
        if card["format_version"] < FORMAT.versions[-1]:
            card = _in_todays_names(card)
        # A model trained elsewhere may name a device this machine has not.
        estimator = ESTIMATORS[card["estimator"]](**{**card["parameters"], "device": "cpu"})
        check_entries(
            estimator.get_params(deep=False), _kinds_of(estimator), "the card", ValueError
        )
        estimator._check_parameters()
    except (KeyError, TypeError, ValueError) as error:
        told = str(error)[:_MOST_TOLD]
        raise ModelFileError(f"{path} lacks or misnames parameters of {name}: {told}") from None
    return estimator


def _kinds_of(estimator: FactorisationEstimator) -> dict[str, Any]:
    """Return the types of an estimator's parameters, as its signature has them."""
    kinds = get_type_hints(type(estimator).__init__)
    del kinds["return"]
    special = {"dictionary": list[list[float]] | None, "random_state": int | None}
    return kinds | {name: kind for name, kind in special.items() if name in kinds}


def _in_todays_names(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card of a former version with the estimator and the parameters that it meant."""
    name, parameters = card["estimator"], dict(card["parameters"])
    if name == "MultiplicativeNMF":
        return card
    if name == "DNMF":
        parameters["search"] = "signatures"  # the only one before version 4
    if card["format_version"] == 3:
        return {**card, "parameters": parameters}
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


def _noise_of(card: dict[str, Any]) -> str:
    noise = card.get("noise", "counts")
    if noise not in ("counts", "gaussian"):
        raise ValueError(f"unknown noise {shortened(noise)}")
    return str(noise)


def _load_weights(estimator: FactorisationEstimator, card: dict[str, Any], weights: bytes) -> None:
    """Take over the weights; a ValueError says what does not fit the card."""
    tensors = read_tensors(weights)
    k, f, names = card["n_components"], card["n_features"], card.get("feature_names")
    components = tensors.get("components", torch.empty(0))
    if components.shape != (k, f) or not k * f:
        raise ValueError(f"components of shape {tuple(components.shape)}, not ({k}, {f})")
    if k > _MOST_COMPONENTS:
        raise ValueError(f"more than {_MOST_COMPONENTS:,} components")
    if (components < 0).any():
        raise ValueError("negative components")
    if getattr(estimator, "n_components", None) not in (None, k):
        raise ValueError(f"{k} components, not n_components={estimator.n_components}")
    error = card.get("reconstruction_err")  # former cards have none, nor have other estimators
    check_entries(
        {"feature_names": names, "reconstruction_err": error},
        {"feature_names": list[str] | None, "reconstruction_err": float | None},
        CARD_NAME,
        ValueError,
    )
    if names is not None and len(names) != f:
        raise ValueError(f"{f} features, and {len(names)} names for them")
    stored, history = below("network.", tensors), below("history.", tensors)
    if len(stored) + len(history) + 1 < len(tensors) or any(c.ndim != 1 for c in history.values()):
        raise ValueError("tensors that are no part of a model")
    network = None
    if hasattr(estimator, "n_layers"):
        copy = clone(estimator)
        dtype = components.dtype if estimator.dtype is None else DTYPES[estimator.dtype]
        if isinstance(estimator, SupervisedDNMF):
            # Former versions had no other network.
            copy.set_params(noise=_noise_of(card))
        network = restore_network(
            lambda n_layers: copy.set_params(n_layers=n_layers)._empty_network(f, k, dtype),
            estimator.n_layers,
            stored,
        )
        if isinstance(network, Unfolded):
            _check_same_problem(network, components, estimator)
    elif stored:
        raise ValueError("a network, which this estimator has not")
    costs = {phase: values.numpy() for phase, values in history.items()}
    estimator._keep(network, components, costs, card["n_iter"])
    estimator.n_features_in_ = f
    if error is not None:
        estimator.reconstruction_err_ = error
    if names is not None:
        estimator.feature_names_in_ = np.asarray(names, dtype=object)


def _check_same_problem(
    network: Unfolded, components: torch.Tensor, estimator: FactorisationEstimator
) -> None:
    """Raise a ValueError where network and exact solver would not solve the same problem."""
    same = torch.equal(network.signatures, components.to(network.signatures))
    for name in ("l1_reg", "l2_reg"):
        penalty = getattr(network, name)
        same = same and bool(penalty == penalty.new_tensor(getattr(estimator, name)))
    if not same:
        raise ValueError("a network for other components or penalties")
