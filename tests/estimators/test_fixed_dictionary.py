"""`DNMF(dictionary=...)`: the signatures are given, only the network is trained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from dnmf.estimators import DNMF, load_model, save_model


@pytest.fixture
def data(problem: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    X, _, W = problem(40, 24, 4, 2)
    return X.numpy(), W.numpy()


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_components_are_the_dictionary_scaled_to_sum_one(
    data: tuple[np.ndarray, np.ndarray], scale: float
) -> None:
    X, W = data
    model = DNMF(None, dictionary=scale * W, random_state=0, n_steps=20).fit(X)
    np.testing.assert_allclose(model.components_, W, rtol=1e-12)
    assert model.n_components_ == 4
    assert "dictionary" not in model.history_


@pytest.mark.parametrize("layer", ["newton", "admm", "kl"])
def test_finished_exposures_are_optimal_for_the_dictionary(
    data: tuple[np.ndarray, np.ndarray], layer: str
) -> None:
    X, W = data
    model = DNMF(4, dictionary=W, layer=layer, random_state=0, n_steps=20).fit(X)
    exposures = model.transform(X, exact=True)
    certificate = model.certificate(X, exposures)
    assert certificate.max() < 1e-6
    np.testing.assert_allclose(exposures.sum(axis=1), X.sum(axis=1), rtol=0.1)


def test_it_is_cloned_saved_and_loaded(data: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    X, W = data
    model = clone(DNMF(4, dictionary=W, random_state=0, n_steps=5)).fit(X)
    save_model(model, tmp_path)
    loaded, _ = load_model(tmp_path)
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    np.testing.assert_array_equal(loaded.get_params()["dictionary"], W)
    np.testing.assert_array_equal(loaded.fit(X).components_, model.components_)


@pytest.mark.parametrize(
    ("n_components", "change", "told"),
    [
        (3, lambda W: W, "4 rows"),
        (4, lambda W: -W, ">= 0"),
        (4, lambda W: W * np.nan, "finite"),
        (4, lambda W: W[0], "array"),
        (4, lambda W: W * (np.arange(4) > 0)[:, None], "zeros"),
        (4, lambda W: W[:, :-1], "23 features"),
    ],
)
def test_what_cannot_be_a_dictionary_is_refused(
    data: tuple[np.ndarray, np.ndarray],
    n_components: int,
    change: Callable[[np.ndarray], np.ndarray],
    told: str,
) -> None:
    X, W = data
    with pytest.raises(ValueError, match=told):
        DNMF(n_components, dictionary=change(W)).fit(X)
