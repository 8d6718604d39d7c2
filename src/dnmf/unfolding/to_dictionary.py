"""Training a network towards the exact exposures for its dictionary."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.nnls import exact_exposures
from dnmf.progress import Progress
from dnmf.unfolding.networks import Unfolded
from dnmf.unfolding.training import History, TrainConfig, fit_loop, one_cycle, take_step

# Number of training samples, drawn from the data; most are jittered, so that the network generalises.
POOL_ROWS = 6000
BATCH_ROWS = 256
EXPOSURE_LOG_SD = 0.5  # standard deviation of the logarithm
JITTERED_SHARE = 0.7
NOISE_DECADES = (-5.0, -1.0)  # relative size of the added noise
# e0: an excess over a sample's exact cost is negligible below this share of that cost plus this many roundings.
NEGLIGIBLE_EXCESS = 1e-3
COST_ROUNDINGS = 10
# Training ends at a mean log(1 + e / e0) of at most this: nearly all samples are then as good as exact, and more steps
# only fit the few others, which makes new samples worse.
NEGLIGIBLE_LOG_EXCESS = math.log(1.2)
STEPS_PER_EVALUATION = 25


def train_to_dictionary(
    network: Unfolded,
    X: Float[Tensor, "n f"],
    *,
    n_steps: int = 300,
    learning_rate: float | None = None,
    generator: torch.Generator | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a network towards the exact exposures for its own dictionary, on samples and jittered copies.

    Loss: the mean over samples of ``log(1 + e / e0)``, with e the excess of the cost over its minimum and e0 a
    thousandth of that minimum (and ten roundings of a cost of the sample's size). The logarithm weighs all samples
    alike, whatever their totals. For least squares
    ``e = s^2 (1/2 (h - h*) G (h - h*)^T + max(h* G - c, 0) h^T)``, h* by exact NNLS, s the sample's total; for the
    Kullback-Leibler cost its difference to that of the exact solution.

    Parameters
    ----------
    network : Unfolded
        Built from the dictionary; trained in place. The best weights on the samples themselves are kept, the untrained
        ones included: training never makes it worse. Where it is as good as exact already, it stays as it is.
    X : (n, f)
        Counts.
    n_steps : int
        Steps of Adam on batches of 256, learning rate on a one-cycle schedule.
    learning_rate : float, optional
        The schedule's peak; default that of the rule.
    generator : torch.Generator, optional
        Jitter and batches.
    progress : callable(phase, step, steps, excess), optional
        Called after every step, phase ``"network"``, with the geometric mean of the batch's ``1 + e / e0``.

    Returns
    -------
    History
        ``cost``: geometric mean of ``1 + e / e0`` on every batch; ``validation``: the same on the samples themselves,
        before training and after every 25 steps.

    Raises
    ------
    TypeError
        If samples and network are not of one precision, float32 or float64.
    ValueError
        If the samples are not (n, f), finite and >= 0, or all of them are empty.

    Notes
    -----
    The exact excess of least squares follows from complementarity: at h* the gradient times h* is zero.
    """
    _check_samples(X, network)
    occupied = X[X.sum(dim=1) > 0]
    samples = occupied[:POOL_ROWS]
    exact, floors = _exact_solutions(network, samples)

    def validate() -> float:
        with torch.no_grad():
            return _loss(network, samples, exact, floors).item()

    untrained = validate()
    if untrained <= NEGLIGIBLE_LOG_EXCESS or n_steps == 0:
        return History(validation=[math.exp(untrained)])
    pool = _jittered_pool(occupied, network.signatures, generator)
    pool_exact, pool_floors = _exact_solutions(network, pool)
    peak = network.rule.learning_rate if learning_rate is None else learning_rate
    optimiser = torch.optim.Adam(network.parameters(), lr=peak, betas=(0.9, 0.99))
    schedule = one_cycle(optimiser, peak, n_steps)

    def step() -> float:
        rows = torch.randint(len(pool), (BATCH_ROWS,), generator=generator)
        loss = _loss(network, pool[rows], pool_exact[rows], pool_floors[rows])
        return math.exp(take_step(network, loss, optimiser, schedule))

    history = fit_loop(
        network,
        step,
        TrainConfig(n_steps, peak),
        validate=validate,
        validate_every=STEPS_PER_EVALUATION,
        untrained=untrained,
        good_enough=NEGLIGIBLE_LOG_EXCESS,
        phase="network",
        progress=progress,
    )
    history.validation = [math.exp(loss) for loss in (untrained, *history.validation)]
    return history


def _check_samples(X: Tensor, network: Unfolded) -> None:
    dtype = network.signatures.dtype
    if X.dtype != dtype or dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"the samples are {X.dtype}, the network's weights {dtype}: training needs both in torch.float64, or both "
            "in torch.float32. Convert with .to(dtype)."
        )
    if X.ndim != 2 or X.shape[1] != network.n_features:
        raise ValueError(f"expected samples (n, {network.n_features}), got {tuple(X.shape)}")
    wrong = ~(X.isfinite() & (X >= 0))
    if bool(wrong.any()):
        row, column = (int(i) for i in wrong.nonzero()[0])
        raise ValueError(
            f"samples must be finite and >= 0: row {row}, column {column} is {X[row, column].item()}"
        )
    if not bool((X > 0).any()):
        raise ValueError("there is no sample with anything in it to train on")


def _loss(
    network: Unfolded,
    X: Float[Tensor, "n f"],
    exact: Float[Tensor, "n k"],
    floors: Float[Tensor, " n"],
) -> Tensor:
    problem = network.problem(X)
    objective = network.rule.objective(problem.l1_reg, problem.l2_reg)
    totals = X.sum(dim=1)
    state = network(X) / (totals[:, None] * network.shares)
    excess = objective.excess(problem.X, state, problem.dictionary, exact=exact)
    return (totals**objective.degree * excess / floors).log1p().mean()


def _exact_solutions(
    network: Unfolded, X: Float[Tensor, "n f"]
) -> tuple[Float[Tensor, "n k"], Float[Tensor, " n"]]:
    """Return the exact states, and for each the excess e0 that is negligible, in the unit of the cost."""
    problem = network.problem(X)
    objective = network.rule.objective(problem.l1_reg, problem.l2_reg)
    exact = objective.exposures(problem.X, problem.dictionary)
    lowest = objective.minimum(problem.X, exact, problem.dictionary).clamp(min=0)
    floors = NEGLIGIBLE_EXCESS * lowest + COST_ROUNDINGS * torch.finfo(X.dtype).eps
    return exact, X.sum(dim=1) ** objective.degree * floors


def _jittered_pool(
    X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], generator: torch.Generator | None
) -> Float[Tensor, "m f"]:
    """Draw samples like the given ones: other exposures, the same residuals, noise of any size."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=X.dtype).to(X.device)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=X.dtype).to(X.device)

    rows = torch.randint(len(X), (POOL_ROWS,), generator=generator).to(X.device)
    totals = X.sum(dim=1, keepdim=True)
    spectra = X / totals
    exposures = exact_exposures(spectra, W)
    residuals = (spectra - exposures @ W)[rows]
    k, f = W.shape
    jitter = (EXPOSURE_LOG_SD * normal(POOL_ROWS, k)).exp()
    jitter = torch.where(uniform(POOL_ROWS, 1) < JITTERED_SHARE, jitter, torch.ones_like(jitter))
    low, high = NOISE_DECADES
    size = 10 ** (low + (high - low) * uniform(POOL_ROWS, 1)) / f
    noise = torch.where(uniform(POOL_ROWS, 1) < JITTERED_SHARE, size, torch.zeros_like(size))
    drawn = (exposures[rows] * jitter) @ W + residuals + noise * normal(POOL_ROWS, f)
    drawn = drawn.clamp(min=0)
    sums = drawn.sum(dim=1, keepdim=True)
    drawn = torch.where(sums > 0, drawn / sums.clamp(min=1e-30), spectra[rows])
    return drawn * totals[rows]
