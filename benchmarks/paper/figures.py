"""The paper's figures 3 to 8 from the table of results, the protocol in every title."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dnmf.plotting import save_figure
from paper.cells import LEARNED
from paper.datasets import BREAST, SIMULATED, short_name
from paper.plan import DEPTHS, LAYERS, PENALTIES
from paper.plots import CurvePanel, PointPanel, plot_curves, plot_points
from paper.select import at_all_depths, by_set, simulated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = [short_name(name) for name in SIMULATED]
SUPERVISED_ERROR = "squared exposure error"
COST = "cost per sample"


def _published(
    published: pd.DataFrame, figure: str, method: str, penalty: str, names: Iterable[str]
) -> np.ndarray:
    rows = published[
        (published["figure"] == figure)
        & (published["method"] == method)
        & (published["penalty"] == penalty)
    ]
    means: np.ndarray = rows.groupby("set")["published"].mean().reindex(list(names)).to_numpy(float)
    return means


def figure_3(results: pd.DataFrame, published: pd.DataFrame) -> "Figure":
    """Supervised, with penalties and without."""

    def reported(penalty: str) -> np.ndarray:
        return simulated(
            by_set(
                results,
                "authors",
                "supervised",
                "dnmf",
                "network",
                penalty=penalty,
                figure="reported",
            )
        )

    def held_out(penalty: str) -> np.ndarray:
        return simulated(by_set(results, "paper", "supervised", "dnmf", "network", penalty=penalty))

    first = PointPanel(
        "Figure 3, protocol “authors”",
        SUPERVISED_ERROR,
        NAMES,
        {
            "published, penalties learned": _published(published, "3", "dnmf", LEARNED, SIMULATED),
            "rerun": reported(LEARNED),
            "published, “no regularisation”": _published(published, "3", "dnmf", "1", SIMULATED),
            "rerun: penalties fixed at 1": reported("1"),
            "no penalties at all": reported("0"),
        },
        frozenset({"published, penalties learned", "published, “no regularisation”"}),
    )
    second = PointPanel(
        "Figure 3, protocol “paper” (held out)",
        SUPERVISED_ERROR,
        NAMES,
        {"penalties learned": held_out(LEARNED), "no penalties": held_out("0")},
    )
    return plot_points([first, second])


def figure_4(results: pd.DataFrame, published: pd.DataFrame) -> "Figure":
    """Depth, relative to ten layers."""
    results = at_all_depths(results)
    panels = []
    for experiment, penalty in (("supervised", LEARNED), ("unsupervised", "0")):
        table = np.array(
            [
                simulated(
                    by_set(
                        results,
                        "authors",
                        experiment,
                        "dnmf",
                        "network, held out",
                        penalty=penalty,
                        layers=layers,
                    )
                )
                for layers in DEPTHS
            ]
        )
        rows = published[(published["figure"] == "4") & (published["experiment"] == experiment)]
        theirs = rows.pivot(index="layers", columns="set", values="published").loc[list(DEPTHS)]
        relative, relative_theirs = table / table[1], (theirs / theirs.loc[LAYERS]).to_numpy(float)
        complete = np.isfinite(relative).all(axis=0)
        panels.append(
            CurvePanel(
                f"Figure 4, {experiment}, protocol “authors”",
                "layers",
                "error over that of 10 layers",
                {
                    "median over sets, held-out samples": (DEPTHS, _median(relative[:, complete])),
                    "median over sets, published": (DEPTHS, _median(relative_theirs)),
                },
                [(DEPTHS, relative[:, i]) for i in np.flatnonzero(complete)],
                "each set, held-out samples",
            )
        )
    return plot_curves(panels)


def _median(table: np.ndarray) -> np.ndarray:
    return np.median(table, axis=1) if table.size else np.full(len(table), np.nan)


def figure_5(results: pd.DataFrame, published: pd.DataFrame) -> "Figure":
    """Supervised DNMF against MU, as reported, in one unit, and against regression."""

    def authors(method: str, penalty: str, inference: str, figure: str = "mean") -> np.ndarray:
        values = by_set(
            results, "authors", "supervised", method, inference, penalty=penalty, figure=figure
        )
        return simulated(values)

    def ours(method: str, inference: str, penalty: str = "0") -> np.ndarray:
        return simulated(by_set(results, "ours", "supervised", method, inference, penalty=penalty))

    published_series = {
        "published DNMF": _published(published, "5", "dnmf", LEARNED, SIMULATED),
        "rerun DNMF": authors("dnmf", LEARNED, "network", "reported"),
    }
    for penalty in PENALTIES:
        published_series[f"published MU, λ = {penalty}"] = _published(
            published, "5", "mu", penalty, SIMULATED
        )
        published_series[f"rerun MU, λ = {penalty}"] = authors("mu", penalty, "mu 10", "reported")
    first = PointPanel(
        "Figure 5, protocol “authors”, as reported",
        "DNMF: mean, MU: sum over samples",
        NAMES,
        published_series,
        frozenset(name for name in published_series if name.startswith("published")),
    )
    second = PointPanel(
        "Figure 5, protocol “ours” (held out)",
        SUPERVISED_ERROR,
        NAMES,
        {
            "DNMF of the paper": ours("dnmf of the paper", "network", LEARNED),
            "signatures regressed, MU 10": ours("least squares", "mu 10"),
            "signatures regressed, MU 100": ours("least squares", "mu 100"),
            "signatures regressed, MU 1000": ours("least squares", "mu 1000"),
            "signatures regressed, exact": ours("least squares", "exact"),
            "ridge": ours("ridge", "regression"),
            "perceptron": ours("perceptron", "regression"),
            "SupervisedDNMF, default": ours("dnmf", "network"),
            "true signatures, exact (floor)": ours("true signatures", "exact"),
        },
    )
    return plot_points([first, second])


def figure_6(results: pd.DataFrame, published: pd.DataFrame) -> "Figure":
    """Unsupervised DNMF against MU, as reported, and against strong solvers."""
    series = {}
    for method, inference in (("dnmf", "network"), ("mu", "mu 10")):
        for penalty in PENALTIES:
            label = f"{method.upper()}, λ = {penalty}"
            series[f"published {label}"] = _published(published, "6", method, penalty, SIMULATED)
            series[f"rerun {label}"] = simulated(
                by_set(
                    results,
                    "authors",
                    "unsupervised",
                    method,
                    inference,
                    penalty=penalty,
                    figure="reported",
                )
            )

    def trimmed(method: str, inference: str) -> np.ndarray:
        return simulated(
            by_set(results, "ours", "unsupervised", method, inference, figure="trimmed")
        )

    floor = trimmed("true signatures", "exact")
    strong = {
        "DNMF of the paper": trimmed("dnmf of the paper", "network"),
        "its signatures, exact": trimmed("dnmf of the paper", "exact"),
        "MU best of 10, MU 10": trimmed("mu best of 10", "mu 10"),
        "MU best of 10, exact": trimmed("mu best of 10", "exact"),
        "KL-MU, exact": trimmed("kl mu", "exact"),
        "scikit-learn CD, exact": trimmed("scikit-learn cd", "exact"),
        "alternating least squares": trimmed("alternating", "exact"),
        "DNMF, default": trimmed("dnmf", "network"),
    }
    return plot_points(
        [
            PointPanel(
                "Figure 6, protocol “authors”, as reported",
                COST,
                NAMES,
                series,
                frozenset(name for name in series if name.startswith("published")),
            ),
            PointPanel(
                "Figure 6 at λ = 0, protocol “ours” (held out)",
                "trimmed cost over the floor's",
                NAMES,
                {name: values / floor for name, values in strong.items()},
            ),
        ]
    )


def figure_7(results: pd.DataFrame, published: pd.DataFrame) -> "Figure":
    """Draw the same for the breast genomes."""
    labels = [f"λ = {penalty}" for penalty in PENALTIES]

    def row(protocol: str, method: str, inference: str) -> np.ndarray:
        values = [
            by_set(
                results, protocol, "unsupervised", method, inference, penalty=penalty, figure="full"
            ).get(BREAST, np.nan)
            for penalty in PENALTIES
        ]
        return np.array(values, dtype=float)

    def theirs(method: str) -> np.ndarray:
        return np.array([_published(published, "7", method, p, [BREAST])[0] for p in PENALTIES])

    return plot_points(
        [
            PointPanel(
                "Figure 7, breast, protocol “authors”",
                COST,
                labels,
                {
                    "published DNMF": theirs("dnmf"),
                    "rerun DNMF, held-out folds": row("authors", "dnmf", "network, held out"),
                    "rerun DNMF, leaky test set": row("authors", "dnmf", "network"),
                    "published MU": theirs("mu"),
                    "rerun MU, held-out folds": row("authors", "mu", "mu 10, held out"),
                    "rerun MU, leaky test set": row("authors", "mu", "mu 10"),
                },
                frozenset({"published DNMF", "published MU"}),
            ),
            PointPanel(
                "Figure 7, breast, protocol “ours” (held out)",
                "cost with penalties, per sample",
                labels,
                {
                    "DNMF of the paper": row("ours", "dnmf of the paper", "network"),
                    "MU best of 10, MU 100": row("ours", "mu best of 10", "mu 100"),
                    "MU best of 10, exact": row("ours", "mu best of 10", "exact"),
                    "alternating least squares": row("ours", "alternating", "exact"),
                    "scikit-learn CD, exact": row("ours", "scikit-learn cd", "exact"),
                    "KL-MU, exact": row("ours", "kl mu", "exact"),
                    "DNMF, default": row("ours", "dnmf", "network"),
                },
            ),
        ]
    )


def figure_8(results: pd.DataFrame, published: pd.DataFrame) -> "Figure":
    """Draw the training cost along the iterations, of the first fold that was run."""
    table = results[results["experiment"] == "training cost"]
    fold = table["fold"].min()
    table = table[table["fold"] == fold]

    def curve(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return rows["iteration"].to_numpy(float), rows["full"].to_numpy(float)

    panels = []
    alternating = table[table["method"] == "alternating"]
    for penalty in PENALTIES:
        rows = table[table["penalty"] == penalty]
        network = rows[rows["method"] == "dnmf"]
        mu = rows[rows["method"] == "mu"]
        random = [curve(part) for name, part in mu.groupby("inference") if "random" in str(name)]
        panels.append(
            CurvePanel(
                f"Figure 8, breast, fold {fold}, λ = {penalty}, protocol “authors”",
                "iteration or epoch",
                "training cost per sample",
                {
                    "DNMF": curve(network),
                    "MU from equal entries": curve(mu[mu["inference"] == "equal entries"]),
                    "alternating least squares, λ = 0 (see text)": curve(alternating),
                },
                random,
                "MU from 10 random starts",
            )
        )
    return plot_curves(panels)


Draw = Callable[[pd.DataFrame, pd.DataFrame], "Figure"]
# Each figure with the cells without which it would be empty, as a query on the results.
DRAWN: dict[str, tuple[Draw, str]] = {
    "3": (figure_3, "protocol == 'authors' and experiment == 'supervised' and penalty == '0'"),
    "4": (figure_4, f"layers == {DEPTHS[-1]}"),
    "5": (figure_5, "experiment == 'supervised' and method == 'least squares'"),
    "6": (figure_6, f"experiment == 'unsupervised' and method == 'mu' and set != '{BREAST}'"),
    "7": (figure_7, f"experiment == 'unsupervised' and method == 'mu' and set == '{BREAST}'"),
    "8": (figure_8, "experiment == 'training cost'"),
}


def draw_figures(
    results: pd.DataFrame, published: pd.DataFrame, folder: Path, *, dpi: float = 110
) -> list[Path]:
    """Write a PNG of every figure of which there are results; return their paths."""
    return [
        save_figure(draw(results, published), folder / f"figure_{name}.png", dpi=dpi)
        for name, (draw, cells) in DRAWN.items()
        if len(results.query(cells))
    ]
