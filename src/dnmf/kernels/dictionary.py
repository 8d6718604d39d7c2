"""Finding the dictionary: from a start, through the noise of the data, to signatures that hold for new samples."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.alternating import AlternatingResult, Phase, nmf_anls
from dnmf.kernels.nnls import exact_exposures

# Samples weighted by 1/sqrt(total) first, so that hypermutated samples cannot claim every component; then alike.
SQUARE_ROOT_ITERATIONS, EQUAL_ITERATIONS = 60, 40

# The search proper, in units of about three standard deviations of the noise: first tell which components each sample
# has (a penalty on exposures, its offset falling from far above them to a small fraction), then let go of it while
# signatures are pushed outwards, then let go of that, too.
SEARCH = (
    Phase(180, exposures=(100.0, 10.0), exposure_offset=(3000.0, 10.0)),
    Phase(160, exposures=(10.0, 0.05), exposure_offset=(10.0, 3.0), signatures=(100.0, 3.0)),
    Phase(100, signatures=(3.0, 0.01)),
)
ITERATIONS = SQUARE_ROOT_ITERATIONS + EQUAL_ITERATIONS + sum(p.iterations for p in SEARCH)

# Rounding to integers has variance 1/12 and was the noise on which the search's numbers were found: unit 1.
UNIT_PER_NOISE = 12**0.5
# The unit must stay small beside the exposures, or the first phase would merge components of noisy data.
EXPOSURES_PER_UNIT = 60

# How steeply the noise's variance may grow with a sample's total, relative to its constant part at a median sample.
SLOPES = (0.0, *(10.0 ** (i / 2) for i in range(-8, 9)))


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """How the variance of a residual depends on the sample's total.

    ``variance per channel = level (1 + slope total / median total)``

    Attributes
    ----------
    level, slope : float
        A slope of 0 means the same noise in all samples (rounding); a large one, noise in proportion to the total
        (counting).
    weights : (n,)
        One over each sample's standard deviation.
    """

    level: float
    slope: float
    weights: Tensor


def estimate_noise(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], W: Float[Tensor, "k f"]
) -> NoiseModel:
    """Estimate how noise grows with the number of mutations, from the residuals of an exact fit.

    The slope on a grid, the level as a median, both by least absolute deviation of the logarithm: samples that the
    dictionary does not explain do not count for more than others.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Counts and their factorisation, exposures unpenalised.

    Returns
    -------
    NoiseModel
        An exact factorisation has no noise to measure: the level is then a rounding error of X.
    """
    f = X.shape[1]
    totals = X.sum(dim=1)
    freedom = (f - (H > 0).sum(dim=1)).clamp(min=1)
    floor = (
        (torch.finfo(X.dtype).eps * X.abs().amax()).square().clamp(min=torch.finfo(X.dtype).tiny)
    )
    occupied = totals > 0
    variance = ((X - H @ W).square().sum(dim=1) / freedom).clamp(min=floor)[occupied]
    relative = totals / totals[occupied].median()
    best = (float("inf"), 0.0, 0.0)
    for slope in SLOPES:
        logarithm = (variance / (1 + slope * relative[occupied])).log()
        level = logarithm.median()
        deviation = (logarithm - level).abs().mean().item()
        if deviation < best[0]:
            best = (deviation, slope, level.exp().item())
    _, slope, level = best
    return NoiseModel(level, slope, (level * (1 + slope * relative)).rsqrt())


def find_dictionary(
    X: Float[Tensor, "n f"],
    W0: Float[Tensor, "k f"],
    *,
    l1_reg: float = 0.0,
    l2_reg: float = 0.0,
    min_volume: float = 0.0,
    search: tuple[Phase, ...] = SEARCH,
    callback: Callable[[int, float], None] | None = None,
) -> AlternatingResult:
    """Find signatures that explain the samples and enclose new ones.

    Alternating exact least squares in four stages: samples weighted by the root of their total; alike; then weighted by
    their estimated noise, through the phases of ``search``. Independent of the unit of X.

    Parameters
    ----------
    X, W0 : (n, f), (k, f)
        Counts and the starting signatures.
    l1_reg, l2_reg : float
        Penalties on the exposures, see :func:`dnmf.kernels.objective.frobenius_cost`.
    min_volume : float
        Penalty on the volume of the signatures, in variances of the noise.
    search : tuple of Phase
        The penalised phases, in units of the noise; empty for a plain fit.
    callback : callable(iteration, cost), optional
        Called after each of the iterations.

    Returns
    -------
    AlternatingResult
        ``cost`` is that of the last, noise-weighted stage.

    Notes
    -----
    Noise-free data are explained equally well by many dictionaries. The search prefers one with few exposures per
    sample, and among those a wide one. On the paper's twelve simulated sets (five folds) it finds 128 of 170 true
    signatures at cosine 0.99, where the same iterations without penalties find 109; held-out cost without the worst 1 %
    of samples is about equal, on four sets higher. Its schedule was chosen on two of the five folds.
    """
    totals = X.sum(dim=1)
    roots = torch.where(totals > 0, totals, torch.ones_like(totals)).rsqrt()
    done = 0

    def count(_: int, cost: float) -> None:
        nonlocal done
        done += 1
        if callback is not None:
            callback(done, cost)

    penalties: dict[str, Any] = {"l1_reg": l1_reg, "l2_reg": l2_reg}
    first = (Phase(SQUARE_ROOT_ITERATIONS),)
    result = nmf_anls(X, W0, phases=first, sample_weights=roots, callback=count, **penalties)
    second = (Phase(EQUAL_ITERATIONS),)
    W = revive(X, result)
    result = nmf_anls(X, W, phases=second, callback=count, **penalties)
    W = revive(X, result)
    H = exact_exposures(X, W)
    noise = estimate_noise(X, H, W)
    exposures = (H * noise.weights[:, None])[H > 0]
    unit = UNIT_PER_NOISE
    if len(exposures):
        unit = min(unit, exposures.median().item() / EXPOSURES_PER_UNIT)
    penalties |= {"sample_weights": noise.weights, "min_volume": min_volume}
    phases = tuple(phase.in_units_of(unit) for phase in search)
    result = nmf_anls(X, W, H0=H, phases=phases, callback=count, **penalties)
    if len(unused_components(result)):
        # Few samples can do without a component while exposures are penalised; they get it back without.
        return nmf_anls(X, revive(X, result), phases=(Phase(EQUAL_ITERATIONS),), **penalties)
    return result


def unused_components(result: AlternatingResult) -> Tensor:
    """Return the indices of the components that no sample uses."""
    unused = (result.H.sum(dim=0) <= 0) | (result.W.sum(dim=1) <= 0)
    return unused.nonzero().flatten()


def revive(X: Tensor, result: AlternatingResult) -> Tensor:
    """Give components that no sample uses the spectra that are explained worst."""
    dead = unused_components(result)
    if not len(dead):
        return result.W
    W = result.W.clone()
    residual = (X - result.H @ result.W).clamp(min=0)
    worst = residual.square().sum(dim=1).argsort(descending=True)[: len(dead)]
    for component, sample in zip(dead.tolist(), worst.tolist(), strict=False):
        total = residual[sample].sum()
        W[component] = residual[sample] / total if total > 0 else X.sum(dim=0) / X.sum()
    return W
