"""SigProfilerAssignment on the same test samples, given the same reference in the row order that it expects.

    python benchmarks/refit_sigprofiler.py write EXPOSURES.csv FOLDER     # in dnmf's environment
    python benchmarks/refit_sigprofiler.py run FOLDER                     # in SigProfilerAssignment's
    python benchmarks/refit_sigprofiler.py score EXPOSURES.csv FOLDER     # in dnmf's environment again

The 100 samples of each of the eight tumour types that refit_table.py draws with seed 0. Three CPU minutes.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

COUNTS = (100, 2_000, 50_000)
REFERENCE = "cosmic-v3-GRCh38"
KEPT = 100


def write(exposures: Path, folder: Path) -> None:
    """Write counts, shares and the reference, rows sorted by label: the tool takes them by position."""
    from dnmf.refit import read_tumour_exposures
    from dnmf.signatures import load_reference
    from refit_evaluation import draw_test_set

    reference = load_reference(REFERENCE)
    tumours = read_tumour_exposures(exposures, reference.names)
    profiles = reference.profiles.T.sort_index()
    order = sorted(profiles.index, key=lambda label: (label[0], label[2:5], label[-1]))
    folder.mkdir(parents=True, exist_ok=True)
    profiles.loc[order].to_csv(folder / "reference.txt", sep="\t", index_label="Type")
    for mutations in COUNTS:
        test = draw_test_set(tumours, reference.profiles.to_numpy(), mutations)
        rows = np.flatnonzero(np.arange(len(test.counts)) % test.size < KEPT)
        names = [f"S{i:04d}" for i in rows]
        counts = pd.DataFrame(
            test.counts[rows], index=names, columns=reference.profiles.columns, dtype=int
        ).T
        counts.loc[order].to_csv(
            folder / f"counts_{mutations}.txt", sep="\t", index_label="MutationType"
        )
        shares = pd.DataFrame(test.shares[rows], index=names, columns=reference.names)
        shares.to_csv(folder / f"shares_{mutations}.csv")


def run(folder: Path) -> None:
    """Assign signatures; the seconds go beside the result."""
    from SigProfilerAssignment import Analyzer

    for mutations in COUNTS:
        began = time.process_time()
        Analyzer.cosmic_fit(
            samples=str(folder / f"counts_{mutations}.txt"),
            output=str(folder / f"found_{mutations}"),
            input_type="matrix",
            context_type="96",
            genome_build="GRCh38",
            signature_database=str(folder / "reference.txt"),
            make_plots=False,
            verbose=False,
            cpu=1,
        )
        seconds = time.process_time() - began
        (folder / f"seconds_{mutations}.txt").write_text(f"{seconds:.2f}")


def score(exposures: Path, folder: Path) -> None:
    """Errors of the tool and of the network on the same samples."""
    import torch

    from dnmf.refit import load_refit_model
    from dnmf.refit.estimate import estimate_exposures
    from dnmf.refit.evaluation import fitting_error
    from refit_evaluation import presence_scores

    network, card = load_refit_model(f"refit-{REFERENCE}")
    rows = []
    for mutations in COUNTS:
        shares = pd.read_csv(folder / f"shares_{mutations}.csv", index_col=0)
        counts = pd.read_csv(folder / f"counts_{mutations}.txt", sep="\t", index_col=0)
        path = next((folder / f"found_{mutations}").rglob("*Activities.txt"))
        found = pd.read_csv(path, sep="\t", index_col=0)
        found = found.reindex(index=shares.index, columns=shares.columns, fill_value=0)
        values = found.to_numpy(float)
        weights = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
        seconds = float((folder / f"seconds_{mutations}.txt").read_text())
        X = torch.tensor(counts.loc[card.channels].T.to_numpy(), dtype=torch.float32)
        began = time.process_time()
        estimate = estimate_exposures(network, X)
        spent_here = time.process_time() - began
        called = estimate.presence > card.presence_threshold
        truth = shares.to_numpy()
        for name, w, calls, spent in (
            ("SigProfilerAssignment", weights, values >= 10, seconds),
            ("dnmf", estimate.shares, called, spent_here),
        ):
            scores = presence_scores(calls, truth > 0, KEPT)
            row = {"method": name, "mutations": mutations, "samples": len(X)}
            row |= {"fitting_error": fitting_error(w, truth).mean(), **scores}
            rows.append({**row, "ms_per_sample": 1e3 * spent / len(X)})
    table = pd.DataFrame(rows).round(5)
    out = Path(__file__).parent / "results" / f"refit_sigprofiler_{REFERENCE}.csv"
    table.to_csv(out, index=False)
    print(table.to_string())


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1] == "run":
        run(Path(sys.argv[2]))
    else:
        score(Path(sys.argv[2]), Path(sys.argv[3]))
