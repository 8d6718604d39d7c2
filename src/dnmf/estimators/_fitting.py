"""The two ways in which an unsupervised model is fitted: ours in phases, and the paper's end to end."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch

from dnmf.estimators._start import start_factors, warn_of_rank
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.kernels.kl import kl_exposures
from dnmf.kernels.kl_factorisation import nmf_kl
from dnmf.kernels.nnls import exact_exposures
from dnmf.kernels.objectives import Poisson
from dnmf.search.dictionary import SEARCH, find_dictionary
from dnmf.unfolding.networks import Unfolded, UnfoldedMU
from dnmf.unfolding.rules import LAYERS
from dnmf.unfolding.to_dictionary import train_to_dictionary
from dnmf.unfolding.training import TrainConfig, train_unsupervised

Progress = Callable[[str, int, int, float], None]

KL_ITERATIONS = 300


@dataclass(frozen=True, slots=True)
class FitSettings:
    """What an estimator's parameters come to once its preset is resolved."""

    n_components: int
    n_layers: int
    layer: str
    init: str
    max_epochs: int
    learning_rate: float
    l1_reg: float
    l2_reg: float
    min_volume: float
    weight_init: float
    dictionary_order: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained network, its dictionary, and the cost along every phase."""

    network: torch.nn.Module
    W: torch.Tensor
    history: dict[str, list[float]]
    n_iter: int


def fit_in_phases(
    X: torch.Tensor,
    settings: FitSettings,
    fixed: torch.Tensor | None,
    generator: torch.Generator,
    progress: Progress,
) -> Fitted:
    """Find the dictionary first, unless it is ``fixed``, then train the network to infer exposures for it."""
    history: dict[str, list[float]] = {}
    if fixed is None:
        H, W = _search(X, settings, generator, progress, history)
    else:
        warn_of_rank(X, settings.n_components)
        H, W = _exact_exposures(X, fixed, settings), fixed
    _warn_of_unused(H)
    network = Unfolded.from_dictionary(
        W,
        settings.n_layers,
        layer=settings.layer,
        shares=_usual_shares(X, H),
        l1_reg=settings.l1_reg,
        l2_reg=settings.l2_reg,
    )
    training = train_to_dictionary(
        network,
        X,
        n_steps=settings.max_epochs,
        learning_rate=settings.learning_rate,
        generator=generator,
        callback=lambda i, cost: progress("network", i, settings.max_epochs, cost),
    )
    history |= {"network": training.cost, "validation": training.validation}
    return Fitted(network, W, history, len(training.cost))


def _search(
    X: torch.Tensor,
    settings: FitSettings,
    generator: torch.Generator,
    progress: Progress,
    history: dict[str, list[float]],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return exposures and dictionary; the costs on the way go into ``history``."""
    _, W = start_factors(X, settings.n_components, settings.init, generator)
    iterations = SEARCH.iterations(len(W))
    found = find_dictionary(
        X,
        W,
        l1_reg=settings.l1_reg,
        l2_reg=settings.l2_reg,
        min_volume=settings.min_volume,
        callback=lambda i, cost: progress("dictionary", i, iterations, cost),
    )
    history["dictionary"] = found.cost
    if LAYERS[settings.layer].objective is Poisson:
        found = nmf_kl(
            X,
            found.W,
            max_iter=KL_ITERATIONS,
            callback=lambda i, cost: progress("likelihood", i, KL_ITERATIONS, cost),
        )
        history["likelihood"] = found.cost
    return found.H, found.W


def _exact_exposures(X: torch.Tensor, W: torch.Tensor, settings: FitSettings) -> torch.Tensor:
    if LAYERS[settings.layer].objective is Poisson:
        return kl_exposures(X, W).H
    return exact_exposures(X, W, l1_reg=settings.l1_reg, l2_reg=settings.l2_reg)


def _warn_of_unused(H: torch.Tensor) -> None:
    unused = int((H.sum(dim=0) <= 0).sum())
    if unused:
        warnings.warn(
            f"{unused} of {H.shape[1]} components are used by no sample: ask for fewer",
            DoubtfulDataWarning,
            stacklevel=5,
        )


def _usual_shares(X: torch.Tensor, H: torch.Tensor) -> torch.Tensor:
    """Root mean square share of every component in the samples that are not empty."""
    totals = X.sum(dim=1)
    shares = (H[totals > 0] / totals[totals > 0, None]).square().mean(dim=0).sqrt()
    # A component that no sample uses still needs a scale; so do all, where a penalty left no exposures.
    largest = shares.max()
    usual = largest if largest > 0 else torch.ones_like(largest)
    return torch.where(shares > 0, shares, usual)


def fit_end_to_end(X: torch.Tensor, settings: FitSettings, progress: Progress) -> Fitted:
    """Train a network of constants and its dictionary together, as in the paper."""
    warn_of_rank(X, settings.n_components)
    network = UnfoldedMU(
        X.shape[1],
        settings.n_components,
        settings.n_layers,
        l1_reg=settings.l1_reg,
        l2_reg=settings.l2_reg,
        weight_init=settings.weight_init,
        dtype=X.dtype,
        device=X.device,
    )
    W, training = train_unsupervised(
        network,
        X,
        l1_reg=settings.l1_reg,
        l2_reg=settings.l2_reg,
        config=TrainConfig(settings.max_epochs, settings.learning_rate),
        dictionary_order="stale" if settings.dictionary_order == "stale" else "fresh",
        callback=lambda i, cost: progress("training", i, settings.max_epochs, cost),
    )
    return Fitted(network, W, {"training": training.cost}, len(training.cost))
