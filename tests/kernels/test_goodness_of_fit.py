"""The test of fit against the chi-square distribution, which is its limit for large counts."""

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from dnmf.kernels.goodness_of_fit import (
    deviance_p_value,
    poisson_deviance,
    unexplained_share,
)


@pytest.mark.parametrize("fitted", [0, 6, 15])
def test_large_counts_have_the_chi_square_with_f_minus_k_degrees_of_freedom(fitted: int) -> None:
    f = 24
    expected = torch.full((5, f), 40_000.0, dtype=torch.float64)
    # Residuals in units of their standard deviation, from far too good to far too bad; they sum to zero.
    scale = torch.tensor([0.5, 0.8, 1.0, 1.2, 1.6], dtype=torch.float64)[:, None]
    X = expected + 200 * scale * torch.tensor([1.0, -1.0]).repeat(f // 2)
    p = deviance_p_value(X, expected, torch.full((5,), float(fitted), dtype=torch.float64))
    deviance = f * scale[:, 0].numpy() ** 2
    np.testing.assert_allclose(p.numpy(), chi2.sf(deviance, f - fitted), atol=5e-3)


def test_fitted_exposures_make_the_same_deviance_less_likely() -> None:
    X = torch.tensor([[30.0, 12.0, 25.0, 9.0, 21.0, 14.0]], dtype=torch.float64)
    expected = torch.full_like(X, X.mean().item())
    p = [deviance_p_value(X, expected, torch.tensor([k], dtype=X.dtype)) for k in (0.0, 2.0, 4.0)]
    assert p[0] > p[1] > p[2]


def test_what_is_left_over_is_nothing_by_chance_and_most_of_a_foreign_share_otherwise() -> None:
    random = torch.Generator().manual_seed(1)
    W = torch.rand(200, 24, generator=random) ** 4 + 1e-4
    expected = 1000 * W / W.sum(dim=1, keepdim=True)
    by_chance = unexplained_share(torch.poisson(expected, generator=random), expected)
    assert by_chance.mean() < 0.02
    foreign = torch.zeros(200, 24)
    foreign[:, 0] = 1
    mixed = torch.poisson(0.7 * expected + 300 * foreign, generator=random)
    # A little less than 0.3: where much is missing, chance is subtracted though it hardly shows.
    assert 0.2 < unexplained_share(mixed, expected).mean() < 0.31


def test_the_deviance_is_zero_for_a_perfect_reconstruction() -> None:
    X = torch.poisson(5 * torch.ones(3, 10), generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(poisson_deviance(X, X), 0, atol=1e-6)
