"""Components that come, go and move apart: what the data say of them stays."""

from itertools import pairwise

import pytest
import torch

from dnmf.kernels import exact_exposures, frobenius_cost
from dnmf.search import add_components, move_apart
from dnmf.search.components import used_components


def test_moving_apart_keeps_what_is_explained_and_explains_more(problem):
    X, H, W = problem(60, 32, 5, 0)
    W = W + 0.2 * W.mean(dim=0)  # every signature contains some of all others
    W = W / W.sum(dim=1, keepdim=True)
    moved = move_apart(W, 0.05)
    assert (moved >= 0).all()
    torch.testing.assert_close(moved.sum(dim=1), W.new_ones(5))
    inside = H @ W
    cost = frobenius_cost(inside, exact_exposures(inside, moved), moved)
    assert cost <= 1e-20 * inside.square().sum()
    before = frobenius_cost(X, exact_exposures(X, W), W)
    assert frobenius_cost(X, exact_exposures(X, moved), moved) < before


def test_signatures_move_by_no_more_than_their_share(problem):
    _, _, W = problem(10, 32, 4, 1)
    W = W + 0.5 * W.mean(dim=0)
    W = W / W.sum(dim=1, keepdim=True)
    share = 0.02
    moved = move_apart(W, share)
    # W = (1 - d) W' + sum_j d_j W_j with d_j <= share
    mixing = exact_exposures(W, moved)
    assert (mixing - torch.diag(mixing.diagonal())).max() <= share * (1 + 4 * share)


def test_signatures_without_common_channels_stay_where_they_are():
    W = torch.eye(3, dtype=torch.float64)
    assert torch.equal(move_apart(W, 0.1), W)


def test_the_order_of_components_hardly_matters(problem):
    _, _, W = problem(10, 32, 5, 2)
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(
        move_apart(W[order], 0.01), move_apart(W, 0.01)[order], atol=1e-3, rtol=0
    )


def test_an_empty_signature_stays_empty():
    W = torch.tensor([[0.5, 0.5], [0.0, 0.0]], dtype=torch.float64)
    assert torch.equal(move_apart(W, 0.1), W)


def test_added_components_are_what_was_missing():
    """Samples of a single process each, processes without common channels: the rest is read off the data."""
    W = torch.eye(5, dtype=torch.float64).repeat_interleave(2, dim=1) / 2
    X = torch.tensor([100.0, 300.0, 200.0, 400.0, 500.0], dtype=torch.float64)[:, None] * W
    assert torch.equal(add_components(X, W[:3], 2), W[[0, 1, 2, 4, 3]])


def test_every_added_component_lowers_the_cost(problem):
    X, _, W = problem(60, 32, 5, 3)
    costs = []
    for k in range(2, 6):
        completed = add_components(X, W[:2], k - 2)
        assert torch.equal(completed[:2], W[:2])
        torch.testing.assert_close(completed.sum(dim=1), W.new_ones(k))
        costs.append(frobenius_cost(X, exact_exposures(X, completed), completed))
    assert all(after < before for before, after in pairwise(costs))


@pytest.mark.parametrize("known", [0, 2])
def test_where_nothing_is_left_to_explain_the_mean_spectrum_joins(known):
    X = torch.tensor([[3.0, 1.0], [2.0, 2.0]], dtype=torch.float64)
    completed = add_components(X, torch.eye(2, dtype=torch.float64)[:known], 4 - known)
    assert completed.isfinite().all()
    torch.testing.assert_close(completed.sum(dim=1), X.new_ones(4))


def test_components_are_used_when_they_have_a_spectrum_and_a_sample():
    H = torch.tensor([[1.0, 0.0, 2.0]])
    W = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert used_components(H, W).tolist() == [0]
