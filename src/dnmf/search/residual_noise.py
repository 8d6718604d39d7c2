"""Noise measured on the residual of a fit: equal in all samples, or growing with their number of mutations."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

# How steeply the noise's variance may grow with a sample's total, relative to its constant part at a median sample.
SLOPES = (0.0, *(10.0 ** (i / 2) for i in range(-8, 9)))


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """How the variance of a residual depends on the sample's total.

    ``variance per channel = level (1 + slope total / median total)``

    Attributes
    ----------
    level, slope : float
        A slope of 0 means the same noise in all samples (rounding); a large one, noise in proportion to the total
        (counting).
    weights : (n,)
        One over each sample's standard deviation.
    """

    level: float
    slope: float
    weights: Tensor


def estimate_noise(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], W: Float[Tensor, "k f"]
) -> NoiseModel:
    """Estimate how noise grows with the number of mutations, from the residuals of an exact fit.

    The slope is chosen from a grid and the level is a median, both by least absolute deviation of the log variance, so
    that samples which the dictionary fits badly have no more influence than others.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Counts and their factorisation, exposures unpenalised.

    Returns
    -------
    NoiseModel
        An exact factorisation has no noise to measure: the level is then a rounding error of X.
    """
    f = X.shape[1]
    totals = X.sum(dim=1)
    freedom = (f - (H > 0).sum(dim=1)).clamp(min=1)
    floor = (
        (torch.finfo(X.dtype).eps * X.abs().amax()).square().clamp(min=torch.finfo(X.dtype).tiny)
    )
    occupied = totals > 0
    variance = ((X - H @ W).square().sum(dim=1) / freedom).clamp(min=floor)[occupied]
    relative = totals / totals[occupied].median()
    best = (float("inf"), 0.0, 0.0)
    for slope in SLOPES:
        logarithm = (variance / (1 + slope * relative[occupied])).log()
        level = logarithm.median()
        deviation = (logarithm - level).abs().mean().item()
        if deviation < best[0]:
            best = (deviation, slope, level.exp().item())
    _, slope, level = best
    return NoiseModel(level, slope, (level * (1 + slope * relative)).rsqrt())
