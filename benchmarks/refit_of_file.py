"""A refit of a million samples in a file: `dnmf refit` on a Dask cluster of two workers, one of which is killed.

    python benchmarks/refit_of_file.py [--samples 1000000] [--checked 1000] [--method network] [--out DIR]

Samples have 3 to 8 of 15 signatures of COSMIC v3.4, which are the reference. A part of the answers, drawn at random, is
compared with that of `refit_exposures` of these samples alone. Writes refit_of_file.csv: wall seconds, peak memory in
MB of the command and of the worker that lived, the largest difference. To be measured on an idle machine.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from anndata.io import write_elem

from dnmf.refit import refit_exposures
from dnmf.signatures import MutationCatalog, load_reference
from dnmf.signatures.annotated import AnnotatedFile
from protocol import record

NAMES = (
    *("SBS1", "SBS2", "SBS3", "SBS4", "SBS5", "SBS7a", "SBS7b", "SBS8", "SBS10a", "SBS13"),
    *("SBS15", "SBS17a", "SBS17b", "SBS18", "SBS40a"),
)
WRITTEN_AT_ONCE = 50_000
# Parts that are finished when the worker is killed.
PARTS_BEFORE_KILL = 2
WORKERS, WORKER_BYTES = 2, "1.5GB"


def write_samples(path: Path, n: int) -> None:
    """Write counts as AnnData, some samples at a time."""
    reference = load_reference("cosmic-v3.4").select(list(NAMES))
    W = reference.profiles.to_numpy()
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        X = file.create_dataset("X", (n, W.shape[1]), "u2", chunks=(4096, W.shape[1]))
        X.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        for first in range(0, n, WRITTEN_AT_ONCE):
            m = min(WRITTEN_AT_ONCE, n - first)
            burdens = rng.lognormal(np.log(3000), 1.2, m).clip(20, 60_000)
            H = rng.gamma(0.7, 1.0, (m, len(W))) * (rng.random((m, len(W))) < 0.35)
            H[:, NAMES.index("SBS5")] += 0.3
            X[first : first + m] = rng.poisson(
                H / H.sum(axis=1, keepdims=True) * burdens[:, None] @ W
            )
        samples = pd.Index([f"T{number:07d}" for number in range(n)], dtype=object)
        write_elem(file, "obs", pd.DataFrame(index=samples))
        channels = pd.Index(list(reference.profiles.columns), dtype=object)
        write_elem(file, "var", pd.DataFrame(index=channels))


def started(folder: Path, name: str, *command: str) -> subprocess.Popen[bytes]:
    log = (folder / f"{name}.log").open("wb")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *command], stdout=log, stderr=subprocess.STDOUT, env=environment
    )


def peak(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Wait; return the exit status and the peak memory in MB.

    Not of `os.wait4`: the peak of a child begins with the memory of the process that started it.
    """
    highest = 0.0
    while process.poll() is None:
        highest = max(highest, memory_so_far(process))
        time.sleep(0.2)
    return process.returncode, highest


def memory_so_far(process: subprocess.Popen[bytes]) -> float:
    """Return the peak memory in MB of a process that runs."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except FileNotFoundError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else 0.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def measured(folder: Path, path: Path, n: int, method: str) -> dict[str, object]:
    out, address = folder / "out", f"tcp://127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    scheduler = started(
        folder, "scheduler", "distributed.cli.dask_scheduler",
        "--host", "127.0.0.1", "--port", port, "--no-dashboard",
    )  # fmt: skip
    workers = [
        started(
            folder,
            f"worker{number}",
            "distributed.cli.dask_worker",
            address,
            "--no-nanny",
            "--nthreads",
            "1",
            "--memory-limit",
            WORKER_BYTES,
            "--no-dashboard",
            "--local-directory",
            str(folder / f"worker{number}"),
        )
        for number in range(WORKERS)
    ]
    begun = time.perf_counter()
    command = started(
        folder, "command", "dnmf", "refit", str(path), "-o", str(out), "--method", method,
        "--reference", ",".join(NAMES), "--scheduler", address,
    )  # fmt: skip
    parts = folder / "out.checkpoint"
    while command.poll() is None and len(list(parts.glob("part*.npz"))) < PARTS_BEFORE_KILL:
        time.sleep(0.5)
    workers[0].send_signal(signal.SIGKILL)
    finished = len(list(parts.glob("part*.npz")))
    status, memory = peak(command)
    seconds = time.perf_counter() - begun
    assert status == 0, (folder / "command.log").read_text()
    workers[0].wait()
    worker_memory, scheduler_memory = memory_so_far(workers[1]), memory_so_far(scheduler)
    for process in (workers[1], scheduler):
        process.terminate()
        process.wait()
    return {
        "samples": n,
        "method": method,
        "workers": WORKERS,
        "parts_when_one_was_killed": finished,
        "seconds": seconds,
        "command_mb": memory,
        "worker_mb": worker_memory,
        "scheduler_mb": scheduler_memory,
    }


def largest_difference(
    folder: Path, path: Path, n: int, checked: int, method: str
) -> dict[str, float]:
    """Return how far exposures (mutations), presence and cosine are from those of a refit of some samples alone."""
    chosen = np.sort(np.random.default_rng(1).choice(n, checked, replace=False))
    file = AnnotatedFile.opened(path)
    counts = pd.concat([file.read(row, row + 1).counts for row in chosen.tolist()])
    alone = refit_exposures(MutationCatalog(counts), ",".join(NAMES), method=method)  # type: ignore[arg-type]
    alone.save(folder / "alone")
    differences: dict[str, float] = {}
    for name in ("exposures.tsv", "presence.tsv", "fit.tsv"):
        if not (folder / "alone" / name).exists():
            continue
        here = pd.read_csv(folder / "alone" / name, sep="\t", index_col=0)
        pieces = pd.read_csv(
            folder / "out" / f"{name}.gz", sep="\t", index_col=0, chunksize=100_000
        )
        n_rows, there = 0, []
        for piece in pieces:
            n_rows += len(piece)
            there.append(piece[piece.index.isin(here.index)])
        rows = pd.concat(there).loc[here.index]
        assert n_rows == n
        numbers = here.select_dtypes("number").columns
        differences[name] = float((rows[numbers] - here[numbers]).abs().to_numpy().max())
    return differences


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--checked", type=int, default=1000)
    parser.add_argument("--method", default="network")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "many.h5ad"
        write_samples(path, given.samples)
        row = measured(folder, path, given.samples, given.method)
        print(row, flush=True)
        found = largest_difference(folder, path, given.samples, given.checked, given.method)
        row |= {f"difference_{name.removesuffix('.tsv')}": value for name, value in found.items()}
    table = pd.DataFrame([row])
    target = given.out / "refit_of_file.csv"
    if target.exists():
        table = pd.concat([pd.read_csv(target), table], ignore_index=True)
    table.round(4).to_csv(target, index=False)
    record(target)
    print(table.to_string())


if __name__ == "__main__":
    main()
