"""The paper's two trainings: from known exposures, or from the data alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.costs import frobenius_cost
from dnmf.kernels.nnls import exact_signatures
from dnmf.progress import Progress
from dnmf.unfolding.fitting import Callback, fit
from dnmf.unfolding.training import History, TrainConfig, TrainingState


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
        Samples and their exposures.
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

    Raises
    ------
    ValueError
        If samples, exposures and what the network returns do not have matching shapes.

    Notes
    -----
    Paper 2.2.
    """
    config = config or TrainConfig()
    for name, samples, exposures in (
        ("", X, H_true),
        ("validation: ", *(validation or (X, H_true))),
    ):
        if exposures.ndim != 2 or samples.ndim != 2 or len(exposures) != len(samples):
            raise ValueError(
                f"{name}expected samples (n, f) and their exposures (n, k), "
                f"got shapes {tuple(samples.shape)} and {tuple(exposures.shape)}"
            )
    n, k = H_true.shape
    pairs = _Pairs(X, H_true, min(batch_size or n, n), generator)
    history = fit(
        network,
        pairs,
        _squared_error,
        epochs=config.max_epochs,
        optimizer=partial(torch.optim.Adam, lr=config.learning_rate),
        validation=None if validation is None else [validation],
        callbacks=_told(progress, k),
    )
    # Of an entry to of a sample.
    history.cost = [k * cost for cost in history.cost]
    history.validation = [k * cost for cost in history.validation]
    return history


def _squared_error(H: Tensor, batch: tuple[Tensor, Tensor]) -> Tensor:
    if H.shape != batch[1].shape:
        raise ValueError(
            f"the network returns exposures of shape {tuple(H.shape)}, the known ones have {tuple(batch[1].shape)}"
        )
    return (H - batch[1]).square().mean()


@dataclass(frozen=True)
class _Pairs:
    """Batches of pairs in an order drawn anew in every pass; all pairs at once as they are."""

    X: Tensor
    H: Tensor
    batch_size: int
    generator: torch.Generator | None

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.X)
        order = torch.arange(n)
        if self.batch_size < n:
            order = torch.randperm(n, generator=self.generator)
        for rows in order.split(self.batch_size):
            yield self.X[rows], self.H[rows]


def _told(progress: Progress | None, unit: int = 1) -> list[Callback]:
    """Return the callback that hands costs, times a unit, to a progress function."""
    if progress is None:
        return []

    def tell(state: TrainingState) -> None:
        progress("training", state.epoch, state.epochs, unit * state.cost)

    return [tell]


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
        Samples.
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

    Raises
    ------
    ValueError
        For another order.

    Notes
    -----
    Paper 2.3 and eq. 5.
    """
    config = config or TrainConfig()
    if dictionary_order not in ("fresh", "stale"):
        raise ValueError(f"dictionary_order must be 'fresh' or 'stale', not {dictionary_order!r}")
    W: Tensor | None = None

    def loss(H: Tensor, X: Tensor) -> Tensor:
        nonlocal W
        if dictionary_order == "fresh":
            W = exact_signatures(X, H.detach(), start=W)
        elif W is None:
            W = X.new_full((H.shape[1], X.shape[1]), 1 / X.shape[1])
        cost = frobenius_cost(X, H, W, l1_reg=l1_reg, l2_reg=l2_reg) / len(X)
        if dictionary_order == "stale":
            W = exact_signatures(X, H.detach(), start=W)
        return cost

    history = fit(
        network,
        [X],
        loss,
        epochs=config.max_epochs,
        optimizer=partial(torch.optim.Adam, lr=config.learning_rate),
        callbacks=_told(progress),
    )
    with torch.no_grad():
        W = exact_signatures(X, network(X), start=W)
    return W, history
