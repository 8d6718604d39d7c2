"""Linear systems on the supports of exact solutions, and what torch asks of operators."""

import numpy as np
import pytest
import torch
from torch.library import opcheck
from torch.testing import assert_close

from dnmf.kernels.implicit import differentiable_nnls, kl_solve_on_support, solve_on_support

RNG = np.random.default_rng
CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor")


def tensors(*arrays: np.ndarray) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in arrays)


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e8])
def test_on_each_support_it_is_numpys_solution(scale):
    rng = RNG(0)
    half = rng.normal(size=(6, 20)) * scale
    gram = half @ half.T
    state, target = rng.normal(size=(50, 6)), rng.normal(size=(50, 6)) * scale
    state[7] = -1
    found = solve_on_support(*tensors(gram, state, target)).numpy()
    for z, s, t in zip(found, state, target, strict=True):
        on = s > 0
        np.testing.assert_allclose(z[on], np.linalg.solve(gram[np.ix_(on, on)], t[on]), rtol=1e-9)
        assert (z[~on] == 0).all()


def test_dependent_components_get_the_smallest_solution():
    rng = RNG(1)
    half = rng.normal(size=(4, 20))
    half[3] = half[1]
    gram = half @ half.T
    gram = (gram + gram.T) / 2
    state = np.array([[1.0, 1, 0, 1], [1.0, 1, 1, 0]])
    target = half @ rng.normal(size=20) * np.ones((2, 1))  # such that a solution exists
    found = solve_on_support(*tensors(gram, state, target)).numpy()
    assert found[0, 1] == pytest.approx(found[0, 3])  # alike: the smallest shares evenly
    np.testing.assert_allclose((found @ gram)[state > 0], target[state > 0], rtol=1e-9)


def test_the_hessian_of_poisson_is_solved_on_the_components_in_balance():
    """Against the Hessian by automatic differentiation; a component that fades out is not among them."""
    rng = RNG(2)
    W = rng.uniform(size=(4, 9)) * np.array([[1.0], [10.0], [0.1], [1.0]])
    H = np.array([[3.0, 0.2, 30.0, 1e-14]])
    X = H @ W
    X[0, W[3].argmax()] *= 0.5  # which makes the gain of the last less than 1
    target = rng.normal(size=(1, 4))

    def cost(h):
        mean = h @ torch.from_numpy(W)
        return (mean - torch.from_numpy(X[0]) * mean.log()).sum()

    hessian = torch.autograd.functional.hessian(cost, torch.from_numpy(H[0]))
    gain = (X / (H @ W)) @ W.T / W.sum(axis=1)
    assert gain[0, 3] < 1
    on = ((1 - gain) * (H * W.sum(axis=1)).sum() / W.sum(axis=1) < H)[0].tolist()
    found = kl_solve_on_support(*tensors(X, W, H, target))
    expected = torch.linalg.solve(hessian[on][:, on], torch.from_numpy(target[0, on]))
    assert_close(found[0, on], expected, rtol=1e-9, atol=0)
    assert found[0, 3] == 0


def test_torch_finds_the_operators_in_order():
    """Shapes, dtypes, aliasing, registered gradients."""
    rng = RNG(3)
    W, X = tensors(rng.uniform(size=(3, 7)), rng.uniform(size=(5, 7)))
    W, X = W.float(), X.float()
    gram, moments = W @ W.mT, (X @ W.mT).requires_grad_()
    h = differentiable_nnls(gram, moments).detach()
    for name, inputs in {
        "nnls": (gram, moments),
        "solve_on_support": (gram, h, torch.ones_like(h).requires_grad_()),
        "kl_exposures": (X.clone().requires_grad_(), W.clone().requires_grad_()),
        "kl_solve_on_support": (X, W, h, torch.ones_like(h)),
    }.items():
        operator = getattr(torch.ops.dnmf, name).default
        opcheck(operator, inputs, test_utils=CHECKS)
