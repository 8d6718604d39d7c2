"""`docs/explanation/factorisation_measured.md`: `DNMF` beside scikit-learn's `NMF`."""

from figures.form import fixed, markdown, one, only, results
from figures.pages import Says

CONSTANTS = "0.15 %"
OURS = "DNMF plain"
LEAST_SQUARES, KULLBACK_LEIBLER = "least squares", "Kullback-Leibler"
PEER = {LEAST_SQUARES: "scikit-learn CD, tol 1e-6", KULLBACK_LEIBLER: "scikit-learn MU, tol 1e-6"}
GIVEN = "105 alike spectra, given"
ADMM = "DNMF(dictionary=D, layer='admm')"


def value(objective: str, name: str, method: str, column: str) -> float:
    return one(results("factorisation"), column, objective=objective, set=name, method=method)


def ratio(objective: str, name: str, column: str) -> float:
    """Return our figure over that of scikit-learn."""
    ours, theirs = (value(objective, name, method, column) for method in (OURS, PEER[objective]))
    return ours / theirs


def over_peer(objective: str, name: str) -> list[str]:
    error = fixed(ratio(objective, name, "error"), 4)
    return [
        name,
        error,
        *(fixed(ratio(objective, name, c)) for c in ("fit_seconds", "transform_seconds")),
    ]


def least_squares() -> str:
    lines = []
    for name in ("digits", "land", "text", "cells", "speech", "patches"):
        residual = f"{value(LEAST_SQUARES, name, OURS, 'certificate'):.0e}".replace("e-0", "e-")
        lines.append([*over_peer(LEAST_SQUARES, name), residual])
    return markdown(
        ["set", "error", "fit", "transform", "largest KKT residual of transform"], lines
    )


def kullback_leibler() -> str:
    lines = [over_peer(KULLBACK_LEIBLER, name) for name in ("digits", "land", "text", "cells")]
    return markdown(["set", "error", "fit", "transform"], lines)


def seconds_an_iteration(where: str, workers: int) -> float:
    rows = only(results("out_of_core"), samples=3_000_000, where=where, workers=workers).iloc[0]
    return float(rows["seconds"] / rows["iterations"])


def says() -> list[Says]:
    large = "text-large"
    disk = results("out_of_core").query("samples == 3_000_000 and where == 'disk'").iloc[0]
    workers = results("out_of_core").query("samples == 3_000_000 and where == 'dask'")
    alone, two = seconds_an_iteration("dask", 1), seconds_an_iteration("dask", 2)
    scikit_learn = PEER[LEAST_SQUARES]
    return [
        Says(
            "error {}, fit {}, peak memory {} ({} MB, of which {} MB before the fit)",
            fixed(ratio(LEAST_SQUARES, large, "error"), 4),
            fixed(ratio(LEAST_SQUARES, large, "fit_seconds")),
            fixed(ratio(LEAST_SQUARES, large, "memory_mb")),
            fixed(value(LEAST_SQUARES, large, OURS, "memory_mb"), 0),
            fixed(value(LEAST_SQUARES, large, OURS, "memory_before_mb"), 0),
        ),
        Says(
            "an iteration takes {} s in one process (peak memory {} MB), {} s with one Dask "
            "worker and {} s with two, {} "
            "times as fast ({} MB each at most)",
            fixed(seconds_an_iteration("disk", 0), 1),
            fixed(disk["asker_mb"], 0),
            fixed(alone, 1),
            fixed(two, 1),
            fixed(alone / two, 1),
            fixed(workers["largest_other_mb"].max(), 0),
        ),
        Says(
            "the cost of `transform` over the exact one is {}, also for the worst sample; that of "
            "scikit-learn's coordinate "
            "descent, after 1,000 iterations, is {}, and {} for the worst",
            fixed(value(LEAST_SQUARES, GIVEN, ADMM, "worst_cost_over_exact"), 4),
            fixed(value(LEAST_SQUARES, GIVEN, scikit_learn, "cost_over_exact")),
            fixed(value(LEAST_SQUARES, GIVEN, scikit_learn, "worst_cost_over_exact"), 1),
        ),
    ]
