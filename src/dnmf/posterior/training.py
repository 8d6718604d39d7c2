"""Training of the posterior mean: counts drawn anew for every step, squared error over the total, best epoch kept."""

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.posterior.network import SupervisedNetwork
from dnmf.posterior.pairs import PairSource
from dnmf.unfolding.training import History, TrainConfig, fit_loop, one_cycle, take_step

STEPS_PER_EPOCH = 50
# The weight of a sample grows with its total N as N N0 / (N + N0) and is nearly constant beyond N0: there the
# likelihood is used, and samples of unbounded weight would dominate the training.
SATURATION_TOTAL = 20_000.0
# Sets of counts drawn for every held-out pair, and the most samples in the validation loss.
N_REDRAWS, MAX_VALIDATION_SAMPLES = 3, 1000


def train_posterior_mean(
    network: SupervisedNetwork,
    exposures: Float[Tensor, "m k"],
    held_out: tuple[Float[Tensor, "v f"], Float[Tensor, "v k"]],
    *,
    config: TrainConfig,
    batch_size: int,
    generator: torch.Generator,
) -> History:
    """Train the steps of a network towards the posterior mean, then set how far they are trusted.

    Loss: ``mean of v(N) |p - network(x)|^2`` with p the true shares, N the expected total,
    ``v = N N0 / (N + N0)``, ``N0 = 20,000``: the squared error of the exposures over the total. Its minimum is the
    posterior mean. Adam on a one-cycle schedule, 50 steps an epoch.

    Parameters
    ----------
    network : SupervisedNetwork
        With its dictionary; trained in place. The best epoch on the held-out pairs is kept.
    exposures : (m, k)
        Of the training pairs, in counts.
    held_out : (v, f), (v, k)
        Counts and exposures (counts) of pairs that are not trained on; judged together with three sets of counts
        drawn anew from their exposures.
    config : TrainConfig
        Epochs and peak of the learning rate.
    batch_size : int
        Samples per step.
    generator : torch.Generator
        Of weights, samples and counts.

    Returns
    -------
    History
        Mean loss of every epoch, and that of the held-out samples.
    """
    steps = network.steps.float()
    source = PairSource(exposures, network.signatures.float())
    totals = exposures.sum(dim=1)
    network.totals.learn(totals[totals > 0])
    steps.initialise(source.shares.mean(dim=0), generator)
    judged = _redrawn(*held_out, network.signatures, generator)
    optimiser = torch.optim.Adam(
        steps.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True
    )
    schedule = one_cycle(optimiser, config.learning_rate, config.max_epochs * STEPS_PER_EPOCH)

    def epoch() -> float:
        total = 0.0
        for _ in range(STEPS_PER_EPOCH):
            loss = _loss(network, *source.draw(batch_size, generator))
            total += take_step(steps, loss, optimiser, schedule, clip=True)
        return total / STEPS_PER_EPOCH

    def validate() -> float:
        X, counted = judged
        totals = counted.sum(dim=1)
        with torch.no_grad():
            return _loss(network, X, counted / totals[:, None], totals).item()

    history = fit_loop(steps, epoch, config, validate=validate)
    # In float64 an answer does not depend on how many samples are asked for at once.
    steps.double().eval()
    with torch.no_grad():
        network.learn_trust(*judged)
    return history


def _loss(network: SupervisedNetwork, X: Tensor, shares: Tensor, totals: Tensor) -> Tensor:
    weight = totals * SATURATION_TOTAL / (totals + SATURATION_TOTAL)
    return (weight[:, None] * (network.shares(X) - shares).square()).sum(dim=1).mean()


def _redrawn(
    X: Tensor, exposures: Tensor, W: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the held-out samples and their redraws, as many as fit; without samples that have no exposure."""
    kept = (exposures.sum(dim=1) > 0).argwhere()[:MAX_VALIDATION_SAMPLES, 0]
    X, exposures = X[kept], exposures[kept]
    redraws = min(N_REDRAWS, MAX_VALIDATION_SAMPLES // max(len(X), 1) - 1)
    mean = exposures @ W
    drawn = [torch.poisson(mean, generator=generator) for _ in range(redraws)]
    return torch.cat([X, *drawn]), exposures.repeat(1 + max(redraws, 0), 1)
