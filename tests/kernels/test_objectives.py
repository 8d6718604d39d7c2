import numpy as np
import pytest
import torch
from scipy.special import rel_entr
from scipy.stats import poisson

from dnmf.kernels import frobenius_cost, kl_cost, scale_signatures_to_unit_sum


def test_frobenius_cost_is_the_papers_equation_5(problem):
    X, H, W = problem(7, 5, 3, 0)
    by_hand = sum(
        0.5 * (X[i, c] - sum(H[i, j] * W[j, c] for j in range(3))) ** 2
        for i in range(7)
        for c in range(5)
    )
    by_hand += sum(0.3 * h + 0.5 * 0.7 * h**2 for h in H.flatten())
    torch.testing.assert_close(frobenius_cost(X, H, W, l1_reg=0.3, l2_reg=0.7), by_hand)


def test_frobenius_cost_does_not_mind_the_scale_of_components_without_penalties(problem):
    X, H, W = problem(7, 5, 3, 1)
    d = torch.tensor([0.1, 3.0, 1e4], dtype=torch.float64)
    scaled = frobenius_cost(X, H / d, d[:, None] * W)
    torch.testing.assert_close(scaled, frobenius_cost(X, H, W), rtol=1e-12, atol=0)


def test_frobenius_cost_of_penalties_can_be_differentiated():
    H = torch.tensor([[2.0, 3.0]], dtype=torch.float64)
    l1, l2 = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.5, 0.25))
    W = torch.eye(2, dtype=torch.float64)
    frobenius_cost(H, H, W, l1_reg=l1, l2_reg=l2).backward()
    assert l1.grad.item() == pytest.approx(5.0)
    assert l2.grad.item() == pytest.approx(6.5)


def test_kl_cost_is_scipys_relative_entropy_plus_the_difference_of_sums(problem):
    X, H, W = problem(6, 8, 3, 2)
    mean = (H @ W).numpy()
    expected = rel_entr(X.numpy(), mean).sum() - X.sum().item() + mean.sum()
    assert kl_cost(X, H, W).item() == pytest.approx(expected, rel=1e-12)


def test_differences_of_kl_cost_are_those_of_the_poisson_log_likelihood(problem):
    X, H, W = problem(6, 8, 3, 3)
    other = H * torch.linspace(0.5, 1.5, 3, dtype=torch.float64)
    likelihood = [poisson.logpmf(X.numpy(), (factor @ W).numpy()).sum() for factor in (H, other)]
    difference = kl_cost(X, other, W) - kl_cost(X, H, W)
    assert difference.item() == pytest.approx(likelihood[0] - likelihood[1], rel=1e-9)


def test_kl_cost_of_zero_counts_is_the_reconstruction_and_of_impossible_counts_infinite():
    H, W = torch.ones(1, 1), torch.tensor([[0.0, 0.5]])
    assert kl_cost(torch.tensor([[0.0, 0.0]]), H, W).item() == 0.5
    assert kl_cost(torch.tensor([[1.0, 0.0]]), H, W).item() == float("inf")


def test_scaling_to_unit_sum_keeps_the_product_and_makes_probabilities(problem):
    _, H, W = problem(7, 5, 3, 4)
    W = W * torch.tensor([[1e-6], [2.0], [1e8]], dtype=torch.float64)
    H_unit, W_unit = scale_signatures_to_unit_sum(H, W)
    torch.testing.assert_close(H_unit @ W_unit, H @ W, rtol=1e-14, atol=0)
    np.testing.assert_allclose(W_unit.sum(dim=1), 1.0, rtol=1e-14)


def test_scaling_leaves_an_empty_signature_and_empties_its_exposures():
    H = torch.tensor([[2.0, 5.0]])
    W = torch.tensor([[1.0, 3.0], [0.0, 0.0]])
    H_unit, W_unit = scale_signatures_to_unit_sum(H, W)
    assert H_unit.tolist() == [[8.0, 0.0]]
    assert W_unit.tolist() == [[0.25, 0.75], [0.0, 0.0]]
