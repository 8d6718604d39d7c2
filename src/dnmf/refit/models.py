"""Reading and writing refit networks. Nothing in these files can execute."""

from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from dnmf.exceptions import InputDataError, ModelFileError
from dnmf.refit.card import RefitCard
from dnmf.refit.network import RefitNetwork
from dnmf.signatures import SignatureSet
from dnmf.storage import ModelFormat
from dnmf.unfolding.conditioned import ConditionedDesign
from dnmf.unfolding.restore import read_tensors, restore_network

FORMAT = ModelFormat("dnmf-refit", "a refit model", (1,), indent=1, sort_keys=False)
PROFILE_ROUNDING = 1e-5
# The weights with as many rows as a width of the design.
_WIDTHS = {
    "context_width": "context.weight",
    "prior_width": "layers.0.from_shares.weight",
    "head_width": "head_in.weight",
}
WEIGHTS_SUFFIX, CARD_SUFFIX = ".safetensors", ".json"
# Kept in full precision: profiles are compared and fitted with, calibrations are numbers of many sizes.
FULL_PRECISION = ("W", "calibration.")


def available_models() -> list[str]:
    """Return the names of the refit networks that come with the package, sorted.

    Examples
    --------
    >>> "refit-cosmic-v3.4-GRCh37" in available_models()
    True
    """
    folder = resources.files("dnmf.refit").joinpath("data")
    names = [entry.name for entry in folder.iterdir()]
    return sorted(name.removesuffix(CARD_SUFFIX) for name in names if name.endswith(CARD_SUFFIX))


def model_for(reference: SignatureSet) -> str | None:
    """Return the name of the packaged model of a reference, or None where none was trained for it.

    Examples
    --------
    >>> from dnmf.signatures import load_reference
    >>> model_for(load_reference("cosmic-v3.4"))
    'refit-cosmic-v3.4-GRCh37'
    >>> model_for(load_reference("SBS1,SBS5"))
    """
    for name in available_models():
        with suppress(InputDataError):
            check_reference(*load_refit_model(name), reference)
            return name
    return None


def save_refit_model(network: RefitNetwork, card: RefitCard, folder: str | Path) -> Path:
    """Write ``<card.name>.safetensors`` and ``<card.name>.json`` into a folder; return the card's path.

    A model of this name is replaced as a whole: killed at any moment, the old or the new one can be loaded. Learned
    weights are stored in half precision: measure what `as_stored` returns.
    """
    folder = Path(folder)
    path = folder / (card.name + CARD_SUFFIX)
    FORMAT.write(path, folder / (card.name + WEIGHTS_SUFFIX), asdict(card), save(_stored(network)))
    return path


def as_stored(network: RefitNetwork) -> RefitNetwork:
    """Return a network with the weights that a file of it holds, ready for use: learned ones are rounded."""
    rounded = deepcopy(network)
    tensors = _stored(network)
    rounded.load_state_dict({name: tensors[name] for name in network.state_dict()})
    return rounded.eval().requires_grad_(False)


def _stored(network: RefitNetwork) -> dict[str, torch.Tensor]:
    stored = {}
    for name, tensor in {"W": network.W, **network.state_dict()}.items():
        full = name.startswith(FULL_PRECISION) or not tensor.is_floating_point()
        stored[name] = tensor.detach().to(tensor.dtype if full else torch.float16).contiguous()
    return stored


def load_refit_model(model: str | Path) -> tuple[RefitNetwork, RefitCard]:
    """Return a refit network, ready for use, and its card.

    Parameters
    ----------
    model : str or Path
        One of :func:`available_models`, or the path of a card (``.json``) or of its weights (``.safetensors``).

    Raises
    ------
    ModelFileError
        When a file is not a refit model, truncated, altered, or does not hold what its card describes.
    FileNotFoundError
        When there is no such model; the message lists those that come with the package.

    Examples
    --------
    >>> network, card = load_refit_model("refit-cosmic-v3.4-GRCh37")
    >>> len(card.signatures), network.W.shape
    (86, torch.Size([86, 96]))
    """
    card_file, weights_file = _files_of(model)
    entries, weights = FORMAT.read(card_file, weights_file)
    card = RefitCard.from_entries(entries, str(card_file))
    try:
        network = _restored(read_tensors(weights), card)
    except ValueError as error:
        raise ModelFileError(
            f"{weights_file} does not hold what its card describes: {error}"
        ) from None
    FORMAT.check_unchanged(entries, card_file)
    return network, card


def _restored(stored: dict[str, Tensor], card: RefitCard) -> RefitNetwork:
    """Return the network of these tensors; a ValueError says what does not fit the card."""
    tensors = {name: values.to(torch.float32) for name, values in stored.items()}
    W = tensors.pop("W", torch.empty(0))
    k, f = len(card.signatures), len(card.channels)
    if W.shape != (k, f):
        raise ValueError(
            f"signatures of shape {tuple(W.shape)}, its card names {k} of {f} channels"
        )
    if (W < 0).any() or ((W.sum(dim=1) - 1).abs() > PROFILE_ROUNDING * f).any():
        raise ValueError("signatures that do not sum to 1")
    design = ConditionedDesign(**card.design)
    for width, name in _WIDTHS.items():
        rows = len(tensors[name]) if name in tensors and tensors[name].ndim else 0
        if rows != card.design[width]:
            raise ValueError(f"the {width} is {rows}, its card says {card.design[width]}")
    network = restore_network(
        lambda n_layers: RefitNetwork(W, len(card.cohorts), replace(design, n_layers=n_layers)),
        design.n_layers,
        tensors,
    )
    assert isinstance(network, RefitNetwork)
    if (network.calibration.log_counts.diff() <= 0).any():
        raise ValueError("a calibration whose numbers of mutations do not rise")
    network.eval().requires_grad_(False)
    # One mutation in each channel, a thousand in each, and none.
    X = torch.cat([torch.eye(f), torch.full((1, f), 1000.0), torch.zeros(1, f)])
    if not all(bool(answer.isfinite().all()) for answer in network(X)):
        raise ValueError("weights whose answers are not finite")
    return network


def _files_of(model: str | Path) -> tuple[Traversable, Traversable]:
    name = str(model)
    if name in available_models():
        folder = resources.files("dnmf.refit").joinpath("data")
        return folder.joinpath(name + CARD_SUFFIX), folder.joinpath(name + WEIGHTS_SUFFIX)
    stem = name.removesuffix(CARD_SUFFIX).removesuffix(WEIGHTS_SUFFIX)
    card, weights = Path(stem + CARD_SUFFIX), Path(stem + WEIGHTS_SUFFIX)
    if not card.is_file():
        raise FileNotFoundError(
            f"no refit model {name!r}: its card {card} is missing. A model is a pair of files "
            f"(.json, .safetensors), or one of {', '.join(available_models())}"
        )
    return card, weights


def check_reference(network: RefitNetwork, card: RefitCard, reference: SignatureSet) -> None:
    """Refuse another reference than the one that a network was trained for.

    Raises
    ------
    InputDataError
        If names, their order, channels or profiles differ (the latter by more than a file's rounding).
    """
    channels = [str(channel) for channel in reference.profiles.columns]
    if channels != card.channels:
        raise InputDataError(
            f"the model {card.name} was trained on {len(card.channels)} channels ({card.channels[0]}, ...), "
            f"the reference has {len(channels)} ({channels[0]}, ...)"
        )
    if list(reference.names) != card.signatures:
        missing = [name for name in card.signatures if name not in set(reference.names)]
        extra = [name for name in reference.names if name not in set(card.signatures)]
        raise InputDataError(
            f"the model {card.name} was trained for the signatures of {card.reference}; the reference lacks "
            f"{', '.join(missing[:5]) or 'none'} and has in addition {', '.join(extra[:5]) or 'none'} "
            "(or has another order): choose the model's reference, train a model for this one, or use --method kl"
        )
    difference = np.abs(reference.profiles.to_numpy() - network.W.double().numpy())
    if difference.max() > PROFILE_ROUNDING:
        worst = reference.names[int(difference.max(axis=1).argmax())]
        raise InputDataError(
            f"the signatures have the names but not the profiles of {card.reference}, for which the model {card.name} "
            f"was trained ({worst} differs by up to {difference.max():.2g}; another version, genome build or assay?): "
            "its answer would be silently wrong. Choose the model of that reference, train one, or use --method kl"
        )
