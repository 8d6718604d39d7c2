"""Models on disk: what comes back is what was saved, or an error that says what is wrong with which file."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.base import clone

from dnmf import (
    DNMF,
    PaperDNMF,
    PaperSupervisedDNMF,
    SupervisedDNMF,
    load_model,
    save_model,
)
from dnmf.exceptions import DoubtfulDataWarning, ModelFileError
from dnmf.strict_json import entries_checksum

pytestmark = pytest.mark.usefixtures("quick_fits")

METADATA = {"channels": ["A[C>A]A", "é"], "signatures": ["SBS96A"], "share": 0.1}


@pytest.fixture(scope="module")
def fitted_once() -> list[Path]:
    """The folder of the saved model, once there is one."""
    return []


@pytest.fixture
def saved(fitted_once, counts, quick_fits, tmp_path_factory) -> Path:
    """A saved model, fitted once; no test changes its files."""
    if not fitted_once:
        folder = tmp_path_factory.mktemp("saved")
        save_model(DNMF(3, n_layers=3, n_steps=4, random_state=0).fit(counts[0]), folder)
        fitted_once.append(folder)
    return fitted_once[0]


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    """A copy of the saved model, to be spoilt."""
    for file in saved.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


def edit_card(folder: Path, **changes) -> None:
    """Change entries of the card, with a checksum that fits them; None removes one."""
    card = json.loads((folder / "model.json").read_text("utf-8"))
    for name, value in changes.items():
        card.pop(name) if value is None else card.update({name: value})
    card["entries_sha256"] = entries_checksum(card)
    (folder / "model.json").write_text(json.dumps(card), "utf-8")


def replace_weights(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write other tensors with a checksum that fits them."""
    import hashlib

    save_file(tensors, folder / "model.safetensors")
    checksum = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    edit_card(folder, weights_sha256=checksum)


# ── the way there and back ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("noise", "n_pairs"), [(False, 40), (True, 12)])
def test_an_untrained_supervised_model_does_not_depend_on_the_global_generator(
    problem, tmp_path, noise, n_pairs
):
    """Without noise, and with too few pairs, no network is trained; its weights are saved all the same."""
    X, H, W = problem(n_pairs, 12, 3, 0)
    samples = (X if noise else H @ W).numpy()
    files = []
    for name, seed in (("first", 1), ("second", 2)):
        (tmp_path / name).mkdir()
        with torch.random.fork_rng():
            torch.random.default_generator.manual_seed(seed)
            model = SupervisedDNMF(n_layers=2, random_state=0).fit(samples, H.numpy())
        assert model.n_iter_ == 0
        card = save_model(model, tmp_path / name)
        files.append([card.read_bytes(), card.with_name("model.safetensors").read_bytes()])
    assert files[0] == files[1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_loaded_model_gives_the_same_bits(estimator, counts, tmp_path, dtype):
    X, y, _ = counts
    if "dtype" in estimator.get_params():
        estimator.set_params(dtype=dtype)
    estimator.fit(X, y)
    card = save_model(estimator, tmp_path, metadata=METADATA)
    assert card == tmp_path / "model.json"
    for path in (tmp_path, card, tmp_path / "model.safetensors", str(tmp_path)):
        loaded, metadata = load_model(path)
        assert metadata == METADATA
        assert type(loaded) is type(estimator)
        assert loaded.get_params() == estimator.get_params()
        np.testing.assert_array_equal(loaded.transform(X), estimator.transform(X))
        np.testing.assert_array_equal(loaded.components_, estimator.components_)
        assert loaded.score(X) == estimator.score(X)
        assert (loaded.n_components_, loaded.n_features_in_) == (3, 24)
        assert loaded.n_iter_ == estimator.n_iter_
        assert loaded.history_.keys() == estimator.history_.keys()
        for phase, costs in estimator.history_.items():
            np.testing.assert_array_equal(loaded.history_[phase], costs)


def test_a_loaded_model_can_be_fitted_again(saved, counts):
    X, _, _ = counts
    loaded, _ = load_model(saved)
    again = clone(loaded).fit(X)
    np.testing.assert_array_equal(again.components_, loaded.components_)


def test_a_loaded_model_can_be_saved_again_to_the_same_weights(saved, tmp_path):
    loaded, metadata = load_model(saved)
    save_model(loaded, tmp_path, metadata=metadata)
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (saved / name).read_bytes()


def test_saved_files_are_plain_numbers_and_plain_text(saved):
    card = json.loads((saved / "model.json").read_text("utf-8"))
    assert card["format"] == "dnmf-model"
    assert card["written_by"].startswith("dnmf ")
    assert (card["estimator"], card["n_components"], card["n_features"]) == ("DNMF", 3, 24)
    assert sorted(f.name for f in saved.iterdir()) == ["model.json", "model.safetensors"]
    tensors = load_file(saved / "model.safetensors")
    assert tensors["components"].shape == (3, 24)


def test_a_random_state_that_is_no_seed_is_left_out_of_the_card(counts, tmp_path):
    X, _, _ = counts
    model = DNMF(2, n_layers=1, n_steps=1, random_state=np.random.RandomState(0)).fit(X)
    save_model(model, tmp_path)
    loaded, _ = load_model(tmp_path)
    assert loaded.random_state is None
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))


SHARED = {"device": "cpu", "dtype": "float64", "random_state": 0, "learning_rate": None}
# What the parameters of today were before they had a name.
FORMER = {"search": "signatures", "dtype": "float64", "random_state": 0}
PARAMETERS_OF_VERSION_2 = {
    "DNMF": SHARED
    | {
        "n_components": 2,
        "preset": "default",
        "layer": None,
        "n_layers": 2,
        "l1_reg": 0.0,
        "l2_reg": 0.0,
    }
    | {"init": None, "dictionary": None, "min_volume": 0.0, "weight_init": 0.1, "max_epochs": None}
    | {"dictionary_order": "fresh"},
    "SupervisedDNMF": SHARED
    | {"preset": "default", "n_layers": 2, "l1_reg": None, "l2_reg": None, "learn_penalties": True}
    | {"max_epochs": None, "batch_size": None},
}


# ── what is not there, or not a model ────────────────────────────────────────────────────────────────────────────────


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such model. Give the folder"):
        load_model(tmp_path / "nowhere")


def test_a_folder_of_several_models_names_one_of_them(tmp_path):
    for name in ("SBS96", "ID83"):  # as of a run of several classes
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").touch()
    with pytest.raises(FileNotFoundError, match=r"holds 2 models, .* such as .*ID83\."):
        load_model(tmp_path)


@pytest.mark.parametrize("missing", ["model.json", "model.safetensors"])
def test_half_a_model_is_refused_and_the_missing_half_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f"{missing} is missing"):
        load_model(folder)


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_truncated_weights_are_refused(folder, kept):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(ModelFileError, match=r"model\.safetensors is truncated, altered"):
        load_model(folder)


@pytest.mark.parametrize("position", [0, 50, -1])
def test_one_altered_byte_is_noticed(folder, position):
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[position] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelFileError, match="checksum"):
        load_model(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"not json at all", b"\xff\xfe\x00", b"PK\x03\x04"])
def test_a_card_that_is_no_json_is_refused(folder, content):
    (folder / "model.json").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"model\.json is truncated or not JSON"):
        load_model(folder)


@pytest.mark.parametrize("content", ["[]", "null", "3", '{"format": "other"}', "{}"])
def test_json_of_something_else_is_refused(folder, content):
    (folder / "model.json").write_text(content)
    with pytest.raises(ModelFileError, match="not the card of a dnmf model"):
        load_model(folder)


def test_another_format_version_is_refused_with_who_wrote_it(folder):
    edit_card(folder, format_version=99, written_by="dnmf 7.0")
    with pytest.raises(
        ModelFileError,
        match=r"format version 99, written by dnmf 7\.0.*versions 1 and 2 and 3 and 4",
    ):
        load_model(folder)


def test_a_model_of_version_1_keeps_the_layer_that_was_its_default(tmp_path):
    X = np.random.default_rng(0).poisson(20.0, size=(30, 8))
    model = DNMF(2, layer="admm", n_steps=0, random_state=0).fit(X)
    save_model(model, tmp_path)
    former = PARAMETERS_OF_VERSION_2["DNMF"] | {"n_layers": 10}
    edit_card(tmp_path, format_version=1, parameters=former)
    loaded, _ = load_model(tmp_path)
    assert loaded.layer == "admm"
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))


def test_a_model_of_version_3_keeps_the_search_that_was_the_only_one(tmp_path):
    X = np.random.default_rng(0).poisson(20.0, size=(30, 8))
    model = DNMF(2, search="signatures", n_steps=0, random_state=0).fit(X)
    save_model(model, tmp_path)
    former = json.loads((tmp_path / "model.json").read_text("utf-8"))["parameters"]
    del former["search"]
    edit_card(tmp_path, format_version=3, parameters=former)
    loaded, _ = load_model(tmp_path)
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))


@pytest.mark.parametrize(
    ("model", "former"),
    [
        (DNMF(2, n_layers=2, **FORMER), {}),
        (DNMF(2, n_layers=2, layer="weighted-mu", **FORMER), {"layer": "nalmu"}),
        (DNMF(2, n_layers=2, n_steps=5, **FORMER), {"max_epochs": 5}),
        (
            PaperDNMF(2, n_layers=2, max_epochs=3, dtype="float64"),
            {"preset": "paper", "max_epochs": 3},
        ),
        (SupervisedDNMF(n_layers=2, random_state=0), {}),
        (
            PaperSupervisedDNMF(n_layers=2, max_epochs=3, learn_penalties=False, random_state=0),
            {"preset": "paper", "max_epochs": 3, "learn_penalties": False},
        ),
    ],
)
def test_a_model_of_version_2_is_loaded_as_the_estimator_that_its_preset_meant(
    counts, tmp_path, model, former
):
    X, y = counts[0][:15], counts[1][:15, :2]
    save_model(model.fit(X, y), tmp_path)
    name = type(model).__name__.removeprefix("Paper")
    parameters = PARAMETERS_OF_VERSION_2[name] | former
    edit_card(tmp_path, format_version=2, estimator=name, parameters=parameters)
    loaded, _ = load_model(tmp_path)
    assert type(loaded) is type(model)
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))


def test_a_penalty_that_leaves_no_exposures_leaves_a_model_that_can_be_kept(tmp_path):
    X = np.random.default_rng(0).poisson(20.0, size=(30, 8))
    with pytest.warns(DoubtfulDataWarning):
        model = DNMF(2, l1_reg=1e9, random_state=0).fit(X)
    save_model(model, tmp_path)
    loaded, _ = load_model(tmp_path)
    assert (loaded.transform(X) == 0).all()


def test_a_model_that_is_not_finite_is_not_kept(tmp_path):
    X = np.random.default_rng(0).poisson(20.0, size=(30, 8))
    model = DNMF(2, random_state=0).fit(X)
    model.components_[0, 0] = np.nan
    with pytest.raises(ModelFileError, match="components holds values that are not finite"):
        save_model(model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_unknown_estimator_is_refused(folder):
    edit_card(folder, estimator="os.system")
    with pytest.raises(ModelFileError, match=r"unknown estimator 'os\.system'"):
        load_model(folder)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (None, r"model\.json lacks the entry 'parameters'"),
        ([1, 2], r"'parameters' is a list, not a group of entries"),
        ({"n_components": 3, "typo": 1}, "lacks or misnames parameters of DNMF.*'typo'"),
    ],
)
def test_wrong_parameters_are_refused(folder, parameters, message):
    edit_card(folder, parameters=parameters)
    with pytest.raises(ModelFileError, match=message):
        load_model(folder)


def test_weights_of_another_program_are_refused(folder):
    replace_weights(folder, {"lm_head.weight": torch.ones(4, 4)})
    with pytest.raises(ModelFileError, match=r"does not hold what model\.json describes"):
        load_model(folder)


def test_weights_that_are_no_safetensors_are_refused_even_with_their_checksum(folder):
    import hashlib

    (folder / "model.safetensors").write_bytes(b"\x80\x04pickle me")
    checksum = hashlib.sha256(b"\x80\x04pickle me").hexdigest()
    edit_card(folder, weights_sha256=checksum)
    with pytest.raises(ModelFileError, match=r"does not hold what model\.json describes"):
        load_model(folder)


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("components", torch.ones(3, 23)),
        ("components", torch.ones(2, 24)),
        ("components", torch.full((3, 24), torch.nan)),
        ("network.signatures", torch.ones(3, 23, dtype=torch.float64)),
        ("network.layers.0.alpha", torch.full((3,), torch.inf, dtype=torch.float64)),
        ("network.layers.9.alpha", torch.ones(3, dtype=torch.float64)),
    ],
)
def test_tensors_of_the_wrong_shape_or_with_no_numbers_are_refused(folder, name, tensor):
    replace_weights(folder, load_file(folder / "model.safetensors") | {name: tensor})
    with pytest.raises(ModelFileError, match=r"does not hold what model\.json describes"):
        load_model(folder)


@pytest.mark.parametrize("name", ["components", "network.shares", "network.layers.2.log_rho"])
def test_missing_tensors_are_refused(folder, name):
    tensors = load_file(folder / "model.safetensors")
    del tensors[name]
    replace_weights(folder, tensors)
    with pytest.raises(ModelFileError, match=r"does not hold what model\.json describes"):
        load_model(folder)


@pytest.mark.parametrize(
    "changes",
    [{"n_components": 4}, {"n_features": 25}, {"n_components": 10**9}, {"n_features": 0}],
)
def test_a_card_that_does_not_fit_its_weights_is_refused(folder, changes):
    edit_card(folder, **changes)
    with pytest.raises(ModelFileError, match=r"does not hold what model\.json describes"):
        load_model(folder)


def test_a_model_of_another_depth_is_refused(folder):
    card = json.loads((folder / "model.json").read_text("utf-8"))
    edit_card(folder, parameters=card["parameters"] | {"n_layers": 5})
    with pytest.raises(ModelFileError, match=r"does not hold what model\.json describes"):
        load_model(folder)


def test_a_model_saved_on_another_device_is_loaded_onto_the_cpu(folder, counts):
    card = json.loads((folder / "model.json").read_text("utf-8"))
    edit_card(folder, parameters=card["parameters"] | {"device": "cuda:3"})
    loaded, _ = load_model(folder)
    assert loaded.transform(counts[0]).shape == (60, 3)
