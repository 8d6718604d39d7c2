"""The noise of a catalog whose signatures are not known: variance over mean of its counts, weights of its entries."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.alternating import Phase, nmf_anls
from dnmf.kernels.initialize import successive_projection
from dnmf.search.residual_noise import estimate_noise

# The pilot fit has more components than a catalog of its size needs, so that its residual is noise alone.
MAX_PILOT_COMPONENTS = 40
SAMPLES_PER_PILOT_COMPONENT = 8
PILOT_ITERATIONS = 60
# Variance over mean below which counts cannot come from counting mutations: Poisson counts have 1, rounded ones 0.01.
COUNTING_DISPERSION = 0.25
# Samples with fewer mutations than channels cannot tell counting noise from rounding. With fewer than this many other
# samples, counting noise is assumed.
MIN_INFORMATIVE_SAMPLES = 5
# Smallest share of a channel that is used for its weight, relative to 1/f; the weight grows as the share falls.
MIN_RELATIVE_CHANNEL_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class CountNoise:
    """The noise of a catalog.

    Attributes
    ----------
    dispersion : float
        Variance over mean of the counts: 1 for Poisson counts, more where samples vary beyond counting, near 0 where
        counts are rounded expectations.
    sample_weights, channel_weights : (n,), (f,)
        Their product is one over the standard deviation of a count.
    """

    dispersion: float
    sample_weights: Float[Tensor, " n"]
    channel_weights: Float[Tensor, " f"]

    @property
    def counting(self) -> bool:
        """Whether the counts have counting noise; otherwise they are (nearly) noise-free."""
        return self.dispersion >= COUNTING_DISPERSION

    def of(self, rows: Tensor) -> "CountNoise":
        """Return the noise of some of the samples."""
        return CountNoise(self.dispersion, self.sample_weights[rows], self.channel_weights)


def estimate_count_noise(X: Float[Tensor, "n f"]) -> CountNoise:
    """Estimate the noise of counts from the residual of a fit with many components.

    For counting noise, ``variance of x_nc = dispersion t_n m_c`` with the sample's mutations per channel ``t`` and the
    channel's mean share ``m`` relative to an even one; otherwise that of :func:`dnmf.search.estimate_noise`.

    Parameters
    ----------
    X : (n, f)
        Counts; at least one is not zero.

    Returns
    -------
    CountNoise

    Notes
    -----
    The dispersion is the median over samples of Pearson's statistic over its degrees of freedom, so that samples which
    the pilot fits badly have no more influence than others. With too few informative samples it is 1.
    """
    n, f = X.shape
    occupied = X.sum(dim=1) > 0
    samples = X[occupied]
    k = min(MAX_PILOT_COMPONENTS, len(samples) // SAMPLES_PER_PILOT_COMPONENT, f // 2)
    means = X.sum(dim=1) / f
    # Samples without mutations have no variance to estimate: they get the weight of one mutation.
    means = torch.where(occupied, means, torch.full_like(means, 1 / f))
    shares = (f * X.sum(dim=0) / X.sum()).clamp(min=MIN_RELATIVE_CHANNEL_SHARE)
    dispersion = 1.0
    informative = means[occupied] >= 1
    if k >= 1 and int(informative.sum()) >= MIN_INFORMATIVE_SAMPLES:
        fit = nmf_anls(
            samples,
            successive_projection(samples, k),
            phases=(Phase(PILOT_ITERATIONS),),
            sample_weights=means[occupied].rsqrt(),
        )
        # Fitting the signatures reduced the residual, too: their parameters are divided evenly among the samples.
        parameters = (fit.H > 0).sum(dim=1) + (fit.W > 0).sum() / len(samples)
        degrees_of_freedom = (f - parameters).clamp(min=1)
        squares = (samples - fit.H @ fit.W).square() / (means[occupied][:, None] * shares)
        dispersion = (squares.sum(dim=1) / degrees_of_freedom)[informative].median().item()
        if dispersion < COUNTING_DISPERSION:
            weights = X.new_zeros(n)
            weights[occupied] = estimate_noise(samples, fit.H, fit.W).weights
            weights[~occupied] = weights[occupied].max()
            return CountNoise(dispersion, weights, X.new_ones(f))
    return CountNoise(dispersion, (dispersion * means).rsqrt(), shares.rsqrt())
