"""SigProfilerAssignment on samples of the other benchmarks: asked by them, run in an environment of its own.

    python -m venv spa; spa/bin/pip install SigProfilerAssignment
    python benchmarks/refit_table.py EXPOSURES.csv --sigprofiler spa/bin/python

As a script it runs in that environment: FOLDER holds counts.txt and reference.txt (rows are channels), and gets
activities.csv and seconds.txt. Nothing is downloaded: a matrix needs no genome.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dnmf.signatures import SignatureSet

CONTEXTS = {96: "96", 78: "DINUC", 83: "ID"}
"""What the tool calls a catalog of so many channels."""


def sigprofiler_answer(
    reference: "SignatureSet", counts: "NDArray[np.float64]", python: Path
) -> tuple["NDArray[np.float64]", "NDArray[np.bool_]", float]:
    """Return shares (n, k), which signatures are present, and milliseconds of process time a sample."""
    from refit_protocol import is_present

    channels = list(reference.profiles.columns)
    samples = [f"S{number:06d}" for number in range(len(counts))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference.profiles.T.to_csv(folder / "reference.txt", sep="\t", index_label="Type")
        table = pd.DataFrame(counts.T.astype(int), index=channels, columns=samples)
        table.to_csv(folder / "counts.txt", sep="\t", index_label="MutationType")
        done = subprocess.run(
            [python, __file__, folder], capture_output=True, text=True, check=False
        )
        if not (folder / "seconds.txt").is_file():
            raise RuntimeError(f"SigProfilerAssignment failed:\n{done.stdout}\n{done.stderr}")
        found = pd.read_csv(folder / "activities.csv", index_col=0)
        seconds = float((folder / "seconds.txt").read_text())
    # Samples without mutations and signatures that no sample has are missing in the tool's table.
    found = found.reindex(index=samples, columns=reference.names, fill_value=0)
    activities = found.to_numpy(float)
    shares = activities / np.maximum(activities.sum(axis=1, keepdims=True), 1)
    called = is_present(shares, counts.sum(axis=1))
    return shares, called, 1e3 * seconds / len(counts)


def run(folder: Path) -> None:
    """Assign signatures to the samples of a folder."""
    import sigProfilerPlotting
    from SigProfilerAssignment import Analyzer

    counts = pd.read_csv(folder / "counts.txt", sep="\t", index_col=0)
    # The tool sorts the samples' channels, and takes the signatures' as they come: give them in its order.
    order = sigProfilerPlotting.process_input(counts, str(len(counts))).index
    reference = pd.read_csv(folder / "reference.txt", sep="\t", index_col=0).loc[order]
    reference.to_csv(folder / "sorted.txt", sep="\t", index_label="Type")
    began = time.process_time()
    Analyzer.cosmic_fit(
        samples=str(folder / "counts.txt"),
        output=str(folder / "found"),
        input_type="matrix",
        context_type=CONTEXTS[len(counts)],
        collapse_to_SBS96=len(counts) == 96,
        signature_database=str(folder / "sorted.txt"),
        make_plots=False,
        export_probabilities=False,
        cpu=1,
    )
    seconds = time.process_time() - began
    path = next((folder / "found").rglob("*Activities.txt"))
    pd.read_csv(path, sep="\t", index_col=0).to_csv(folder / "activities.csv")
    (folder / "seconds.txt").write_text(f"{seconds:.3f}", encoding="utf-8")


if __name__ == "__main__":
    run(Path(sys.argv[1]))
