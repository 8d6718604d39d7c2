"""Filling a network's calibration from simulated samples of tumours that training did not see."""

from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dnmf.refit.calibration import NULL_LEVELS
from dnmf.refit.estimate import CALLED, distances, informed_output, misfit_of, polish
from dnmf.refit.network import PRESENT_MUTATIONS, RefitNetwork
from dnmf.refit.training import ExposurePrior, RefitTraining

# Below so many mutations the likelihood adds noise and costs time.
LEAST_FOR_LIKELIHOOD = 900
BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
MISSED = 0.05
# Of signatures that are present but not called, this share may lie beyond the upper end: with few mutations an interval
# for everything that cannot be excluded would be an interval for every signature.
MISSED_ABSENT = 0.3
LARGEST_SCALE = 20.0


def calibrate(
    network: RefitNetwork,
    shares: Float[Tensor, "m k"],
    cohorts: Int[Tensor, " m"],
    config: RefitTraining,
    *,
    samples: int = 1500,
    seed: int = 0,
) -> None:
    """Measure on held-out tumours how to finish, how wide intervals must be and what a bad fit is; in place.

    Parameters
    ----------
    network : RefitNetwork
        Trained.
    shares, cohorts : (m, k), (m,)
        Exposures and types of tumours that training did not see.
    config : RefitTraining
        As for training; the surprises of the prior are left out, since a calibration is about tumours as they are.
    samples : int
        Simulated samples at each number of mutations.
    seed : int
        Of the samples.

    Notes
    -----
    Intervals by split conformal scaling: the factor is the quantile of what each sample would have needed.
    """
    calm = replace(config, jitter=0.1, crossed=0.0, foreign=0.0, uniform=0.0, mislabelled=0.0)
    prior = ExposurePrior(shares.to(network.W), cohorts, calm)
    generator = torch.Generator().manual_seed(seed)
    calibration = network.calibration
    for index, log_count in enumerate(calibration.log_counts.tolist()):
        count = torch.tensor([log_count]).exp().round().item()
        truth, told = prior.draw_at(torch.full((samples,), count), generator)
        X = torch.poisson(count * (truth @ network.W), generator=generator)
        keep = X.sum(dim=1) > 0
        _calibrate_at(network, index, X[keep], truth[keep], told[keep])


def _calibrate_at(
    network: RefitNetwork, index: int, X: Tensor, truth: Tensor, told: Tensor
) -> None:
    calibration = network.calibration
    output = informed_output(network, X, told)
    total, weights, presence = X.sum(dim=1), output.weights, output.presence
    calibration.likelihood_share[index] = 0.0
    if calibration.log_counts[index].exp() > LEAST_FOR_LIKELIHOOD:
        polished, added = polish(X, weights, presence, network.W)
        kept = ~added.any(dim=1)
        errors = [
            ((1 - b) * weights[kept] + b * polished[kept] - truth[kept]).abs().sum(dim=1).mean()
            for b in BLENDS
        ]
        best = BLENDS[int(torch.stack(errors).argmin())]
        calibration.likelihood_share[index] = best
        b = torch.where(kept[:, None], torch.full_like(weights, best), torch.ones_like(weights))
        weights = (1 - b) * weights + b * polished
        presence = torch.where(added, torch.ones_like(presence), presence)
    share = calibration.likelihood_share[index].expand(len(X))
    below, above = distances(network, output, weights, presence, total, share)
    called = presence > CALLED
    needed_low = ((weights - truth) / below)[called]
    needed_high = ((truth - weights) / above)[called]
    hidden = ~called & (truth * total[:, None] >= PRESENT_MUTATIONS)
    needed_absent = ((truth - weights) / above)[hidden]
    calibration.lower_scale[index] = _quantile(needed_low, 1 - MISSED)
    calibration.upper_scale[index] = _quantile(needed_high, 1 - MISSED)
    calibration.absent_scale[index] = _quantile(needed_absent, 1 - MISSED_ABSENT)
    misfit, _ = misfit_of(X, weights, network.W)
    levels = torch.tensor(NULL_LEVELS, dtype=misfit.dtype)
    calibration.null_misfit[index] = torch.quantile(misfit, levels)


def _quantile(needed: Tensor, level: float) -> Tensor:
    """Factor that is enough for this share; 1 where nothing is known."""
    if len(needed) < 20:
        return torch.ones(())
    return torch.quantile(needed[:1_000_000], level).clamp(0.1, LARGEST_SCALE)
