"""Error, time and memory of factorisations of general data beside scikit-learn and torchnmf, in one run.

python benchmarks/factorisation.py [--part sets|large|dictionary|choice] [--sets digits ...] [--repeats 3]

One thread; times are processor seconds, medians over repeats in which the tools take turns. Peak memory and the large
texts: each tool in a process of its own.
"""

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.optimize
import scipy.sparse
import torch
from sklearn.decomposition import non_negative_factorization
from sklearn.decomposition._nmf import _beta_divergence
from threadpoolctl import threadpool_limits

from dnmf import DNMF
from dnmf.kernels import exposure_moments, kl_gap, nnls_kkt_residual
from factorisation_methods import (
    KULLBACK_LEIBLER,
    LEAST_SQUARES,
    METHODS,
    MINIBATCH_CHOICES,
    MOST_ITERATIONS,
    OURS,
    PEER,
    TIGHT,
    Fitted,
    minibatch,
    of_estimator,
)
from general_data import CHOICE_SEED, LARGE, REPORTED_SEED, SETS, Data, Set, alike_spectra, load
from paper.provenance import provenance
from protocol import RESULTS

# Counts, and data that are read as such: the others hold measurements with equal noise.
LIKELIHOOD_SETS = ("digits", "land", "text", "cells")
ROWS_AT_ONCE = 2_000
ONCE = ("torchnmf",)  # minutes
Row = dict[str, object]


def error(X: Data, H: np.ndarray, W: np.ndarray, objective: str) -> float:
    """Return ``||X - H W|| / ||X||``, or scikit-learn's Kullback-Leibler divergence, in nats an entry."""
    if objective == LEAST_SQUARES:
        squares = X.multiply(X).sum() if scipy.sparse.issparse(X) else np.square(X).sum()
        return float(np.sqrt(2 * _beta_divergence(X, H, W, 2) / squares))
    return float(_beta_divergence(X, H, W, 1) / np.prod(X.shape))


def certificate(X: Data, H: np.ndarray, W: np.ndarray, objective: str) -> float:
    """Return the largest over samples: relative KKT residual, or nats of likelihood still to be gained."""
    worst = 0.0
    dictionary = torch.from_numpy(np.ascontiguousarray(W, dtype=float))
    for start in range(0, X.shape[0], ROWS_AT_ONCE):
        rows = X[start : start + ROWS_AT_ONCE]
        dense = torch.from_numpy(rows.toarray() if scipy.sparse.issparse(rows) else rows)
        found = torch.from_numpy(np.ascontiguousarray(H[start : start + ROWS_AT_ONCE], dtype=float))
        if objective == LEAST_SQUARES:
            gaps = nnls_kkt_residual(*exposure_moments(dense, dictionary), found)
        else:
            gaps = kl_gap(dense, found, dictionary)
        worst = max(worst, gaps.max().item())
    return worst


def timed_fit(objective: str, method: str, train: Data, k: int) -> tuple[Fitted, float]:
    started = time.process_time()
    fitted = METHODS[objective][method](train, k)
    return fitted, time.process_time() - started


def timed_transform(fitted: Fitted, test: Data) -> tuple[np.ndarray, float]:
    started = time.process_time()
    H = np.asarray(fitted.transform(test))
    return H, time.process_time() - started


def scores(fitted: Fitted, H: np.ndarray, test: Data, objective: str) -> Row:
    return {
        "error": error(test, H, fitted.components, objective),
        "certificate": certificate(test, H, fitted.components, objective),
        "n_iter": fitted.n_iter,
    }


def compare(objective: str, name: str, methods: list[str], repeats: int) -> Iterator[Row]:
    """Fit one set with every tool, in turns, and score each by its own transform of the rows held out."""
    data = load(name)
    times: dict[str, list[tuple[float, float]]] = {method: [] for method in methods}
    found: dict[str, Row] = {}
    for turn in range(repeats):
        for method in methods:
            if turn and method in ONCE:
                continue
            fitted, fit_seconds = timed_fit(objective, method, data.train, data.k)
            H, transform_seconds = timed_transform(fitted, data.test)
            times[method].append((fit_seconds, transform_seconds))
            if method not in found:
                found[method] = scores(fitted, H, data.test, objective)
    for method in methods:
        fit_seconds, transform_seconds = np.median(times[method], axis=0)
        yield {
            "objective": objective,
            "set": name,
            "method": method,
            **found[method],
            "fit_seconds": fit_seconds,
            "transform_seconds": transform_seconds,
        }


def alone(folder: str, objective: str, name: str, method: str) -> Row:
    """Fit and transform a kept set with one tool, and return the peak memory of this process, too."""
    train, test = (
        scipy.sparse.load_npz(Path(folder) / f"{part}.npz") for part in ("train", "test")
    )
    data = Set(train, test, LARGE[name][1])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fitted, fit_seconds = timed_fit(objective, method, data.train, data.k)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    H, transform_seconds = timed_transform(fitted, data.test)
    return {
        "objective": objective,
        "set": name,
        "method": method,
        **scores(fitted, H, data.test, objective),
        "fit_seconds": fit_seconds,
        "transform_seconds": transform_seconds,
        "memory_mb": peak / 1024,
        "memory_before_mb": before / 1024,
    }


def in_fresh_processes(name: str, repeats: int, quick: bool) -> Iterator[Row]:
    """Run the tools that take sparse data, each in processes of its own, in turns."""
    jobs = [
        (objective, method)
        for objective in METHODS
        for method in METHODS[objective]
        # torchnmf is given dense data: 7.7 GB here.
        if (method in (PEER[objective], OURS) if quick else method != "torchnmf")
    ]
    found: dict[tuple[str, str], list[Row]] = {job: [] for job in jobs}
    with tempfile.TemporaryDirectory() as folder:  # making the data takes more memory than they do
        data = load(name)
        for part in ("train", "test"):
            scipy.sparse.save_npz(Path(folder) / f"{part}.npz", getattr(data, part))
        for _ in range(repeats):
            for objective, method in jobs:
                command = [sys.executable, __file__, "--alone", folder, objective, name, method]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                row = json.loads(done.stdout.splitlines()[-1])
                found[objective, method].append(row)
                print(row, flush=True)
    for rows in found.values():
        middle = pd.DataFrame(rows).median(numeric_only=True).to_dict()
        yield rows[0] | {key: middle[key] for key in rows[0] if key.endswith(("_seconds", "_mb"))}


def given_dictionary() -> Iterator[Row]:
    """Exposures to a given dictionary of 105 spectra that resemble each other, over the exact cost."""
    D, X = alike_spectra()
    train, test = X[:400], X[400:]
    exact = np.array([scipy.optimize.nnls(D.T, x, maxiter=10_000)[0] for x in test])
    least = np.square(test - exact @ D).sum(axis=1)

    def tight_descent() -> np.ndarray:
        return non_negative_factorization(
            test, H=D, n_components=len(D), update_H=False, init="custom", tol=TIGHT,
            max_iter=MOST_ITERATIONS,
        )[0]  # fmt: skip

    answers = {"scikit-learn CD, tol 1e-6": tight_descent}
    for layer in ("newton", "admm", "mu"):
        model = DNMF(None, dictionary=D, layer=layer, random_state=0).fit(train)

        # Components are scaled to sum to 1, as their exposures are.
        def answer(model: DNMF = model) -> np.ndarray:
            return model.transform(test) / D.sum(axis=1)

        answers[f"DNMF(dictionary=D, layer={layer!r})"] = answer
    for method, answer in answers.items():
        started = time.process_time()
        H = answer()
        seconds = time.process_time() - started
        cost = np.square(test - H @ D).sum(axis=1)
        yield {
            "objective": LEAST_SQUARES,
            "set": "105 alike spectra, given",
            "method": method,
            "transform_seconds": seconds,
            "certificate": certificate(test, H, D, LEAST_SQUARES),
            "cost_over_exact": cost.sum() / least.sum(),
            "worst_cost_over_exact": (cost / least).max(),
        }


def choose_minibatch(sets: list[str]) -> None:
    """Print the held-out error of every setting of MiniBatchNMF on the seed for choices, and the mean ratio."""
    errors = []
    for name in sets:
        data = load(name, CHOICE_SEED)
        for settings in MINIBATCH_CHOICES:
            fitted = of_estimator(lambda k, s=settings: minibatch(k, **s), data.train, data.k)
            found = error(data.test, fitted.transform(data.test), fitted.components, LEAST_SQUARES)
            errors.append({"set": name, "settings": str(settings), "error": found})
    table = pd.DataFrame(errors).pivot(index="settings", columns="set", values="error")
    table["mean over least"] = (table / table.min()).mean(axis=1)
    print(table.sort_values("mean over least").to_string())


def save(rows: list[Row], path: Path) -> None:
    """Write the rows; those of the same objective, set and method replace earlier ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = ["objective", "set", "method"]
    table = pd.DataFrame(rows)
    if path.exists():
        table = pd.concat([pd.read_csv(path), table]).drop_duplicates(key, keep="last")
    table.sort_values(key, kind="stable").to_csv(path, index=False, float_format="%.6g")
    versions = provenance() | {
        name: version(name) for name in ("torchnmf", "numpy", "scipy", "numba")
    }
    versions["python"] = platform.python_version()
    path.with_suffix(".json").write_text(json.dumps(versions, indent=2) + "\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("sets", "large", "dictionary", "choice")
    options.add_argument("--part", choices=parts, action="append")
    options.add_argument("--sets", nargs="+", choices=[*SETS], default=[*SETS])
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--quick", action="store_true", help="ours and one peer alone")
    options.add_argument("--results", type=Path, default=RESULTS)
    options.add_argument("--alone", nargs=4, metavar=("FOLDER", "OBJECTIVE", "SET", "METHOD"))
    chosen = options.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scikit-learn: the most iterations were reached
        if chosen.alone:
            warm_up(sparse=True)
            print(json.dumps(alone(*chosen.alone)))
            return
        run(chosen.part or ["sets", "large", "dictionary"], chosen)


def warm_up(*, sparse: bool) -> None:
    """Let ours compile before it is timed: that is kept on disk, and done once for all data."""
    tiny = np.random.default_rng(REPORTED_SEED).random((40, 12))
    for objective in (LEAST_SQUARES, KULLBACK_LEIBLER):
        for data in (tiny, scipy.sparse.csr_matrix(tiny))[: 1 + sparse]:
            fitted = METHODS[objective][OURS](data, 3)
            fitted.transform(data)


def run(parts: list[str], chosen: argparse.Namespace) -> None:
    path = chosen.results / "factorisation.csv"
    if "choice" in parts:
        choose_minibatch(chosen.sets)
    if "sets" in parts:
        warm_up(sparse=True)
        for name in chosen.sets:
            for objective, methods in METHODS.items():
                if objective == LEAST_SQUARES or name in LIKELIHOOD_SETS:
                    tools = [PEER[objective], OURS] if chosen.quick else list(methods)
                    report(list(compare(objective, name, tools, chosen.repeats)), path)
    if "dictionary" in parts:
        report(list(given_dictionary()), path)
    if "large" in parts:
        for name in LARGE:
            if name != "package-summaries" or shutil.which("apt-cache"):
                report(list(in_fresh_processes(name, chosen.repeats, chosen.quick)), path)


def report(rows: list[Row], path: Path) -> None:
    save(rows, path)
    print(pd.DataFrame(rows).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
