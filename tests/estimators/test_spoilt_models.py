"""Model files that somebody changed: refused by name, or with the answers they had; quickly, and in little memory."""

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from dnmf import DNMF, MultiplicativeNMF, SupervisedDNMF, load_model, save_model
from dnmf.exceptions import ModelFileError
from dnmf.strict_json import entries_checksum

pytestmark = pytest.mark.usefixtures("quick_fits")

VALUES = [None, [], {}, "", "x", True, -1, 0, 0.5, 10**6, 2**63, "x" * 10_000, [[]], {"a": []}]
RAW = ["1e400", "NaN", "-Infinity", "9" * 5000, '"\\ud800"', "[" * 2000 + "]" * 2000, "[" * 2000]
MAKERS: dict[str, Callable[[], Any]] = {
    "newton": lambda: DNMF(2, n_layers=2, n_steps=2, random_state=0),
    "mu": lambda: DNMF(2, n_layers=2, n_steps=2, layer="mu", random_state=0),
    "supervised": lambda: SupervisedDNMF(n_layers=2, max_epochs=1, random_state=0),
    "classic": lambda: MultiplicativeNMF(2, random_state=0, max_iter=1000, transform_max_iter=5),
}


@pytest.fixture(scope="module")
def samples(problem: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    X, H, _ = problem(40, 5, 2, 0)
    return X.numpy(), H.numpy()


@pytest.fixture(scope="module")
def kept() -> dict[str, dict[str, bytes]]:
    """The files of each model, by its name and theirs: fitted once."""
    return {}


@pytest.fixture
def saved(kept, samples, tmp_path: Path) -> Callable[[str], Path]:
    """``saved(name)``: a folder with that model, to be spoilt."""

    def save_again(name: str) -> Path:
        if name not in kept:
            save_model(MAKERS[name]().fit(*samples), tmp_path, metadata={"channels": ["a"]})
            kept[name] = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        for file, content in kept[name].items():
            (tmp_path / file).write_bytes(content)
        return tmp_path

    return save_again


@pytest.fixture(params=list(MAKERS))
def folder(request, saved: Callable[[str], Path]) -> Path:
    return saved(request.param)


def put(folder: Path, card: dict[str, Any], weights: bytes | None = None, raw: str = "") -> None:
    """Write card and weights with checksums that fit them; ``raw`` stands for the text "@"."""
    if weights is not None:
        (folder / "model.safetensors").write_bytes(weights)
        card["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    card["entries_sha256"] = entries_checksum(card)
    (folder / "model.json").write_text(json.dumps(card).replace('"@"', raw or '"@"'))


def outcome(folder: Path, X: np.ndarray) -> np.ndarray | None:
    """Return the answers of the model, or None where a ModelFileError names one of its files."""
    told = "model."
    try:
        model, _ = load_model(folder)
    except ModelFileError as error:
        model, told = None, str(error)
    assert "model." in told
    assert len(told) < 1000
    if model is None:
        return None
    answers = model.transform(X)
    assert np.isfinite(answers).all()
    assert (answers >= 0).all()
    return answers


def changed(card: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the card with one entry, or one parameter, changed to every fifth of the values, by turns."""
    values = [*((value, "") for value in VALUES), *(("@", raw) for raw in RAW)]
    for group in (None, "parameters"):
        for place, name in enumerate(card if group is None else card[group]):
            for value, raw in values[place % 5 :: 5]:
                copy = json.loads(json.dumps(card))
                (copy if group is None else copy[group])[name] = value
                yield copy, raw


def test_every_entry_with_other_values_is_refused_or_changes_no_answer(folder, samples):
    X = samples[0][:3]
    card = json.loads((folder / "model.json").read_text())
    answers, refused = outcome(folder, X), 0
    for other, raw in changed(card):
        put(folder, other, raw=raw)
        found = outcome(folder, X)
        refused += found is None
        if found is not None and card["estimator"] != "MultiplicativeNMF":
            np.testing.assert_array_equal(found, answers)
    assert refused > 50


def test_every_tensor_spoilt_in_every_way_is_refused(folder, samples):
    X = samples[0][:3]
    card = json.loads((folder / "model.json").read_text())
    tensors = load((folder / "model.safetensors").read_bytes())
    chosen = [name for name in tensors if tensors[name].numel() and ".layers.1." not in name]
    for name in chosen:
        values = tensors[name]
        history = name.startswith("history.")
        spoilt: list[torch.Tensor | None] = [
            None, values[None], values.flatten()[:-1], values.to(torch.int32), values.bfloat16(),
            torch.full_like(values, torch.nan), torch.full_like(values, torch.inf),
        ]  # fmt: skip
        if values.ndim == 2 and values.shape[0] != values.shape[1]:
            spoilt.append(values.mT.contiguous())
        if not history and name.endswith(("components", ".signatures", ".gram", ".dictionary")):
            spoilt.append(-1 - values)
        for tensor in spoilt:
            others = {
                key: other for key, other in tensors.items() if key != name or tensor is not None
            }
            put(folder, card, save(others if tensor is None else others | {name: tensor}))
            # A phase of the history may be absent, or shorter.
            if history and (tensor is None or tensor.numel() < len(values)):
                assert outcome(folder, X) is not None
            else:
                assert outcome(folder, X) is None, (name, tensor)
    for name in ("network.layers.7.log_tau", "other"):
        put(folder, card, save(tensors | {name: torch.ones(2)}))
        assert outcome(folder, X) is None


@pytest.mark.parametrize("file", ["model.json", "model.safetensors"])
def test_every_file_cut_flipped_emptied_or_of_something_else_is_refused(folder, samples, file):
    good = (folder / file).read_bytes()
    answers = outcome(folder, samples[0][:3])
    rng = np.random.default_rng(0)
    flipped = [bytearray(good) for _ in range(60)]
    for content in flipped:
        content[rng.integers(len(good))] ^= 1 << rng.integers(8)
    cut = [good[:n] for n in (0, 1, 8, len(good) // 2, len(good) - 2)]
    foreign = [
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"\x89PNG",
        b"\x80\x04pickle",
        b"\0" * 1000,
        good * 2,
    ]
    for content in [*flipped, *cut, *foreign]:
        (folder / file).write_bytes(bytes(content))
        found = outcome(folder, samples[0][:3])
        # A byte of the name of the checksum itself: nothing else can be wrong.
        if found is None or b"entries_sha256" in content or file != "model.json":
            assert found is None, bytes(content)[:80]
        else:
            np.testing.assert_array_equal(found, answers)


def header(**entries: Any) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    "weights",
    [
        header(components={"dtype": "F64", "shape": [10**9, 10**9], "data_offsets": [0, 8]}) + bytes(8),
        header(components={"dtype": "F64", "shape": [0, 2**62], "data_offsets": [0, 0]}),
        header(components={"dtype": "F64", "shape": [2**63, 2**63], "data_offsets": [0, 0]}),
        header(components={"dtype": "F8_E5M2", "shape": [8], "data_offsets": [0, 8]}) + bytes(8),
        header(components={"dtype": "X1", "shape": [1], "data_offsets": [0, 8]}) + bytes(8),
        struct.pack("<Q", 2**63) + b"{}",
        header(__metadata__={"a": "b"}),
    ],
)  # fmt: skip
def test_weights_that_claim_what_they_do_not_hold_are_refused(saved, samples, weights):
    folder = saved("newton")
    put(folder, json.loads((folder / "model.json").read_text()), weights)
    assert outcome(folder, samples[0]) is None


@pytest.mark.parametrize("size", ["n_layers", "n_components", "n_features"])
@pytest.mark.parametrize("name", ["newton", "mu", "supervised"])
def test_a_card_cannot_make_a_large_network_be_built(saved, name, size):
    folder = saved(name)
    card = json.loads((folder / "model.json").read_text())
    (card["parameters"] if size == "n_layers" else card)[size] = 10**12
    if "n_components" in card["parameters"] and size == "n_components":
        card["parameters"]["n_components"] = 10**12
    put(folder, card)
    with pytest.raises(ModelFileError, match=r"does not hold what model\.json describes"):
        load_model(folder)


def test_a_card_altered_by_hand_is_noticed_and_one_altered_on_purpose_can_be_read(folder):
    card = json.loads((folder / "model.json").read_text())
    card["metadata"]["channels"] = ["b"]
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelFileError, match=r"model\.json was altered .* remove that entry"):
        load_model(folder)
    del card["entries_sha256"]
    (folder / "model.json").write_text(json.dumps(card))
    assert load_model(folder)[1] == {"channels": ["b"]}


def test_a_card_of_many_megabytes_is_not_read(folder):
    with (folder / "model.json").open("r+b") as file:
        file.truncate(10**12)  # takes no room on the disk
    with pytest.raises(ModelFileError, match="more than 16,000,000 bytes"):
        load_model(folder)
