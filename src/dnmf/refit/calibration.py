"""Calibrate a refit network on simulated samples of tumours that training did not see."""

from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dnmf.criteria import PRESENCE_THRESHOLD, PRESENT_MUTATIONS
from dnmf.refit.estimate import distances, informed_output, misfit_of, polish
from dnmf.refit.network import NULL_LEVELS, RefitNetwork
from dnmf.refit.training import ExposurePrior, RefitTraining

# Up to as many mutations the shares of highest likelihood have a larger error than the network's and are not used.
MIN_LIKELIHOOD_MUTATIONS = 900
# Weights of the shares of highest likelihood that are tried.
LIKELIHOOD_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
# Fraction of true shares that may lie beyond an end of their interval: each end for signatures called present, the
# upper end for signatures that are present but not called. With 0.05 for these, nearly every signature of a sample with
# few mutations would get an interval.
BEYOND_END, BEYOND_END_ABSENT = 0.05, 0.3
MAX_INTERVAL_SCALE = 20.0
# With fewer true shares to measure it on, a factor is 1.
MIN_TRUTHS = 20


def calibrate(
    network: RefitNetwork,
    shares: Float[Tensor, "m k"],
    tumour_types: Int[Tensor, " m"],
    config: RefitTraining,
    *,
    samples: int = 1500,
    seed: int = 0,
) -> None:
    """Measure the weight of the likelihood, the factors of the intervals and the quantiles of the misfit; in place.

    ``shares (m, k)`` and ``tumour_types (m,)`` are those of tumours that training did not see. At each number of
    mutations ``samples`` are simulated as for training, but like the tumours: without foreign signatures, even
    mixtures, crossing and wrong types.

    Intervals by split conformal scaling: each sample has the smallest factor with which its interval holds the truth,
    and the network's factor is their 95 % quantile.
    """
    calm = replace(config, jitter=0.1, crossed=0.0, foreign=0.0, uniform=0.0, mislabelled=0.0)
    prior = ExposurePrior(shares.to(network.W), tumour_types, calm)
    generator = torch.Generator().manual_seed(seed)
    calibration = network.calibration
    for index, log_count in enumerate(calibration.log_counts.tolist()):
        count = torch.tensor([log_count]).exp().round().item()
        truth, types = prior.draw_at(torch.full((samples,), count), generator)
        X = torch.poisson(count * (truth @ network.W), generator=generator)
        keep = X.sum(dim=1) > 0
        _calibrate_at(network, index, X[keep], truth[keep], types[keep])


def _calibrate_at(
    network: RefitNetwork,
    index: int,
    X: Tensor,
    truth: Tensor,
    tumour_types: Tensor,
) -> None:
    calibration = network.calibration
    output = informed_output(network, X, tumour_types)
    total, shares = X.sum(dim=1), output.shares
    called = output.presence > PRESENCE_THRESHOLD
    calibration.likelihood_share[index] = 0.0
    if calibration.log_counts[index].exp() > MIN_LIKELIHOOD_MUTATIONS:
        polished, added = polish(X, shares, called, network.W)
        kept = ~added.any(dim=1)
        errors = [
            ((1 - b) * shares[kept] + b * polished[kept] - truth[kept]).abs().sum(dim=1).mean()
            for b in LIKELIHOOD_SHARES
        ]
        best = LIKELIHOOD_SHARES[int(torch.stack(errors).argmin())]
        calibration.likelihood_share[index] = best
        b = torch.where(kept[:, None], torch.full_like(shares, best), torch.ones_like(shares))
        shares = (1 - b) * shares + b * polished
        called = called | added
    likelihood_share = calibration.likelihood_share[index].expand(len(X))
    below, above = distances(network, output, shares, called, total, likelihood_share)
    needed_low = ((shares - truth) / below)[called]
    needed_high = ((truth - shares) / above)[called]
    hidden = ~called & (truth * total[:, None] >= PRESENT_MUTATIONS)
    needed_absent = ((truth - shares) / above)[hidden]
    calibration.lower_scale[index] = _quantile(needed_low, 1 - BEYOND_END)
    calibration.upper_scale[index] = _quantile(needed_high, 1 - BEYOND_END)
    calibration.absent_scale[index] = _quantile(needed_absent, 1 - BEYOND_END_ABSENT)
    misfit, _ = misfit_of(X, shares, network.W)
    levels = torch.tensor(NULL_LEVELS, dtype=misfit.dtype)
    calibration.null_misfit[index] = torch.quantile(misfit, levels)


def _quantile(needed: Tensor, level: float) -> Tensor:
    """Return the factor with which this share of the intervals hold the truth; 1 for fewer than 20 truths."""
    if len(needed) < MIN_TRUTHS:
        return torch.ones(())
    return torch.quantile(needed[:1_000_000], level).clamp(0.1, MAX_INTERVAL_SCALE)
