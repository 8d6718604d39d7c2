"""SigProfilerExtractor on the catalogs of the extraction's table: what it chooses, finds and needs, one core.

python benchmarks/selection_sigprofiler.py --data DIR [--samples 1000] [--range 11 11]

Needs SigProfilerExtractor, best in an environment of its own, beside dnmf. Ten replicates, capped at 10,000 iterations:
at its default convergence it did not end within the time that all of this takes.
"""

import csv
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from dnmf import read_catalog, read_signatures
from paper.scores import found
from protocol import parser, record

SET = "pancreas_sp.sp"
REPLICATES, MOST_ITERATIONS = 10, 10_000
COLUMNS = ("set", "samples", "range", "chosen_k", "found_90", "found_95", "found_99", "seconds")


def extract(counts: pd.DataFrame, low: int, high: int, folder: Path) -> tuple[np.ndarray, float]:
    """Return the signatures of the suggested solution, channels as in ``counts``, and the seconds."""
    from SigProfilerExtractor import sigpro

    table = folder / "catalog.txt"
    counts.T.rename_axis("Mutation Types").to_csv(table, sep="\t")
    started = time.perf_counter()
    sigpro.sigProfilerExtractor(
        "matrix",
        str(folder / "out"),
        str(table),
        minimum_signatures=low,
        maximum_signatures=high,
        nmf_replicates=REPLICATES,
        cpu=1,
        min_nmf_iterations=1000,
        max_nmf_iterations=MOST_ITERATIONS,
        nmf_test_conv=1000,
        make_decomposition_plots=False,
    )
    seconds = time.perf_counter() - started
    solution = folder / "out/SBS96/Suggested_Solution/SBS96_De-Novo_Solution/Signatures"
    signatures = pd.read_csv(solution / "SBS96_De-Novo_Signatures.txt", sep="\t", index_col=0)
    return signatures.loc[counts.columns].to_numpy().T, seconds


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--samples", type=int, default=1000)
    options.add_argument("--range", nargs=2, type=int, default=(11, 11))
    chosen = options.parse_args()
    source = chosen.data / "simulated" / f"syn.{SET}"
    counts = read_catalog(source / "ground.truth.syn.catalog.csv").counts.iloc[: chosen.samples]
    truth = read_signatures(source / "ground.truth.syn.sigs.csv").profiles.to_numpy()
    low, high = chosen.range
    with tempfile.TemporaryDirectory() as folder:
        signatures, seconds = extract(counts, low, high, Path(folder))
    hits = found(signatures, truth)
    row = [SET, len(counts), f"{low}:{high}", len(signatures), *hits.values(), round(seconds, 1)]
    path = chosen.results / "selection_sigprofiler.csv"
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        writer.writerow(row)
    record(path, SigProfilerExtractor=version("SigProfilerExtractor"))
    print(row)


if __name__ == "__main__":
    main()
