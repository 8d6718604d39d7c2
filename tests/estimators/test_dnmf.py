import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import NMF

from dnmf import DNMF, PaperDNMF
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.kernels import exact_exposures, exact_signatures, frobenius_cost
from dnmf.unfolding import Unfolded, UnfoldedMU

QUICK = {"n_layers": 4, "n_steps": 12, "random_state": 0}
EPOCHS = {"n_layers": 4, "max_epochs": 12}

pytestmark = pytest.mark.usefixtures("quick_fits")


def matched_cosines(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    unit = [s / np.linalg.norm(s, axis=1, keepdims=True) for s in (found, true)]
    cosines = unit[0] @ unit[1].T
    return cosines[linear_sum_assignment(-cosines)]


@pytest.fixture(scope="module")
def genomes(problem):
    """Eighty samples of many mutations from three signatures over 96 channels."""
    X, H, W = problem(80, 96, 3, 5)
    return X.numpy(), H.numpy(), W.numpy()


@pytest.fixture(scope="module")
def fitted(genomes):
    """The default model, not cut short: it is fitted before a test's ``quick_fits`` apply."""
    return DNMF(3, random_state=0).fit(genomes[0])


# ── what it finds ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_known_signatures_and_exposures_are_found_in_simulated_counts(fitted, genomes):
    X, H, W = genomes
    assert matched_cosines(fitted.components_, W).min() > 0.95
    np.testing.assert_allclose(fitted.components_.sum(axis=1), 1.0, rtol=1e-12)
    exposures = fitted.transform(X)
    assert matched_cosines(exposures.T, H.T).min() > 0.99
    assert exposures.sum() == pytest.approx(
        X.sum(), rel=0.02
    )  # in mutations, not in some other unit


def test_it_fits_as_well_as_coordinate_descent(fitted, genomes):
    X, _, _ = genomes
    theirs = NMF(3, init="nndsvda", max_iter=5000, tol=1e-7)
    H = theirs.fit_transform(X)
    error = np.square(X - H @ theirs.components_).sum(axis=1).mean()
    assert -fitted.score(X) <= 1.05 * error  # the search weighs samples by their noise, not alike


def test_network_is_near_the_exact_exposures_and_exact_is_exact(fitted, genomes):
    X, _, _ = genomes
    exact = fitted.transform(X, exact=True)
    W = torch.from_numpy(fitted.components_)
    expected = exact_exposures(torch.from_numpy(X), W).numpy()
    np.testing.assert_allclose(exact, expected, rtol=1e-9, atol=1e-9)
    assert fitted.certificate(X, exact).max() <= 1e-9
    np.testing.assert_allclose(fitted.transform(X), exact, atol=1e-3 * X.sum(axis=1).max())


@pytest.mark.parametrize(
    "options",
    [
        {"l1_reg": 5.0},
        {"l2_reg": 0.05},
        {"l1_reg": 5.0, "l2_reg": 0.05},
        {"layer": "mu", "l1_reg": 5.0},
        {"max_epochs": 12, "l1_reg": 1.0, "l2_reg": 1.0},
    ],
)
def test_exact_exposures_hold_their_certificate_with_penalties(counts, options):
    X, _, _ = counts
    model = PaperDNMF(3) if "max_epochs" in options else DNMF(3, **QUICK)
    model.set_params(**options).fit(X)
    exact = model.transform(X, exact=True)
    assert (exact >= 0).all()
    assert model.certificate(X, exact).max() <= 1e-9
    penalties = {name: options.get(name, 0.0) for name in ("l1_reg", "l2_reg")}
    W = torch.from_numpy(model.components_)
    expected = exact_exposures(torch.from_numpy(X), W, **penalties)
    np.testing.assert_allclose(exact, expected, rtol=1e-8, atol=1e-8)


def test_certificate_tells_a_network_of_few_layers_from_the_exact_answer(counts):
    X, _, _ = counts
    model = DNMF(3, n_layers=1, n_steps=0, layer="mu", random_state=0).fit(X)
    assert model.certificate(X, model.transform(X, exact=False)).max() > 1e-6
    for exact in (True, "auto"):
        assert model.certificate(X, model.transform(X, exact=exact)).max() <= 1e-9


def test_a_penalty_gives_fewer_mutations_and_more_zeros(counts):
    X, _, _ = counts
    sums, zeros = [], []
    for l1 in (0.0, 20.0, 100.0):
        exposures = DNMF(3, l1_reg=l1, **QUICK).fit(X).transform(X, exact=True)
        sums.append(exposures.sum())
        zeros.append((exposures == 0).sum())
    assert sums[0] > sums[1] > sums[2] > 0.5 * sums[0]
    assert zeros[0] <= zeros[1] <= zeros[2]


def test_many_times_the_mutations_give_the_same_signatures(counts):
    X, _, _ = counts
    once, thousand = (DNMF(3, **QUICK).fit(factor * X) for factor in (1, 1000))
    np.testing.assert_allclose(thousand.components_, once.components_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        thousand.transform(1000 * X, exact=True),
        1000 * once.transform(X, exact=True),
        rtol=1e-5,
        atol=1e-3,
    )


def test_training_brings_the_network_nearer_to_the_exact_exposures(problem):
    X = problem(60, 24, 6, 3)[0].numpy()
    residuals = []
    for epochs in (0, 60):
        model = DNMF(6, n_layers=3, n_steps=epochs, random_state=0).fit(X)
        exposures = torch.from_numpy(model.transform(X))
        W = torch.from_numpy(model.components_)
        residuals.append(frobenius_cost(torch.from_numpy(X), exposures, W).item())
    assert residuals[1] <= residuals[0]


@pytest.mark.parametrize("init", ["separable", "nndsvd", "nndsvda"])
def test_every_start_from_the_data_finds_the_signatures(genomes, init):
    X, _, W = genomes
    model = DNMF(3, init=init, n_layers=2, n_steps=0, random_state=0).fit(X)
    assert matched_cosines(model.components_, W).min() > 0.95


# ── the paper, parameters, history ───────────────────────────────────────────────────────────────────────────────────


def test_default_network_holds_the_dictionary_it_was_trained_for(fitted):
    assert isinstance(fitted.network_, Unfolded)
    np.testing.assert_array_equal(fitted.network_.signatures.numpy(), fitted.components_)
    assert len(fitted.network_.layers) == 10
    assert set(fitted.history_) == {"dictionary", "network", "validation"}
    assert len(fitted.history_["dictionary"]) <= fitted.n_iter_ <= 500


def test_the_papers_estimator_is_its_network_with_the_exact_dictionary(counts):
    X, _, _ = counts
    model = PaperDNMF(3, **EPOCHS).fit(X)
    assert isinstance(model.network_, UnfoldedMU)
    assert set(model.history_) == {"training"}
    assert model.n_iter_ == len(model.history_["training"]) == 12
    exposures = torch.from_numpy(model.transform(X))
    expected = exact_signatures(torch.from_numpy(X), exposures)
    np.testing.assert_allclose(model.components_, expected, rtol=1e-7, atol=1e-12)


def test_the_paper_starts_from_the_constants_of_its_parameter(counts):
    X, _, _ = counts
    model = PaperDNMF(2, n_layers=2, max_epochs=0, weight_init=0.25).fit(X)
    assert all((w == 0.25).all() for w in model.network_.parameters())


def test_the_paper_trains_500_epochs_at_5e_4_unless_told_otherwise(counts, monkeypatch):
    X, _, _ = counts
    configs = []

    def record(network, X, *, config, **options):
        configs.append((config.max_epochs, config.learning_rate, options["dictionary_order"]))
        raise InterruptedError

    monkeypatch.setattr("dnmf.estimators._paper.train_unsupervised", record)
    for options in ({}, {"max_epochs": 7, "learning_rate": 0.1, "dictionary_order": "stale"}):
        with pytest.raises(InterruptedError):
            PaperDNMF(2, **options).fit(X)
    assert configs == [(500, 5e-4, "fresh"), (7, 0.1, "stale")]


def test_paper_and_default_take_the_same_penalties_to_the_network(counts):
    X, _, _ = counts
    penalties = {"l1_reg": 1.5, "l2_reg": 0.25}
    for model in (DNMF(2, **QUICK, **penalties), PaperDNMF(2, **EPOCHS, **penalties)):
        model.fit(X)
        assert model.network_.l1_reg.item() == 1.5
        assert model.network_.l2_reg.item() == 0.25


@pytest.mark.parametrize(
    ("options", "phases"),
    [
        ({"l1_reg": 50.0}, {"dictionary", "network"}),
        ({"layer": "kl"}, {"dictionary", "network"}),
        ({"layer": "kl", "search": "signatures"}, {"dictionary", "likelihood", "network"}),
        ({"max_epochs": 5}, {"training"}),
    ],
)
def test_progress_hears_of_every_step_of_every_phase(counts, options, phases):
    X, _, _ = counts
    calls = []
    # one layer, penalised: a network that is as good as exact untrained would take no steps
    model = PaperDNMF(3) if "max_epochs" in options else DNMF(3, **QUICK)
    model.set_params(**{"n_layers": 1} | options)
    model.fit(X, progress=lambda *call: calls.append(call))
    assert {phase for phase, *_ in calls} == phases
    for phase in phases:
        steps = [(step, total) for name, step, total, _ in calls if name == phase]
        assert [step for step, _ in steps] == list(range(1, len(steps) + 1))
        assert len({total for _, total in steps}) == 1
        assert len(steps) <= steps[0][1]
    assert all(np.isfinite(cost) for *_, cost in calls)


@pytest.mark.parametrize("phase", ["dictionary", "network"])
def test_an_interrupt_from_progress_comes_out_and_restores_the_threads(
    counts, torch_threads, phase
):
    def interrupt(name, step, total, cost):
        if name == phase:
            raise KeyboardInterrupt

    torch_threads(2)
    with pytest.raises(KeyboardInterrupt):
        DNMF(3, **QUICK | {"n_layers": 1, "l1_reg": 50.0}).fit(counts[0], progress=interrupt)
    assert torch.get_num_threads() == 2


# ── doubtful and impossible input ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.filterwarnings("ignore:.*used by no sample")
@pytest.mark.parametrize("model", [DNMF(4, **QUICK), PaperDNMF(4, **EPOCHS)])
def test_more_components_than_the_rank_are_given_with_a_warning(model):
    rng = np.random.default_rng(0)
    X = rng.gamma(1.0, 100.0, (30, 2)) @ rng.dirichlet(np.ones(12), 2)
    with pytest.warns(DoubtfulDataWarning, match="4 components asked of data of rank 2.*2 of them"):
        model.fit(X)
    exposures = model.transform(X)
    assert exposures.shape == (30, 4)
    assert np.isfinite(exposures).all()


def test_more_components_than_samples_with_mutations_fall_back_to_a_random_start():
    X = np.zeros((6, 8))
    X[:2] = np.random.default_rng(0).poisson(50, (2, 8))
    with pytest.warns(DoubtfulDataWarning, match="rank 2"):
        model = DNMF(3, **QUICK).fit(X)
    assert np.isfinite(model.transform(X)).all()


@pytest.mark.parametrize("model", [DNMF(2), PaperDNMF(2)])
def test_data_without_any_mutation_are_refused(model):
    with pytest.raises(ValueError, match="all zero"):
        model.fit(np.zeros((5, 4)))


def test_one_sample_and_one_component_are_enough():
    X = np.array([[3.0, 1.0, 0.0]])
    model = DNMF(1, **QUICK).fit(X)
    np.testing.assert_allclose(model.components_, [[0.75, 0.25, 0.0]], atol=1e-9)
    np.testing.assert_allclose(model.transform(2 * X), [[8.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_components": 0}, "n_components must be an integer >= 1, got 0"),
        ({"n_components": 2.0}, "n_components must be an integer >= 1, got 2.0"),
        ({"n_components": True}, "n_components must be an integer >= 1, got True"),
        ({"n_layers": 0}, "n_layers must be an integer >= 1, got 0"),
        ({"n_layers": "ten"}, "n_layers must be an integer >= 1, got 'ten'"),
        ({"n_steps": -1}, "n_steps must be an integer >= 0, got -1"),
        ({"l1_reg": -1.0}, "l1_reg must be a finite number >= 0, got -1.0"),
        ({"l2_reg": float("nan")}, "l2_reg must be a finite number >= 0, got nan"),
        ({"l2_reg": "much"}, "l2_reg must be a finite number >= 0, got 'much'"),
        ({"layer": "cnn"}, "unknown layer 'cnn': choose one of .*admm"),
        ({"init": "zeros"}, "init must be one of .*, got 'zeros'"),
        ({"init": "ones"}, "init='ones' gives equal components"),
        ({"layer": "kl", "l1_reg": 1.0}, "Poisson likelihood takes no penalties"),
        ({"dtype": "float16"}, "dtype must be 'float64' or 'float32', not 'float16'"),
    ],
)
def test_bad_parameters_are_refused_by_name_at_fit_and_not_before(counts, options, message):
    model = DNMF(**options)
    with pytest.raises(ValueError, match=message):
        model.fit(counts[0])
