"""The training loop, and the paper's two trainings: from known exposures, or from the data alone."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.costs import frobenius_cost
from dnmf.kernels.nnls import exact_signatures
from dnmf.progress import Progress

# Share of a one-cycle schedule in which the learning rate rises.
WARM_UP_SHARE = 0.2
# torch divides by zero where the warm-up is a single step: a shorter training takes the beginning of this schedule.
MIN_SCHEDULE_STEPS = 10
MAX_GRADIENT_NORM = 1.0


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How long and how fast to train.

    Attributes
    ----------
    max_epochs : int
        Passes over the data.
    learning_rate : float
        Of Adam.
    tol, patience : float, int
        With ``patience > 0``: stop after that many epochs in which the watched cost (validation if given, else
        training) did not fall by a fraction ``tol``.
    """

    max_epochs: int = 500
    learning_rate: float = 1e-3
    tol: float = 0.0
    patience: int = 0


@dataclass(slots=True)
class History:
    """The costs along training.

    Attributes
    ----------
    cost : list of float
        Training cost of every epoch, per sample.
    validation : list of float
        Validation cost of every epoch, per sample; empty without validation data.
    best_epoch : int
        Epoch (from 1) of the lowest watched cost; its weights are kept when there is a validation cost. 0: the start.
    """

    cost: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0


def fit_loop(
    network: nn.Module,
    epoch: Callable[[], float],
    config: TrainConfig,
    *,
    validate: Callable[[], float] | None = None,
    validate_every: int = 1,
    untrained: float | None = None,
    good_enough: float = -math.inf,
    phase: str = "training",
    progress: Progress | None = None,
) -> History:
    """Train epoch by epoch; note the costs, keep the best weights, stop when the watched cost no longer falls.

    Parameters
    ----------
    network : module
        Its best weights by ``validate`` are restored at the end.
    epoch : callable() -> float
        Trains for one epoch and returns its cost.
    config : TrainConfig
        Epochs, tolerance and patience.
    validate : callable() -> float, optional
        The cost to watch, taken every ``validate_every`` epochs and after the last one; default that of the epochs.
    untrained : float, optional
        Validation cost of the untrained network, whose weights then count as epoch 0.
    good_enough : float
        Stop when the watched cost is at most this.
    phase, progress
        ``progress(phase, epoch, epochs, cost)`` is called after every epoch.

    Raises
    ------
    FloatingPointError
        If a cost is not finite, and there is no ``untrained`` cost: else training ends with the best weights, and the
        history without that cost.
    """
    history = History()
    lowest = reference = math.inf if untrained is None else untrained
    best = None if untrained is None else deepcopy(network.state_dict())
    stale = 0
    for i in range(1, config.max_epochs + 1):
        watched = epoch()
        if math.isfinite(watched):
            history.cost.append(watched)
            if progress is not None:
                progress(phase, i, config.max_epochs, watched)
            if validate is not None:
                if i % validate_every and i < config.max_epochs:
                    continue
                watched = validate()
        if not math.isfinite(watched):
            if untrained is not None:
                break  # the best weights so far, at worst the untrained ones, are finite
            raise FloatingPointError(
                f"the training cost became {watched} in epoch {i}: lower the learning rate, or scale the data"
            )
        if validate is not None:
            history.validation.append(watched)
        if watched < lowest:
            lowest, history.best_epoch = watched, i
            best = None if validate is None else deepcopy(network.state_dict())
        if watched < reference * (1 - config.tol):
            reference, stale = watched, 0
        else:
            stale += 1
        if 0 < config.patience <= stale or watched <= good_enough:
            break
    if best is not None:
        network.load_state_dict(best)
    return history


def take_step(
    network: nn.Module,
    loss: Tensor,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
    *,
    clip: bool = False,
) -> float:
    """Take one step of the optimiser and its schedule down the gradient of a loss; return the loss.

    With ``clip`` gradients whose norm is above 1 are scaled to it. A network that has ``project_nonnegative_()``
    is projected after the step.
    """
    optimiser.zero_grad()
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(network.parameters(), MAX_GRADIENT_NORM)
    optimiser.step()
    if schedule is not None:
        schedule.step()
    project = getattr(network, "project_nonnegative_", None)
    if project is not None:
        project()
    return loss.item()


def one_cycle(
    optimiser: torch.optim.Optimizer, peak: float, n_steps: int
) -> torch.optim.lr_scheduler.OneCycleLR:
    """Return the schedule of a training of known length: up to the peak in a fifth of it, then down to zero."""
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=peak,
        total_steps=max(n_steps, MIN_SCHEDULE_STEPS),
        pct_start=WARM_UP_SHARE,
    )


def train_supervised(
    network: nn.Module,
    X: Float[Tensor, "n f"],
    H_true: Float[Tensor, "n k"],
    *,
    config: TrainConfig | None = None,
    batch_size: int | None = None,
    validation: tuple[Tensor, Tensor] | None = None,
    generator: torch.Generator | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a network to return known exposures; the dictionary is never needed.

    Loss: the mean over all entries of ``(network(X) - H_true)^2``. Adam; after each step the weights are clamped to
    be >= 0.

    Parameters
    ----------
    network : module
        Maps (n, f) to (n, k); trained in place.
    X, H_true : (n, f), (n, k)
        Counts and their exposures.
    config : TrainConfig, optional
        Default: 500 epochs at 1e-3.
    batch_size : int, optional
        Samples per step; default all.
    validation : (X, H_true), optional
        Held-out pairs. With them the best epoch's weights are kept at the end, the untrained network counting as one.
    generator : torch.Generator, optional
        Order of the mini-batches.
    progress : callable(phase, epoch, epochs, cost), optional
        Called after every epoch, phase ``"training"``.

    Returns
    -------
    History
        Costs: squared error summed over components, mean over samples.

    Notes
    -----
    Paper 2.2.
    """
    config = config or TrainConfig()
    n, k = H_true.shape
    batch_size = n if batch_size is None else min(batch_size, n)
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)

    def epoch() -> float:
        total = 0.0
        order = torch.arange(n) if batch_size == n else torch.randperm(n, generator=generator)
        for rows in order.split(batch_size):
            loss = (network(X[rows]) - H_true[rows]).square().mean()
            total += take_step(network, loss, optimiser) * len(rows) * k
        return total / n

    validate = None if validation is None else partial(_exposure_error, network, *validation)
    untrained = None if validate is None else validate()
    return fit_loop(
        network, epoch, config, validate=validate, untrained=untrained, progress=progress
    )


def _exposure_error(network: nn.Module, X: Tensor, H_true: Tensor) -> float:
    with torch.no_grad():
        return (network(X) - H_true).square().sum(dim=1).mean().item()


def train_unsupervised(
    network: nn.Module,
    X: Float[Tensor, "n f"],
    *,
    l1_reg: float = 0.0,
    l2_reg: float = 0.0,
    config: TrainConfig | None = None,
    dictionary_order: Literal["fresh", "stale"] = "fresh",
    progress: Progress | None = None,
) -> tuple[Float[Tensor, "k f"], History]:
    """Train a network on the data alone, the dictionary by exact non-negative least squares in every epoch.

    ``min over weights, W of 1/2 ||X - H W||^2 + l1_reg sum(H) + 1/2 l2_reg sum(H^2)``, ``H = network(X)``

    Each epoch propagates all samples, solves for W, takes the cost, and backpropagates to the network's weights. No
    gradient flows through W: at its optimum the gradient at fixed W *is* the gradient of the minimum over W (envelope
    theorem).

    Parameters
    ----------
    network : module
        Maps (n, f) to (n, k); trained in place.
    X : (n, f)
        Counts.
    l1_reg, l2_reg : float
        Penalties of the cost; constants here, since without known exposures the best penalty is always 0.
    config : TrainConfig, optional
        Default: 500 epochs at 1e-3.
    dictionary_order : str
        ``"fresh"`` takes the cost with W solved from the current exposures (the paper's text), ``"stale"`` with the
        previous epoch's W, first 1/f (its authors' code).
    progress : callable(phase, epoch, epochs, cost), optional
        Called after every epoch, phase ``"training"``, with the cost per sample.

    Returns
    -------
    W : (k, f)
        The dictionary for the trained network's exposures, as NNLS gives it: not scaled.
    history : History
        Cost (5) divided by the number of samples.

    Notes
    -----
    Paper 2.3 and eq. 5.
    """
    config = config or TrainConfig()
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    W: Tensor | None = None

    def epoch() -> float:
        nonlocal W
        H = network(X)
        if dictionary_order == "fresh":
            W = exact_signatures(X, H.detach(), start=W)
        elif W is None:
            W = X.new_full((H.shape[1], X.shape[1]), 1 / X.shape[1])
        loss = frobenius_cost(X, H, W, l1_reg=l1_reg, l2_reg=l2_reg) / len(X)
        cost = take_step(network, loss, optimiser)
        if dictionary_order == "stale":
            W = exact_signatures(X, H.detach(), start=W)
        return cost

    history = fit_loop(network, epoch, config, progress=progress)
    with torch.no_grad():
        W = exact_signatures(X, network(X), start=W)
    return W, history
