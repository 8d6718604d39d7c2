"""Held-out cost, recovery and time of unsupervised factorisation, protocol `ours`: correct folds, strong baselines.

python benchmarks/unsupervised.py --data DIR [--sets ...] [--folds 0 1 2 3 4]
"""

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from dnmf import DNMF, MultiplicativeNMF, PaperDNMF
from dnmf.kernels import Phase, exact_exposures, initialize_factors, nmf_anls
from paper.datasets import BREAST, SIMULATED, Dataset, folds, load_dataset
from paper.protocol_ours_unsupervised import Fit, alternating, coordinate_descent, kl_updates
from paper.provenance import provenance
from paper.scores import found, sample_costs, summarise
from paper.table import Table
from protocol import parser

SEED = 0


@dataclass(frozen=True)
class Outcome:
    """A fitted dictionary, how long it took, and (for networks) the exposures inferred for the test samples."""

    signatures: np.ndarray
    seconds: float
    seconds_dictionary: float
    network_exposures: np.ndarray | None = None


def dnmf_default(X: np.ndarray, k: int, test: np.ndarray) -> Outcome:
    started = time.process_time()
    dictionary_done = started

    def watch(phase: str, step: int, steps: int, cost: float) -> None:
        nonlocal dictionary_done
        if phase == "dictionary":
            dictionary_done = time.process_time()

    model = DNMF(k, search="signatures", random_state=SEED).fit(X, progress=watch)
    seconds = time.process_time() - started
    return Outcome(
        model.components_,
        seconds,
        dictionary_done - started,
        np.asarray(model.transform(test, exact=False)),
    )


def dnmf_paper(X: np.ndarray, k: int, test: np.ndarray) -> Outcome:
    """The paper's method with its authors' settings: weights from 0.1, last epoch's dictionary in the cost."""
    started = time.process_time()
    model = PaperDNMF(k, dictionary_order="stale").fit(X)
    seconds = time.process_time() - started
    return Outcome(model.components_, seconds, seconds, np.asarray(model.transform(test)))


def classic(fit: Fit) -> "Method":
    """A solver that gives a dictionary; its exposures are computed exactly."""

    def method(X: np.ndarray, k: int, test: np.ndarray) -> Outcome:
        started = time.process_time()
        signatures = fit(X, k, 0.0)
        seconds = time.process_time() - started
        return Outcome(signatures, seconds, seconds)

    return method


def multiplicative_best_of_10(X: np.ndarray, k: int, test: np.ndarray) -> Outcome:
    started = time.process_time()
    models = [
        MultiplicativeNMF(k, max_iter=1000, tol=0, random_state=seed).fit(X) for seed in range(10)
    ]
    best = min(models, key=lambda m: m.history_["cost"][-1])
    seconds = time.process_time() - started
    return Outcome(best.components_, seconds, seconds)


def random_alternating(X: np.ndarray, k: int, test: np.ndarray) -> Outcome:
    """The same from one random start: what the start is worth."""
    started = time.process_time()
    samples = torch.tensor(X)
    _, W = initialize_factors(samples, k, "random", generator=torch.Generator().manual_seed(SEED))
    W = nmf_anls(samples, W, phases=(Phase(540),)).W
    seconds = time.process_time() - started
    return Outcome(W.numpy(), seconds, seconds)


Method = Callable[[np.ndarray, int, np.ndarray], Outcome]
METHODS: dict[str, Method] = {
    "dnmf": dnmf_default,
    "sklearn-cd": classic(coordinate_descent),
    "anls": classic(alternating),
    "paper": dnmf_paper,
    "anls-random": random_alternating,
    "mu-best-of-10": multiplicative_best_of_10,
    "kl-mu": classic(kl_updates),
}
VALUES = (
    "n_components",
    "inference",
    "mean",
    "median",
    "trimmed",
    "found_90",
    "found_95",
    "found_99",
    "same_support",
    "seconds_dictionary",
    "seconds",
)


def exact(X: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    return exact_exposures(torch.tensor(X), torch.tensor(signatures)).numpy()


def run_cell(
    table: Table, data: Dataset, fold: int, rows: tuple, name: str, method: Method
) -> None:
    train, test = data.X[rows[0]], data.X[rows[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = method(train, data.n_components, test)
    optimum = exact(test, outcome.signatures)
    base = {
        "set": data.name,
        "fold": fold,
        "method": name,
        "n_components": data.n_components,
        "seconds": outcome.seconds,
        "seconds_dictionary": outcome.seconds_dictionary,
    }
    if data.signatures is not None:
        base |= found(outcome.signatures, data.signatures)
    inferred = {"exact": optimum}
    if outcome.network_exposures is not None:
        inferred["network"] = outcome.network_exposures
    for inference, exposures in inferred.items():
        least = 1e-7 * test.sum(axis=1, keepdims=True)
        same = float(((exposures > least) == (optimum > least)).all(axis=1).mean())
        costs = summarise(sample_costs(test, exposures, outcome.signatures))
        table.add(base | costs | {"inference": inference, "same_support": same})


def floor_cell(table: Table, data: Dataset, fold: int, rows: tuple) -> None:
    if data.signatures is None:
        return
    test = data.X[rows[1]]
    costs = summarise(sample_costs(test, exact(test, data.signatures), data.signatures))
    row = {"set": data.name, "fold": fold, "method": "true-signatures", "inference": "exact"}
    table.add(row | costs | {"n_components": data.n_components})


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--sets", nargs="*", default=[*SIMULATED, BREAST])
    options.add_argument("--folds", nargs="*", type=int, default=range(5))
    options.add_argument("--methods", nargs="*", default=[*METHODS], choices=METHODS)
    chosen = options.parse_args()
    table = Table(chosen.results / "unsupervised.csv", ("set", "fold", "method"), VALUES)
    (chosen.results / "unsupervised.json").write_text(
        json.dumps(provenance() | {"seed": SEED, "protocol": "ours"}, indent=2) + "\n"
    )
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for name in chosen.sets:
            data = load_dataset(chosen.data, name)
            for fold, rows in enumerate(folds(data.X)):
                if fold not in chosen.folds:
                    continue
                if not table.has(name, fold, "true-signatures"):
                    floor_cell(table, data, fold, rows)
                for method in chosen.methods:
                    if not table.has(name, fold, method):
                        run_cell(table, data, fold, rows, method, METHODS[method])
                        print(f"{name} fold {fold} {method}: done", flush=True)


if __name__ == "__main__":
    main()
