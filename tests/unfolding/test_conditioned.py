"""Conditioned steps: their own gradient, and the classic step that they begin with."""

import torch
from torch import Tensor
from torch.testing import assert_close

from dnmf.kernels import kl_step
from dnmf.unfolding.conditioned import ConditionedDesign, ConditionedLayer, _Step

TINY = ConditionedDesign(n_layers=3, context_width=5, prior_width=4)


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reference(k: int, f: int, seed: int) -> Tensor:
    W = torch.rand(k, f, generator=random(seed), dtype=torch.float64) ** 4 + 1e-4
    return W / W.sum(dim=1, keepdim=True)


def test_the_gradient_of_a_step_is_that_of_finite_differences():
    log_h = torch.log_softmax(3 * torch.randn(4, 5, generator=random(0), dtype=torch.float64), 1)
    x = torch.rand(4, 7, generator=random(1), dtype=torch.float64)
    x[0, 2] = 0
    ahead = torch.rand(5, 7, generator=random(2), dtype=torch.float64) + 0.01
    back = reference(5, 7, 3)
    control = torch.randn(4, 15, generator=random(4), dtype=torch.float64)
    inputs = [t.requires_grad_() for t in (log_h, ahead, back, control)]
    assert torch.autograd.gradcheck(
        lambda h, a, b, c: _Step.apply(h, x, a, b, c), inputs, atol=1e-6
    )


def test_an_untrained_layer_is_the_classic_step_up_to_its_small_threshold():
    W = reference(6, 20, 0)
    X = torch.poisson(500 * reference(3, 20, 1), generator=random(1))
    h = reference(3, 6, 2)
    layer = ConditionedLayer(W, TINY).double()
    zeros = torch.zeros(3, TINY.prior_width, dtype=torch.float64)
    x = X / X.sum(dim=1, keepdim=True)
    stepped = layer(h.log(), x, zeros, torch.zeros(3, 18, dtype=torch.float64)).exp()
    classic = kl_step(x, h, W)
    assert_close(stepped, classic, atol=0.01, rtol=0.01)
