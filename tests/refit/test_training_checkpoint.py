"""The checkpoint of a training: damage is named, and one process at a time works with it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, save

from dnmf.exceptions import CheckpointError
from dnmf.refit.network import RefitNetwork
from dnmf.refit.training import RefitTraining, train_refit
from dnmf.unfolding.conditioned import ConditionedDesign

TINY = ConditionedDesign(n_layers=2, context_width=5, prior_width=4, head_width=6)
QUICK = RefitTraining(steps=4, batch_size=8)
RNG = np.random.default_rng(0)
# Signatures, exposures as shares, tumour types.
DATA = (
    torch.tensor(RNG.dirichlet(np.ones(12), 5), dtype=torch.float32),
    torch.tensor(RNG.dirichlet(np.ones(5), 20), dtype=torch.float32),
    torch.arange(20) % 3 + 1,
)


def test_a_damaged_checkpoint_is_named_and_training_begins_again_without_it(tmp_path: Path):
    checkpoint = tmp_path / "training.safetensors"

    def train() -> RefitNetwork:
        return train_refit(
            *DATA, n_types=3, config=QUICK, design=TINY, checkpoint=checkpoint
        )  # fmt: skip

    first = train()
    good = checkpoint.read_bytes()
    with safe_open(checkpoint, "pt") as file:
        record = file.metadata()
    tensors = load(good)
    weights = "network.head_in.weight"
    spoilt = [b"", b"PK\x03\x04", good[:-1], good + b"\0", bytes(1000), b"\xff" * 100]
    for name, values in {
        weights: tensors[weights] + 1e-3, "adam.0.exp_avg": tensors["adam.0.exp_avg"].double(),
        "adam.1.step": torch.ones(2), "generator": tensors["generator"][1:], "other": torch.ones(1),
        "step": torch.tensor(3), "network.start": tensors["network.start"].view(torch.int32),
        "network.cohort.weight": tensors["network.cohort.weight"].flatten(),
    }.items():  # fmt: skip
        spoilt.append(save(tensors | {name: values}, record))
    for name in (weights, "adam.0.exp_avg_sq", "generator", "step"):
        spoilt.append(save({n: t for n, t in tensors.items() if n != name}, record))
    rng = np.random.default_rng(0)
    for place in rng.integers(len(good), size=15):
        content = bytearray(good)
        content[place] ^= 1 << rng.integers(8)
        spoilt.append(bytes(content))
    for content in spoilt:
        checkpoint.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"training\.safetensors is "):
            train()
        assert not checkpoint.with_name("training.safetensors.lock").exists()
    checkpoint.unlink()
    again = train()
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )


def test_one_process_at_a_time_trains_with_a_checkpoint(tmp_path: Path):
    arguments = {"n_types": 3, "config": QUICK, "design": TINY, "checkpoint": tmp_path / "kept"}
    told: list[str] = []

    def second(*_: object) -> None:
        if not told:
            with pytest.raises(CheckpointError, match="in use by another run: process") as caught:
                train_refit(*DATA, **arguments)
            told.append(str(caught.value))

    train_refit(*DATA, **arguments, progress=second)
    assert len(told) == 1
