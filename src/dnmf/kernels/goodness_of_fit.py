"""Test of fit for Poisson counts: the deviance against its exact mean and variance, and what a fit leaves over."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import gammaincc, xlogy
from scipy.stats import poisson
from torch import Tensor

# Range of means in the table of moments. Above it a count's deviance is chi-square with one degree of freedom, to
# three digits.
MAX_TABLE_MEAN, MIN_TABLE_MEAN, TABLE_POINTS = 300.0, 1e-6, 240
# Mean count at which fitting removes half as much deviance as at a large one. Chosen on simulated samples: a p-value
# below 0.05 in at most 5 of 100, in fewer where counts are small.
HALF_FITTED_COUNT = 1.0
# Standard deviations of the deviance beyond its mean at which half of the excess counts as dispersion.
HALF_DISPERSED_SD = 3.0


def deviance_p_value(
    X: Float[Tensor, "n f"], expected: Float[Tensor, "n f"], fitted: Float[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """Return the probability that Poisson counts of these means deviate as much as these, or more.

    ``D = 2 sum x log(x / r) - x + r`` against a gamma distribution with the mean and variance that D has for Poisson
    counts of mean r, summed over channels and reduced for the fitted exposures.

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
    deviance = poisson_deviance(X.double(), expected).cpu().numpy()
    mean, variance = deviance_moments(expected, fitted)
    p_value = deviance_tail(deviance, mean, variance)
    return torch.from_numpy(np.where(X.sum(dim=1).cpu().numpy() > 0, p_value, 1.0)).to(X)


def deviance_tail(deviance: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return the probability of at least this deviance under the gamma distribution of this mean and variance."""
    p_value: np.ndarray = gammaincc(mean**2 / variance, np.maximum(deviance, 0.0) * mean / variance)
    return p_value


def deviance_moments(
    expected: Float[Tensor, "n f"], fitted: Float[Tensor, " n"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance (n,) of the deviance of Poisson counts, less what fitting so many exposures takes away.

    Parameters as for :func:`deviance_p_value`.
    """
    r = np.maximum(expected.double().cpu().numpy(), 1e-12)
    means, variances = _moments(r)
    # A fit cannot follow the noise of channels with expectations near 0, so it reduces their deviance less.
    filled = (r / (r + HALF_FITTED_COUNT)).mean(axis=1)
    kept = np.clip(1 - fitted.double().cpu().numpy() * filled / r.shape[1], 0.05, 1.0)
    return np.maximum(means.sum(axis=1) * kept, 1e-12), np.maximum(
        variances.sum(axis=1) * kept, 1e-12
    )


def deviance_dispersion(
    deviance: np.ndarray, expected: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    """Return by how many times the variance of counts exceeds that of Poisson counts, judged by the deviance of a fit.

    With the deviance D, its mean E and standard deviation s under Poisson counts, ``z = (D - E) / s`` and
    ``1 + (D / E - 1) z^2 / (z^2 + 9)`` for z > 0, else 1: what chance explains counts for nothing, a clear excess for
    all of it, and no threshold lies between.
    """
    z = np.maximum(deviance - expected, 0) / deviation
    found: np.ndarray = 1 + np.maximum(deviance / expected - 1, 0) * z**2 / (
        z**2 + HALF_DISPERSED_SD**2
    )
    return found


def poisson_deviance(
    X: Float[Tensor, "n f"], expected: Float[Tensor, "n f"]
) -> Float[Tensor, " n"]:
    """``2 sum x log(x / r) - x + r``, r the expected counts, in double precision: its terms nearly cancel."""
    x, r = X.double(), expected.double().clamp(min=1e-12)
    return 2 * (torch.special.xlogy(x, x / r) - x + r).sum(dim=1).to(X)


def unexplained_share(
    X: Float[Tensor, "n f"], expected: Float[Tensor, "n f"]
) -> Float[Tensor, " n"]:
    """Return the share of mutations that a reconstruction has in other channels, less what chance alone moves.

    ``(sum |x - r| - sum sqrt(2 r / pi)) / 2 N``, not below 0: the mean absolute deviation of a Poisson count of mean r
    is about ``sqrt(2 r / pi)``. Mutations of a missing signature that the others explain as well are not counted.
    """
    total = X.sum(dim=1).clamp(min=1)
    # Below a mean of about 1 a count deviates by 2 r at most.
    chance = torch.minimum((2 / torch.pi * expected).sqrt(), 2 * expected)
    return ((X - expected).abs() - chance).sum(dim=1).clamp(min=0) / (2 * total)


def _moments(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the deviance of a Poisson count of mean ``r``, by interpolation."""
    grid, means, variances = _table()
    place = np.log(np.clip(r, MIN_TABLE_MEAN, MAX_TABLE_MEAN))
    return np.interp(place, grid, means), np.interp(place, grid, variances)


@lru_cache(maxsize=1)
def _table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    grid = np.linspace(np.log(MIN_TABLE_MEAN), np.log(MAX_TABLE_MEAN), TABLE_POINTS)
    means, variances = np.empty(TABLE_POINTS), np.empty(TABLE_POINTS)
    for place, r in enumerate(np.exp(grid)):
        x = np.arange(int(r + 12 * np.sqrt(r) + 30))
        weight = poisson.pmf(x, r)
        deviance = 2 * (xlogy(x, x / r) - x + r)
        means[place] = weight @ deviance
        variances[place] = weight @ deviance**2 - means[place] ** 2
    return grid, means, variances
