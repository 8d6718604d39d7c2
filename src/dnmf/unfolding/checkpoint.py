"""A training on disk: weights, optimiser, schedule, generators and costs after an epoch; numbers and JSON alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from dnmf.exceptions import CheckpointError, ModelFileError
from dnmf.storage import ModelFormat, below, check_identity
from dnmf.strict_json import check_entries
from dnmf.unfolding.training import Course, History

FORMAT = ModelFormat("dnmf-training", "a training of dnmf", (1,), indent=2, sort_keys=True)
CARD_NAME, TENSORS_NAME = "training.json", "training.safetensors"
_ENTRIES = {
    "identity": dict[str, Any],
    "epoch": int,
    "history": dict[str, Any],
    "parts": dict[str, Any],
}


class TrainingCheckpoint:
    """The checkpoint of a training in a folder.

    Parameters
    ----------
    folder : path
        Made with the first checkpoint. Killed at any moment, it holds the former checkpoint or the new one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card, self.tensors = folder / CARD_NAME, folder / TENSORS_NAME

    def write(
        self,
        network: nn.Module,
        parts: Mapping[str, Any],
        trainable: Sequence[str],
        generators: Sequence[torch.Generator],
        course: Course,
    ) -> None:
        """Keep where a training stands.

        Parameters
        ----------
        network, parts
            What is trained, and what has a ``state_dict()`` beside it, by name.
        trainable : list of str
            The parameters that train.
        generators
            Beside torch's global one.
        course : Course
            Costs and best weights.
        """
        tensors = {f"network.{name}": w for name, w in network.state_dict().items()}
        tensors |= {f"best.{name}": w for name, w in (course.best or {}).items()}
        numbers = {}
        for name, part in parts.items():
            numbers[name] = _without_tensors(part.state_dict(), f"{name}.", tensors)
        states = [torch.get_rng_state(), *(g.get_state() for g in generators)]
        tensors |= {f"generator.{i}": state for i, state in enumerate(states)}
        history = course.history
        content = {
            "identity": _identity(network, parts, trainable, generators),
            "epoch": course.epoch,
            "history": {
                "cost": history.cost,
                "validation": history.validation,
                "best_epoch": history.best_epoch,
                "lowest": course.lowest,
            },
            "parts": numbers,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        data = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
        try:
            FORMAT.write(self.card, self.tensors, content, save(data))
        except (TypeError, ValueError) as error:
            raise CheckpointError(
                f"{self.folder}: the state of optimizer or scheduler cannot be kept as numbers: {error}"
            ) from None

    def restore(
        self,
        network: nn.Module,
        parts: Mapping[str, Any],
        trainable: Sequence[str],
        generators: Sequence[torch.Generator],
    ) -> Course | None:
        """Take over where a training stood, and return its course; None where the folder holds no checkpoint.

        Raises
        ------
        CheckpointError
            If it is damaged, or of other work; nothing is changed then.
        """
        if not self.card.exists():
            return None
        try:
            card, data = FORMAT.read(self.card, self.tensors)
            check_entries(card, _ENTRIES, self.card, ModelFileError)
            FORMAT.check_unchanged(card, self.card)
        except (ModelFileError, FileNotFoundError) as error:
            raise CheckpointError(f"{error}. Delete {self.folder} to begin again.") from None
        wanted = _identity(network, parts, trainable, generators)
        check_identity(self.folder, card["identity"], wanted)
        tensors = load(data)
        network.load_state_dict(below("network.", tensors))
        for name, part in parts.items():
            part.load_state_dict(_with_tensors(card["parts"][name], f"{name}.", tensors))
        torch.set_rng_state(tensors["generator.0"])
        for i, generator in enumerate(generators, start=1):
            generator.set_state(tensors[f"generator.{i}"])
        history = card["history"]
        costs = History(history["cost"], history["validation"], history["best_epoch"])
        return Course(costs, card["epoch"], history["lowest"], below("best.", tensors) or None)


def _identity(
    network: nn.Module,
    parts: Mapping[str, Any],
    trainable: Sequence[str],
    generators: Sequence[torch.Generator],
) -> dict[str, Any]:
    weights = {name: [str(w.dtype), *w.shape] for name, w in network.state_dict().items()}
    return {
        "weights": json.dumps(weights),
        "trainable": json.dumps(list(trainable)),
        "generators": len(generators),
        **{name: type(part).__name__ for name, part in parts.items()},
    }


def _without_tensors(state: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    """Return a state as JSON can hold it; its tensors go, by their place, among the others."""
    if isinstance(state, Tensor):
        tensors[place] = state
        return {"tensor": place}
    if isinstance(state, Mapping):
        # Keys of JSON are text: those of optimisers are numbers.
        items = [
            [key, _without_tensors(value, f"{place}{key}.", tensors)]
            for key, value in state.items()
        ]
        return {"items": items}
    if isinstance(state, list | tuple):
        return [_without_tensors(v, f"{place}{i}.", tensors) for i, v in enumerate(state)]
    return state


def _with_tensors(kept: Any, place: str, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(kept, dict):
        if "tensor" in kept:
            return tensors[place]
        return {key: _with_tensors(v, f"{place}{key}.", tensors) for key, v in kept["items"]}
    if isinstance(kept, list):
        return [_with_tensors(v, f"{place}{i}.", tensors) for i, v in enumerate(kept)]
    return kept
