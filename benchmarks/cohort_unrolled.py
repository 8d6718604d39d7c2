"""The inner steps of blind extraction as layers of a network with learned parameters, beside the steps as they are.

    python benchmarks/cohort_unrolled.py DATA [--seeds 2] [--steps 360]

A layer is a round of ``dnmf.kernels.gamma_poisson.improve`` with learned concentrations, and has the parameters of
``cohort_layers.PLAIN``. They are trained on cohorts of invented signatures, for the accuracy of the final signatures or
for the evidence, and tested on other invented cohorts and on those of ``cohort_protocol.py`` for choices, which have
the signatures of COSMIC. Writes cohort_unrolled.csv, prints the parameters and the table.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from cohort_layers import FINISH, LAYERS, PLAIN, Unrolled, by_network, evidence_of, tensors
from cohort_protocol import CHOICE, FREQUENT, MATCH, Array, draw_cohort, matches
from dnmf.kernels import successive_projection
from dnmf.kernels.free_signatures import improve_free, with_learned_concentrations
from dnmf.kernels.gamma_poisson import CHANNEL_COUNT, GammaPoisson, improve, start
from dnmf.search.cohort import capped
from dnmf.search.gamma_poisson_search import (
    FIRST_SHAPE,
    POLISHING_ROUNDS,
    SEARCH_ROUNDS,
    START_EVEN_PART,
)
from dnmf.threads import one_thread
from refit_protocol import RESULTS, write_rows

Steps = Callable[[Array, GammaPoisson], GammaPoisson]

STARTS = 5
# Groups of training cohorts, cohorts of each (of as many tumours and signatures), invented cohorts of the test.
GROUPS, GROUP, INVENTED_TESTS = 60, 6, 24
# Invented signatures of a cohort that are rather even and in most tumours.
COMMON = 3
LEARNING_RATE = 0.015
# Cosine over which the count of found signatures rises from 0.27 to 0.73 in the training.
SOFTNESS = 0.02
# Nats up to which a lack of evidence counts in proportion in the training, beyond as its logarithm.
NATS = 20.0


@dataclass(frozen=True)
class Problem:
    """Counts (n, f) capped as in a search, true signatures of three or more tumours (k, f), and of any (., f)."""

    name: str
    counts: Array
    truth: Array
    present: Array


def invented_cohort(rng: np.random.Generator, n: int, k: int) -> Problem:
    """Return a cohort with k signatures in three or more tumours, and about two in one or two.

    A signature is shares of six substitutions times preferences of both neighbours, roughened; concentrations are
    log-uniform from 0.05 to 10, from a few channels to all. The first ``COMMON`` are rather even, in most tumours and
    explain more. A third of the others have the tumours of another one, and half of the logarithm of its amount.
    """
    count = k + int(rng.poisson(2))
    common = np.arange(count) < COMMON
    W = np.empty((count, 6, 4, 4))
    for j, c in enumerate(np.exp(rng.uniform(np.log(np.where(common, 1.0, 0.05)), np.log(10.0)))):
        kinds, left, right = rng.dirichlet(np.full(6, c)), *rng.dirichlet(np.full(4, 2 * c), 2)
        neighbours = 0.7 * left[:, None] * right + 0.3 / 16
        W[j] = kinds[:, None, None] * neighbours * rng.gamma(1 + c, 1.0, (6, 4, 4)) + 1e-12
    W = W.reshape(count, 96) / W.sum(axis=(1, 2, 3))[:, None]
    share = np.where(common, rng.uniform(0.5, 1.0, count), rng.beta(0.6, 2.0, count))
    share[k:] = 0.0
    has = rng.random((n, count)) < share
    logs = rng.normal(rng.normal(common, 1.0), 0.8, (n, count))
    for j in range(count):
        if COMMON <= j < k and rng.random() < 1 / 3:
            other = int(rng.integers(j))
            has[:, j] = has[:, other] & (rng.random(n) < 0.9)
            logs[:, j] = 0.5 * logs[:, j] + 0.5 * logs[:, other]
        has[rng.permutation(n)[: FREQUENT if j < k else rng.integers(1, FREQUENT)], j] = True
    H = has * np.exp(logs)
    H[H.sum(axis=1) == 0, 0] = 1.0
    burden = rng.lognormal(np.log(rng.uniform(1_500, 15_000)), 0.8, n)
    H *= (burden / H.sum(axis=1))[:, None]
    return Problem("invented", capped(rng.poisson(H @ W).astype(np.float64)), W[:k], W)


def first_state(counts: Array, k: int, seed: int) -> GammaPoisson:
    """Return the start of a restart: extreme samples (successive projection) of a random half."""
    rows = np.random.default_rng(seed).permutation(len(counts))[: len(counts) // 2]
    return state_of(counts, successive_projection(torch.from_numpy(counts[rows]), k).numpy())


def state_of(counts: Array, W: Array) -> GammaPoisson:
    """Return the state in which a search starts from signatures."""
    smooth = (1 - START_EVEN_PART) * W + START_EVEN_PART / W.shape[1]
    return start(counts, np.full(W.shape, CHANNEL_COUNT), smooth, shape=FIRST_SHAPE)


def lack_of_cosine(found: Tensor, truth: Tensor) -> Tensor:
    """Return 1 - cosine, and the soft share that is not found, summed; means over matched signatures."""
    cosines = nn.functional.normalize(truth, dim=2) @ nn.functional.normalize(found, dim=2).mT
    best = []
    for one in cosines:
        partners = one[linear_sum_assignment(-one.detach().numpy())]
        best.append((partners + ((partners - MATCH) / SOFTNESS).sigmoid()).mean())
    return 2 - torch.stack(best).mean()


def trained(aim: str, steps: int, *, tied: bool = False) -> Unrolled:
    """Return a trained network, its parameters the means over the second half of the steps.

    ``aim``: "cosine" or "evidence", compared with what as many rounds reach from the true signatures. A cohort has
    another start every time.
    """
    rng, network = np.random.default_rng(0), Unrolled(tied=tied)
    groups, losses, kept = [], [], []
    for _ in range(GROUPS):
        n, k = int(rng.integers(40, 101)), int(rng.integers(4, 14))
        cohorts = [invented_cohort(rng, n, k) for _ in range(GROUP)]
        ends = [improve_free(c.counts, state_of(c.counts, c.truth), rounds=LAYERS) for c in cohorts]
        groups.append((cohorts, torch.tensor([end.evidence for end in ends])))
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / steps)
        cohorts, reached = groups[step % GROUPS]
        X = torch.from_numpy(np.stack([c.counts for c in cohorts]))
        truth = torch.from_numpy(np.stack([c.truth for c in cohorts]))
        seeds = range(step * GROUP, (step + 1) * GROUP)
        starts = [
            first_state(c.counts, truth.shape[1], seed)
            for c, seed in zip(cohorts, seeds, strict=True)
        ]
        state = network(X, tensors(starts))
        if aim == "cosine":
            loss = lack_of_cosine(state[1] - state[3][..., None], truth)
        else:
            loss = torch.asinh((reached - evidence_of(X, *state)) / NATS).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
        if step >= steps // 2:
            kept.append(network.moves.detach().clone())
        if (step + 1) % GROUPS == 0:
            print(f"{aim}: {np.mean(losses[-GROUPS:]):.4f} after {step + 1} steps", flush=True)
    network.moves.data = torch.stack(kept).mean(dim=0)
    return network


def ways_of(networks: dict[str, Unrolled]) -> dict[str, Steps]:
    """Return the ways to go on from a start, by name and rounds, without the ``FINISH`` that all end with."""

    def over_relaxed(counts: Array, state: GammaPoisson) -> GammaPoisson:
        state = with_learned_concentrations(improve(counts, state, rounds=LAYERS))
        return improve(counts, state, rounds=FINISH)

    def then_package(counts: Array, state: GammaPoisson, way: Steps) -> GammaPoisson:
        return improve_free(counts, way(counts, state), rounds=SEARCH_ROUNDS - LAYERS)

    ways: dict[str, Steps] = {f"over-relaxed {LAYERS}": over_relaxed}
    for rounds in (LAYERS, 2 * LAYERS, 3 * LAYERS, SEARCH_ROUNDS, SEARCH_ROUNDS + POLISHING_ROUNDS):
        ways[f"package {rounds}"] = partial(improve_free, rounds=rounds)
    for name, network in networks.items():
        way = partial(by_network, network=network)
        ways[f"{name} {LAYERS}"] = way
        ways[f"{name} {LAYERS}, package {SEARCH_ROUNDS - LAYERS}"] = partial(then_package, way=way)
    return ways


def measured(problem: Problem, ways: dict[str, Steps], seed: int) -> list[dict[str, Any]]:
    """Return a row for each way: means over single starts, and, as "best", the start of most evidence.

    Lack: nats below the most evidence that any way has found. Seconds: of the processor, for one start.
    """
    numbers = range(10**6 + STARTS * seed, 10**6 + STARTS * (seed + 1))
    states = [first_state(problem.counts, len(problem.truth), number) for number in numbers]
    part, rows = "invented" if problem.name == "invented" else "choice", []
    for method, way in ways.items():
        began = time.process_time()
        ends = [way(problem.counts, state) for state in states]
        seconds = (time.process_time() - began) / STARTS
        scores = pd.DataFrame([scores_of(problem, end) for end in ends])
        best = scores.loc[scores["lack"].idxmin()]
        row = {"part": part, "cohort": problem.name, "seed": seed, "method": method}
        row |= {"true": len(problem.truth)} | scores.mean().to_dict()
        rows.append(row | best.add_prefix("best_").to_dict() | {"seconds": seconds})
    table = pd.DataFrame(rows)
    table[["lack", "best_lack"]] -= table["best_lack"].min()
    return table.to_dict("records")


def scores_of(problem: Problem, state: GammaPoisson) -> dict[str, float]:
    """Return TPR, PPV, the mean cosine of true signatures to their partners, and the lack of evidence in nats."""
    found = state.profiles
    return {
        "tpr": float((matches(found, problem.truth, MATCH) > 0).mean()),
        "ppv": float((matches(found, problem.present, MATCH) > 0).sum() / len(found)),
        "cosine": float(matches(found, problem.truth, 0.0).mean()),
        "lack": -state.evidence,
    }


def problems_of(data: Path, seeds: int) -> Iterator[tuple[int, Problem]]:
    """Yield invented cohorts that no network was trained on, then draws of the cohorts for choices."""
    rng = np.random.default_rng(1)
    for number in range(INVENTED_TESTS):
        yield number, invented_cohort(rng, int(rng.integers(40, 171)), int(rng.integers(6, 14)))
    for name in CHOICE:
        for seed in range(seeds):
            c = draw_cohort(data, name, seed=seed)
            yield (
                seed,
                Problem(name, capped(c.counts), c.profiles[c.frequent], c.profiles[c.present]),
            )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the input data")
    parser.add_argument("--seeds", type=int, default=2, help="draws of counts")
    parser.add_argument("--steps", type=int, default=360, help="of training, each network")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    with one_thread():
        networks = {
            "learned for cosine": trained("cosine", chosen.steps),
            "learned for evidence": trained("evidence", chosen.steps),
            "one layer for cosine": trained("cosine", chosen.steps, tied=True),
        }
        for network in networks.values():
            print(
                pd.DataFrame(network.values().detach().numpy(), columns=list(PLAIN))
                .round(2)
                .to_string()
            )
        ways, rows = ways_of(networks), []
        for seed, problem in problems_of(chosen.data, chosen.seeds):
            rows += measured(problem, ways, seed)
    write_rows(chosen.out / "cohort_unrolled.csv", rows, ("part", "cohort", "seed", "method"))
    by = (
        pd.DataFrame(rows)
        .drop(columns=["cohort", "seed", "true"])
        .groupby(["part", "method"], sort=False)
    )
    print(by.mean().round(3).to_string())


if __name__ == "__main__":
    main()
