"""What a run found, as text: ours beside the published numbers, our baselines, and a verdict for every claim."""

import numpy as np
import pandas as pd

from paper.cells import LEARNED
from paper.claims import Claim, judge
from paper.datasets import BREAST, SIMULATED, short_name
from paper.plan import PENALTIES
from paper.published import compare_with_published
from paper.select import by_set

# The bands in which the median over folds of ours/published should lie, where only chance may differ.
BANDS = {
    "DNMF, λ = 0": ("unsupervised", "dnmf", "0", (0.7, 1.4)),
    "MU, λ = 0": ("unsupervised", "mu", "0", (0.8, 1.25)),
    "supervised DNMF": ("supervised", "dnmf", LEARNED, (0.5, 2.0)),
}
OUR_UNSUPERVISED = {
    "floor: true signatures": ("true signatures", "exact"),
    "DNMF of the paper": ("dnmf of the paper", "network"),
    "its signatures, exact": ("dnmf of the paper", "exact"),
    "MU best of 10, 10 it.": ("mu best of 10", "mu 10"),
    "100 it.": ("mu best of 10", "mu 100"),
    "1000 it.": ("mu best of 10", "mu 1000"),
    "MU, exact": ("mu best of 10", "exact"),
    "KL-MU, exact": ("kl mu", "exact"),
    "scikit-learn CD, exact": ("scikit-learn cd", "exact"),
    "alternating": ("alternating", "exact"),
    "DNMF, default": ("dnmf", "network"),
}
OUR_SUPERVISED = {
    "floor: true signatures": ("true signatures", "exact", "0"),
    "the same, likelihood": ("true signatures", "likelihood", "0"),
    "regressed, exact": ("least squares", "exact", "0"),
    "regressed, likelihood": ("least squares", "likelihood", "0"),
    "regressed, MU 10": ("least squares", "mu 10", "0"),
    "MU 100": ("least squares", "mu 100", "0"),
    "MU 1000": ("least squares", "mu 1000", "0"),
    "ridge": ("ridge", "regression", "0"),
    "perceptron": ("perceptron", "regression", "0"),
    "DNMF of the paper": ("dnmf of the paper", "network", LEARNED),
    "SupervisedDNMF, default": ("dnmf", "network", "0"),
}


def ratios(beside: pd.DataFrame) -> pd.DataFrame:
    """Return the median over folds of ours/published, one row a set, and the exact agreements of MU."""
    rows = beside[~beside["figure"].isin(["4"])]
    columns = {}
    for name, (experiment, method, penalty, _) in BANDS.items():
        part = rows[
            (rows["experiment"] == experiment)
            & (rows["method"] == method)
            & (rows["penalty"] == penalty)
        ]
        columns[name] = part.groupby("set")["ratio"].median()
    part = rows[(rows["experiment"] == "supervised") & (rows["method"] == "mu")]
    columns["supervised MU"] = part.groupby("set")["ratio"].median()
    part = rows[
        (rows["experiment"] == "supervised") & (rows["penalty"] == "1") & (rows["method"] == "dnmf")
    ]
    columns["“no regularisation”"] = part.groupby("set")["ratio"].median()
    part = rows[(rows["experiment"] == "unsupervised") & (rows["penalty"] != "0")]
    for method in ("dnmf", "mu"):
        chosen = part[part["method"] == method]
        columns[f"{method.upper()}, λ = 1 and 2"] = chosen.groupby("set")["ratio"].median()
    return _in_order(columns)


def _in_order(columns: "dict[str, pd.Series[float]]") -> pd.DataFrame:
    """Return columns as a table, sets in the paper's order, those without any number left out."""
    table = pd.DataFrame(columns).dropna(how="all")
    return table.reindex([name for name in (*SIMULATED, BREAST) if name in table.index])


def in_bands(table: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Return, for each comparison that has a band, on how many of how many simulated sets the ratio lies in it."""
    simulated = table.reindex([name for name in SIMULATED if name in table.index])
    return {
        name: (int(simulated[name].between(*band).sum()), int(simulated[name].notna().sum()))
        for name, (*_, band) in BANDS.items()
    }


def paper_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return what the text of the paper gives on held-out folds, mean over the folds run."""
    columns = {}
    for penalty in PENALTIES:
        for method, inference in (("dnmf", "network"), ("mu", "mu 100")):
            columns[f"{method.upper()}, λ = {penalty}"] = by_set(
                results, "paper", "unsupervised", method, inference, penalty=penalty
            )
    for label, method, inference, penalty in (
        ("supervised DNMF", "dnmf", "network", LEARNED),
        ("supervised MU, λ = 0", "mu", "mu 10", "0"),
    ):
        columns[label] = by_set(results, "paper", "supervised", method, inference, penalty=penalty)
    return _in_order(columns)


def unsupervised_table(results: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return a figure of merit of every method of ``ours``, λ = 0, mean over the folds run."""
    return _in_order(
        {
            label: by_set(results, "ours", "unsupervised", method, inference, figure=figure)
            for label, (method, inference) in OUR_UNSUPERVISED.items()
        }
    )


def supervised_table(results: pd.DataFrame, experiment: str = "supervised") -> pd.DataFrame:
    """Return the mean squared exposure error of every method of ``ours``, mean over the folds run."""
    return _in_order(
        {
            label: by_set(results, "ours", experiment, method, inference, penalty=penalty)
            for label, (method, inference, penalty) in OUR_SUPERVISED.items()
        }
    )


def times_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the microseconds a sample of each way to infer exposures."""
    rows = results[results["experiment"] == "run time"].copy()
    rows["microseconds"] = 1e6 * rows["seconds_infer"] / rows["tested"]
    return rows.pivot_table(index="set", columns="inference", values="microseconds")


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown, numbers with three digits.

    Examples
    --------
    >>> print(markdown(pd.DataFrame({"cost": [1234.5]}, index=["pancreas_sp.sp"])))
    | set | cost |
    |---|---|
    | pancreas_sp | 1,230 |
    """
    lines = ["| set | " + " | ".join(map(str, table.columns)) + " |"]
    lines.append("|---" * (len(table.columns) + 1) + "|")
    for name, row in table.iterrows():
        cells = [_number(value) for value in row]
        lines.append(f"| {short_name(str(name))} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(value: float) -> str:
    if not np.isfinite(value):
        return ""
    rounded = float(f"{value:.3g}")
    return f"{rounded:.2e}" if abs(rounded) >= 1e7 else f"{rounded:,.6g}"


def describe(claims: list[Claim]) -> str:
    """Return the claims with their verdicts, one paragraph each."""
    return "\n".join(
        f"- **{claim.verdict}** ({claim.source}): {claim.text}. Against the paper's baseline "
        f"{claim.weak[0]} of {claim.weak[1]}, against the strong one {claim.strong[0]} of {claim.strong[1]}; "
        f"{claim.numbers}."
        for claim in claims
    )


def summarise_run(results: pd.DataFrame, published: pd.DataFrame) -> str:
    """Return the whole summary as Markdown."""
    beside = compare_with_published(results, published)
    parts = ["# The paper, rerun"]
    if len(beside):
        table = ratios(beside)
        parts += [
            "## Protocol “authors”: ours over published, median over folds",
            markdown(table),
            "\n".join(
                f"- {name}: {inside} of {known} simulated sets in [{BANDS[name][3][0]}, {BANDS[name][3][1]}]"
                for name, (inside, known) in in_bands(table).items()
            ),
        ]
    for title, part in (
        (
            "Protocol “paper”: data term of the held-out cost; squared exposure error",
            paper_table(results),
        ),
        (
            "Protocol “ours”, unsupervised, λ = 0: mean held-out cost",
            unsupervised_table(results, "mean"),
        ),
        ("The same, median over samples", unsupervised_table(results, "median")),
        (
            "The same, mean without the worst 1 % of samples",
            unsupervised_table(results, "trimmed"),
        ),
        ("Protocol “ours”, supervised: squared exposure error", supervised_table(results)),
        *(
            (f"The same, {name} mutations a sample", supervised_table(results, str(name)))
            for name in results["experiment"].unique()
            if str(name).startswith("poisson")
        ),
        ("Time of inference, microseconds a sample", times_table(results)),
    ):
        if len(part):
            parts += [f"## {title}", markdown(part)]
    claims = judge(results)
    if claims:
        parts += ["## Claims", describe(claims)]
    return "\n\n".join(parts) + "\n"
