import numpy as np
import pytest
import torch

from dnmf.kernels import (
    exact_exposures,
    frobenius_cost,
    initialize_factors,
    nmf_mu,
    update_exposures,
    update_signatures,
)


def random_start(X, k, seed):
    return initialize_factors(X, k, "random", generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (50.0, 0.0), (0.0, 2.0), (50.0, 2.0)])
def test_reported_cost_never_rises_and_is_the_cost_of_the_factors(oracles, problem, l1, l2):
    X, _, _ = problem(30, 20, 4, 0)
    start = random_start(X, 4, 0)
    result = nmf_mu(X, *start, l1_reg=l1, l2_reg=l2, max_iter=80, tol=0.0)
    slack = oracles.rounding_of_cost(X.numpy(), *(t.numpy() for t in start), l1, l2)
    assert (np.diff(result.cost) <= slack).all()
    final = frobenius_cost(X, result.H, result.W, l1_reg=l1, l2_reg=l2).item()
    first = frobenius_cost(X, *start, l1_reg=l1, l2_reg=l2).item()
    assert result.cost[0] == pytest.approx(first, rel=1e-14)
    assert result.cost[-1] == pytest.approx(final, rel=1e-14)
    assert len(result.cost) == result.n_iter + 1 == 81


def test_an_iteration_updates_exposures_then_signatures(problem):
    X, H, W = problem(8, 6, 3, 1)
    result = nmf_mu(X, H, W, l1_reg=0.3, l2_reg=0.1, max_iter=1, tol=0.0)
    H_next = update_exposures(X, H, W, l1_reg=0.3, l2_reg=0.1)
    assert torch.equal(result.H, H_next)
    assert torch.equal(result.W, update_signatures(X, H_next, W))


def test_it_says_whether_it_converged_and_stops_there(problem):
    X, _, _ = problem(30, 20, 3, 2)
    start = random_start(X, 3, 2)
    few = nmf_mu(X, *start, max_iter=3, tol=1e-9)
    assert (few.n_iter, few.converged) == (3, False)
    enough = nmf_mu(X, *start, max_iter=5000, tol=1e-5)
    assert enough.converged
    assert enough.n_iter < 5000
    falls = -np.diff(enough.cost)
    assert falls[-1] < 1e-5 * enough.cost[0]
    assert (falls[:-1] >= 1e-5 * enough.cost[0]).all()


def test_fixed_signatures_stay_and_the_exposures_go_to_the_exact_ones(problem):
    X, _, W = problem(10, 20, 3, 3)
    result = nmf_mu(X, X.new_ones(10, 3), W, max_iter=20_000, tol=0.0, update_W=False)
    assert torch.equal(result.W, W)
    exact = exact_exposures(X, W)
    torch.testing.assert_close(result.H, exact, rtol=1e-4, atol=1.0)  # of thousands of mutations
    least = frobenius_cost(X, exact, W).item()
    assert least * (1 - 1e-12) <= result.cost[-1] <= least * (1 + 1e-6)


def test_a_penalty_above_all_moments_drives_the_exposures_to_zero(problem):
    X, _, W = problem(10, 20, 3, 4)
    l1 = 1.5 * (X @ W.T).max().item()
    result = nmf_mu(X, X.new_ones(10, 3), W, l1_reg=l1, max_iter=200, tol=0.0, update_W=False)
    assert result.H.max() < 1e-20
    assert (exact_exposures(X, W, l1_reg=(X @ W.T).max().item()) == 0).all()


def test_equal_components_stay_equal_so_that_ones_find_rank_one_only(problem):
    X, _, _ = problem(60, 24, 4, 5)
    ones = nmf_mu(X, *initialize_factors(X, 4, "ones"), max_iter=500, tol=0.0)
    torch.testing.assert_close(ones.W, ones.W[:1].expand(4, -1), rtol=1e-9, atol=0)
    values = torch.linalg.svdvals(X)
    rank_one_cost = 0.5 * values[1:].square().sum().item()  # its optimum is non-negative (Perron)
    assert ones.cost[-1] == pytest.approx(rank_one_cost, rel=1e-6)
    random = nmf_mu(X, *random_start(X, 4, 5), max_iter=500, tol=0.0)
    assert random.cost[-1] < 0.2 * rank_one_cost


def test_callback_sees_every_iteration_and_may_interrupt(problem):
    X, H, W = problem(8, 6, 3, 6)
    seen = []
    result = nmf_mu(X, H, W, max_iter=5, tol=0.0, callback=lambda *call: seen.append(call))
    assert seen == list(enumerate(result.cost))[1:]

    def interrupt(iteration, cost):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nmf_mu(X, H, W, callback=interrupt)


def test_it_does_not_write_to_its_arguments(problem):
    factors = problem(8, 6, 3, 7)
    copies = [t.clone() for t in factors]
    nmf_mu(*factors, max_iter=3)
    assert all(torch.equal(a, b) for a, b in zip(factors, copies, strict=True))
