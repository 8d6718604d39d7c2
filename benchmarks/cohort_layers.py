"""Rounds of the Gamma-Poisson model as layers of a network, with parameters that can be learned."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from cohort_protocol import Array
from dnmf.kernels import free_signatures, gamma_poisson
from dnmf.kernels._component_numba import RELAXATION
from dnmf.kernels._gamma_poisson_numba import INERT_COUNT
from dnmf.kernels.gamma_poisson import LEAST_STEP, GammaPoisson

# Learned layers, and plain rounds after them: as many as ``improve_free`` ends with.
LAYERS, FINISH = 20, free_signatures.POINT_ROUNDS
# Count below which momentum has no effect.
LEAST_COUNT = 1e-8
# Parameters of a layer, and their values in the plain round.
PLAIN = {
    "relaxation_exposures": RELAXATION,
    "relaxation_signatures": RELAXATION,
    "relaxation_shapes": 1.0,
    "momentum_exposures": 0.0,
    "momentum_signatures": 0.0,
    "log_temperature_exposures": 0.0,
    "log_temperature_signatures": 0.0,
    "log_factor_shapes": 0.0,
    "log_factor_concentrations": 0.0,
}
# By how much a temperature moves where others move by 1: results depend on it many times as much.
TEMPERATURE_UNIT = 0.1


def tensors(states: Sequence[GammaPoisson]) -> list[Tensor]:
    """Return posterior counts, shapes and concentrations of states, stacked as layers take them."""
    parts = [(s.counts, s.concentrations, s.shapes, s.priors[:, 0]) for s in states]
    return [torch.from_numpy(np.stack(part)) for part in zip(*parts, strict=True)]


class Unrolled(nn.Module):
    """``LAYERS`` rounds of the Gamma-Poisson model as layers. ``tied``: all layers share their parameters."""

    def __init__(self, *, tied: bool = False) -> None:
        super().__init__()
        shape = (1 if tied else LAYERS, len(PLAIN))
        self.moves = nn.Parameter(torch.zeros(shape, dtype=torch.float64))

    def values(self) -> Tensor:
        """Return the parameters of each layer, or of all, in the order of ``PLAIN``."""
        units = [TEMPERATURE_UNIT if "temperature" in name else 1.0 for name in PLAIN]
        return (
            self.moves.new_tensor(list(PLAIN.values())) + self.moves.new_tensor(units) * self.moves
        )

    def forward(self, X: Tensor, state: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the state of b cohorts after all layers, ``X`` (b, n, f) their counts.

        A state: posterior counts A (b, n, k), E (b, k, f), shapes a (b, k), concentrations g (b, k).
        """
        for values in self.values().expand(LAYERS, -1):
            state = layer(X, *state, dict(zip(PLAIN, values, strict=True)))
        return state


def layer(
    X: Tensor, A: Tensor, E: Tensor, a: Tensor, g: Tensor, p: dict[str, Tensor]
) -> list[Tensor]:
    """Return the state after one layer. With the values of ``PLAIN`` it is a round of ``improve``, and a step of g."""
    f, before_A, before_E = X.shape[2], A - a[:, None], E - g[..., None]
    ew = (expected_logs(E) * (-p["log_temperature_signatures"]).exp()).exp()
    for step in range(gamma_poisson.INNER_STEPS + 1):
        eh = (A.digamma() * (-p["log_temperature_exposures"]).exp()).exp()
        ratios = X / (eh @ ew).clamp(min=1e-200)
        if step == gamma_poisson.INNER_STEPS:
            break
        explained = eh * (ratios @ ew.mT)
        inert = explained < INERT_COUNT
        moved = A + p["relaxation_exposures"] * (a[:, None] + explained - A)
        moved = torch.maximum(moved, a[:, None] + LEAST_STEP * explained)
        A = torch.where(inert, a[:, None], moved)
    shown = ew * (eh.mT @ ratios)
    moved = before_E + p["relaxation_signatures"] * (shown - before_E)
    shown = torch.maximum(moved, LEAST_STEP * shown)
    shown = shown * growth(shown, before_E) ** p["momentum_signatures"]
    kept = A - a[:, None]
    kept = kept * growth(kept, before_A) ** p["momentum_exposures"]
    log_rates = rates(X, a).log1p().neg() + rates(X, a).log()
    active = (~inert).double().sum(dim=1)
    target = torch.where(inert, 0.0, A.digamma()).sum(dim=1) + log_rates.sum(dim=1, keepdim=True)
    target = torch.where(active > 0, target / active.clamp(min=1.0), -1e6)
    updated = inverse_digamma(target).clamp(gamma_poisson.LEAST_SHAPE, gamma_poisson.MOST_SHAPE)
    updated = a * (updated / a) ** p["relaxation_shapes"] * p["log_factor_shapes"].exp()
    updated = updated.clamp(gamma_poisson.LEAST_SHAPE, gamma_poisson.MOST_SHAPE)
    A = torch.where(inert, updated[:, None], torch.maximum(kept + a[:, None], updated[:, None]))
    # A Newton step of the concentrations, as ``with_learned_concentrations`` takes eight of them now and then.
    slope = (f * g).digamma() - g.digamma() + expected_logs(shown + g[..., None]).mean(dim=2)
    curvature = f * torch.polygamma(1, f * g) - torch.polygamma(1, g)
    g = g * (-slope / (curvature * g)).clamp(-1.0, 1.0).exp() * p["log_factor_concentrations"].exp()
    g = g.clamp(free_signatures.LEAST_CONCENTRATION, free_signatures.MOST_CONCENTRATION)
    return [A, shown + g[..., None], updated, g]


def expected_logs(E: Tensor) -> Tensor:
    """Return ``E log w`` of ``Dirichlet(E)`` (b, k, f)."""
    return E.digamma() - E.sum(dim=2, keepdim=True).digamma()


def rates(X: Tensor, a: Tensor) -> Tensor:
    """Return the prior rates (b, n) of exposures of shapes ``a`` (b, k)."""
    return a.sum(dim=1, keepdim=True) / X.sum(dim=2)


def growth(now: Tensor, before: Tensor) -> Tensor:
    """Return by what factor counts have grown, between 1/20 and 20."""
    factor = (now.clamp(min=0) + LEAST_COUNT) / (before.clamp(min=0) + LEAST_COUNT)
    return factor.clamp(1 / free_signatures.MOST_FACTOR, free_signatures.MOST_FACTOR)


def inverse_digamma(y: Tensor) -> Tensor:
    """Return x with ``psi(x) = y``; its derivative is that of a last Newton step."""
    x = torch.from_numpy(gamma_poisson.inverse_digamma(y.detach().numpy()))
    return x - (x.digamma() - y) / torch.polygamma(1, x)


def evidence_of(X: Tensor, A: Tensor, E: Tensor, a: Tensor, g: Tensor) -> Tensor:
    """Return the bound (b,) of the log evidence in nats, as ``improve`` does."""
    f, prior, b = X.shape[2], a[:, None], rates(X, a)
    means = (A.digamma().exp() / (1 + b)[..., None]) @ expected_logs(E).exp()
    value = X * means.clamp(min=1e-200).log()
    exposures = A.lgamma() - prior.lgamma() - (A - prior) * A.digamma()
    exposures = exposures + prior * (b / (1 + b)).log()[..., None]
    cost = E.sum(dim=2).lgamma() - (f * g).lgamma() - E.lgamma().sum(dim=2) + f * g.lgamma()
    cost = cost + ((E - g[..., None]) * expected_logs(E)).sum(dim=2)
    return value.sum(dim=(1, 2)) + exposures.sum(dim=(1, 2)) - cost.sum(dim=1)


def by_network(counts: Array, state: GammaPoisson, network: Unrolled) -> GammaPoisson:
    """Return the state after all layers, and plain rounds that learn shapes and concentrations as they should be."""
    with torch.no_grad():
        after = network(torch.from_numpy(counts)[None], tensors([state]))
    A, E, a, g = (part[0].numpy() for part in after)
    state = GammaPoisson(np.repeat(g[:, None], counts.shape[1], axis=1), E, A, a)
    return gamma_poisson.improve(
        counts, free_signatures.with_learned_concentrations(state), rounds=FINISH
    )
