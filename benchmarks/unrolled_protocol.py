"""What the parts of `unrolled.py` share: settings, rows, training, and how settings are chosen."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from dnmf.unfolding import (
    LAYERS,
    NALMULayer,
    PALMLayer,
    UnfoldedLayer,
)
from dnmf.unfolding.training import take_step

DEPTHS, CHOICE_DEPTH = (5, 10, 20), 10
CHOICE = (100,)
# Nothing was chosen on these.
TEST = {"known": (3, 4, 5), "blind": (0, 1), "speech": (0, 1)}
STEPS, BATCH = 300, 200
RATES = {
    "known": (1e-4, 1e-3, 1e-2, 1e-1),
    "blind": (1e-4, 1e-3, 1e-2),
    "speech": (1e-4, 1e-3, 1e-2),
}
# Weights of the layers' losses: the last layer alone, or all, growing as on Cohen's page.
SCHEDULES = ("last", "all")
CLASSIC_DEPTHS = (5, 10, 20, 100)
# A channel of this size that is 1 for every component: with it least squares nearly makes exposures sum to 1.
SUM_CHANNEL = 1.0

KNOWN_RULES: dict[str, type[UnfoldedLayer]] = {
    "mu": LAYERS["mu"],
    "nalmu": NALMULayer,
    "projected-gradient": LAYERS["projected-gradient"],
    "palm": PALMLayer,
    "admm": LAYERS["admm"],
}
SUM = " + sum"
BLIND_METHODS = ("nalmu", "weighted-mu", "palm", "lp-palm", "admm")
SPEECH_RULES = ("deep-nmf", "nalmu", "mu", "palm", "admm")
# Of voice and noise.
ATOMS = (24, 16)


Result = dict[str, float | None]


@dataclass(frozen=True)
class Row:
    """One cell of the table; see the page for what the columns hold."""

    part: str
    seeds: str
    task: str
    seed: int
    method: str
    layers: int | None
    trained: bool
    error: float
    rate: float | None = None
    schedule: str = ""
    dictionary_error: float | None = None
    other_error: float | None = None
    train_seconds: float = 0.0


def relative(found: Tensor, true: Tensor) -> float:
    """The error in the unit of the truth."""
    return ((found - true).norm() / true.norm()).item()


def depths_of(task: str) -> tuple[int, ...]:
    """The depths of trained networks: several where the page shows error against layers."""
    return DEPTHS if "toy" in task else (CHOICE_DEPTH,)


def layer_weights(schedule: str, n_layers: int) -> list[float]:
    """Weights of the layers' losses, the last one 1."""
    if schedule == "last":
        return [0.0] * (n_layers - 1) + [1.0]
    return torch.logspace(-7, 0, n_layers).tolist()


def train(network: torch.nn.Module, loss_of: Callable[[], Tensor], rate: float) -> float:
    """Adam with a constant rate; return the seconds of processor time."""
    started = time.process_time()
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(STEPS):
        take_step(network, loss_of(), optimiser)
    return time.process_time() - started


def tuned(
    names: tuple[str, str, str],
    run: Callable[[int, int | None, float, str], Result],
    *,
    depths: tuple[int | None, ...] = DEPTHS,
    schedules: tuple[str, ...] = SCHEDULES,
) -> Iterator[Row]:
    """Choose rate and schedule at one depth, on the seeds for it; then yield the results of the others."""
    part, task, method = names
    choice_depth = CHOICE_DEPTH if CHOICE_DEPTH in depths else None

    def row(seeds: str, seed: int, depth: int | None, rate: float, schedule: str) -> Row:
        try:
            result = run(seed, depth, rate, schedule)
        except (FloatingPointError, ValueError):  # diverged: the solvers refuse what is not finite
            result = {"error": float("inf")}
        return Row(
            part, seeds, task, seed, method, depth, True, rate=rate, schedule=schedule, **result
        )

    def tried(rate: float, schedule: str) -> tuple[float, list[Row]]:
        found = [row("choice", seed, choice_depth, rate, schedule) for seed in CHOICE]
        total = np.mean([r.error + (r.dictionary_error or 0) for r in found])
        return float(np.nan_to_num(total, nan=np.inf)), found

    # The rate first, with the loss of the last layer alone; then the other schedules at this rate.
    lowest, chosen = np.inf, (RATES[part][0], schedules[0])
    for rate in RATES[part]:
        total, found = tried(rate, schedules[0])
        yield from found
        lowest, chosen = min((lowest, chosen), (total, (rate, schedules[0])))
    for schedule in schedules[1:]:
        total, found = tried(chosen[0], schedule)
        yield from found
        lowest, chosen = min((lowest, chosen), (total, (chosen[0], schedule)))
    for seed, depth in product(TEST[part], depths):
        yield row("test", seed, depth, *chosen)
