"""`docs/explanation/factorisation_measured.md`: `DNMF` beside scikit-learn's `NMF`."""

from figures.form import digits, fixed, least_and_most, markdown, one, only, results, times
from figures.pages import Says

# Sizes of the sets, and the most iterations.
CONSTANTS = "0.15 %; 1,438; 16,000; 7,220; 4,000; 1,500; 2,400; 2,000; 1,000; 191,315; 5,000; 20,000; 3,000,000"
OURS = "DNMF plain"
LEAST_SQUARES, KULLBACK_LEIBLER = "least squares", "Kullback-Leibler"
PEER = {LEAST_SQUARES: "scikit-learn CD, tol 1e-6", KULLBACK_LEIBLER: "scikit-learn MU, tol 1e-6"}
DEFAULT_TOL = "scikit-learn CD, tol 1e-4"
SETS = ("digits", "land", "text", "cells", "speech", "patches")
COUNTS = ("digits", "land", "text", "cells")
HEAD = ["error", "fit time", "transform time"]
ABSOLUTE = ["DNMF's fit / s", "iterations, DNMF / scikit-learn"]
GIVEN = "105 alike spectra, given"
ADMM = "DNMF(dictionary=D, layer='admm')"


def value(objective: str, name: str, method: str, column: str) -> float:
    return one(results("factorisation"), column, objective=objective, set=name, method=method)


def ratio(objective: str, name: str, column: str, peer: str | None = None) -> float:
    """Return our figure over that of another tool, by default scikit-learn's to its end."""
    methods = (OURS, peer or PEER[objective])
    ours, theirs = (value(objective, name, method, column) for method in methods)
    return ours / theirs


def over(objective: str, name: str, peer: str | None = None) -> list[str]:
    """Return three ratios: error, fit, transform."""
    took = (ratio(objective, name, c, peer) for c in ("fit_seconds", "transform_seconds"))
    return [fixed(ratio(objective, name, "error", peer), 4), *map(fixed, took)]


def over_peer(objective: str, name: str) -> list[str]:
    methods = (OURS, PEER[objective])
    iterations = times(fixed(value(objective, name, m, "n_iter"), 0) for m in methods)
    seconds = digits(value(objective, name, OURS, "fit_seconds"), 2)
    return [name, *over(objective, name), seconds, iterations]


def least_squares() -> str:
    lines = []
    for name in SETS:
        residual = f"{value(LEAST_SQUARES, name, OURS, 'certificate'):.0e}".replace("e-0", "e-")
        lines.append([*over_peer(LEAST_SQUARES, name), residual])
    residuals = "largest KKT residual of DNMF's transform"
    return markdown(["set", *HEAD, *ABSOLUTE, residuals], lines)


def kullback_leibler() -> str:
    lines = [over_peer(KULLBACK_LEIBLER, name) for name in COUNTS]
    return markdown(["set", *HEAD, *ABSOLUTE], lines)


def other_tools() -> str:
    """Return the ratios over other tools, and over a looser tolerance."""
    tools = ("scikit-learn MiniBatchNMF", "torchnmf")
    runs = ((LEAST_SQUARES, SETS, (DEFAULT_TOL, *tools)), (KULLBACK_LEIBLER, COUNTS, tools))
    lines = [
        [objective, peer, name, *over(objective, name, peer)]
        for objective, names, peers in runs
        for peer in peers
        for name in names
    ]
    return markdown(["objective", "other tool", "set", *HEAD], lines)


def on_a_gpu() -> str:
    """Return seconds of fits on one thread, on 16 and on a GPU, and the costs reached."""
    table = only(results("devices"), what="fit, newton")
    lines = []
    for (n, f, dtype), rows in table.groupby(["n_samples", "n_features", "dtype"]):
        gpu = only(rows, device="cuda").iloc[0]
        cpu = {t: only(rows, device="cpu", threads=t) for t in (1, 16)}
        seconds = [fixed(found["seconds"].max()) for found in cpu.values()]
        excess = digits(gpu["cost"] / cpu[1]["cost"].max(), 6)
        lines.append([f"{n:,} × {f:,}", dtype, *seconds, fixed(gpu["seconds"]), excess])
    cost = "cost on the GPU over that on the CPU"
    return markdown(["data", "precision", "one thread", "16 threads", "GPU", cost], lines)


def ratios_of_sets(column: str, peer: str | None = None) -> list[float]:
    """Return our figure over scikit-learn's on the six sets, least squares."""
    return [ratio(LEAST_SQUARES, name, column, peer) for name in SETS]


def seconds_an_iteration(where: str, workers: int) -> float:
    rows = only(results("out_of_core"), samples=3_000_000, where=where, workers=workers).iloc[0]
    return float(rows["seconds"] / rows["iterations"])


def says() -> list[Says]:
    large = "text-large"
    disk = results("out_of_core").query("samples == 3_000_000 and where == 'disk'").iloc[0]
    workers = results("out_of_core").query("samples == 3_000_000 and where == 'dask'")
    alone, two = seconds_an_iteration("dask", 1), seconds_an_iteration("dask", 2)
    scikit_learn = PEER[LEAST_SQUARES]
    fits = only(results("devices"), what="fit, newton", n_samples=20_000).pivot_table(
        "seconds", "dtype", ["device", "threads"]
    )
    faster = [fits["cpu", threads] / fits["cuda", 1] for threads in (1, 16)]
    return [
        Says(
            "a fit there is {} to {} times as fast as on one thread, {} to {} times as fast as on 16",
            *(fixed(value, 1) for f in faster for value in (f.min(), f.max())),
        ),
        Says(
            "Without a GPU 16 threads are {} to {} times as fast as one",
            *least_and_most(fits["cpu", 1] / fits["cpu", 16], 1),
        ),
        Says(
            "the error is {} to {} of scikit-learn's and a fit takes {} to {} of its time",
            *least_and_most(ratios_of_sets("error"), 3),
            *least_and_most(ratios_of_sets("fit_seconds")),
        ),
        Says(
            "five sets: `DNMF` has {} to {} of scikit-learn's error, in {} to {} of its time",
            *least_and_most(ratios_of_sets("error", DEFAULT_TOL)[:-1], 3),
            *least_and_most(ratios_of_sets("fit_seconds", DEFAULT_TOL)[:-1]),
        ),
        Says(
            "On the sixth, patches, scikit-learn stops after {} iterations, with {} times the error of "
            "`DNMF`, whose fit takes {} times as long",
            fixed(value(LEAST_SQUARES, "patches", DEFAULT_TOL, "n_iter"), 0),
            fixed(1 / ratio(LEAST_SQUARES, "patches", "error", DEFAULT_TOL)),
            fixed(ratio(LEAST_SQUARES, "patches", "fit_seconds", DEFAULT_TOL), 0),
        ),
        Says(
            "a fit takes {} of scikit-learn's time to tol 1e-6, {} of that to tol 1e-4",
            *(fixed(ratio(LEAST_SQUARES, large, "fit_seconds", p)) for p in (None, DEFAULT_TOL)),
        ),
        Says("error {} of scikit-learn's", fixed(ratio(LEAST_SQUARES, large, "error"), 4)),
        Says(
            "To its default tol 1e-4 scikit-learn took {} s to fit, with {} of its error to tol 1e-6",
            fixed(value(LEAST_SQUARES, large, DEFAULT_TOL, "fit_seconds"), 1),
            fixed(
                value(LEAST_SQUARES, large, DEFAULT_TOL, "error")
                / value(LEAST_SQUARES, large, scikit_learn, "error"),
                4,
            ),
        ),
        *(
            Says(
                f"{who} took {{}} s to fit and at most {{}} MB of memory, {{}} MB before the fit",
                fixed(value(LEAST_SQUARES, large, method, "fit_seconds"), 1),
                fixed(value(LEAST_SQUARES, large, method, "memory_mb"), 0),
                fixed(value(LEAST_SQUARES, large, method, "memory_before_mb"), 0),
            )
            for who, method in (("`DNMF`", OURS), ("scikit-learn", scikit_learn))
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
            "Each is the mean of {} iterations, the start not counted; on the six sets above a fit "
            "takes {} to {} of them",
            fixed(disk["iterations"], 0),
            *least_and_most((value(LEAST_SQUARES, name, OURS, "n_iter") for name in SETS), 0),
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
