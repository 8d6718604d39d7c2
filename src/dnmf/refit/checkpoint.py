"""Checkpoints of a training: everything the next step depends on, and a record of what the training is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from dnmf.exceptions import CheckpointError
from dnmf.refit.network import RefitNetwork
from dnmf.storage import below, check_identity, write_whole

_CONTENT = "content"  # what the checksum of all numbers is called in the file


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


@dataclass(frozen=True)
class TrainingState:
    """Everything the next step of a training depends on; ``record`` says what the training is."""

    network: RefitNetwork
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    record: Mapping[str, str]

    def save(self, path: Path, step: int) -> None:
        """Write the state after a step; an interrupted writing leaves the last one as it was."""
        tensors = {"generator": self.generator.get_state(), "step": torch.tensor(step)}
        tensors |= {f"network.{name}": p.detach() for name, p in self.network.named_parameters()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": t for name, t in state.items()}
        tensors = {name: values.contiguous() for name, values in tensors.items()}
        write_whole(path, save(tensors, {**self.record, _CONTENT: _content(tensors)}))

    def load(self, path: Path) -> int:
        """Take the state that a file holds; return the number of steps it has done.

        Raises
        ------
        CheckpointError
            If the file is no checkpoint, or damaged, or its record differs.
        """
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                names: list[str] = list(file.keys())
                tensors = {name: file.get_tensor(name) for name in names}
            content = _content(tensors)
        except (
            SafetensorError,
            OSError,
            RuntimeError,
            ValueError,
            TypeError,
            LookupError,
        ) as error:
            raise _damaged(path, error) from None
        check_identity(path, metadata, self.record)
        if metadata.get(_CONTENT) != content:
            raise _damaged(path, "its numbers were altered")
        self.network.load_state_dict(below("network.", tensors), strict=False)
        groups = self.optimiser.state_dict()["param_groups"]
        adam = {index: below(f"adam.{index}.", tensors) for index in groups[0]["params"]}
        self.optimiser.load_state_dict({"state": adam, "param_groups": groups})
        self.generator.set_state(tensors["generator"])
        return int(tensors["step"])


def _content(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and values."""
    ordered = dict(sorted(tensors.items()))
    names = [f"{name} {values.dtype} {tuple(values.shape)}" for name, values in ordered.items()]
    text = "\n".join([*names, checksum(*ordered.values())])
    return hashlib.sha256(text.encode()).hexdigest()


def _damaged(path: Path, why: object) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged, or not a checkpoint of a training ({why}). Delete this one file: training begins again."
    )
