"""Training a refit network on catalogs simulated from known exposures, resumable and seeded."""

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from dnmf.criteria import PRESENT_MUTATIONS
from dnmf.posterior.pairs import jittered
from dnmf.progress import Progress
from dnmf.refit.checkpoint import TrainingState, checksum
from dnmf.refit.network import RefitNetwork, RefitOutput
from dnmf.storage import in_use
from dnmf.unfolding.conditioned import ConditionedDesign
from dnmf.unfolding.training import take_step


@dataclass(frozen=True, slots=True)
class RefitTraining:
    """How exposures are drawn and how the network learns from them; the defaults train from random weights.

    Attributes
    ----------
    steps, batch_size, learning_rate
        Adam with a one-cycle schedule.
    counts : (low, high)
        Range of the number of mutations, log-uniform.
    jitter : float
        Standard deviation of the log of a factor on every exposure.
    crossed : float
        Share of samples that take each exposure from one or the other of two tumours of a type, at random.
    foreign : float
        Share of samples to which one or two signatures, any of the reference, are added, so that the network also
        learns signatures that no training tumour has.
    uniform : float
        Share of samples that are mixtures of one to six signatures of the reference, drawn evenly.
    drop : float
        Share of samples whose contributions below ten mutations are dropped, as reports do.
    cohort_shown : float
        Share of samples whose tumour type is given to the network.
    mislabelled : float
        Share of the given types that are wrong: a new tumour may have signatures that the few dozen training tumours
        of its type lack.
    balance : float
        Tumour types are drawn in proportion to their number of tumours to the power 1 - balance.
    emphasis : float
        Weight of a sample's error, ``(N / 1000) ** emphasis``. Errors fall about as the root of N: with 0.5 samples
        of all counts have about the same part in the loss, with 0 those with few mutations have nearly all of it.
    """

    steps: int = 9_000
    batch_size: int = 256
    learning_rate: float = 3e-3
    counts: tuple[float, float] = (20.0, 200_000.0)
    jitter: float = 0.3
    crossed: float = 0.25
    foreign: float = 0.05
    uniform: float = 0.03
    drop: float = 0.8
    cohort_shown: float = 0.5
    mislabelled: float = 0.1
    balance: float = 0.5
    emphasis: float = 0.4


# From a network of another reference a third of the steps has the same error.
FROM_NETWORK = RefitTraining(steps=3_000, learning_rate=2e-3)


class ExposurePrior:
    """Draws exposures like those of known tumours: mixed within a type, jittered, some with foreign signatures.

    Parameters
    ----------
    shares : (m, k)
        Exposures of the training tumours; rows sum to 1.
    tumour_types : (m,)
        Their types, counted from 1.
    config : RefitTraining
        How to draw.
    """

    def __init__(
        self, shares: Float[Tensor, "m k"], tumour_types: Int[Tensor, " m"], config: RefitTraining
    ):
        order = torch.argsort(tumour_types, stable=True)
        self.shares, self.tumour_types, self.config = shares[order], tumour_types[order], config
        self.size = torch.bincount(self.tumour_types)
        self.offset = torch.cumsum(self.size, 0) - self.size
        self.chance = self.size[self.tumour_types].double() ** -config.balance

    def draw(
        self, n: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "n k"], Float[Tensor, " n"], Int[Tensor, " n"]]:
        """Return shares, numbers of mutations and given tumour types (0: none) of ``n`` new samples."""
        low, high = (math.log(count) for count in self.config.counts)
        position = torch.rand(n, generator=generator, dtype=self.shares.dtype)
        counts = (low + (high - low) * position).exp()
        shares, given_types = self.draw_at(counts, generator)
        return shares, counts, given_types

    def draw_at(
        self, counts: Float[Tensor, " n"], generator: torch.Generator
    ) -> tuple[Float[Tensor, "n k"], Int[Tensor, " n"]]:
        """Return shares and given tumour types (0: none) of new samples with these numbers of mutations."""
        n, k = len(counts), self.shares.shape[1]
        config = self.config

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator, dtype=self.shares.dtype)

        rows = torch.multinomial(self.chance, n, replacement=True, generator=generator)
        types = self.tumour_types[rows]
        partners = self.offset[types] + (uniform(n) * self.size[types]).long()
        one, other = self.shares[rows], self.shares[partners]
        a = 0.5 * uniform(n, 1) ** 4
        crossed = (uniform(n, 1) < config.crossed) & (uniform(n, k) < 0.5)
        shares = torch.where(crossed, other, (1 - a) * one + a * other)
        shares = jittered(shares, one, config.jitter, generator)
        kind, share = uniform(n, 1), 0.6 * uniform(n, 1)
        with_foreign = (1 - share) * shares + share * _few_signatures(n, k, 2, uniform)
        shares = torch.where(kind < config.foreign, with_foreign, shares)
        shares = torch.where(kind > 1 - config.uniform, _few_signatures(n, k, 6, uniform), shares)
        shares = torch.where(uniform(n, 1) < config.drop, drop_small(shares, counts), shares)
        others = types[torch.randperm(n, generator=generator)]
        given = torch.where(uniform(n) < config.mislabelled, others, types)
        given = torch.where(uniform(n) < config.cohort_shown, given, torch.zeros_like(given))
        return shares, given


def _few_signatures(n: int, k: int, most: int, uniform: Callable[..., Tensor]) -> Tensor:
    """Shares, even on the simplex, of one to ``most`` signatures drawn evenly."""
    number = (uniform(n, 1) * most).long() + 1
    chosen = uniform(n, k).topk(min(most, k), dim=1).indices
    weights = -(uniform(n, chosen.shape[1]) + 1e-9).log() + 1e-9
    weights = weights * (torch.arange(chosen.shape[1]) < number)
    return torch.zeros(n, k, dtype=weights.dtype).scatter(
        1, chosen, weights / weights.sum(dim=1, keepdim=True)
    )


def drop_small(shares: Float[Tensor, "n k"], counts: Float[Tensor, " n"]) -> Float[Tensor, "n k"]:
    """Drop contributions of fewer than ten mutations, except a sample's largest; rows sum to 1 again."""
    largest = shares >= shares.amax(dim=1, keepdim=True)
    kept = shares * ((shares * counts[:, None] >= PRESENT_MUTATIONS) | largest)
    return kept / kept.sum(dim=1, keepdim=True)


def refit_loss(
    output: RefitOutput,
    shares: Float[Tensor, "n k"],
    counts: Float[Tensor, " n"],
    *,
    emphasis: float,
) -> tuple[Tensor, Tensor]:
    """Return the loss to minimise and the mean fitting error, for the progress of training.

    Half the absolute difference of the shares, weighted by ``(N / 1000) ** emphasis``, plus cross-entropy of presence
    and the pinball losses of both ends of the interval.
    """
    error = 0.5 * (output.shares - shares).abs().sum(dim=1)
    weight = (counts / 1000).clamp(0.05, 50) ** emphasis
    present = (shares * counts[:, None] >= PRESENT_MUTATIONS) | (shares >= 0.5)
    presence = functional.binary_cross_entropy(
        output.presence.clamp(1e-6, 1 - 1e-6), present.to(shares)
    )
    unit = 5 * (output.shares.detach() / counts[:, None] + counts[:, None] ** -2).sqrt() + 0.002
    low, high = (shares - output.lower) / unit, (shares - output.upper) / unit
    pinball = torch.maximum(0.05 * low, -0.95 * low) + torch.maximum(0.95 * high, -0.05 * high)
    return (weight * error).mean() + presence + pinball.mean(), error.mean()


def learning_rate_at(step: int, config: RefitTraining) -> float:
    """One cycle: a cosine rise over the first tenth, a cosine fall to nothing over the rest."""
    position = step / config.steps
    if position < 0.1:
        return config.learning_rate * (0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * position / 0.1)))
    return config.learning_rate * (1e-4 + 0.5 * (1 + math.cos(math.pi * (position - 0.1) / 0.9)))


def train_refit(
    W: Float[Tensor, "k f"],
    shares: Float[Tensor, "m k"],
    tumour_types: Int[Tensor, " m"],
    *,
    n_types: int,
    config: RefitTraining | None = None,
    design: ConditionedDesign | None = None,
    seed: int = 0,
    start: RefitNetwork | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int = 500,
    origin: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> RefitNetwork:
    """Train a refit network; an interrupted run goes on from its checkpoint to the same weights, bit for bit.

    Parameters
    ----------
    W : (k, f)
        Reference signatures; their dtype is the network's.
    shares : (m, k)
        Exposures of the training tumours as shares of their mutations.
    tumour_types : (m,)
        Counted from 1 to ``n_types``.
    n_types : int
        Number of tumour types the network will know.
    config, design : optional
        How to train, and sizes.
    seed, checkpoint, progress
        As for :func:`dnmf.refit.train_refit_model`; the cost is the mean fitting error of a batch.
    start : RefitNetwork, optional
        Trained for another reference with the same signatures in the same order; its weights are where training starts,
        see :meth:`RefitNetwork.for_reference`.
    checkpoint_every : int
        Steps between two writings.
    origin : mapping of str, optional
        What else the checkpoint must have been made with, such as the rule of the split, by name.

    Raises
    ------
    CheckpointError
        If the checkpoint belongs to another training, is damaged, or another process trains with it; the message says
        which.
    FloatingPointError
        If the loss is not finite.
    """
    config = config or RefitTraining()
    generator = torch.Generator().manual_seed(seed)
    prior = ExposurePrior(shares.to(W), tumour_types, config)
    network = RefitNetwork(W, n_types, start.design if start is not None else design)
    if start is None:
        network.initialise(shares.to(W).mean(dim=0), generator)
    else:
        network.load_state_dict(start.state_dict())
    optimiser = torch.optim.Adam(
        network.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True
    )
    record = {
        **(origin or {}),
        "settings": repr((config, network.design)),
        "seed": str(seed),
        "reference": checksum(W),
        "training tumours": checksum(shares, tumour_types),
        "network to start from": "none" if start is None else checksum(*start.parameters()),
    }
    state = TrainingState(network, optimiser, generator, record)
    with nullcontext() if checkpoint is None else in_use(checkpoint):
        done = state.load(checkpoint) if checkpoint is not None and checkpoint.exists() else 0
        for step in range(done, config.steps):
            error = _take_step(network, optimiser, prior, generator, step)
            done = step + 1
            if checkpoint is not None and (done == config.steps or done % checkpoint_every == 0):
                state.save(checkpoint, done)
            if progress is not None:
                progress("training", done, config.steps, error)
    return network.eval()


def _take_step(
    network: RefitNetwork,
    optimiser: torch.optim.Optimizer,
    prior: ExposurePrior,
    generator: torch.Generator,
    step: int,
) -> float:
    """Take one step on a new batch and return its mean fitting error."""
    config = prior.config
    for group in optimiser.param_groups:
        group["lr"] = learning_rate_at(step, config)
    shares, counts, types = prior.draw(config.batch_size, generator)
    X = torch.poisson(counts[:, None] * (shares @ network.W), generator=generator)
    loss, error = refit_loss(network(X, types), shares, counts, emphasis=config.emphasis)
    value = take_step(network, loss, optimiser, clip=True)
    if not math.isfinite(value):
        raise FloatingPointError(f"the training loss became {value} in step {step + 1}")
    return error.item()
