"""`docs/explanation/selection.md`: how many signatures, and how repeatable they are."""

import pandas as pd

from figures.form import fixed, markdown, one, only, results, times
from figures.pages import Says
from paper.datasets import SIMULATED

CONSTANTS = "0.9; 0.95; 0.99; 0.90; 0.5; 0.8; 0.02; 0.2; 90 %; 2,000; 10,000; 20,000"
BOUNDS = ("found_90", "found_95", "found_99")


def long_name(name: str) -> str:
    """Return the name of a simulated set without the suffix of its file."""
    return name.removesuffix(".96").removesuffix(".sp").removesuffix(".sa")


def numbers() -> str:
    # The rows of Poisson counts are those of a former search.
    rows = only(results("selection"), seed=0, restarts=5, noise="rounded").set_index("set")
    lines = []
    for name in SIMULATED:
        row = rows.loc[name]
        found = times(str(row[b]) for b in BOUNDS)
        lines.append(
            [long_name(name), *map(str, row[["true_k", "chosen_k"]]), found, str(row["false"])]
        )
    off = (rows["chosen_k"] - rows["true_k"]).abs()
    total = [
        f"all, of {rows['true_k'].sum()}",
        "",
        f"exact {(off == 0).sum()}, within one {(off <= 1).sum()}",
        times(str(rows[b].sum()) for b in BOUNDS),
        str(rows["false"].sum()),
    ]
    return markdown(["set", "true", "chosen", "found", "false"], [*lines, total])


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


def exact() -> tuple[int, int]:
    """Return in how many sets the number is exact, and of how many; it is an error if it is too large in one."""
    rows = only(results("selection"), seed=0, restarts=5, noise="rounded")
    if (rows["chosen_k"] > rows["true_k"]).any():
        raise LookupError("the number is too large in a set")
    return int((rows["chosen_k"] == rows["true_k"]).sum()), len(rows)


def says() -> list[Says]:
    whole, part = sigprofiler(1000), sigprofiler(200)
    rows = only(results("selection"), seed=0, restarts=5, noise="rounded")
    if one(rows, "chosen_k", set="2.7a.7b.bladder.and.melanoma_sa.sa.96") != 24:
        raise LookupError("bladder.and.melanoma_sa is not two below the truth")
    return [
        Says("number is exact in {} of {} simulated sets, else too small", *map(str, exact())),
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
