"""SigProfilerExtractor and minimum volume (salamander) on realistic cohorts, each in an environment of its own.

    python -m venv spe; spe/bin/pip install SigProfilerExtractor 'numpy<2.4'
    python -m venv sal; sal/bin/pip install salamander-learn
    python benchmarks/cohort_peers.py DATA --part choice --sigprofiler spe/bin/python --salamander sal/bin/python

A row is written after each cohort. SigProfilerExtractor gives three from one run: its suggestion, its solution with
the true number of signatures, and the signatures that its decomposition into COSMIC names.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cohort_foreign import MINIMUM_VOLUME_STARTS, SIGPROFILER
from cohort_protocol import ROW, Cohort, Found, cohorts_of, draw_cohort, row_of
from refit_protocol import RESULTS, write_rows

SCRIPT = Path(__file__).parent / "cohort_foreign.py"
MARGIN = 4
"""SigProfilerExtractor is given every number of signatures from so many below the true one to so many above it."""
PENALTY = 1000.0
"""Weight of the volume: found as many signatures as 1 in one cohort of the choice part, one more in another."""


def run(tool: str, python: Path, cohort: Cohort) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Return the solutions of a tool by name, rows are signatures, and what it took."""
    k = int(cohort.frequent.sum())
    task = {"seed": cohort.seed, "true_k": k, "low": max(1, k - MARGIN), "high": k + MARGIN}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "task.json").write_text(json.dumps(task | {"penalty": PENALTY}), encoding="utf-8")
        samples = [f"S{number:04d}" for number in range(len(cohort.counts))]
        table = pd.DataFrame(cohort.counts.T.astype(int), index=cohort.channels, columns=samples)
        table.to_csv(folder / "counts.txt", sep="\t", index_label="Mutation Types")
        began = time.perf_counter()
        done = subprocess.run(
            [python, SCRIPT, tool, folder],
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        wall = time.perf_counter() - began
        if not (folder / "cost.json").is_file():
            raise RuntimeError(f"{tool} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        took = json.loads((folder / "cost.json").read_text(encoding="utf-8"))
        solutions = {
            path.stem: pd.read_csv(path, index_col=0).loc[cohort.channels].T
            for path in folder.glob("*.csv")
        }
    return solutions, took | {"wall_seconds": wall}


def decomposed(solution: pd.DataFrame, cohort: Cohort) -> Found:
    """Return which signatures of the reference a decomposition names, and those that it could not decompose."""
    ours = solution.index.isin(cohort.reference_names)
    return Found(
        novel=solution[~ours].to_numpy(float), known=np.isin(cohort.reference_names, solution.index)
    )


def rows_of(tool: str, python: Path, cohort: Cohort) -> list[dict[str, Any]]:
    """Return the rows of one tool on one cohort."""
    solutions, took = run(tool, python, cohort)
    if tool == "sigprofiler":
        took["settings"] = " ".join(f"{key}={value}" for key, value in SIGPROFILER.items())
    else:
        took["settings"] = f"lam={PENALTY} starts={MINIMUM_VOLUME_STARTS}"
    return [
        row_of(
            cohort,
            f"{tool}, {name}",
            decomposed(solution, cohort) if name == "cosmic" else Found(solution.to_numpy(float)),
            **took,
        )
        for name, solution in solutions.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the input data")
    parser.add_argument("--part", choices=("choice", "test"), default="choice")
    parser.add_argument("--cohorts", nargs="*", help="only these")
    parser.add_argument("--noise", default="poisson")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sigprofiler", type=Path, help="Python that has SigProfilerExtractor")
    parser.add_argument("--salamander", type=Path, help="Python that has salamander-learn")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    tools = {"sigprofiler": chosen.sigprofiler, "minimum_volume": chosen.salamander}
    for name in chosen.cohorts or cohorts_of(chosen.part):
        cohort = draw_cohort(chosen.data, name, chosen.noise, chosen.seed)
        for tool, python in tools.items():
            if python is None:
                continue
            rows = rows_of(tool, python.absolute(), cohort)
            write_rows(chosen.out / "cohort_peers.csv", rows, ROW)
            for row in rows:
                print(
                    f"{name}, {row['method']}: {row['found_90']} of {row['true']} found, "
                    f"{row['reported']} reported, PPV {row['ppv_90']:.2f}, {row['seconds']:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
