"""Whether Poisson noise explains what a reconstruction leaves over: the deviance against its exact moments."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import gammaincc, xlogy
from scipy.stats import poisson
from torch import Tensor

# Above such a mean the deviance of a count is chi-square with one degree of freedom, to three digits.
LARGE_MEAN, SMALL_MEAN, GRID = 300.0, 1e-6, 240
# Mean count at which fitting takes away half of what it takes from a large one: simulated samples then have a p-value
# below 0.05 in at most 5 of 100 cases, in fewer where counts are few.
HALF_FITTED = 1.0


def deviance_p_value(
    X: Float[Tensor, "n f"], expected: Float[Tensor, "n f"], fitted: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """Return how often Poisson counts are explained as badly as these, or worse.

    ``D = 2 sum x log(x / r) - x + r`` against a gamma distribution with the mean and variance that D has for Poisson
    counts of mean r, channel by channel, less what fitting took away.

    Parameters
    ----------
    X, expected : (n, f)
        Counts and their reconstruction of highest likelihood.
    fitted : (n,)
        Number of exposures that were fitted to each sample.

    Notes
    -----
    The usual chi-square with ``f - k`` degrees of freedom is far off where channels hold few mutations: an expected
    count of 0.1 has a deviance of 0.5 with a variance of 0.8, not 1 and 2. Fitting takes away the noise in as many
    directions as there are fitted exposures, in proportion to the noise that the channels have.

    Examples
    --------
    >>> X = torch.full((1, 96), 20.0)
    >>> deviance_p_value(X, X, torch.tensor([5.0]))
    tensor([1.])
    """
    x, r = X.double().cpu().numpy(), np.maximum(expected.double().cpu().numpy(), 1e-12)
    deviance = 2 * (xlogy(x, x / r) - x + r).sum(axis=1)
    means, variances = _moments(r)
    mean, variance = means.sum(axis=1), variances.sum(axis=1)
    # A fit cannot follow noise in channels that hold next to nothing: it takes less away where counts are few.
    filled = (r / (r + HALF_FITTED)).mean(axis=1)
    kept = np.clip(1 - fitted.double().cpu().numpy() * filled / x.shape[1], 0.05, 1.0)
    mean, variance = mean * kept, np.maximum(variance * kept, 1e-12)
    p_value = gammaincc(mean**2 / variance, np.maximum(deviance, 0.0) * mean / variance)
    return torch.from_numpy(np.where(x.sum(axis=1) > 0, p_value, 1.0)).to(X)


def _moments(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the deviance of a Poisson count of mean ``r``, by interpolation."""
    grid, means, variances = _table()
    place = np.log(np.clip(r, SMALL_MEAN, LARGE_MEAN))
    return np.interp(place, grid, means), np.interp(place, grid, variances)


@lru_cache(maxsize=1)
def _table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    grid = np.linspace(np.log(SMALL_MEAN), np.log(LARGE_MEAN), GRID)
    means, variances = np.empty(GRID), np.empty(GRID)
    for place, r in enumerate(np.exp(grid)):
        x = np.arange(int(r + 12 * np.sqrt(r) + 30))
        weight = poisson.pmf(x, r)
        deviance = 2 * (xlogy(x, x / r) - x + r)
        means[place] = weight @ deviance
        variances[place] = weight @ deviance**2 - means[place] ** 2
    return grid, means, variances
