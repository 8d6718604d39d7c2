"""Unrolled NMF, side by side: layers against error, with known dictionaries, with unknown ones, and on speech.

python benchmarks/unrolled.py --data DIR [--part known|blind|speech]

Learning rates and the weights of the layers' losses are chosen on `CHOICE` seeds, the figures are of other seeds.
"""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits
from torch import Tensor

import unrolled_tasks as tasks
from dnmf.kernels import exact_exposures, nmf_anls
from dnmf.unfolding import (
    BLIND_RULES,
    LAYERS,
    BlindRule,
    ExactNNLS,
    Factors,
    LpPALMLayer,
    NALMULayer,
    PALMLayer,
    UnfoldedLayer,
    UnfoldedNMF,
    factor_loss,
)
from dnmf.unfolding.training import take_step
from protocol import parser

DEPTHS, CHOICE_DEPTH = (5, 10, 20), 10
CHOICE, TEST = (100, 101), (0, 1, 2)
STEPS, BATCH = 400, 500
RATES = (1e-4, 1e-3, 1e-2)
# Weights of the layers' losses: the last layer alone, or all, growing as on Cohen's page.
SCHEDULES = ("last", "all")
CLASSIC_DEPTHS = (5, 10, 20, 100, 1000)
# A channel of this size that is 1 for every component: with it least squares nearly makes exposures sum to 1.
SUM_CHANNEL = 1.0

KNOWN_RULES: dict[str, type[UnfoldedLayer]] = {
    "mu": LAYERS["mu"],
    "weighted-mu": LAYERS["weighted-mu"],
    "nalmu": NALMULayer,
    "projected-gradient": LAYERS["projected-gradient"],
    "palm": PALMLayer,
    "lp-palm": LpPALMLayer,
    "admm": LAYERS["admm"],
}
FREE = ("mu", "projected-gradient")  # they hold the dictionary that they were trained for
FIELDS = (
    "part", "task", "seed", "method", "layers", "trained", "rate", "schedule", "error", "dictionary_error",
    "other_error", "train_seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One cell of the table; see the page for what the columns hold."""

    part: str
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


# ── known dictionaries ───────────────────────────────────────────────────────────────────────────────────────────────


def known_tasks(data: Path) -> dict[str, Callable[[int], tasks.Task]]:
    """The tasks by name."""
    return {
        "toy": tasks.toy,
        "unmixing": tasks.unmixing,
        "unmixing, gain varies": partial(tasks.unmixing, gain=0.2),
        "paper's set": partial(tasks.paper_set, data, noisy=False),
        "paper's set, 500 counts": partial(tasks.paper_set, data, noisy=True),
    }


def with_channel(task: tasks.Task) -> tasks.Task:
    """The task with one more channel: 1 in every sample and component."""
    names = ("W", "X", "X_test", "W_other", "X_other")
    found = {name: getattr(task, name) for name in names if getattr(task, name) is not None}
    return replace(
        task,
        **{
            n: torch.cat([v, v.new_full((len(v), 1), SUM_CHANNEL)], dim=1) for n, v in found.items()
        },
    )


def network_of(rule: str, W: Tensor, n_layers: int) -> UnfoldedNMF:
    """A network of the exposures alone: no layer changes the dictionary."""
    exposures = BlindRule(KNOWN_RULES[rule].from_dictionary)
    return UnfoldedNMF.from_dictionary(W, n_layers, rule=exposures)


def judged(network: UnfoldedNMF, task: tasks.Task) -> dict[str, float | None]:
    """Errors of new samples, and of samples of the other dictionary, given to the network without training."""
    with torch.no_grad():
        error = relative(network(task.X_test).H, task.H_test)
        if task.W_other is None:
            return {"error": error}
        before = network.W0
        network.W0 = task.W_other
        other = relative(network(task.X_other).H, task.H_other)
        network.W0 = before
    return {"error": error, "other_error": other}


def trained_network(
    task: tasks.Task, rule: str, n_layers: int, rate: float, schedule: str, seed: int
) -> dict[str, float | None]:
    """Train a network on the pairs of a task and judge it."""
    network = network_of(rule, task.W, n_layers)
    weights = layer_weights(schedule, n_layers)
    generator = torch.Generator().manual_seed(seed)

    def loss_of() -> Tensor:
        rows = torch.randint(len(task.X), (BATCH,), generator=generator)
        true = task.H[rows]
        found = network.iterates(task.X[rows])[1:]
        errors = [
            v * (pair.H - true).square().sum() for v, pair in zip(weights, found, strict=True) if v
        ]
        return torch.stack(errors).sum() / true.square().sum()

    seconds = train(network, loss_of, rate)
    return {**judged(network, task), "train_seconds": seconds}


def trained_exact(task: tasks.Task, rate: float, seed: int) -> dict[str, float | None]:
    """The exact solution as a layer, its dictionary learned; what it learned is bound to its dictionary."""
    layer = ExactNNLS(task.W)
    generator = torch.Generator().manual_seed(seed)

    def loss_of() -> Tensor:
        rows = torch.randint(len(task.X), (BATCH,), generator=generator)
        return (layer(task.X[rows]) - task.H[rows]).square().sum() / task.H[rows].square().sum()

    seconds = train(layer, loss_of, rate)
    with torch.no_grad():
        return {"error": relative(layer(task.X_test), task.H_test), "train_seconds": seconds}


def ridge(task: tasks.Task) -> dict[str, float | None]:
    """Linear regression of exposures on samples, negative ones set to 0."""
    started = time.process_time()
    model = RidgeCV(np.logspace(-6, 2, 9)).fit(task.X.numpy(), task.H.numpy())
    seconds = time.process_time() - started
    found = torch.from_numpy(model.predict(task.X_test.numpy())).clamp(min=0)
    return {"error": relative(found, task.H_test), "train_seconds": seconds}


def fitting(
    function: Callable[..., dict[str, float | None]], *arguments: object
) -> dict[str, float | None]:
    """The result of a training; an infinite error if it diverged."""
    try:
        return function(*arguments)
    except (FloatingPointError, ValueError):  # the exact solver refuses what is not finite
        return {"error": float("inf")}


def best(results: dict[tuple[float, str], list[float]]) -> tuple[float, str]:
    """The settings of lowest mean error; errors that are not finite never win."""
    means = {key: float(np.mean(np.nan_to_num(v, nan=np.inf))) for key, v in results.items()}
    return min(means, key=lambda key: means[key])


def known(data: Path) -> Iterator[Row]:
    """All methods for known dictionaries."""
    for name, draw in known_tasks(data).items():
        methods: list[str] = [*KNOWN_RULES, "exact"]
        variants = ["", " + sum"] if draw(CHOICE[0]).sum_to_one else [""]
        for suffix in variants:
            prepare = with_channel if suffix else (lambda task: task)
            for seed in TEST:
                task = prepare(draw(seed))
                here = partial(Row, "test", name, seed)
                yield here("exact" + suffix, None, False, relative(exact_exposures(task.X_test, task.W), task.H_test),
                           other_error=None if task.W_other is None else
                           relative(exact_exposures(task.X_other, task.W_other), task.H_other))  # fmt: skip
                if not suffix:
                    yield here("ridge", None, True, **ridge(task))
                for rule, depth in product(KNOWN_RULES, CLASSIC_DEPTHS):
                    found = judged(network_of(rule, task.W, depth), task)
                    yield here(rule + suffix, depth, False, **found)
            for method in methods:
                schedules = SCHEDULES if method != "exact" else ("last",)
                tried: dict[tuple[float, str], list[float]] = {}
                for rate, schedule, seed in product(RATES, schedules, CHOICE):
                    task = prepare(draw(seed))
                    if method == "exact":
                        found = fitting(trained_exact, task, rate, seed)
                    else:
                        found = fitting(
                            trained_network, task, method, CHOICE_DEPTH, rate, schedule, seed
                        )
                    tried.setdefault((rate, schedule), []).append(found["error"] or 0.0)
                    depth = None if method == "exact" else CHOICE_DEPTH
                    yield Row("choice", name, seed, method + suffix, depth, True, rate=rate, schedule=schedule, **found)  # fmt: skip
                rate, schedule = best(tried)
                for seed in TEST:
                    task = prepare(draw(seed))
                    for depth in DEPTHS if method != "exact" else (None,):
                        found = (
                            fitting(trained_exact, task, rate, seed)
                            if depth is None
                            else fitting(trained_network, task, method, depth, rate, schedule, seed)
                        )
                        yield Row("test", name, seed, method + suffix, depth, True, rate=rate, schedule=schedule, **found)  # fmt: skip


# ── unknown dictionaries ─────────────────────────────────────────────────────────────────────────────────────────────


def unit_rows(pair: Factors) -> Factors:
    """The same factorisation with a dictionary whose rows sum to 1."""
    mass = pair.W.sum(dim=-1).clamp(min=1e-30)
    return Factors(pair.H * mass[..., None, :], pair.W / mass[..., None])


def matched_errors(found: Factors, true: Factors) -> dict[str, float | None]:
    """Mean relative errors of both factors, scaled alike, components in the order that fits best."""
    found, true = unit_rows(found), unit_rows(true)
    errors = []
    for H, W, H_true, W_true in zip(found.H, found.W, true.H, true.W, strict=True):
        distances = torch.cdist(W_true, W).nan_to_num(nan=1e9).numpy()
        _, order = linear_sum_assignment(distances)
        errors.append((relative(H[:, order], H_true), relative(W[order], W_true)))
    exposures, dictionary = np.mean(errors, axis=0)
    return {"error": float(exposures), "dictionary_error": float(dictionary)}


def blind_network(rule: str, task: tasks.BlindTask, n_layers: int) -> UnfoldedNMF:
    """A network that starts from the mean dictionary."""
    return UnfoldedNMF.from_dictionary(task.W_mean, n_layers, rule=rule)


def trained_blind(
    task: tasks.BlindTask, rule: str, n_layers: int, rate: float, schedule: str
) -> dict[str, float | None]:
    """Train on problems whose factors are known; judge on others, of other dictionaries."""
    network = blind_network(rule, task, n_layers)
    weights = layer_weights(schedule, n_layers)
    true = unit_rows(Factors(task.H, task.W))

    def loss_of() -> Tensor:
        return factor_loss([unit_rows(p) for p in network.iterates(task.X)], *true, weights)

    seconds = train(network, loss_of, rate)
    with torch.no_grad():
        errors = matched_errors(network(task.X_test), Factors(task.H_test, task.W_test))
    return {**errors, "train_seconds": seconds}


def classic_blind(task: tasks.BlindTask) -> Iterator[tuple[str, int | None, Factors]]:
    """What needs no training, all from the mean dictionary."""
    W = task.W_mean.expand(len(task.X_test), -1, -1)
    H = torch.stack([exact_exposures(X, task.W_mean) for X in task.X_test])
    yield "mean dictionary, exact", None, Factors(H, W)
    for depth in (10, 100, 1000):
        found = [nmf_anls(X, task.W_mean, max_iter=depth) for X in task.X_test]
        H, W = (torch.stack([getattr(r, name) for r in found]) for name in "HW")
        yield "alternating least squares", depth, Factors(H, W)
    with torch.no_grad():
        for rule, depth in product(BLIND_METHODS, CLASSIC_DEPTHS):
            yield rule, depth, blind_network(rule, task, depth)(task.X_test)


BLIND_METHODS = ("nalmu", "weighted-mu", "palm", "lp-palm", "admm")


def blind(_: Path) -> Iterator[Row]:
    """All methods for unknown dictionaries."""
    for name in tasks.BLIND:
        for seed in TEST:
            task = tasks.blind(name, seed)
            for method, depth, found in classic_blind(task):
                errors = matched_errors(found, Factors(task.H_test, task.W_test))
                yield Row("test", name, seed, method, depth, False, **errors)
        for rule in BLIND_METHODS:
            tried: dict[tuple[float, str], list[float]] = {}
            for rate, schedule, seed in product(RATES, SCHEDULES, CHOICE):
                task = tasks.blind(name, seed)
                found = fitting(trained_blind, task, rule, CHOICE_DEPTH, rate, schedule)
                total = found["error"] + found.get("dictionary_error", 0.0)
                tried.setdefault((rate, schedule), []).append(total)
                yield Row("choice", name, seed, rule, CHOICE_DEPTH, True, rate=rate, schedule=schedule, **found)  # fmt: skip
            rate, schedule = best(tried)
            for seed, depth in product(TEST, DEPTHS):
                task = tasks.blind(name, seed)
                found = fitting(trained_blind, task, rule, depth, rate, schedule)
                yield Row("test", name, seed, rule, depth, True, rate=rate, schedule=schedule, **found)  # fmt: skip
