"""The loop over epochs that every training shares, and one step of an optimiser."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

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

    Raises
    ------
    ValueError
        If they are out of range.
    """

    max_epochs: int = 500
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        if self.max_epochs < 0:
            raise ValueError(f"max_epochs must be at least 0, not {self.max_epochs}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be above 0 and finite, not {self.learning_rate}")


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


@dataclass(slots=True)
class Course:
    """Where a training stands: what :func:`fit_loop` needs to go on.

    Attributes
    ----------
    history : History
        The costs so far.
    epoch : int
        Epochs done.
    lowest : float
        The lowest watched cost.
    best : dict of tensors, optional
        The weights that had it, where there is a validation cost.
    """

    history: History = field(default_factory=History)
    epoch: int = 0
    lowest: float = math.inf
    best: dict[str, Tensor] | None = None


@dataclass(frozen=True)
class TrainingState:
    """What a callback of :func:`dnmf.unfolding.fit` sees after an epoch.

    Attributes
    ----------
    epoch, epochs : int
        Epochs done, and in all.
    cost : float
        Training cost of the epoch.
    validation : float, optional
        Validation cost after it.
    network, optimizer
        As they train.
    history : History
        All costs so far.
    """

    epoch: int
    epochs: int
    cost: float
    validation: float | None
    network: nn.Module
    optimizer: torch.optim.Optimizer
    history: History


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
    course: Course | None = None,
    after: Callable[[Course], bool] | None = None,
) -> History:
    """Train epoch by epoch; note the costs and keep the best weights.

    Parameters
    ----------
    network : module
        Its best weights by ``validate`` are restored at the end.
    epoch : callable() -> float
        Trains for one epoch and returns its cost.
    config : TrainConfig
        Epochs.
    validate : callable() -> float, optional
        The cost to watch, taken every ``validate_every`` epochs and after the last one; default that of the epochs.
    untrained : float, optional
        Validation cost of the untrained network, whose weights then count as epoch 0.
    good_enough : float
        Stop when the watched cost is at most this.
    phase, progress
        ``progress(phase, epoch, epochs, cost)`` is called after every epoch.
    course : Course, optional
        A training to go on with.
    after : callable(course) -> bool, optional
        Called after every epoch; stops the training by True.

    Raises
    ------
    FloatingPointError
        If a cost is not finite, and there is no ``untrained`` cost: else training ends with the best weights, and the
        history without that cost.
    """
    if course is None:
        course = Course()
        if untrained is not None:
            course.lowest, course.best = untrained, deepcopy(network.state_dict())
    history = course.history
    for i in range(course.epoch + 1, config.max_epochs + 1):
        watched = epoch()
        course.epoch = i
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
        if watched < course.lowest:
            course.lowest, history.best_epoch = watched, i
            course.best = None if validate is None else deepcopy(network.state_dict())
        if (after is not None and after(course)) or watched <= good_enough:
            break
    if course.best is not None:
        network.load_state_dict(course.best)
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

    With ``clip`` gradients whose norm is above 1 are scaled to it. Parts of the network that have
    ``project_nonnegative_()`` are projected after the step.
    """
    optimiser.zero_grad()
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(network.parameters(), MAX_GRADIENT_NORM)
    optimiser.step()
    if schedule is not None:
        schedule.step()
    project(network)
    return loss.item()


def project(network: nn.Module) -> None:
    """Project the weights of all parts of a network that say how, such as those that must not be negative."""
    for module in network.modules():
        projection = getattr(module, "project_nonnegative_", None)
        if projection is not None:
            projection()


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
