"""The step. Its theorem: the cost never rises, whatever the entries; and which guard against 0/0 keeps it true."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.decomposition import _nmf as sklearn_nmf

from dnmf.kernels import frobenius_cost, mu_step, update_exposures, update_signatures

PENALTIES = st.sampled_from([0.0, 1e-3, 1.0, 10.0, 1e3])
# Zeros, entries far below the guard's root, ordinary ones, and more mutations than any genome has.
ENTRIES = st.one_of(
    st.just(0.0), st.floats(1e-14, 1e-6), st.floats(1e-3, 10.0), st.floats(1e5, 1e9)
)


@st.composite
def factorisations(draw: Any, entries: Any = ENTRIES) -> tuple[torch.Tensor, ...]:
    """X (n, f), H (n, k), W (k, f); more components than features, or than samples, included."""
    n, f, k = (draw(st.integers(1, 6)) for _ in range(3))
    shapes = ((n, f), (n, k), (k, f))
    return tuple(
        torch.from_numpy(draw(hnp.arrays(np.float64, s, elements=entries))) for s in shapes
    )


def arrays(*tensors: torch.Tensor) -> list[np.ndarray]:
    return [t.numpy() for t in tensors]


# ── the theorem ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(factors=factorisations(), l1=PENALTIES, l2=PENALTIES)
def test_cost_never_rises_over_an_update_of_the_exposures(oracles, factors, l1, l2):
    X, H, W = factors
    updated = update_exposures(X, H, W, l1_reg=l1, l2_reg=l2)
    before, after = (frobenius_cost(X, h, W, l1_reg=l1, l2_reg=l2).item() for h in (H, updated))
    assert after <= before + oracles.rounding_of_cost(*arrays(X, H, W), l1, l2)


@given(factors=factorisations(), l1=PENALTIES, l2=PENALTIES)
def test_cost_never_rises_over_an_update_of_the_signatures(oracles, factors, l1, l2):
    X, H, W = factors
    updated = update_signatures(X, H, W)
    before, after = (frobenius_cost(X, H, w, l1_reg=l1, l2_reg=l2).item() for w in (W, updated))
    assert after <= before + oracles.rounding_of_cost(*arrays(X, H, W), l1, l2)


# From what single precision calls zero to what no count can be, all in one matrix.
EXTREMES = st.one_of(st.just(0.0), st.integers(-30, 20).map(lambda e: 10.0**e))


@st.composite
def wide_factorisations(draw: Any) -> tuple[torch.Tensor, ...]:
    """More components than features and than samples: the factorisation has directions that cost nothing."""
    n, f = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    k = draw(st.integers(max(n, f) + 1, 7))
    shapes = ((n, f), (n, k), (k, f))
    return tuple(
        torch.from_numpy(draw(hnp.arrays(np.float64, s, elements=EXTREMES))) for s in shapes
    )


@given(factors=wide_factorisations(), l1=PENALTIES, l2=PENALTIES)
def test_cost_never_rises_with_more_components_than_features_and_extreme_entries(
    oracles, factors, l1, l2
):
    X, H, W = factors
    penalties = {"l1_reg": l1, "l2_reg": l2}
    start = frobenius_cost(X, H, W, **penalties)
    H_next = update_exposures(X, H, W, **penalties)
    after_H = frobenius_cost(X, H_next, W, **penalties)
    assert after_H <= start + oracles.rounding_of_cost(*arrays(X, H, W), l1, l2)
    after_W = frobenius_cost(X, H_next, update_signatures(X, H_next, W), **penalties)
    assert after_W <= after_H + oracles.rounding_of_cost(*arrays(X, H_next, W), l1, l2)


@given(factors=factorisations(), l1=PENALTIES, l2=PENALTIES)
def test_cost_never_rises_along_many_joint_updates(oracles, factors, l1, l2):
    """As the theorem is used: exposures, signatures, exposures, ..."""
    X, H, W = factors
    penalties = {"l1_reg": l1, "l2_reg": l2}
    cost = frobenius_cost(X, H, W, **penalties).item()
    for _ in range(20):
        for step in ("exposures", "signatures"):
            slack = oracles.rounding_of_cost(*arrays(X, H, W), l1, l2)
            if step == "exposures":
                H = update_exposures(X, H, W, **penalties)
            else:
                W = update_signatures(X, H, W)
            before, cost = cost, frobenius_cost(X, H, W, **penalties).item()
            assert cost <= before + slack


@pytest.mark.parametrize("size", [1e-5, 1e-6, 1e-7])
def test_guard_in_the_denominator_alone_breaks_the_theorem(oracles, size):
    """A perfect factorisation in small units: nothing is left to gain, and that guard shrinks it all the same."""
    H, W = torch.full((2, 1), size, dtype=torch.float64), torch.tensor([[size, 2 * size]])
    W = W.to(torch.float64)
    X = H @ W
    shrunk = torch.from_numpy(oracles.mu_guarded_below_only(*arrays(X, H, W), eps=1e-12))
    kept = update_exposures(X, H, W, eps=1e-12)
    natural_cost = 0.5 * X.square().sum()
    assert frobenius_cost(X, shrunk, W) > 1e-6 * natural_cost
    assert frobenius_cost(X, kept, W) < 1e-25 * natural_cost


@given(factors=factorisations(), eps=st.sampled_from([1e-12, 1e-3, 1.0, 1e6]))
def test_guard_in_both_places_keeps_the_theorem_however_large_it_is(oracles, factors, eps):
    X, H, W = factors
    updated = update_exposures(X, H, W, eps=eps)
    before, after = (frobenius_cost(X, h, W).item() for h in (H, updated))
    assert after <= before + oracles.rounding_of_cost(*arrays(X, H, W))


@pytest.mark.parametrize("eps", [1e-12, 1e-3, 1.0, 100.0])
def test_guarded_step_is_a_damped_step_to_the_same_minimiser(oracles, problem, eps):
    X, H, W = problem(6, 8, 3, 0)
    denominator = H @ (W @ W.mT) + 0.5 + 0.1 * H
    minimiser = torch.from_numpy(oracles.mu_by_scalars(*arrays(X, H, W), 0.5, 0.1))
    damped = H + (minimiser - H) * denominator / (denominator + eps)
    step = update_exposures(X, H, W, l1_reg=0.5, l2_reg=0.1, eps=eps)
    torch.testing.assert_close(step, damped, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("eps", [1e-12, 1e-3, 1.0])
def test_guard_in_the_denominator_alone_is_an_l1_penalty_of_its_size(oracles, problem, eps):
    X, H, W = arrays(*problem(6, 8, 3, 1))
    below_only = oracles.mu_guarded_below_only(X, H, W, eps)
    np.testing.assert_allclose(below_only, oracles.mu_by_scalars(X, H, W, l1=eps), rtol=1e-12)


# ── signs, zeros, symmetries ─────────────────────────────────────────────────────────────────────────────────────────


@given(factors=factorisations(), l1=PENALTIES, l2=PENALTIES)
def test_updates_stay_non_negative_and_finite_and_keep_zeros(factors, l1, l2):
    X, H, W = factors
    H_next = update_exposures(X, H, W, l1_reg=l1, l2_reg=l2)
    W_next = update_signatures(X, H, W)
    for before, after in ((H, H_next), (W, W_next)):
        assert after.isfinite().all()
        assert (after >= 0).all()
        assert (after[before == 0] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_zero_over_zero_leaves_an_entry_as_it_is(dtype):
    X = torch.tensor([[0.0, 2.0]], dtype=dtype)
    H = torch.tensor([[3.0, 1.0]], dtype=dtype)
    W = torch.tensor([[0.0, 0.0], [0.0, 1.0]], dtype=dtype)  # the first component is empty
    updated = update_exposures(X, H, W)
    assert updated[0, 0] == 3.0
    assert updated[0, 1].item() == pytest.approx(2.0)
    assert update_exposures(0 * X, 0 * H, 0 * W).tolist() == [[0.0, 0.0]]


@given(factors=factorisations(), seed=st.integers(0, 1000), l1=PENALTIES, l2=PENALTIES)
def test_permuting_components_permutes_the_update(factors, seed, l1, l2):
    X, H, W = factors
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(W)))
    penalties = {"l1_reg": l1, "l2_reg": l2}
    permuted = update_exposures(X, H[:, order], W[order], **penalties)
    plain = update_exposures(X, H, W, **penalties)
    torch.testing.assert_close(permuted, plain[:, order], rtol=1e-12, atol=0)
    permuted, plain = update_signatures(X, H[:, order], W[order]), update_signatures(X, H, W)
    torch.testing.assert_close(permuted, plain[order], rtol=1e-12, atol=0)


@given(
    factors=factorisations(st.floats(0.1, 10.0)),
    scales=hnp.arrays(np.float64, 6, elements=st.floats(1e-3, 1e3)),
)
def test_scaling_components_scales_the_update(factors, scales):
    """``(H / d, d W)`` is the same factorisation; without penalties both updates know it."""
    X, H, W = factors
    d = torch.from_numpy(scales[: len(W)])
    guard = {"eps": 1e-300}  # the guard has a unit, so it is left out
    H_next = update_exposures(X, H / d, d[:, None] * W, **guard)
    torch.testing.assert_close(
        H_next * d, update_exposures(X, H, W, **guard), rtol=1e-12, atol=1e-200
    )
    W_next = update_signatures(X, H / d, d[:, None] * W, **guard)
    torch.testing.assert_close(
        W_next / d[:, None], update_signatures(X, H, W, **guard), rtol=1e-12, atol=1e-200
    )


@given(factors=factorisations())
def test_update_of_the_signatures_is_that_of_the_exposures_of_the_transpose(factors):
    X, H, W = factors
    transposed = update_exposures(X.T.contiguous(), W.T.contiguous(), H.T.contiguous()).T
    torch.testing.assert_close(update_signatures(X, H, W), transposed, rtol=1e-12, atol=0)


# ── cases that are known in full ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("start", [1e-3, 1.0, 1e5])
def test_one_component_is_solved_in_one_step(problem, start):
    X, _, W = problem(9, 12, 1, 2)
    H = update_exposures(X, torch.full((9, 1), start, dtype=torch.float64), W)
    least_squares = X @ W.T / (W @ W.T)
    torch.testing.assert_close(H, least_squares, rtol=1e-7, atol=0)  # eps / (start |w|^2) is left


def test_exact_factorisation_is_a_fixed_point(problem):
    _, H, W = problem(9, 12, 4, 3)
    X = H @ W
    torch.testing.assert_close(update_exposures(X, H, W), H, rtol=1e-12, atol=0)
    torch.testing.assert_close(update_signatures(X, H, W), W, rtol=1e-12, atol=0)


def test_learned_matrix_acts_on_exposures_from_the_left():
    """Once trained, G is not symmetric: row i of G holds what the others take from component i."""
    H, gram = torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, 3.0], [0.0, 2.0]])
    step = mu_step(H, torch.tensor([[4.0, 4.0]]), gram, eps=0.0)
    assert step.tolist() == [[1.0, 2.0]]


# ── other implementations ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (3.0, 0.0), (0.0, 0.2), (3.0, 0.2)])
@pytest.mark.parametrize(("n", "f", "k"), [(1, 1, 1), (5, 7, 3), (3, 2, 6)])
def test_one_step_is_the_scalar_loops_and_scikit_learns(oracles, problem, n, f, k, l1, l2):
    X, H, W = problem(n, f, k, 4)
    step = update_exposures(X, H, W, l1_reg=l1, l2_reg=l2).numpy()
    X, H, W = arrays(X, H, W)
    np.testing.assert_allclose(step, oracles.mu_by_scalars(X, H, W, l1, l2), rtol=1e-10)
    # scikit-learn calls the exposures W and the signatures H
    theirs, *_ = sklearn_nmf._multiplicative_update_w(X, H.copy(), W.copy(), 2, l1, l2, 1.0)
    np.testing.assert_allclose(step, theirs, rtol=1e-10)


def test_float32_agrees_with_float64_to_its_own_precision(problem):
    factors = problem(9, 12, 4, 5)
    single = update_exposures(*(t.to(torch.float32) for t in factors))
    assert single.dtype == torch.float32
    torch.testing.assert_close(
        single.to(torch.float64), update_exposures(*factors), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("update", [update_exposures, update_signatures])
def test_updates_do_not_write_to_their_arguments(problem, update):
    factors = problem(4, 5, 2, 6)
    copies = [t.clone() for t in factors]
    update(*factors)
    for factor, copy in zip(factors, copies, strict=True):
        assert torch.equal(factor, copy)
