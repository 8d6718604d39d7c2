"""The strong classic solver."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import NMF

from dnmf.kernels import (
    Phase,
    exact_exposures,
    exposure_moments,
    frobenius_cost,
    initialize_factors,
    nmf_anls,
    nnls_kkt_residual,
    successive_projection,
)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("seed", "method"), [(0, "separable"), (1, "nndsvd"), (2, "random")])
def test_it_ends_no_higher_than_coordinate_descent_from_the_same_start(problem, seed, method):
    X, _, _ = problem(80, 32, 5, seed)
    H0, W0 = initialize_factors(X, 5, method, generator=torch.Generator().manual_seed(seed))
    result = nmf_anls(X, W0, phases=[Phase(120)])
    theirs = NMF(5, init="custom", solver="cd", max_iter=1000, tol=1e-8)
    H = torch.from_numpy(theirs.fit_transform(X.numpy(), W=H0.numpy().copy(), H=W0.numpy().copy()))
    cost = frobenius_cost(X, H, torch.from_numpy(theirs.components_)).item()
    assert frobenius_cost(X, result.H, result.W).item() <= cost * (1 + 1e-3)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (30.0, 0.0), (0.0, 0.01), (30.0, 0.01)])
@pytest.mark.parametrize("max_iter", [0, 1, 40])
def test_result_has_unit_signatures_and_exposures_that_are_exact_for_them(
    problem, l1, l2, max_iter
):
    X, _, _ = problem(50, 24, 4, 10)
    start = 3 * successive_projection(X, 4)
    result = nmf_anls(X, start, l1_reg=l1, l2_reg=l2, phases=[Phase(max_iter)])
    torch.testing.assert_close(
        result.W.sum(dim=1), torch.ones(4, dtype=X.dtype), rtol=1e-12, atol=0
    )
    moments = exposure_moments(X, result.W, l1_reg=l1, l2_reg=l2)
    assert nnls_kkt_residual(*moments, result.H).max() <= 1e-9
    if result.cost:
        final = frobenius_cost(X, result.H, result.W, l1_reg=l1, l2_reg=l2).item()
        assert final <= min(result.cost) * (
            1 + 1e-3
        )  # the lowest one may be that of an extrapolated point


def test_it_never_ends_higher_than_the_start_with_exact_exposures(problem):
    X, _, _ = problem(50, 24, 4, 11)
    W0 = successive_projection(X, 4)
    start = frobenius_cost(X, exact_exposures(X, W0), W0).item()
    for max_iter in (1, 2, 5, 20):
        result = nmf_anls(X, W0, phases=[Phase(max_iter)])
        assert frobenius_cost(X, result.H, result.W).item() <= start


def test_exact_data_of_separable_signatures_are_factorised_to_rounding(problem):
    _, H, W = problem(60, 24, 4, 12)
    H[:4] = 1000 * torch.eye(4, dtype=H.dtype)
    X = H @ W
    result = nmf_anls(X, successive_projection(X, 4), phases=[Phase(5)])
    assert frobenius_cost(X, result.H, result.W) < 1e-18 * X.square().sum()


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_sample_weights_scale_the_rows(problem, l2):
    X, _, _ = problem(40, 24, 3, 13)
    weights = X.sum(dim=1).clamp(min=1).rsqrt()
    W0, phases = successive_projection(X, 3), [Phase(15)]
    weighted = nmf_anls(X, W0, sample_weights=weights, l2_reg=l2, phases=phases)
    scaled = nmf_anls(weights[:, None] * X, W0, l2_reg=l2, phases=phases)
    torch.testing.assert_close(weighted.W, scaled.W, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(weights[:, None] * weighted.H, scaled.H, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(weighted.cost, scaled.cost, rtol=1e-12)


def test_a_penalty_cannot_be_escaped_by_growing_signatures(problem):
    """Halving H and doubling W would lower the penalty for nothing: without a fixed scale the sum of H goes to 0."""
    X, _, _ = problem(50, 24, 4, 15)
    W0 = successive_projection(X, 4)
    plain = nmf_anls(X, W0, phases=[Phase(60)])
    l1 = 0.02 * (X @ plain.W.T).mean().item()
    penalised = nmf_anls(X, W0, l1_reg=l1, phases=[Phase(60)])
    assert 0.5 * plain.H.sum() < penalised.H.sum() < plain.H.sum()
    assert penalised.cost[-1] > 0.9 * l1 * penalised.H.sum()  # the penalty is still being paid


def test_callback_sees_every_iteration_and_may_interrupt(problem):
    X, _, _ = problem(20, 12, 3, 17)
    W0 = successive_projection(X, 3)
    seen = []
    result = nmf_anls(X, W0, phases=[Phase(1), Phase(3)], callback=lambda *call: seen.append(call))
    nothing = 0.5 * X.square().sum().item()
    assert seen == [(n, cost / nothing) for n, cost in enumerate(result.cost, start=1)]

    def interrupt(iteration, cost):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nmf_anls(X, W0, callback=interrupt)


def test_samples_without_counts_and_unused_components_do_no_harm(problem):
    X, _, _ = problem(20, 12, 3, 18)
    X[4] = 0
    W0 = successive_projection(X, 3)
    W0[1] = 0
    result = nmf_anls(X, W0, phases=[Phase(10)])
    assert result.H.isfinite().all()
    assert result.W.isfinite().all()
    assert (result.H[4] == 0).all()
    assert (result.H[:, 1] == 0).all()


def test_it_does_not_write_to_its_arguments(problem):
    X, _, W = problem(20, 12, 3, 19)
    weights = X.new_ones(20)
    copies = [t.clone() for t in (X, W, weights)]
    nmf_anls(X, W, sample_weights=weights, l1_reg=1.0, phases=[Phase(3)])
    assert all(torch.equal(a, b) for a, b in zip((X, W, weights), copies, strict=True))


# ── annealed penalties ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_phase_moves_its_penalties_geometrically():
    steps = list(
        Phase(
            3, exposures=(100.0, 1.0), exposure_offset=(4.0, 1.0), signatures=(2.0, 2.0)
        ).penalties()
    )
    np.testing.assert_allclose(steps, [(100, 4, 2), (10, 2, 2), (1, 1, 2)])
    assert list(Phase(1, exposures=(5.0, 1.0)).penalties()) == [(5, 1, 0)]
    assert list(Phase(0).penalties()) == []


def test_phases_follow_one_another_in_one_run(problem):
    """The extrapolation runs on through them, so that two halves are the whole."""
    X, _, _ = problem(40, 24, 3, 20)
    W0 = successive_projection(X, 3)
    whole = nmf_anls(X, W0, phases=[Phase(20)])
    halves = nmf_anls(X, W0, phases=[Phase(8), Phase(12)])
    assert torch.equal(whole.W, halves.W)
    assert whole.cost == halves.cost


@pytest.mark.parametrize("unit", [1e-3, 250.0])
def test_phases_in_another_unit_do_the_same_to_data_in_it(problem, unit):
    X, _, _ = problem(40, 24, 3, 21)
    X = X / 1000
    W0 = successive_projection(X, 3)
    phases = [
        Phase(30, exposures=(0.5, 0.05), exposure_offset=(3.0, 0.1)),
        Phase(20, exposures=(0.05, 0.01), exposure_offset=(0.1, 0.1), signatures=(0.1, 0.01)),
    ]
    plain = nmf_anls(X, W0, phases=phases)
    scaled = nmf_anls(unit * X, W0, phases=[phase.in_units_of(unit) for phase in phases])
    torch.testing.assert_close(scaled.W, plain.W, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(scaled.H, unit * plain.H, rtol=1e-6, atol=1e-6 * unit)


def test_the_penalty_on_exposures_finds_the_sparse_ones_among_equal_fits(problem):
    """Exact data of mixtures of two out of four: many dictionaries fit, few have so many exposures at zero."""
    rng = np.random.default_rng(22)
    W = torch.from_numpy(rng.dirichlet(np.full(24, 0.3), size=4))
    H = torch.from_numpy(rng.gamma(2.0, 500.0, (80, 4)))
    for row in H:
        row[torch.from_numpy(rng.permutation(4)[:2])] = 0
    X = H @ W
    W0 = successive_projection(X + 50 * W.mean(dim=0), 4)
    plain = nmf_anls(X, W0, phases=[Phase(100)])
    search = [
        Phase(100, exposures=(1e4, 1e2), exposure_offset=(1000.0, 10.0)),
        Phase(60, exposures=(1e2, 1e-2), exposure_offset=(10.0, 1.0)),
    ]
    sparse = nmf_anls(X, plain.W, phases=search)
    used = [(1e-3 * r.H.sum(dim=1, keepdim=True) < r.H).sum().item() for r in (plain, sparse)]
    assert used[1] <= used[0]
    assert used[1] <= 1.05 * (H > 0).sum().item()
    assert torch.cdist(sparse.W, W).min(dim=0).values.max() < 0.02


def test_the_penalty_on_volume_draws_signatures_together(problem):
    X, _, _ = problem(60, 24, 3, 23)
    W0 = successive_projection(X, 3)
    volumes = []
    for weight in (0.0, 1e5, 1e6):
        W = nmf_anls(X, W0, phases=[Phase(60)], min_volume=weight).W
        volumes.append(torch.linalg.det(W @ W.T).item())
    assert volumes[0] > volumes[1] > volumes[2] > 0


def test_given_exposures_are_where_the_search_starts(problem):
    """Extrapolation needs a point before: with the exact exposures given, nothing changes."""
    X, _, _ = problem(40, 24, 3, 24)
    W0 = successive_projection(X, 3)
    given = nmf_anls(X, W0, H0=exact_exposures(X, W0), phases=[Phase(10)])
    own = nmf_anls(X, W0, phases=[Phase(10)])
    torch.testing.assert_close(given.W, own.W, rtol=1e-9, atol=1e-12)
