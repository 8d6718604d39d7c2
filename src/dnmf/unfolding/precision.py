"""Half precision: numbers may be stored in it and taken in it; networks compute in single precision at least."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

SINGLE = (torch.float32, torch.float16, torch.bfloat16)


def working_dtype(samples: torch.dtype, weights: torch.dtype) -> torch.dtype:
    """Return the precision in which a network computes; a TypeError for samples and weights of unlike precision."""
    if samples == weights == torch.float64:
        return torch.float64
    if samples in SINGLE and weights in SINGLE:
        return torch.float32
    raise TypeError(
        f"the samples are {samples}, the network's weights {weights}: both must be torch.float64, or both "
        "torch.float32 (or half precision). Convert with .to(dtype)."
    )


def full_precision(X: Tensor) -> AbstractContextManager[object]:
    """Return a context in which autocast does not reach the networks: as torch computes norms, losses and inverses.

    A step divides by what it has just rounded, and all steps after it see that: in bfloat16 the exposures of the rules
    that solve systems are wrong by several percent.
    """
    device = X.device.type
    if X.is_meta or not torch.is_autocast_enabled(device):
        return nullcontext()
    return torch.autocast(device, enabled=False)


def inverse(matrix: Float[Tensor, "k k"]) -> Float[Tensor, "k k"]:
    """Return the inverse, computed in single precision at least: torch has none in half precision."""
    precise = matrix.float() if matrix.dtype in SINGLE else matrix
    return torch.linalg.inv(precise).to(matrix.dtype)


def call_in(dtype: torch.dtype, module: nn.Module, *arguments: object) -> Tensor:
    """Call a module with its weights in this precision; gradients reach the weights as they are stored."""
    weights = {name: w.to(dtype) for name, w in _floating(module) if w.dtype != dtype}
    result: Tensor = functional_call(module, weights, arguments) if weights else module(*arguments)
    return result


def _floating(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    named = chain(module.named_parameters(), module.named_buffers())
    return ((name, values) for name, values in named if values.is_floating_point())
