import json

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from dnmf import DNMF, PaperSupervisedDNMF, SupervisedDNMF, load_model, save_model
from dnmf.exceptions import ModelFileError


@pytest.fixture
def data(problem):
    X, H, _ = problem(60, 24, 3, 0)
    return X.numpy(), H.numpy()


def test_learned_penalties_come_back(data, tmp_path):
    X, y = data
    model = PaperSupervisedDNMF(n_layers=2, max_epochs=3, l1_reg=0.1).fit(X, y)
    save_model(model, tmp_path)
    loaded, _ = load_model(tmp_path)
    assert (loaded.l1_reg_, loaded.l2_reg_) == (model.l1_reg_, model.l2_reg_)


def test_feature_names_come_back_so_that_a_table_is_still_checked(data, tmp_path):
    frame = pd.DataFrame(data[0], columns=[f"channel {c}" for c in range(24)])
    model = DNMF(3, n_layers=2, n_steps=3, random_state=0).fit(frame)
    save_model(model, tmp_path)
    loaded, _ = load_model(tmp_path)
    np.testing.assert_array_equal(loaded.transform(frame), model.transform(frame))  # and no warning
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.transform(frame.rename(columns={"channel 0": "other"}))


def test_parameters_from_numpy_as_grid_searches_set_them_are_saved(data, tmp_path):
    model = DNMF(np.int64(3), n_layers=np.int64(2), l1_reg=np.float32(0.5), n_steps=3)
    save_model(model.set_params(random_state=np.int64(1)).fit(data[0]), tmp_path)
    loaded, _ = load_model(tmp_path)
    assert (loaded.n_components, loaded.n_layers, loaded.l1_reg) == (3, 2, 0.5)
    assert loaded.random_state == 1


def test_an_unfitted_model_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(NotFittedError):
        save_model(DNMF(3), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_json_cannot_hold_is_refused_before_anything_is_written(data, tmp_path):
    model = DNMF(3, n_layers=2, n_steps=3).fit(data[0])
    with pytest.raises((TypeError, ValueError)):
        save_model(model, tmp_path, metadata={"bad": object()})
    assert list(tmp_path.iterdir()) == []


def test_a_card_without_metadata_is_refused(data, tmp_path):
    save_model(DNMF(3, n_layers=2, n_steps=3).fit(data[0]), tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    del card["metadata"]
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelFileError):
        load_model(tmp_path)


@pytest.mark.parametrize(
    "parameters",
    [
        {"layer": "other"},
        {"dtype": "float16"},
        {"l1_reg": "much"},
        {"l1_reg": -1.0},
        {"n_layers": "three"},
    ],
)
def test_parameters_of_the_wrong_kind_are_refused_at_loading(data, tmp_path, parameters):
    save_model(DNMF(3, n_layers=2, n_steps=3).fit(data[0]), tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    card["parameters"] |= parameters
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelFileError):
        load_model(tmp_path)


@pytest.mark.parametrize("cls", [DNMF, SupervisedDNMF])
def test_a_foreign_history_is_refused(data, tmp_path, cls):
    """n_iter must be a whole number."""
    model = DNMF(3, n_layers=2, n_steps=3) if cls is DNMF else cls(n_layers=2, max_epochs=3)
    save_model(model.fit(*data), tmp_path)
    card = json.loads((tmp_path / "model.json").read_text())
    card["n_iter"] = "many"
    (tmp_path / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelFileError):
        load_model(tmp_path)


def test_exact_inference_of_a_loaded_model_gives_the_same_bits(data, tmp_path):
    X, _ = data
    model = DNMF(3, n_layers=3, n_steps=4, l1_reg=2.0, l2_reg=0.1, random_state=0).fit(X)
    save_model(model, tmp_path)
    loaded, metadata = load_model(tmp_path)
    assert metadata == {}
    np.testing.assert_array_equal(loaded.transform(X, exact=True), model.transform(X, exact=True))
    np.testing.assert_array_equal(
        loaded.certificate(X, loaded.transform(X)), model.certificate(X, model.transform(X))
    )
