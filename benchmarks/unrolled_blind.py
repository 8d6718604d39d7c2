"""Unrolled factorisations, whose dictionary is unknown, beside alternating least squares."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

import unrolled_tasks as tasks
from dnmf.kernels import exact_exposures, nmf_anls
from dnmf.kernels.alternating import Phase
from dnmf.unfolding import (
    Factors,
    UnfoldedNMF,
    factor_loss,
)
from unrolled_protocol import (
    BLIND_METHODS,
    CLASSIC_DEPTHS,
    TEST,
    Result,
    Row,
    depths_of,
    layer_weights,
    relative,
    train,
    tuned,
)


def unit_rows(pair: Factors) -> Factors:
    """The same factorisation with a dictionary whose rows sum to 1."""
    mass = pair.W.sum(dim=-1).clamp(min=1e-30)
    return Factors(pair.H * mass[..., None, :], pair.W / mass[..., None])


def matched_errors(found: Factors, true: Factors) -> Result:
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
) -> Result:
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
    for depth in (10, 100):
        found = [nmf_anls(X, task.W_mean, phases=[Phase(depth)]) for X in task.X_test]
        H, W = (torch.stack([getattr(r, name) for r in found]) for name in "HW")
        yield "alternating least squares", depth, Factors(H, W)
    with torch.no_grad():
        for rule, depth in product(BLIND_METHODS, CLASSIC_DEPTHS):
            yield rule, depth, blind_network(rule, task, depth)(task.X_test)


def blind(_: Path) -> Iterator[Row]:
    """All methods for unknown dictionaries."""
    for name in tasks.BLIND:
        for seed in TEST["blind"]:
            task = tasks.blind(name, seed)
            for method, depth, found in classic_blind(task):
                errors = matched_errors(found, Factors(task.H_test, task.W_test))
                yield Row("blind", "test", name, seed, method, depth, False, **errors)
        for rule in BLIND_METHODS:
            yield from tuned(
                ("blind", name, rule),
                lambda seed, depth, rate, schedule, rule=rule, name=name: trained_blind(
                    tasks.blind(name, seed), rule, depth, rate, schedule
                ),
                depths=depths_of(name),
            )
