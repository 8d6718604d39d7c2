"""Refit models that somebody changed: refused by name, quickly and in little memory."""

import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from dnmf.exceptions import ModelFileError
from dnmf.refit import RefitCard, available_models, load_refit_model, save_refit_model
from dnmf.refit.network import RefitNetwork
from dnmf.strict_json import entries_checksum
from dnmf.unfolding.conditioned import ConditionedDesign

SIZES = ConditionedDesign(n_layers=2, context_width=3, prior_width=4, head_width=5)
VALUES = [
    None,
    [],
    {},
    "",
    3,
    -1,
    0.5,
    True,
    10**12,
    [""],
    [1],
    {"a": 1},
    [[]],
    ["a", "a"],
    "x" * 9999,
]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    W = torch.tensor(np.random.default_rng(0).dirichlet(np.ones(6), 3), dtype=torch.float32)
    sizes = {name: getattr(SIZES, name) for name in ConditionedDesign.__slots__}
    card = RefitCard(
        name="m", reference="three", reference_sha256="", signatures=["A", "B", "C"], channels=list("uvwxyz"),
        cohorts=["Lung", "Köln"], counts=(20.0, 1000.0), design=sizes, notes=["one"],
    )  # fmt: skip
    return save_refit_model(RefitNetwork(W, 2, SIZES).requires_grad_(False), card, tmp_path)


def put(path: Path, card: dict[str, Any], weights: bytes | None = None) -> None:
    """Write card and weights with checksums that fit them."""
    if weights is not None:
        path.with_suffix(".safetensors").write_bytes(weights)
        card["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    card["entries_sha256"] = entries_checksum(card)
    path.write_text(json.dumps(card))


def refused(path: Path) -> bool:
    """Whether a ModelFileError names one of the files; a model that loads has finite answers."""
    told = "m."
    try:
        network, _ = load_refit_model(path)
    except ModelFileError as error:
        network, told = None, str(error)
    assert "m." in told
    assert len(told) < 1000
    if network is None:
        return True
    assert all(answer.isfinite().all() for answer in network(torch.full((2, 6), 7.0)))
    return False


def test_every_entry_with_every_value_is_refused_or_its_own(saved: Path) -> None:
    card = json.loads(saved.read_text())
    free = {"training", "measured", "unseen_signatures", "notes", "renamed_signatures", "name"}
    free |= {"reference", "reference_sha256", "written_by", "entries_sha256"}
    for name in card:
        for value in VALUES:
            put(saved, card | {name: value})
            assert refused(saved) or name in free or (name, value) == ("presence_threshold", 0.5)
        put(saved, {key: other for key, other in card.items() if key != name})
        assert refused(saved) or "format" not in name
    for size in SIZES.__slots__:
        for value in VALUES:
            put(saved, card | {"design": card["design"] | {size: value}})
            assert refused(saved) or value == card["design"][size]


def test_every_tensor_spoilt_in_every_way_is_refused(saved: Path) -> None:
    card = json.loads(saved.read_text())
    tensors = load(saved.with_suffix(".safetensors").read_bytes())
    for name, values in tensors.items():
        for spoilt in (
            None, values[None], values.flatten()[:-1], values.to(torch.int32), values.to(torch.bool),
            torch.full_like(values, torch.nan), torch.full_like(values, -torch.inf),
        ):  # fmt: skip
            others = {key: other for key, other in tensors.items() if key != name}
            put(saved, card, save(others if spoilt is None else others | {name: spoilt}))
            assert refused(saved), (name, spoilt)
        put(saved, card, save(tensors | {name: torch.full_like(values, 6e4)}))
        refused(saved)
    for name in ("layers.2.log_ahead", "other"):
        put(saved, card, save(tensors | {name: torch.ones(3, 6)}))
        assert refused(saved)
    for W in (-tensors["W"], 1e30 * tensors["W"], tensors["W"].mT.contiguous()):
        put(saved, card, save(tensors | {"W": W}))
        assert refused(saved)


def test_every_cut_and_every_flipped_byte_is_refused(saved: Path) -> None:
    rng = np.random.default_rng(0)
    for path in (saved, saved.with_suffix(".safetensors")):
        good = path.read_bytes()
        for place in rng.integers(len(good), size=60):
            content = bytearray(good)
            content[place] ^= 1 << rng.integers(8)
            path.write_bytes(content)
            named = path.suffix == ".json" and b"entries_sha256" not in content
            assert refused(saved) or named
        for content in (good[:-1], good[: len(good) // 2], b"", b"\x1f\x8b", "é".encode("latin-1")):
            path.write_bytes(content)
            if content != good[:-1] or path.suffix != ".json":  # a card needs no last line feed
                assert refused(saved)
        path.write_bytes(good)


@pytest.mark.parametrize("size", SIZES.__slots__)
def test_a_card_cannot_make_a_large_network_be_built(saved: Path, size: str) -> None:
    card = json.loads(saved.read_text())
    put(saved, card | {"design": card["design"] | {size: 10**12}})
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="does not hold what its card describes"):
            load_refit_model(saved)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", available_models())
def test_a_packaged_card_altered_by_hand_is_noticed(tmp_path: Path, name: str) -> None:
    from dnmf.refit import models

    data = Path(models.__file__).with_name("data")
    card = json.loads((data / f"{name}.json").read_text())
    (tmp_path / "m.json").write_text(json.dumps(card | {"presence_threshold": 0.6}))
    (tmp_path / "m.safetensors").write_bytes((data / f"{name}.safetensors").read_bytes())
    with pytest.raises(ModelFileError, match=r"m\.json was altered"):
        load_refit_model(tmp_path / "m.json")
