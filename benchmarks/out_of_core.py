"""Least squares of data on disk: peak memory, and Dask workers beside one; the same bits as in memory.

    python benchmarks/out_of_core.py [--samples 10000000] [--compared 200000] [--iterations 5] [--workers 1 2]
        [--out DIR]

The data are 96 features of mixtures of 20 components with counting noise, stored as uint16 and worked on as float32
with 20 components. Each row is a process of its own, or a Dask scheduler with workers of one thread. Writes
out_of_core.csv: wall and processor seconds of all iterations, peak memory in MB of the process that asked and of the
largest worker, and whether the dictionary has the same bits as that of the first row with as many samples. Wall time is
to be measured on an idle machine with as many cores as workers.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from dnmf.engine.chunks import Chunks, LocalChunks
from dnmf.engine.dask_chunks import DaskChunks
from dnmf.engine.least_squares import factorise
from dnmf.engine.samples import as_samples
from dnmf.threads import one_thread
from protocol import record
from refit_of_file import free_port, memory_so_far, peak, started

N_FEATURES, N_COMPONENTS = 96, 20
WRITTEN_AT_ONCE = 100_000
# Samples from which the dictionary starts.
FIRST_SAMPLES = 2_000
WORKER_BYTES = "1.2GB"


def write_data(path: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(N_FEATURES, 0.1), size=N_COMPONENTS)
    X = np.lib.format.open_memmap(path, "w+", np.uint16, (n, N_FEATURES))
    for first in range(0, n, WRITTEN_AT_ONCE):
        H = rng.gamma(0.5, 200.0, (min(WRITTEN_AT_ONCE, n - first), N_COMPONENTS))
        X[first : first + len(H)] = rng.poisson(H @ W).clip(max=65_535)
        X.flush()


def starting_dictionary(path: Path) -> torch.Tensor:
    """Return means of random samples: the time of an iteration does not depend on the start."""
    X = np.load(path, mmap_mode="r")[:FIRST_SAMPLES]
    parts = np.array_split(np.random.default_rng(1).permutation(len(X)), N_COMPONENTS)
    return torch.from_numpy(np.stack([X[part].mean(axis=0) + 1e-3 for part in parts]))


def measure(path: Path, samples: int, iterations: int, where: str) -> None:
    """Print seconds, processor seconds and a digest of the dictionary; ``where`` is memory, disk or an address."""
    X = np.load(path, mmap_mode="r")[:samples]
    given = as_samples(np.array(X) if where == "memory" else X, dtype=torch.float32)
    W0 = starting_dictionary(path)
    chunks: Chunks
    if where in ("memory", "disk"):
        chunks = LocalChunks(given)
    else:
        from distributed import Client

        client = Client(where)
        client.wait_for_workers(1)
        chunks = DaskChunks(given, client)
    with one_thread():
        # Compilation, on every worker, is not counted.
        factorise(chunks, W0, max_iter=1, tol=0)
        began, used = time.perf_counter(), time.process_time()
        fit = factorise(chunks, W0, max_iter=iterations, tol=0)
    digest = hashlib.sha256(fit.W.numpy().tobytes()).hexdigest()
    print(time.perf_counter() - began, time.process_time() - used, digest, fit.cost[-1])


def row(
    folder: Path, path: Path, samples: int, iterations: int, where: str, workers: int
) -> dict[str, object]:
    """Measure in processes of their own."""
    address, others = where, list[subprocess.Popen[bytes]]()
    if workers:
        port = str(free_port())
        address = f"tcp://127.0.0.1:{port}"
        scheduler = ("--host", "127.0.0.1", "--port", port, "--no-dashboard")
        others.append(started(folder, "scheduler", "distributed.cli.dask_scheduler", *scheduler))
        options = (
            "--no-nanny",
            "--nthreads",
            "1",
            "--memory-limit",
            WORKER_BYTES,
            "--no-dashboard",
        )
        for number in range(workers):
            place = str(folder / f"worker{number}")
            command = ("distributed.cli.dask_worker", address, *options, "--local-directory", place)
            others.append(started(folder, f"worker{number}", *command))
        while len(client_workers(folder, workers)) < workers:
            time.sleep(0.5)
    asked = (str(path), str(samples), str(iterations), address)
    script = [sys.executable, __file__, "--measure", *asked]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (folder / "measure.log").open("w+b") as log:
        process = subprocess.Popen(script, stdout=log, env=environment)
        status, memory = peak(process)
        log.seek(0)
        said = log.read().decode().split()
    assert status == 0
    worker_memory = 0.0
    for other in reversed(others):
        worker_memory = max(worker_memory, memory_so_far(other))
        other.terminate()
        other.wait()
    return {
        "samples": samples,
        "where": "dask" if workers else where,
        "workers": workers,
        "iterations": iterations,
        "seconds": float(said[0]),
        "process_seconds_of_asker": float(said[1]),
        "asker_mb": memory,
        "largest_other_mb": worker_memory,
        "dictionary": said[2][:12],
        "cost": float(said[3]),
    }


def client_workers(folder: Path, workers: int) -> list[int]:
    """Return which workers have found the scheduler, by what they say."""
    logs = [(folder / f"worker{number}.log").read_text() for number in range(workers)]
    return [number for number, text in enumerate(logs) if "Registered to" in text]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--compared", type=int, default=200_000)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        path, samples, iterations, where = given.measure
        measure(Path(path), int(samples), int(iterations), where)
        return
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "X.npy"
        write_data(path, given.samples)
        runs = [
            ("memory", 0, given.compared),
            ("disk", 0, given.compared),
            ("dask", 2, given.compared),
        ]
        runs += [("disk", 0, given.samples), *(("dask", n, given.samples) for n in given.workers)]
        for where, workers, samples in runs:
            rows.append(row(folder, path, samples, given.iterations, where, workers))
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    table["same_bits"] = table["dictionary"] == table.groupby("samples")["dictionary"].transform(
        "first"
    )
    table.drop(columns="dictionary").round(3).to_csv(given.out / "out_of_core.csv", index=False)
    record(given.out / "out_of_core.csv")
    print(table.to_string())


if __name__ == "__main__":
    main()
