"""Extraction on realistic cohorts: what is found, blind and guided by a reference, and what it costs.

    python benchmarks/cohort_extraction.py DATA [--part choice] [--methods ...] [--noise ...] [--removed ...]

Writes cohort_extraction.csv, a row for each cohort, noise, draw, reference and method, after each of them; then prints
the first draw of each cohort of that part, and means over all draws, with the rows of ``cohort_peers.py`` if they are
in the same folder. ``--methods`` without a name prints only. Blind methods are given the true number of signatures, or
choose from a range.
"""

import argparse
import multiprocessing
import resource
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from cohort_protocol import (
    NOISES,
    ROW,
    Array,
    Found,
    Noise,
    Removed,
    cohorts_of,
    draw_cohort,
    row_of,
)
from dnmf import MutationCatalog, SignatureSet, extract_signatures, refit_exposures
from dnmf.search.cohort import find_cohort_signatures
from dnmf.search.cohort_trials import NOVEL
from dnmf.signatures import SBS96
from dnmf.threads import one_thread
from refit_protocol import RESULTS, write_rows

Method = Callable[[Array, Array | None, int | None, int], Found]
"""Counts (n, f), reference (r, f) if guided, the number of signatures if known, a seed."""

CHOICES = range(2, 16)
"""Numbers of signatures that a blind method chooses from."""
RESTARTS = 20
KL_STARTS, KL_ITERATIONS = 20, 2_000
CRUDE_SHARE, CRUDE_TUMOURS = 0.05, 3
"""The crude rule calls a signature present that explains this share of so many tumours."""


def catalog_of(counts: Array) -> MutationCatalog:
    """Return counts (n, 96) as a catalog."""
    samples = [f"S{number:04d}" for number in range(len(counts))]
    return MutationCatalog(pd.DataFrame(counts, index=samples, columns=SBS96.labels))


def dnmf_blind(counts: Array, reference: Array | None, k: int | None, seed: int) -> Found:
    """Return what ``dnmf extract -k`` finds."""
    numbers = [k] if k is not None else list(CHOICES)
    result = extract_signatures(catalog_of(counts), numbers, n_restarts=RESTARTS, random_state=seed)
    return Found(result.signatures.profiles.to_numpy())


def kl_nmf(counts: Array, reference: Array | None, k: int | None, seed: int) -> Found:
    """Return the likeliest of several random starts; the number of signatures by BIC, unless it is given.

    ``BIC = 2 KL(counts, fit) + k (n + f - 1) log(n f)``
    """
    n, f = counts.shape
    best, least = counts[:0], np.inf
    for number in [k] if k is not None else CHOICES:
        penalty = number * (n + f - 1) * np.log(n * f)
        for start in range(KL_STARTS):
            model = NMF(
                number,
                init="random",
                solver="mu",
                beta_loss="kullback-leibler",
                tol=1e-6,
                max_iter=KL_ITERATIONS,
                random_state=seed * KL_STARTS + start,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(counts)
            # The error is sqrt(2 KL).
            if (bic := model.reconstruction_err_**2 + penalty) < least:
                best, least = model.components_, bic
    return Found(best / best.sum(axis=1, keepdims=True))


def frobenius_nmf(counts: Array, reference: Array | None, k: int | None, seed: int) -> Found:
    """Return what scikit-learn's NMF finds from its default start."""
    found = NMF(k, tol=1e-6, max_iter=2_000, random_state=seed).fit(counts).components_
    return Found(found / found.sum(axis=1, keepdims=True).clip(1e-300))


def dnmf_guided(counts: Array, reference: Array | None, k: int | None, seed: int) -> Found:
    """Return what ``dnmf extract`` without ``-k`` finds."""
    if reference is None:
        raise ValueError("a guided extraction needs a reference")
    found = find_cohort_signatures(counts, reference)
    known = np.isin(np.arange(len(reference)), found.labels)
    return Found(novel=found.state.profiles[found.labels == NOVEL], known=known)


def crude_rule(counts: Array, reference: Array | None, k: int | None, seed: int) -> Found:
    """Return the signatures that explain enough of enough tumours in a refit to the whole reference."""
    if reference is None:
        raise ValueError("the crude rule needs a reference")
    names = [f"R{number}" for number in range(len(reference))]
    signatures = SignatureSet(pd.DataFrame(reference, index=names, columns=SBS96.labels))
    shares = refit_exposures(catalog_of(counts), signatures, method="kl").exposures.to_numpy()
    shares = shares / counts.sum(axis=1, keepdims=True).clip(1)
    known = (shares >= CRUDE_SHARE).sum(axis=0) >= CRUDE_TUMOURS
    return Found(novel=reference[:0], known=known)


BLIND_TRUE_K: dict[str, Method] = {
    "dnmf, true_k": dnmf_blind,
    "kl_nmf, true_k": kl_nmf,
    "sklearn, true_k": frobenius_nmf,
}
BLIND_CHOSEN: dict[str, Method] = {"dnmf, chosen": dnmf_blind, "kl_nmf, chosen": kl_nmf}
GUIDED: dict[str, Method] = {"dnmf, guided": dnmf_guided, "crude rule, guided": crude_rule}
METHODS = BLIND_TRUE_K | BLIND_CHOSEN | GUIDED


def measured(
    method: str, data: Path, name: str, noise: Noise, seed: int, removed: Removed
) -> dict[str, Any]:
    """Return the row of a method on a draw of a cohort. Peak memory is that of the process: run it in a new one."""
    cohort = draw_cohort(data, name, noise, seed, removed)
    reference = cohort.reference if method in GUIDED else None
    k = int(cohort.frequent.sum()) if method in BLIND_TRUE_K else None
    with one_thread():
        began = time.process_time()
        found = METHODS[method](cohort.counts, reference, k, seed)
        seconds = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return row_of(cohort, method, found, seconds=seconds, memory_mb=memory)


def tasks(
    methods: Sequence[str], noises: Sequence[Noise], removals: Sequence[Removed]
) -> Iterator[tuple[str, Noise, Removed]]:
    """Yield what is measured on each draw: what changes only the reference is measured for guided methods only."""
    for noise in noises:
        for removed in removals:
            if noise == "other" and removed != "none":
                continue
            for name in methods:
                if name in GUIDED or (noise != "other" and removed == "none"):
                    yield name, noise, removed


KEYS = ["noise", "removed", "method"]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return means over cohorts and draws of each method, noise and removal; names and novel ones are pooled."""
    by = table.groupby(KEYS)
    means = by[
        ["tpr_90", "ppv_90", "composite_90", "f1_90", "tpr_95", "k_error", "explained"]
    ].mean()
    means["seconds"], means["memory_mb"] = by["seconds"].mean(), by["memory_mb"].max()
    if "called" in table:
        sums = by[
            ["given_true", "recalled", "called", "called_right", "taken_out", "removed_found"]
        ].sum()
        means["recall"] = sums["recalled"] / sums["given_true"]
        means["precision"] = sums["called_right"] / sums["called"]
        means["removed_found"] = sums["removed_found"] / sums["taken_out"]
        # Share of the draws in which a signature is reported as novel that is not one of those taken out.
        guided = table[table["called"].notna()]
        means["false_novel"] = (
            guided["false_novel"].gt(0).groupby([guided[key] for key in KEYS]).mean()
        )
    means.insert(0, "draws", by.size())
    return means


def by_cohort(table: pd.DataFrame) -> pd.DataFrame:
    """Return found / reported of each cohort and method: the first draw, Poisson, nothing taken out."""
    first = table[
        (table["noise"] == "poisson") & (table["removed"] == "none") & (table["seed"] == 0)
    ]
    cells = first["found_90"].astype(str) + " / " + first["reported"].astype(str)
    first = first.assign(cell=cells)
    return first.pivot(index=["cohort", "true"], columns="method", values="cell").fillna("")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the input data")
    parser.add_argument("--part", choices=("choice", "test"), default="choice")
    parser.add_argument("--cohorts", nargs="*", help="only these")
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--noise", nargs="*", choices=NOISES, default=NOISES)
    parser.add_argument("--removed", nargs="*", default=("none", "one", "half"))
    parser.add_argument("--draws", type=int, nargs="*", default=(0, 1, 2), help="of counts")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    path = chosen.out / "cohort_extraction.csv"
    # A process for each measurement, from one that has the imports: its peak memory is then the method's.
    new = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(chosen.workers, mp_context=new, max_tasks_per_child=1) as pool:
        futures = [
            pool.submit(measured, method, chosen.data, cohort, noise, seed, removed)
            for cohort in chosen.cohorts or cohorts_of(chosen.part)
            for seed in chosen.draws
            for method, noise, removed in tasks(chosen.methods, chosen.noise, chosen.removed)
        ]
        for future in futures:
            row = future.result()
            write_rows(path, [row], ROW)
            print(
                f"{row['cohort']} {row['noise']} {row['removed']} {row['seed']}, {row['method']}: {row['found_90']} of "
                f"{row['true']} found, {row['reported']} reported, {row['seconds']:.1f} s",
                flush=True,
            )
    files = [path, chosen.out / "cohort_peers.csv"]
    table = pd.concat([pd.read_csv(file) for file in files if file.is_file()])
    with pd.option_context("display.width", 250, "display.max_columns", None):
        table = table[table["part"] == chosen.part]
        print(by_cohort(table).to_string(), summary(table).round(3).to_string(), sep="\n\n")


if __name__ == "__main__":
    main()
