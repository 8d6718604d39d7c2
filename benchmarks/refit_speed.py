"""Milliseconds a sample on one thread, by size of the reference; time and peak memory of the command.

    python benchmarks/refit_speed.py EXPOSURES.csv [--part choice|test] [--samples 10000] [--command 1000 10000 100000]
        [--sigprofiler PYTHON] [--out DIR]

Writes refit_speed.csv: process time of the functions for the whole COSMIC v3.4 (86 signatures) and its 20 and 10 most
frequent ones, and of `dnmf refit` as a command, everything written. To be measured on an idle machine.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from dnmf.refit.methods import classic_exposures
from dnmf.signatures import SignatureSet, load_reference
from dnmf.signatures.simulate import draw_counts
from dnmf.threads import one_thread
from refit_answers import CLASSICS, network
from refit_protocol import TEST_TYPES, Array, Tumours, options, write_rows
from refit_settings import Source
from refit_sigprofiler import sigprofiler_answer

REFERENCE, LISTS, COUNTS = "cosmic-v3.4-GRCh37", (20, 10), (100, 2_000, 50_000)
PRIORS = ("pan-cancer", "none", "cohort")
WARMING_SAMPLES, CLASSIC_SAMPLES, SIGPROFILER_SAMPLES = 300, 1_000, 200


def catalogs(tumours: Tumours, samples: int) -> Iterator[tuple[SignatureSet, int, Array]]:
    """Yield reference, mutations and counts (samples, f): tumours, cut down to the signatures of the reference."""
    everything = load_reference(REFERENCE)
    order = np.argsort(-(tumours.shares[tumours.training] > 0).sum(axis=0))
    for size in (len(everything), *LISTS):
        chosen = np.sort(order[:size])
        reference = everything.select([everything.names[place] for place in chosen])
        for mutations in COUNTS:
            rng = np.random.default_rng([mutations, size])
            shares = tumours.draw(-(-samples // len(TEST_TYPES)), rng)[0][:, chosen]
            shares = shares[shares.sum(axis=1) > 0][:samples]
            shares /= shares.sum(axis=1, keepdims=True)
            expected = mutations * shares @ reference.profiles.to_numpy()
            yield reference, mutations, draw_counts(expected, "multinomial", rng)


def functions(source: Source, samples: int) -> Iterator[dict[str, object]]:
    """Yield a row for each reference, number of mutations and method; compilation is not counted."""
    tumours = source.tumours(load_reference(REFERENCE))
    for reference, mutations, counts in catalogs(tumours, samples):
        W = reference.profiles.to_numpy()
        runs: list[tuple[str, str, Array, Callable[[Array], object]]] = [
            ("network", prior, counts, lambda X, r=reference, p=prior: network(r, X, p))
            for prior in PRIORS
        ]
        runs += [
            (name, "", counts[:CLASSIC_SAMPLES], lambda X, W=W, m=name: classic_exposures(X, W, m))
            for name in CLASSICS
        ]
        for method, prior, X, run in runs:
            run(X[:WARMING_SAMPLES])
            began = time.process_time()
            run(X)
            spent = time.process_time() - began
            yield _row(method, prior, reference, mutations, len(X), 1e3 * spent / len(X))


def command(source: Source, sizes: list[int]) -> Iterator[dict[str, object]]:
    """Yield a row for each number of samples: `dnmf refit` with 2,000 mutations, as users run it."""
    tumours = source.tumours(load_reference(REFERENCE))
    for size in sizes:
        reference, mutations, counts = next(
            found for found in catalogs(tumours, size) if found[1] == 2_000
        )
        with tempfile.TemporaryDirectory() as name:
            path = Path(name, "catalog.tsv")
            names = [f"S{number:06d}" for number in range(len(counts))]
            table = pd.DataFrame(counts.T.astype(int), reference.profiles.columns, names)
            table.to_csv(path, sep="\t", index_label="MutationType")
            words = ["-m", "dnmf", "refit", str(path), "-o", str(Path(name, "out")), "-q"]
            process = subprocess.Popen(
                [sys.executable, *words, "--reference", REFERENCE, "--prior", "pan-cancer"],
                env=os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
            )
            _, status, used = os.wait4(process.pid, 0)
            if status:
                raise RuntimeError(f"dnmf refit ended with status {status}")
        ms = 1e3 * (used.ru_utime + used.ru_stime) / len(counts)
        row = _row("dnmf refit", "pan-cancer", reference, mutations, len(counts), ms)
        # Linux gives kibibytes.
        yield row | {"peak_mib": used.ru_maxrss / 1024}


def sigprofiler(source: Source, python: Path) -> Iterator[dict[str, object]]:
    """Yield a row for each reference and number of mutations."""
    tumours = source.tumours(load_reference(REFERENCE))
    for reference, mutations, counts in catalogs(tumours, SIGPROFILER_SAMPLES):
        *_, ms = sigprofiler_answer(reference, counts, python)
        yield _row("SigProfilerAssignment", "", reference, mutations, len(counts), ms)


def _row(
    method: str, prior: str, reference: SignatureSet, mutations: int, samples: int, ms: float
) -> dict[str, object]:
    row: dict[str, object] = {"method": method, "prior": prior, "signatures": len(reference)}
    return row | {"mutations": mutations, "samples": samples, "ms_per_sample": ms}


def main() -> None:
    """Parse arguments and measure."""
    parser = options(str(__doc__))
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--command", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--sigprofiler", type=Path, metavar="PYTHON")
    arguments = parser.parse_args()
    source = Source(arguments.exposures, arguments.part)
    rows = []
    with one_thread():
        measured = [functions(source, arguments.samples), command(source, arguments.command)]
        if arguments.sigprofiler is not None:
            measured.append(sigprofiler(source, arguments.sigprofiler))
        for part in measured:
            for row in part:
                rows.append(row)
                print(row, flush=True)
    keys = ("method", "prior", "signatures", "mutations", "samples")
    write_rows(arguments.out / "refit_speed.csv", rows, keys)


if __name__ == "__main__":
    main()
