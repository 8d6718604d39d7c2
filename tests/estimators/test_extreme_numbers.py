"""Data and penalties of any size: finite answers or an error that says what is out of range."""

import numpy as np
import pytest

from dnmf import DNMF, MultiplicativeNMF, PaperDNMF, PaperSupervisedDNMF, SupervisedDNMF
from dnmf.unfolding import LAYERS

pytestmark = [
    pytest.mark.usefixtures("quick_fits"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
REFUSALS = (
    "too large",
    "too small",
    "at most",
    "not finite",
    "all zero",
    "scale the data",
    "contains infinity",
)


def estimators(k, rng, penalties):
    """One of each estimator, of any precision and start."""
    precise = {"dtype": str(rng.choice(["float64", "float32"])), **penalties}
    init = str(rng.choice(["separable", "nndsvd", "nndsvda", "random"]))
    network = {"n_layers": 2, "random_state": 0}
    for layer in LAYERS:
        given = {"dtype": precise["dtype"]} if layer == "kl" else precise
        steps = int(rng.choice([0, 8]))
        yield DNMF(k, layer=layer, init=init, n_steps=steps, **network, **given)
    yield MultiplicativeNMF(k, init=init, max_iter=10, random_state=0, **precise)
    yield PaperDNMF(k, n_layers=2, max_epochs=2, **precise)
    yield SupervisedDNMF(max_epochs=1, **network)
    yield PaperSupervisedDNMF(max_epochs=2, **network, **precise)


def outcome(model, X, y):
    """Return the parts of all answers that are not finite; None for data that were refused in words."""
    try:
        model.fit(X, y)
        exposures = model.transform(X)
        answers = [model.components_, exposures, model.inverse_transform(exposures)]
        answers += model.history_.values()
        if hasattr(model, "certificate"):
            answers.append(model.transform(X, exact=True))
    except (ValueError, FloatingPointError) as error:
        if not any(words in str(error) for words in REFUSALS):
            raise
        return None
    return [answer for answer in answers if not np.isfinite(answer).all()]


@pytest.mark.parametrize("exponent", [-320, -160, -73, -60, -10, 0, 10, 60, 73, 160, 308])
def test_data_of_any_size_give_finite_answers_or_are_refused(exponent):
    rng = np.random.default_rng(exponent + 400)
    answered = 0
    for spread in (0, 30):
        n, f, k = rng.integers(1, 7, 3)
        X = np.floor(rng.gamma(0.5, 10.0, (n, f))) * 10.0 ** rng.uniform(-spread, spread, (n, f))
        with np.errstate(over="ignore", under="ignore"):
            X = np.minimum(X * 10.0 ** (exponent / 2) * 10.0 ** (exponent / 2), 1.7e308)
        X[0] = 10.0 ** (exponent / 2) * 10.0 ** (exponent / 2)  # not all zero
        y = rng.gamma(0.5, 1.0, (30, 2)) * min(X.max(), 1e307)
        penalties = dict(
            zip(("l1_reg", "l2_reg"), rng.choice([0.0, 1e-300, 1.0, 1e6, 1e69], 2), strict=False)
        )
        for model in estimators(int(k), rng, penalties):
            rows = np.resize(X, (30, f)) if "Supervised" in type(model).__name__ else X
            bad = outcome(model, rows, y)
            assert not bad, (model, X, bad)
            answered += bad is not None
    assert (answered > 0) == (abs(exponent) <= 60)


@pytest.mark.parametrize("layer", [name for name in LAYERS if name != "kl"])
@pytest.mark.parametrize(("l1_reg", "l2_reg"), [(1e6, 0.0), (1e70, 0.0), (1e11, 1e-300)])
def test_a_penalty_that_leaves_nothing_gives_zeros(layer, l1_reg, l2_reg):
    X, penalties = [[1.0, 19.0]], {"l1_reg": l1_reg, "l2_reg": l2_reg}
    model = DNMF(3, layer=layer, n_steps=2, n_layers=3, random_state=0, **penalties).fit(X)
    assert all(np.isfinite(costs).all() for costs in model.history_.values())
    np.testing.assert_allclose(model.transform(X), 0, atol=1e-9)
    np.testing.assert_array_equal(model.transform(X, exact=True), 0)


@pytest.mark.parametrize("k", [3, 4, 5])
def test_the_history_of_a_training_that_diverges_is_finite(k):
    X = np.random.default_rng(0).poisson(5.0, (3, 5))
    model = DNMF(k, layer="kl", learning_rate=1e5, n_steps=30, random_state=0).fit(X)
    assert all(np.isfinite(costs).all() for costs in model.history_.values())
    assert np.isfinite(model.transform(X)).all()


@pytest.mark.parametrize(
    ("model", "limit"),
    [(DNMF(2), 1e70), (MultiplicativeNMF(2, dtype="float32"), 1e8), (SupervisedDNMF(), 1e70)],
)
def test_data_out_of_range_are_refused_with_row_size_and_range(model, limit):
    X = np.ones((25, 3))
    X[3] = 2 * limit
    with pytest.raises(
        ValueError, match=rf"X is too large: row 3 .* to {limit:g}".replace("+", r"\+")
    ):
        model.fit(X, np.ones(25))
    X[3] = 0.5 / limit
    with pytest.raises(ValueError, match="X is too small: row 3 holds"):
        model.fit(X, np.ones(25))


def test_the_fitted_model_and_its_parameters_are_guarded_too():
    X = np.random.default_rng(0).poisson(20.0, (20, 5)).astype(float)
    model = DNMF(2, n_steps=0, random_state=0).fit(X)
    with pytest.raises(ValueError, match="X is too large"):
        model.transform(X * 1e200)
    for wrong in (np.full((1, 2), np.nan), np.full((1, 2), np.inf)):
        with pytest.raises(ValueError, match="exposures contains"):
            model.inverse_transform(wrong)
    model.components_ = model.components_ * 10
    with pytest.raises(ValueError, match="spectra are not finite"):
        model.inverse_transform(np.full((1, 2), 1.7e308))
    with pytest.raises(ValueError, match=r"l1_reg must be at most 1e\+70"):
        DNMF(2, l1_reg=1e71).fit(X)
    with pytest.raises(ValueError, match="dictionary is too large"):
        DNMF(2, dictionary=np.full((2, 5), 1e300)).fit(X)
