"""The peers of extraction, run by ``cohort_peers.py`` in environments of their own: imports nothing of this project.

    PYTHON cohort_foreign.py TOOL FOLDER

FOLDER holds ``counts.txt`` (rows are channels) and ``task.json``; it gets one table a solution (rows are channels) and
``cost.json``: seconds of process time and peak memory in MiB, of the tool with its child processes, and its version.
"""

import json
import multiprocessing
import resource
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SIGPROFILER = {
    "nmf_replicates": 10,
    "min_nmf_iterations": 1_000,
    "max_nmf_iterations": 10_000,
    "nmf_test_conv": 1_000,
}
"""Capped: at its defaults (100 replicates, 10,000 to 1,000,000 iterations) a cohort takes many hours of one core."""
MINIMUM_VOLUME_STARTS = 3


def sigprofiler(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Extract with every number of signatures in a range; keep the suggestion, the solution at ``true_k`` and the
    decomposition into COSMIC. Return where the range begins."""
    low = task["low"]
    try:
        out = sigprofiler_range(folder, task, low)
    except IndexError:
        # So it ends where it finds none of these numbers stable. One signature always is.
        low = 1
        out = sigprofiler_range(folder, task, low)
    k = task["true_k"]
    solutions = {
        "chosen": "SBS96/Suggested_Solution/SBS96_De-Novo_Solution/Signatures/SBS96_De-Novo_Signatures.txt",
        "true_k": f"SBS96/All_Solutions/SBS96_{k}_Signatures/Signatures/SBS96_S{k}_Signatures.txt",
        "cosmic": "SBS96/Suggested_Solution/COSMIC_SBS96_Decomposed_Solution/Signatures/COSMIC_SBS96_Signatures.txt",
    }
    for name, path in solutions.items():
        pd.read_csv(out / path, sep="\t", index_col=0).to_csv(folder / f"{name}.csv")
    return {"low": low}


def sigprofiler_range(folder: Path, task: dict[str, Any], low: int) -> Path:
    """Extract with every number of signatures from ``low`` to ``high``; return the folder of the results."""
    import sigProfilerPlotting
    from SigProfilerExtractor import sigpro

    # Most of a short run's time would go to pictures, and to the import of torch in each new process.
    sigProfilerPlotting.plotSBS = lambda *_, **__: None
    multiprocessing.set_start_method("fork", force=True)
    out, seeds = folder / f"from_{low}", folder / "Seeds.txt"
    pd.DataFrame({"Seed": [task["seed"] + 1]}).to_csv(seeds, sep="\t")
    sigpro.sigProfilerExtractor(
        "matrix",
        str(out),
        str(folder / "counts.txt"),
        opportunity_genome="GRCh38",
        cosmic_version=3,
        minimum_signatures=low,
        maximum_signatures=task["high"],
        cpu=1,
        assignment_cpu=1,
        seeds=str(seeds),
        make_decomposition_plots=False,
        **SIGPROFILER,
    )
    return out


def minimum_volume(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Extract ``true_k`` signatures, the best of some random starts by the penalised objective."""
    import anndata
    from salamander.models import MvNMF

    counts = pd.read_csv(folder / "counts.txt", sep="\t", index_col=0).T.astype(float)
    best, least = None, np.inf
    for start in range(MINIMUM_VOLUME_STARTS):
        model = MvNMF(n_signatures=task["true_k"], init_method="random", lam=task["penalty"])
        seed = task["seed"] * MINIMUM_VOLUME_STARTS + start
        model.fit(anndata.AnnData(counts.copy()), init_kwargs={"seed": seed})
        if (cost := model.objective_function()) < least:
            best, least = model.signatures, cost
    if best is None:
        raise RuntimeError("no start of the minimum volume has a finite cost")
    best.T.to_csv(folder / "true_k.csv")
    return {}


PACKAGES = {"sigprofiler": "SigProfilerExtractor", "minimum_volume": "salamander-learn"}


def cost(tool: str) -> dict[str, float | str]:
    """Return what this process and its ended children took so far, and the version of the tool."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": sum(usage.ru_utime + usage.ru_stime for usage in usages),
        "memory_mb": max(usage.ru_maxrss for usage in usages) / 1024,
        "version": version(PACKAGES[tool]),
    }


if __name__ == "__main__":
    tool, folder = sys.argv[1], Path(sys.argv[2])
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    run = {"sigprofiler": sigprofiler, "minimum_volume": minimum_volume}[tool]
    facts = run(folder, task)
    (folder / "cost.json").write_text(json.dumps(cost(tool) | facts), encoding="utf-8")
