"""Training as in the paper: from known exposures, or from the data alone with an exact dictionary step."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.costs import frobenius_cost
from dnmf.kernels.nnls import exact_signatures

TrainingCallback = Callable[[int, float], None]


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
        Epoch (from 1) of the lowest watched cost; its weights are kept when validation data were given. 0: the start.
    """

    cost: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0


class Watch:
    """Remembers the best weights and says when to stop."""

    def __init__(self, network: nn.Module, config: TrainConfig, history: History) -> None:
        self.network, self.config, self.history = network, config, history
        self.lowest = self.reference = math.inf
        self.stale = 0
        self.best_weights: dict[str, Tensor] | None = None

    def start(self, validation_cost: float) -> None:
        """Count the untrained network as epoch 0: training must earn its place."""
        self.lowest = self.reference = validation_cost
        self._keep()

    def stop_after(self, epoch: int, cost: float) -> bool:
        """Note the watched cost of an epoch; return whether it was the last."""
        if not math.isfinite(cost):
            raise FloatingPointError(
                f"the training cost became {cost} in epoch {epoch}: lower the learning rate"
            )
        if cost < self.lowest:
            self.lowest, self.history.best_epoch = cost, epoch
            if self.history.validation:
                self._keep()
        if cost < self.reference * (1 - self.config.tol):
            self.reference, self.stale = cost, 0
        else:
            self.stale += 1
        return 0 < self.config.patience <= self.stale

    def restore(self) -> None:
        """Put the best weights back, if any were kept."""
        if self.best_weights is not None:
            self.network.load_state_dict(self.best_weights)

    def _keep(self) -> None:
        self.best_weights = {k: v.detach().clone() for k, v in self.network.state_dict().items()}


def _project(network: nn.Module) -> None:
    project = getattr(network, "project_nonnegative_", None)
    if project is not None:
        project()


def train_supervised(
    network: nn.Module,
    X: Float[Tensor, "n f"],
    H_true: Float[Tensor, "n k"],
    *,
    config: TrainConfig | None = None,
    batch_size: int | None = None,
    validation: tuple[Tensor, Tensor] | None = None,
    generator: torch.Generator | None = None,
    callback: TrainingCallback | None = None,
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
    callback : callable(epoch, cost), optional
        Called after every epoch.

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
    history = History()
    watch = Watch(network, config, history)
    if validation is not None:
        watch.start(_exposure_error(network, *validation))
    for epoch in range(1, config.max_epochs + 1):
        order = _batches(n, batch_size, generator)
        total = 0.0
        for rows in order:
            loss = (network(X[rows]) - H_true[rows]).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            _project(network)
            total += loss.item() * len(rows) * k
        history.cost.append(total / n)
        watched = history.cost[-1]
        if validation is not None:
            watched = _exposure_error(network, *validation)
            history.validation.append(watched)
        if callback is not None:
            callback(epoch, watched)
        if watch.stop_after(epoch, watched):
            break
    watch.restore()
    return history


def _batches(n: int, size: int, generator: torch.Generator | None) -> tuple[Tensor, ...]:
    rows = torch.arange(n) if size == n else torch.randperm(n, generator=generator)
    return rows.split(size)


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
    callback: TrainingCallback | None = None,
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
    callback : callable(epoch, cost), optional
        Called after every epoch with the cost per sample.

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
    history = History()
    watch = Watch(network, config, history)
    W: Tensor | None = None
    for epoch in range(1, config.max_epochs + 1):
        H = network(X)
        if dictionary_order == "fresh":
            W = exact_signatures(X, H.detach(), start=W)
        elif W is None:
            W = X.new_full((H.shape[1], X.shape[1]), 1 / X.shape[1])
        cost = frobenius_cost(X, H, W, l1_reg=l1_reg, l2_reg=l2_reg) / len(X)
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
        _project(network)
        if dictionary_order == "stale":
            W = exact_signatures(X, H.detach(), start=W)
        history.cost.append(cost.item())
        if callback is not None:
            callback(epoch, history.cost[-1])
        if watch.stop_after(epoch, history.cost[-1]):
            break
    with torch.no_grad():
        W = exact_signatures(X, network(X), start=W)
    return W, history
