"""`docs/explanation/selection.md`: how many signatures, and how repeatable they are."""

import pandas as pd

from figures.form import fixed, markdown, one, only, results, times
from figures.pages import Says
from paper.datasets import SIMULATED

CONSTANTS = "0.9; 0.95; 0.99; 0.90; 0.5; 0.8; 0.02; 0.2; 90 %"
BOUNDS = ("found_90", "found_95", "found_99")


def long_name(name: str) -> str:
    """Return the name of a simulated set without the suffix of its file."""
    return name.removesuffix(".96").removesuffix(".sp").removesuffix(".sa")


def numbers() -> str:
    rows = only(results("selection"), seed=0, restarts=5)
    noises = [only(rows, noise=noise).set_index("set") for noise in ("rounded", "poisson")]
    lines = []
    for name in SIMULATED:
        cells = [str(noises[0]["true_k"][name])]
        for noise in noises:
            row = noise.loc[name]
            cells += [str(row["chosen_k"]), times(str(row[b]) for b in BOUNDS), str(row["false"])]
        lines.append([long_name(name), *cells])
    total = [f"all, of {noises[0]['true_k'].sum()}", ""]
    for noise in noises:
        off = (noise["chosen_k"] - noise["true_k"]).abs()
        total += [f"exact {(off == 0).sum()}, within one {(off <= 1).sum()}"]
        total += [times(str(noise[b].sum()) for b in BOUNDS), str(noise["false"].sum())]
    head = ["set", "true", "rounded: chosen", "found", "false", "Poisson: chosen", "found", "false"]
    return markdown(head, [*lines, total])


FACTORS = {"sparse": "sparse", "smooth": "smooth curves, mixed by shares", "dense": "dense"}


def general() -> str:
    lines, exact = [], {"gaussian": 0, "counts": 0}
    rows = results("selection_general")
    for factors, label in FACTORS.items():
        for true in (3, 6):
            cells = []
            for noise in exact:
                found = only(rows, factors=factors, true_k=true, noise=noise)
                # From low noise to high: small deviations, many counts.
                found = found.sort_values("level", ascending=noise == "gaussian")
                cells.append(", ".join(map(str, found["chosen_k"])))
                exact[noise] += int((found["chosen_k"] == true).sum())
            lines.append([label, str(true), *cells])
    each = len(rows) // 2
    total = [f"exact, of {len(rows)}", "", *(f"{right} of {each}" for right in exact.values())]
    return markdown(["factors", "true", "measurements: chosen", "counts: chosen"], [*lines, total])


COVERED = (
    "pancreas_sp.sp",
    "pancreas_sa.sa.96",
    "3.5.40.rcc.and.ovary_sp.sp",
    "2.7a.7b.bladder.and.melanoma_sp.sp",
    "3.5.40.abst_sp.sp",
)


def coverage() -> str:
    head = [
        "set",
        "channels of at least 1 %",
        "exposures, all",
        "exposures of at least 10 mutations",
    ]
    table = results("interval_coverage").set_index("set")
    columns = ["channels", "exposures_all", "exposures_present"]
    lines = [[long_name(name), *map(fixed, table.loc[name, columns])] for name in COVERED]
    return markdown(head, lines)


def sigprofiler(samples: int) -> pd.Series:
    return only(results("selection_sigprofiler"), samples=samples).iloc[0]


def says() -> list[Says]:
    whole, part = sigprofiler(1000), sigprofiler(200)
    chosen = only(results("selection"), set="2.7a.7b.bladder.and.melanoma_sa.sa.96", restarts=5)
    if [one(chosen, "chosen_k", noise=n) for n in ("rounded", "poisson")] != [24, 23]:
        raise LookupError("bladder.and.melanoma_sa is not two and three below the truth")
    return [
        Says(
            "| {} s, {} / {} / {} |\n| pancreas_sp, 200 samples",
            fixed(whole["seconds"], 0),
            *(str(whole[b]) for b in BOUNDS),
        ),
        Says(
            "| {} s, {} chosen, {} / {} / {} |\n| 560 breast genomes",
            fixed(part["seconds"], 0),
            str(part["chosen_k"]),
            *(str(part[b]) for b in BOUNDS),
        ),
    ]
