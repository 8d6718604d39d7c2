"""Networks from stored weights: names, shapes and types are compared before a network is built."""

from collections.abc import Callable, Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

# What safetensors and torch raise for weights, and sizes, that cannot be.
_MALFORMED = (SafetensorError, RuntimeError, ValueError, TypeError, LookupError, OverflowError)
_MOST_NAMED = 100  # characters of a name in a message
_MOST_DIMENSIONS = (
    8  # of a tensor: no weight has more than three, and torch computes with 64 at most
)


def read_tensors(content: bytes) -> dict[str, Tensor]:
    """Return the tensors of a file of safetensors: numbers from float16 to float64, all finite.

    Raises
    ------
    ValueError
        If they are not.
    """
    try:
        tensors = load(content)
    except _MALFORMED as error:
        raise ValueError(f"no tensors can be read: {error}") from None
    for name, values in tensors.items():
        if values.ndim > _MOST_DIMENSIONS:
            raise ValueError(f"{name[:_MOST_NAMED]} has {values.ndim} dimensions")
        if values.dtype not in (torch.float16, torch.float32, torch.float64):
            raise ValueError(f"{name[:_MOST_NAMED]} holds numbers of the type {values.dtype}")
        if not values.isfinite().all():
            raise ValueError(f"{name[:_MOST_NAMED]} holds values that are not finite")
    return tensors


def restore_network(
    build: Callable[[int], nn.Module], n_layers: int, tensors: Mapping[str, Tensor]
) -> nn.Module:
    """Return the network that ``build(n_layers)`` makes, with stored weights.

    One layer is built first and compared with the weights of every layer: a description of a network much larger than
    its weights costs next to nothing.

    Raises
    ------
    ValueError
        If depth, names or shapes differ from those of the weights, or a weight that must not be negative is.
    """
    layers = {name.partition("layers.")[2].partition(".")[0] for name in tensors}
    stored = len(layers - {""})
    if stored != n_layers:
        raise ValueError(f"there are weights of {stored} layers, not of {n_layers}")
    for name, like in build(1).state_dict().items():
        if "layers.0." in name:
            for layer in range(n_layers):
                _compare(name.replace("layers.0.", f"layers.{layer}."), like, tensors)
    network = build(n_layers)
    wanted = network.state_dict()
    for name, like in wanted.items():
        _compare(name, like, tensors)
    for name in tensors.keys() - wanted.keys():
        raise ValueError(f"{name[:_MOST_NAMED]} is no part of the network")
    network.load_state_dict(tensors)
    _check_signs(network)
    return network


def _compare(name: str, like: Tensor, tensors: Mapping[str, Tensor]) -> None:
    if name not in tensors:
        raise ValueError(f"{name} is missing")
    shape, wanted = tuple(tensors[name].shape), tuple(like.shape)
    if shape != wanted:
        raise ValueError(f"{name} has the shape {shape}, not {wanted}")


def _check_signs(network: nn.Module) -> None:
    for prefix, module in network.named_modules():
        for name in getattr(module, "nonnegative", ()):
            if (getattr(module, name) < 0).any():
                raise ValueError(f"{prefix}.{name}".lstrip(".") + " holds negative values")
