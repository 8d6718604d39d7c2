import numpy as np
import pytest
import torch
from scipy.optimize import nnls as scipy_nnls

from dnmf import PaperSupervisedDNMF, SupervisedDNMF
from dnmf.kernels import kl_exposures, kl_signatures
from dnmf.unfolding import TrainConfig, UnfoldedMU, train_supervised

QUICK = {"n_layers": 2, "max_epochs": 3, "random_state": 0}


@pytest.fixture(scope="module")
def pairs(problem):
    """Training and test pairs of the same signatures."""
    X, H, _ = problem(200, 32, 4, 2)
    X, H = X.numpy(), H.numpy()
    return X[:150], H[:150], X[150:], H[150:]


@pytest.fixture(scope="module")
def fitted(pairs):
    return SupervisedDNMF(n_layers=2, max_epochs=5, random_state=0).fit(pairs[0], pairs[1])


@pytest.fixture(scope="module")
def clean(problem):
    """Training and test pairs without noise."""
    _, H, W = problem(200, 32, 4, 2)
    X, H = (H @ W).numpy(), H.numpy()
    return X[:150], H[:150], X[150:], H[150:]


def squared_error(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.square(found - true).sum(axis=1).mean())


def test_unseen_exposures_are_nearer_than_the_mean_and_than_mean_shares(fitted, pairs):
    _, y, X_test, y_test = pairs
    shares = (y / y.sum(axis=1, keepdims=True)).mean(axis=0)
    error = squared_error(fitted.transform(X_test), y_test)
    assert error < 0.01 * squared_error(np.broadcast_to(y.mean(axis=0), y_test.shape), y_test)
    assert error < 0.05 * squared_error(X_test.sum(axis=1, keepdims=True) * shares, y_test)


def test_the_paper_beats_the_mean_too(pairs):
    X, y, X_test, y_test = pairs
    model = PaperSupervisedDNMF(max_epochs=100, learning_rate=2e-2, random_state=0)
    error = squared_error(model.fit(X, y).transform(X_test), y_test)
    assert error < 0.7 * squared_error(np.broadcast_to(y.mean(axis=0), y_test.shape), y_test)


def test_the_unit_of_the_exposures_changes_nothing_but_the_unit_of_the_answer(pairs):
    """Training and held-out pairs are in mutations whatever unit the exposures come in."""
    X, y, X_test, _ = pairs
    quick = QUICK | {"max_epochs": 1, "batch_size": 16}
    plain, scaled = (SupervisedDNMF(**quick).fit(X, unit * y) for unit in (1.0, 256.0))
    for part in ("training", "validation"):
        np.testing.assert_allclose(scaled.history_[part], plain.history_[part], rtol=1e-3)
    answer = scaled.transform(X_test) / 256
    np.testing.assert_allclose(answer, plain.transform(X_test), rtol=1e-2, atol=1e-2)


def test_score_is_minus_the_error_of_the_exposures_when_they_are_given(fitted, pairs):
    _, _, X_test, y_test = pairs
    error = squared_error(fitted.transform(X_test), y_test)
    assert fitted.score(X_test, y_test) == pytest.approx(-error)
    spectra = fitted.inverse_transform(fitted.transform(X_test))
    assert fitted.score(X_test) == pytest.approx(-squared_error(spectra, X_test))


def test_components_of_counts_are_their_poisson_regression(fitted, pairs):
    X, y, _, _ = pairs
    expected = kl_signatures(torch.from_numpy(X), torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(fitted.components_, expected)
    assert fitted.dispersion_ == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("cls", [SupervisedDNMF, PaperSupervisedDNMF])
def test_components_without_noise_are_the_least_squares_dictionary_of_the_pairs(clean, cls):
    X, y, _, _ = clean
    model = cls(**QUICK).fit(X, y)
    expected = np.stack([scipy_nnls(y, channel)[0] for channel in X.T], axis=1)
    np.testing.assert_allclose(model.components_, expected, rtol=1e-6, atol=1e-9)


# ── without noise ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_exposures_without_noise_are_found_exactly(clean):
    X, y, X_test, y_test = clean
    model = SupervisedDNMF(random_state=0).fit(X, y)
    np.testing.assert_allclose(model.transform(X_test), y_test, rtol=1e-6, atol=1e-6)
    assert (model.n_iter_, model.history_) == (0, {})


def test_rounding_is_no_counting_noise(clean):
    X, y, X_test, _ = clean
    model = SupervisedDNMF(random_state=0).fit(X.round(), y)
    expected = np.stack([scipy_nnls(model.components_.T, x)[0] for x in X_test.round()])
    np.testing.assert_allclose(model.transform(X_test.round()), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_without_noise_any_unit_gives_the_same_answer(clean, scale):
    X, y, X_test, _ = clean
    one = SupervisedDNMF().fit(X, y)
    other = SupervisedDNMF().fit(scale * X, scale * y)
    np.testing.assert_allclose(
        other.transform(scale * X_test), scale * one.transform(X_test), rtol=1e-6, atol=1e-6 * scale
    )


# ── counts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def few_mutations(problem):
    """Samples of two kinds, 60 mutations each: much to learn that a sample alone does not say."""
    _, H, W = problem(600, 32, 8, 3)
    H[::2, :5] = 0
    H[1::2, 5:] = 0
    H = 60 * H / H.sum(dim=1, keepdim=True)
    X = torch.poisson(H @ W, generator=torch.Generator().manual_seed(0))
    return X[:500].numpy(), H[:500].numpy(), X[500:].numpy(), H[500:].numpy(), W.numpy()


@pytest.fixture(scope="module")
def learned(few_mutations):
    return SupervisedDNMF(n_layers=3, max_epochs=8, random_state=0).fit(*few_mutations[:2])


def test_few_mutations_are_read_better_than_by_likelihood_with_the_true_signatures(
    learned, few_mutations
):
    _, _, X, y, W = few_mutations
    likely = kl_exposures(torch.from_numpy(X), torch.from_numpy(W)).H.numpy()
    assert squared_error(learned.transform(X), y) < 0.6 * squared_error(likely, y)


def test_one_total_in_training_is_the_total_of_every_answer(learned, few_mutations):
    found = learned.transform(few_mutations[2])
    units = learned.components_.sum(axis=1)
    np.testing.assert_allclose(found @ units, 60, rtol=0.05)


def test_far_more_mutations_than_in_training_are_left_to_the_likelihood(learned, few_mutations):
    X = (1e4 * few_mutations[3][:20] @ few_mutations[4]).round()
    likely = kl_exposures(torch.from_numpy(X), torch.from_numpy(learned.components_)).H.numpy()
    np.testing.assert_allclose(learned.transform(X), likely, rtol=1e-4, atol=1)


def test_exposures_in_other_units_come_back_in_those(few_mutations):
    X, y, X_test, _, _ = few_mutations
    scale = np.array([2.0, 1.0, 0.5, 4.0, 1.0, 1.0, 3.0, 1.0])
    one, other = (SupervisedDNMF(**QUICK).fit(X, exposures) for exposures in (y, scale * y))
    error = squared_error(other.transform(X_test) / scale, one.transform(X_test))
    assert error < 0.02 * np.square(one.transform(X_test)).sum(axis=1).mean()


def test_held_out_pairs_choose_the_epoch(pairs):
    X, y, _, _ = pairs
    model = SupervisedDNMF(**QUICK).fit(X, y)
    assert set(model.history_) == {"training", "validation"}
    assert len(model.history_["training"]) == len(model.history_["validation"]) == 3


def test_too_few_pairs_to_judge_a_network_are_left_to_the_likelihood(counts):
    X, y, _ = counts
    model = SupervisedDNMF(**QUICK).fit(X[:19], y[:19])
    likely = kl_exposures(torch.from_numpy(X), torch.from_numpy(model.components_)).H.numpy()
    np.testing.assert_allclose(model.transform(X), likely, rtol=1e-5, atol=1e-4)
    assert (model.n_iter_, model.history_) == (0, {})


def test_a_component_that_no_pair_has_gets_nothing_much(pairs):
    X, y, X_test, _ = pairs
    y = np.hstack([y, np.zeros((len(y), 1))])
    found = SupervisedDNMF(**QUICK).fit(X, y).transform(X_test)
    assert np.isfinite(found).all()
    assert found[:, -1].sum() < 0.05 * found.sum()


def test_different_draws_follow_the_seed(pairs):
    X, y, _, _ = pairs
    fits = [
        SupervisedDNMF(batch_size=32, n_layers=2, max_epochs=1, random_state=seed).fit(X, y)
        for seed in (0, 0, 1)
    ]
    same, other = (fits[i].transform(X) for i in (1, 2))
    np.testing.assert_array_equal(fits[0].transform(X), same)
    assert not np.array_equal(same, other)


def test_answers_do_not_depend_on_neighbours(fitted, pairs):
    X = pairs[2]
    alone = np.vstack([fitted.transform(x[None]) for x in X])
    np.testing.assert_allclose(fitted.transform(X), alone, rtol=1e-9, atol=1e-9)


# ── the paper ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_papers_estimator_is_its_network_and_training_and_nothing_else(counts):
    """Written out with the parts below: weights and answers are the same bits."""
    X, y, _ = (torch.from_numpy(part) for part in counts)
    model = PaperSupervisedDNMF(**QUICK).fit(X.numpy(), y.numpy())
    network = UnfoldedMU(24, 3, 2, l1_reg=1.0, l2_reg=1.0, learn_penalties=True, dtype=X.dtype)
    train_supervised(network, X, y, config=TrainConfig(3, 1e-3))
    with torch.no_grad():
        np.testing.assert_array_equal(model.transform(X.numpy()), network(X).numpy())
    assert model.l1_reg_ == network.l1_reg.item()


@pytest.mark.parametrize("learn", [True, False])
def test_penalties_are_learned_only_when_asked(pairs, learn):
    X, y, _, _ = pairs
    model = PaperSupervisedDNMF(l1_reg=0.5, l2_reg=0.25, learn_penalties=learn, **QUICK).fit(X, y)
    moved = (model.l1_reg_, model.l2_reg_) != (0.5, 0.25)
    assert moved == learn
    assert min(model.l1_reg_, model.l2_reg_) >= 0


def test_the_paper_starts_everything_at_one(counts, monkeypatch):
    X, y, _ = counts
    seen = {}

    def record(network, samples, exposures, *, config, **options):
        assert isinstance(network, UnfoldedMU)
        seen.update(weights=[w.detach().clone() for w in network.parameters()], config=config)
        seen.update(samples=samples, exposures=exposures, validation=options.get("validation"))
        raise InterruptedError

    monkeypatch.setattr("dnmf.estimators._paper.train_supervised", record)
    with pytest.raises(InterruptedError):
        PaperSupervisedDNMF().fit(X, y)
    assert all((weight == 1).all() for weight in seen["weights"])  # the penalties among them
    assert len(seen["weights"]) == 2 + 2 * 10
    assert (seen["config"].max_epochs, seen["config"].learning_rate) == (500, 1e-3)
    assert seen["validation"] is None
    np.testing.assert_array_equal(seen["samples"], X)  # counts, not shares
    np.testing.assert_array_equal(seen["exposures"], y)


def test_papers_mini_batches_follow_the_seed(pairs):
    X, y, _, _ = pairs
    fits = [
        PaperSupervisedDNMF(batch_size=32, n_layers=2, max_epochs=3, random_state=seed).fit(X, y)
        for seed in (0, 0, 1)
    ]
    same, other = (fits[i].transform(X) for i in (1, 2))
    np.testing.assert_array_equal(fits[0].transform(X), same)
    assert not np.array_equal(same, other)


def test_one_component_may_be_given_as_a_plain_list(counts):
    X, y, _ = counts
    column = SupervisedDNMF(**QUICK).fit(X, y[:, :1])
    plain = SupervisedDNMF(**QUICK).fit(X, y[:, 0])
    np.testing.assert_array_equal(column.transform(X), plain.transform(X))
    assert plain.transform(X).shape == (60, 1)


def test_missing_exposures_are_refused_with_what_to_use_instead(counts):
    with pytest.raises(ValueError, match=r"requires y.*use DNMF"):
        SupervisedDNMF().fit(counts[0], None)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_exposures_that_are_no_numbers_of_mutations_are_refused(counts, bad):
    X, y, _ = counts
    y = y.copy()
    y[3, 1] = bad
    with pytest.raises(ValueError, match=r"(?i)negative|nan|infinity"):
        SupervisedDNMF().fit(X, y)


def test_exposures_of_other_samples_are_refused(counts):
    X, y, _ = counts
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SupervisedDNMF().fit(X, y[:-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_layers": 0}, "n_layers must be an integer >= 1, got 0"),
        ({"max_epochs": 0}, "max_epochs must be an integer >= 1, got 0"),
        ({"l1_reg": -1.0}, "l1_reg must be a finite number >= 0, got -1.0"),
        ({"l2_reg": float("inf")}, "l2_reg must be a finite number >= 0, got inf"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1, got 0"),
        ({"dtype": "int"}, "dtype must be 'float64' or 'float32', not 'int'"),
    ],
)
def test_bad_parameters_are_refused_by_name(counts, options, message):
    X, y, _ = counts
    for cls in (SupervisedDNMF, PaperSupervisedDNMF):
        if set(options) <= set(cls().get_params()):
            with pytest.raises(ValueError, match=message):
                cls(**options).fit(X, y)
