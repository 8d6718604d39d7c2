"""Unrolled networks for a known dictionary, beside exact least squares and ridge regression."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from torch import Tensor

import unrolled_tasks as tasks
from dnmf.kernels import exact_exposures
from dnmf.unfolding import (
    BlindRule,
    ExactNNLS,
    UnfoldedNMF,
)
from unrolled_protocol import (
    BATCH,
    CHOICE,
    CLASSIC_DEPTHS,
    KNOWN_RULES,
    SCHEDULES,
    SUM,
    SUM_CHANNEL,
    TEST,
    Result,
    Row,
    depths_of,
    layer_weights,
    relative,
    train,
    tuned,
)


def known_tasks(data: Path) -> dict[str, Callable[[int], tasks.Task]]:
    """The tasks by name."""
    return {
        "toy": tasks.toy,
        "unmixing": tasks.unmixing,
        "unmixing, gain varies": partial(tasks.unmixing, gain=0.2),
        "paper's set": partial(tasks.paper_set, data),
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


def as_it_is(task: tasks.Task) -> tasks.Task:
    """The task."""
    return task


def network_of(rule: str, W: Tensor, n_layers: int) -> UnfoldedNMF:
    """A network of the exposures alone: no layer changes the dictionary."""
    exposures = BlindRule(KNOWN_RULES[rule].from_dictionary)
    return UnfoldedNMF.from_dictionary(W, n_layers, rule=exposures)


def judged(network: UnfoldedNMF, task: tasks.Task) -> Result:
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
) -> Result:
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


def trained_exact(task: tasks.Task, rate: float, seed: int) -> Result:
    """The exact solution as a layer, its dictionary learned; what it learned is bound to its dictionary."""
    layer = ExactNNLS(task.W)
    generator = torch.Generator().manual_seed(seed)

    def loss_of() -> Tensor:
        rows = torch.randint(len(task.X), (BATCH,), generator=generator)
        return (layer(task.X[rows]) - task.H[rows]).square().sum() / task.H[rows].square().sum()

    seconds = train(layer, loss_of, rate)
    with torch.no_grad():
        return {"error": relative(layer(task.X_test), task.H_test), "train_seconds": seconds}


def exact(task: tasks.Task) -> Result:
    """Non-negative least squares, as the solver gives it."""
    result: Result = {"error": relative(exact_exposures(task.X_test, task.W), task.H_test)}
    if task.W_other is not None:
        found = exact_exposures(task.X_other, task.W_other)
        result["other_error"] = relative(found, task.H_other)
    return result


def ridge(task: tasks.Task) -> Result:
    """Linear regression of exposures on samples, negative ones set to 0."""
    started = time.process_time()
    model = RidgeCV(np.logspace(-6, 2, 9)).fit(task.X.numpy(), task.H.numpy())
    seconds = time.process_time() - started
    found = torch.from_numpy(model.predict(task.X_test.numpy())).clamp(min=0)
    return {"error": relative(found, task.H_test), "train_seconds": seconds}


def known(data: Path) -> Iterator[Row]:
    """All methods for known dictionaries."""
    for name, draw in known_tasks(data).items():
        for suffix in ("", SUM) if draw(CHOICE[0]).sum_to_one else ("",):
            prepare = with_channel if suffix else as_it_is
            for seed in TEST["known"]:
                task = prepare(draw(seed))
                here = partial(Row, "known", "test", name, seed)
                yield here("exact" + suffix, None, False, **exact(task))
                if not suffix:
                    yield here("ridge", None, True, **ridge(task))
                for rule, depth in product(KNOWN_RULES, CLASSIC_DEPTHS):
                    found = judged(network_of(rule, task.W, depth), task)
                    yield here(rule + suffix, depth, False, **found)
            for rule in KNOWN_RULES:
                yield from tuned(
                    ("known", name, rule + suffix),
                    lambda seed, depth, rate, schedule, rule=rule, prepare=prepare, draw=draw: (
                        trained_network(prepare(draw(seed)), rule, depth, rate, schedule, seed)
                    ),
                    depths=depths_of(name),
                )
            yield from tuned(
                ("known", name, "exact" + suffix),
                lambda seed, depth, rate, schedule, prepare=prepare, draw=draw: trained_exact(
                    prepare(draw(seed)), rate, seed
                ),
                depths=(None,),
                schedules=SCHEDULES[:1],
            )
