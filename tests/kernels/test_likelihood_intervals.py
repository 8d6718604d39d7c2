"""Intervals of exposures against cases that can be done by hand."""

import pytest
import torch
from torch.testing import assert_close

from dnmf.kernels.likelihood_intervals import exposure_intervals

# Half of 1.645 squared: by so much the log-likelihood falls to the ends of a 90 % interval.
FALL = 1.352771


def test_a_signature_whose_channels_are_empty_ends_where_its_own_expectation_is_the_fall() -> None:
    """Each of its mutations lowers the log-likelihood by 1, so the upper end is 1.353 mutations whatever the rest."""
    W = torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.3, 0.7]], dtype=torch.float64)
    X = torch.tensor([[200.0, 200.0, 0.0, 0.0], [9.0, 9.0, 0.0, 0.0]], dtype=torch.float64)
    H = torch.tensor([[400.0, 0.0], [18.0, 0.0]], dtype=torch.float64)
    lower, upper = exposure_intervals(X, H, W)
    assert_close(upper[:, 1], torch.full((2,), FALL, dtype=torch.float64), rtol=1e-5, atol=0)
    assert (lower[:, 1] == 0).all()


@pytest.mark.parametrize("least_squares", [False, True])
def test_one_signature_has_the_interval_of_a_poisson_total(least_squares: bool) -> None:
    W = torch.full((1, 4), 0.25, dtype=torch.float64)
    X = torch.tensor([[100.0, 100.0, 100.0, 100.0]], dtype=torch.float64)
    H = torch.tensor([[400.0]], dtype=torch.float64)
    lower, upper = exposure_intervals(X, H, W, least_squares=least_squares)
    # 400 - 1.645 sqrt(400); above, a sample has no more mutations than it has.
    assert_close(lower, torch.tensor([[400 - 1.6448536 * 20]], dtype=torch.float64))
    assert_close(upper, H)
