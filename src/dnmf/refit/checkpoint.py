"""Checkpoints of a training: everything the next step depends on, and a record of what the training is."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from dnmf.exceptions import CheckpointError
from dnmf.refit.network import RefitNetwork
from dnmf.storage import check_identity, write_whole


def checksum(*tensors: Tensor) -> str:
    """Return the SHA-256 of the values of tensors, in their order.

    Examples
    --------
    >>> checksum(torch.ones(2)) == checksum(torch.ones(2)) != checksum(torch.zeros(2))
    True
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(
    path: Path,
    network: RefitNetwork,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    record: Mapping[str, str],
    step: int,
) -> None:
    """Write the state of a training; an interrupted writing leaves the last one as it was."""
    tensors = {f"network.{name}": p.detach() for name, p in network.named_parameters()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": t for name, t in state.items()}
    tensors["generator"] = generator.get_state()
    tensors["step"] = torch.tensor(step)
    write_whole(path, save({n: t.contiguous() for n, t in tensors.items()}, dict(record)))


def load_checkpoint(
    path: Path,
    network: RefitNetwork,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    record: Mapping[str, str],
) -> int:
    """Put the state of a training into network, optimiser and generator; return the number of steps it has done.

    Raises
    ------
    CheckpointError
        If the file is no checkpoint, or its record differs.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            names: list[str] = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise CheckpointError(f"{path} is not a checkpoint of a training: {error}") from None
    check_identity(path, metadata, record)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(tensors[f"network.{name}"])
    adam: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("adam."):
            _, index, key = name.split(".")
            adam.setdefault(int(index), {})[key] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": adam, "param_groups": groups})
    generator.set_state(tensors["generator"])
    return int(tensors["step"])
