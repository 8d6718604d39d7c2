"""The search for a dictionary: alternating least squares through a schedule of weights and penalties."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.alternating import AlternatingResult, Phase, nmf_anls
from dnmf.kernels.nnls import exact_exposures
from dnmf.search.components import add_components, move_apart, used_components
from dnmf.search.residual_noise import estimate_noise

# Iterations with samples weighted by 1/sqrt(total), so that hypermutated samples do not take every component; then
# with equal weights.
SQUARE_ROOT_ITERATIONS, EQUAL_ITERATIONS = 40, 20
# Iterations without penalties after each round, to settle components that were added and signatures that were moved.
SETTLING_ITERATIONS = 30

# Unit of the penalties in standard deviations of the noise: 1 for rounding to integers, whose variance is 1/12.
UNIT_PER_NOISE = 12**0.5
# The unit is at most 1/60 of the median exposure: a larger one merges components of noisy data in the first phase.
EXPOSURES_PER_UNIT = 60


@dataclass(frozen=True, slots=True)
class Search:
    """How :func:`find_dictionary` looks for signatures: two rounds of penalised phases, in units of the noise.

    Attributes
    ----------
    without_late : tuple of Phase
        The round before the last components join. With too few components, none is spent on splitting a strong
        signature while a weak one has none.
    with_all : tuple of Phase
        The round with all components.
    late_components : int
        How many join between the rounds, where most is unexplained; at most a third of all.
    apart : float
        How far signatures are moved apart in the end, see :func:`dnmf.search.components.move_apart`.
    """

    without_late: tuple[Phase, ...] = ()
    with_all: tuple[Phase, ...] = ()
    late_components: int = 0
    apart: float = 0.0

    def late(self, n_components: int) -> int:
        """Return how many of this many components join late."""
        return min(self.late_components, n_components // 3)

    def iterations(self, n_components: int) -> int:
        """Return the number of iterations for this many components."""
        rounds = [self.without_late, self.with_all] if self.late(n_components) else [self.with_all]
        penalised = sum(phase.iterations for phases in rounds for phase in phases)
        settling = len(rounds) * SETTLING_ITERATIONS
        return SQUARE_ROOT_ITERATIONS + EQUAL_ITERATIONS + penalised + settling


# Penalties in units of about three standard deviations of the noise. The first phase finds which components each sample
# has: the offset of the penalty on exposures falls from far above the exposures to a small fraction of them. Then this
# penalty is released while one on signatures pushes them outwards, and in the last phase that is released, too.
SEARCH = Search(
    without_late=(
        Phase(80, exposures=(100.0, 1.0), exposure_offset=(3000.0, 3.0)),
        Phase(30),
    ),
    with_all=(
        Phase(130, exposures=(100.0, 10.0), exposure_offset=(3000.0, 10.0)),
        Phase(110, exposures=(10.0, 0.05), exposure_offset=(10.0, 3.0), signatures=(100.0, 3.0)),
        Phase(70, signatures=(3.0, 0.01)),
    ),
    late_components=2,
    apart=0.01,
)


def find_dictionary(
    X: Float[Tensor, "n f"],
    W0: Float[Tensor, "k f"],
    *,
    l1_reg: float = 0.0,
    l2_reg: float = 0.0,
    min_volume: float = 0.0,
    search: Search = SEARCH,
    callback: Callable[[int, float], None] | None = None,
) -> AlternatingResult:
    """Find signatures that explain the samples and, moved apart a little, samples not seen yet.

    Alternating exact least squares: samples weighted by the root of their total; alike; then weighted by their
    estimated noise, through a round of ``search`` without the late components, a round with all of them, and a last
    fit from signatures moved apart. Independent of the unit of X.

    Parameters
    ----------
    X, W0 : (n, f), (k, f)
        Counts and the starting signatures, of which the last ``search.late(k)`` are not used: late components start
        from what the others leave.
    l1_reg, l2_reg : float
        Penalties on the exposures, see :func:`dnmf.kernels.frobenius_cost`.
    min_volume : float
        Penalty on the volume of the signatures, in variances of the noise; with it they are not moved apart.
    search : Search
        The penalised rounds; ``Search()`` for a plain fit.
    callback : callable(iteration, cost), optional
        Called after each of the iterations, with the cost as a part of that of no signatures.

    Returns
    -------
    AlternatingResult
        ``cost`` is that of the round with all components and of the last fit.

    Notes
    -----
    Noise-free data are explained equally well by many dictionaries. The search prefers one with few exposures per
    sample, and among those a wide one. What its parts are worth is measured in ``benchmarks/ablation.py``.
    """
    done = 0

    def count(_: int, cost: float) -> None:
        nonlocal done
        done += 1
        if callback is not None:
            callback(done, cost)

    k = len(W0)
    late = search.late(k)
    penalties: dict[str, Any] = {"l1_reg": l1_reg, "l2_reg": l2_reg, "callback": count}
    totals = X.sum(dim=1)
    roots = torch.where(totals > 0, totals, torch.ones_like(totals)).rsqrt()
    W = W0[: k - late]
    for iterations, weights in ((SQUARE_ROOT_ITERATIONS, roots), (EQUAL_ITERATIONS, None)):
        plain = (Phase(iterations),)
        result = nmf_anls(X, W, phases=plain, sample_weights=weights, **penalties)
        W = _completed(X, result, k - late)

    penalties["min_volume"] = min_volume
    settling = (Phase(SETTLING_ITERATIONS),)
    if late:
        result = _penalised(X, W, search.without_late, penalties)
        weights = estimate_noise(X, result.H, result.W).weights
        W = _completed(X, result, k, weights)
        result = nmf_anls(X, W, phases=settling, sample_weights=weights, **penalties)
        W = _completed(X, result, k, weights)
    result = _penalised(X, W, search.with_all, penalties)
    cost = result.cost
    weights = estimate_noise(X, result.H, result.W).weights
    # A penalty on exposures can empty a component that few samples use: it is added again without the penalty.
    W = _completed(X, result, k, weights)
    W = move_apart(W, 0.0 if min_volume else search.apart)
    result = nmf_anls(X, W, phases=settling, sample_weights=weights, **penalties)
    return AlternatingResult(result.H, result.W, cost + result.cost)


def _penalised(
    X: Tensor, W: Tensor, phases: tuple[Phase, ...], penalties: dict[str, Any]
) -> AlternatingResult:
    """Fit with samples weighted by their noise, which is also the unit of the phases."""
    H = exact_exposures(X, W)
    noise = estimate_noise(X, H, W)
    exposures = (H * noise.weights[:, None])[H > 0]
    unit = UNIT_PER_NOISE
    if len(exposures):
        unit = min(unit, exposures.median().item() / EXPOSURES_PER_UNIT)
    phases = tuple(phase.in_units_of(unit) for phase in phases)
    return nmf_anls(X, W, H0=H, phases=phases, sample_weights=noise.weights, **penalties)


def _completed(
    X: Tensor, result: AlternatingResult, n_components: int, weights: Tensor | None = None
) -> Tensor:
    """Return the signatures with new ones for those that no sample uses or that are not there yet."""
    used = used_components(result.H, result.W)
    if len(used) == n_components:
        return result.W
    weighted = X if weights is None else X * weights[:, None]
    return add_components(weighted, result.W[used], n_components - len(used))
