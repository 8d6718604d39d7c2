"""Training the supervised network: counts drawn anew for every step, squared error over the total, early stopping."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.posterior.network import SupervisedNetwork
from dnmf.posterior.pairs import PairSource
from dnmf.unfolding.to_dictionary import one_cycle
from dnmf.unfolding.training import History, TrainConfig, TrainingCallback, Watch

STEPS_PER_EPOCH = 50
GRADIENT_LIMIT = 1.0
# Beyond such a total a sample's weight no longer grows: there the likelihood answers, and a network that tries to
# follow it would learn nothing else.
SATURATION = 20_000.0
# Counts drawn anew for every held-out pair, and the most samples that an epoch is judged by.
REDRAWS, MOST_JUDGED = 3, 1000


def train_posterior_mean(
    network: SupervisedNetwork,
    exposures: Float[Tensor, "m k"],
    held_out: tuple[Float[Tensor, "v f"], Float[Tensor, "v k"]],
    *,
    config: TrainConfig,
    batch_size: int,
    generator: torch.Generator,
    callback: TrainingCallback | None = None,
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
        Of the training pairs, in mutations.
    held_out : (v, f), (v, k)
        Counts and exposures (mutations) of pairs that are not trained on; judged together with three sets of counts
        drawn anew from their exposures.
    config : TrainConfig
        Epochs, peak of the learning rate, patience.
    batch_size : int
        Samples per step.
    generator : torch.Generator
        Of weights, samples and counts.
    callback : callable(epoch, cost), optional
        Called after every epoch.

    Returns
    -------
    History
        Mean loss of every epoch, and that of the held-out samples.
    """
    steps = network.steps.float()
    source = PairSource(exposures, network.signatures.float())
    network.totals.learn(exposures.sum(dim=1)[exposures.sum(dim=1) > 0])
    steps.initialise(source.shares.mean(dim=0), generator)
    judged = _redrawn(*held_out, network.signatures, generator)
    history = History()
    watch = Watch(steps, config, history)
    optimiser = torch.optim.Adam(
        steps.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True
    )
    schedule = one_cycle(optimiser, config.learning_rate, config.max_epochs * STEPS_PER_EPOCH)
    for epoch in range(1, config.max_epochs + 1):
        total = 0.0
        for _ in range(STEPS_PER_EPOCH):
            X, shares, totals = source.draw(batch_size, generator)
            loss = _loss(network, X, shares, totals)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(steps.parameters(), GRADIENT_LIMIT)
            optimiser.step()
            schedule.step()
            total += loss.item()
        history.cost.append(total / STEPS_PER_EPOCH)
        with torch.no_grad():
            history.validation.append(_validation_loss(network, *judged))
        if callback is not None:
            callback(epoch, history.validation[-1])
        if watch.stop_after(epoch, history.validation[-1]):
            break
    watch.restore()
    # In float64 an answer does not depend on how many samples are asked for at once.
    steps.double().eval()
    with torch.no_grad():
        network.learn_trust(*judged)
    return history


def _loss(network: SupervisedNetwork, X: Tensor, shares: Tensor, totals: Tensor) -> Tensor:
    weight = totals * SATURATION / (totals + SATURATION)
    return (weight[:, None] * (network.shares(X) - shares).square()).sum(dim=1).mean()


def _validation_loss(network: SupervisedNetwork, X: Tensor, exposures: Tensor) -> float:
    totals = exposures.sum(dim=1)
    return _loss(network, X, exposures / totals[:, None], totals).item()


def _redrawn(
    X: Tensor, exposures: Tensor, W: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the held-out samples and their redraws, as many as fit; without samples that have no exposure."""
    occupied = exposures.sum(dim=1) > 0
    X, exposures = X[occupied][:MOST_JUDGED], exposures[occupied][:MOST_JUDGED]
    redraws = min(REDRAWS, MOST_JUDGED // max(len(X), 1) - 1)
    mean = exposures @ W
    drawn = [torch.poisson(mean, generator=generator) for _ in range(redraws)]
    return torch.cat([X, *drawn]), exposures.repeat(1 + max(redraws, 0), 1)
