"""The parts of the supervised network: the prior of totals, the drawn samples, and the weight of the network."""

import pytest
import torch
from scipy.stats import gaussian_kde

from dnmf.kernels import exact_exposures, kl_exposures
from dnmf.posterior.network import SupervisedNetwork
from dnmf.posterior.pairs import PairSource
from dnmf.posterior.totals import TotalPrior
from dnmf.posterior.training import train_posterior_mean
from dnmf.unfolding.training import TrainConfig


def totals_of(values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


# ── totals ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_all_totals_are_the_same_a_count_near_it_means_that_total():
    prior = TotalPrior()
    prior.learn(torch.full((100,), 200.0))
    expected, belongs = prior(totals_of([180.0, 200.0, 225.0]))
    torch.testing.assert_close(expected, torch.full_like(expected, 200.0), rtol=1e-3, atol=0)
    assert (belongs > 0.99).all()


@pytest.mark.parametrize("total", [1.0, 100.0, 400.0, 1e6])
def test_a_total_unlike_all_training_totals_means_itself(total):
    prior = TotalPrior()
    prior.learn(torch.full((100,), 200.0))
    expected, belongs = prior(totals_of([total]))
    assert expected.item() == pytest.approx(total, rel=0.01)
    assert belongs.item() < 1e-3


def test_where_totals_spread_widely_a_count_means_itself():
    prior = TotalPrior()
    prior.learn(torch.logspace(2, 6, 500))
    totals = torch.logspace(2.5, 5.5, 20, dtype=torch.float64)
    expected, belongs = prior(totals)
    torch.testing.assert_close(expected, totals, rtol=0.02, atol=0)
    assert (belongs > 0.9).all()


def test_the_width_of_the_density_is_silvermans():
    totals = torch.logspace(2, 5, 60).square() / 100
    prior = TotalPrior()
    prior.learn(totals)
    density = gaussian_kde(totals.double().log().numpy(), bw_method="silverman")
    assert prior.width.item() == pytest.approx(density.covariance.item() ** 0.5, rel=0.02)


def test_before_learning_no_total_belongs():
    expected, belongs = TotalPrior()(totals_of([1.0, 1e6]))
    torch.testing.assert_close(expected, totals_of([1.0, 1e6]))
    assert (belongs == 0).all()


# ── pairs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_drawn_samples_have_the_means_of_their_shares(problem):
    _, H, W = problem(50, 12, 3, 0)
    X, shares, totals = PairSource(H, W).draw(4000, torch.Generator().manual_seed(0))
    assert set(totals.tolist()) <= set(H.sum(dim=1).tolist())
    torch.testing.assert_close(shares.sum(dim=1), torch.ones_like(totals))
    mean = totals[:, None] * (shares @ W)
    z = (X - mean).sum() / mean.sum().sqrt()
    assert z.abs() < 4
    assert ((X - mean).square().sum() / mean.sum()).item() == pytest.approx(1, abs=0.05)


def test_what_no_near_pair_has_no_drawn_sample_has(problem):
    """Two kinds of samples with signatures of their own are not mixed."""
    _, H, W = problem(60, 12, 4, 1)
    H[:30, 2:] = 0
    H[30:, :2] = 0
    _, shares, _ = PairSource(H + 0.0, W).draw(2000, torch.Generator().manual_seed(0))
    one, other = shares[:, :2].sum(dim=1), shares[:, 2:].sum(dim=1)
    assert torch.minimum(one, other).max() < 1e-5


# ── the blend ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def known(problem):
    X, H, W = problem(200, 24, 4, 2)
    return X, H, W


@pytest.fixture(scope="module")
def trained(known) -> SupervisedNetwork:
    X, H, _ = known
    network = SupervisedNetwork(24, 4, 3)
    network.learn_dictionary(X, H)
    history = train_posterior_mean(
        network,
        H[:160],
        (X[160:], H[160:]),
        config=TrainConfig(6, 5e-3),
        batch_size=64,
        generator=torch.Generator().manual_seed(0),
    )
    assert len(history.cost) == len(history.validation) == 6
    return network


def test_an_untrained_network_gives_the_likelihoods_answer(known):
    X, H, _ = known
    network = SupervisedNetwork(24, 4, 3)
    network.learn_dictionary(X, 5 * H)
    expected = kl_exposures(X, network.dictionary).H
    torch.testing.assert_close(network(X), expected, rtol=1e-5, atol=1e-4)


def test_without_noise_the_answer_is_exact_least_squares(known):
    X, H, W = known
    network = SupervisedNetwork(24, 4, 3)
    network.learn_dictionary(H @ W, H)
    assert not network.counting
    torch.testing.assert_close(network.dictionary, W, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(network(X), exact_exposures(X, network.dictionary))


def test_trust_is_a_weight_and_falls_to_nothing_far_from_the_training_totals(trained, known):
    _, H, W = known
    totals = torch.logspace(-1, 12, 60, dtype=torch.float64)
    weight = trained.weight(totals)
    assert ((weight >= 0) & (weight <= 1)).all()
    assert weight[0] < 1e-3
    assert weight[-1] < 1e-6
    many = (1e6 * H[:5] @ W).round()
    likely = kl_exposures(many, trained.signatures).H / trained.units
    torch.testing.assert_close(trained(many), likely, rtol=1e-4, atol=10)


@pytest.mark.parametrize(("better", "expected"), [("network", 1.0), ("likelihood", 0.0)])
def test_trust_goes_to_whoever_is_right_on_the_held_out_pairs(trained, known, better, expected):
    X = known[0]
    totals = X.sum(dim=1)
    scale = trained.totals(totals)[0] / totals
    with torch.no_grad():
        answers = {
            "network": trained.shares(X) * totals[:, None],
            "likelihood": trained.likelihood(X),
        }
        before = trained.trust.clone()
        trained.learn_trust(X, answers[better] * scale[:, None])
        found = trained.trust.clone()
        trained.trust.copy_(before)
    torch.testing.assert_close(found, torch.full_like(found, expected), atol=1e-6, rtol=0)


def test_empty_samples_get_nothing(trained):
    X = torch.zeros(3, 24, dtype=torch.float64)
    X[1, 5] = 3
    answer = trained(X).detach()
    assert (answer[[0, 2]] == 0).all()
    assert answer[1].sum() > 0


def test_answers_do_not_depend_on_neighbours(trained, known):
    X = known[0]
    with torch.no_grad():
        together = trained(X)
        alone = torch.cat([trained(row) for row in X.split(1)])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-9)


def test_one_sample_and_any_batch_are_taken():
    network = SupervisedNetwork(5, 2, 1)
    X = torch.ones(4, 5, dtype=torch.float64)
    assert network(X[0]).shape == (2,)
    assert network(X.reshape(2, 2, 5)).shape == (2, 2, 2)
    with pytest.raises(ValueError, match="samples of 5 features"):
        network(X[:, :4])
