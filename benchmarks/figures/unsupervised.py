"""`docs/explanation/unsupervised.md`: held-out cost, recovery and time of `DNMF(search="signatures")`."""

import numpy as np
import pandas as pd

from figures.form import digits, fixed, markdown, one, only, results, times
from figures.pages import Says
from figures.selection import BOUNDS, long_name
from paper.datasets import BREAST, SIMULATED

CONSTANTS = "0.9; 0.95; 0.99; 1 %; 1,000"
FOLDS = 5


def means(method: str, inference: str = "exact") -> pd.DataFrame:
    """Return every figure of a method by set, mean over the folds."""
    rows = only(results("unsupervised"), method=method, inference=inference)
    if (rows.groupby("set")["fold"].nunique() != FOLDS).any():
        raise LookupError(f"{method} lacks a fold")
    return rows.groupby("set").mean(numeric_only=True)


def over_floor(method: str, column: str, inference: str = "exact") -> "pd.Series[float]":
    """Return costs over those of the true signatures, by simulated set."""
    ratio = means(method, inference)[column] / means("true-signatures")[column]
    return ratio.reindex(list(SIMULATED))


def ratio(value: float) -> str:
    """Return a ratio with three decimals below 10, and three digits or all whole ones above."""
    return fixed(value, 3 if value < 10 else 1 if value < 100 else 0)


def held_out() -> str:
    cd, als, ours = "sklearn-cd", "anls", "dnmf"
    trimmed = {method: over_floor(method, "trimmed") for method in (cd, als, ours)}
    plain = {method: over_floor(method, "mean") for method in (cd, als, ours)}
    median = over_floor(ours, "median")
    seconds = {method: means(method)["seconds"] for method in (cd, ours)}
    k = means(ours)["n_components"]
    lines = []
    for name in SIMULATED:
        first = [ratio(values[name]) for values in trimmed.values()]
        least = min(trimmed[m][name] for m in trimmed)
        first = [f"**{text}**" if text == ratio(least) else text for text in first]
        lines.append(
            [
                long_name(name),
                fixed(k[name], 0),
                *first,
                ratio(median[name]),
                *(ratio(values[name]) for values in plain.values()),
                fixed(seconds[ours][name]),
                fixed(seconds[ours][name] / seconds[cd][name], 1),
            ]
        )
    head = [
        "set",
        "k",
        "CD, without worst 1 %",
        "ALS",
        "`dnmf`",
        "`dnmf`, median",
        "CD, plain mean",
        "ALS",
        "`dnmf`",
        "`dnmf`, seconds",
        "over CD's",
    ]
    return markdown(head, lines)


RECOVERY = {
    "dnmf": "**`dnmf`**",
    "anls": "alternating least squares, start in the data",
    "anls-random": "alternating least squares, random start",
    "sklearn-cd": "scikit-learn CD",
    "kl-mu": "Kullback-Leibler updates, 1,000 iterations",
    "mu-best-of-10": "multiplicative updates, best of 10 starts",
    "paper": "the paper's DNMF, its authors' settings",
}


def found(method: str) -> list[str]:
    sums = means(method).loc[list(SIMULATED), list(BOUNDS)].sum()
    return [fixed(value, 1) for value in sums]


def recovery() -> str:
    lines = []
    for method, label in RECOVERY.items():
        cells = found(method)
        lines.append([label, *(f"**{c}**" if method == "dnmf" else c for c in cells)])
    return markdown(["cosine at least", "0.9", "0.95", "0.99"], lines)


def breast() -> str:
    def cost(figure: str, *methods: tuple[str, str]) -> str:
        return times(fixed(means(*method)[figure][BREAST], 0) for method in methods)

    lines = []
    for label, *methods in (
        ("**`dnmf`**", ("dnmf", "exact")),
        ("scikit-learn CD", ("sklearn-cd", "exact")),
        (
            "alternating least squares, start in the data / random",
            ("anls", "exact"),
            ("anls-random", "exact"),
        ),
        ("Kullback-Leibler updates + exact least squares", ("kl-mu", "exact")),
        (
            "the paper's dictionary + exact least squares / its network",
            ("paper", "exact"),
            ("paper", "network"),
        ),
        ("multiplicative updates, best of 10 starts", ("mu-best-of-10", "exact")),
    ):
        cells = [cost(figure, *methods) for figure in ("mean", "median", "trimmed")]
        lines.append([label, *(f"**{c}**" if "dnmf" in label else c for c in cells)])
    return markdown(["", "mean", "median", "without the worst 1 %"], lines)


SEARCHES = {
    "none": "none (alternating least squares)",
    "sparse exposures": "sparse exposures",
    "wide signatures": "wide signatures",
    "sparse, then wide": "sparse exposures, then wide signatures",
    "sparse, then wide; apart": "... and moved apart",
    "two rounds": "two rounds, the last components join between",
    "two rounds; apart (default)": "**... and moved apart (default)**",
}


def ablated(**values: str) -> pd.DataFrame:
    """Return the rows of the twelve sets with these values."""
    return only(results("ablation"), **values).set_index("set").loc[list(SIMULATED)]


def recovered(rows: pd.DataFrame) -> str:
    return times(fixed(rows[bound].sum(), 0) for bound in BOUNDS)


def excess(rows: pd.DataFrame) -> float:
    """Return the geometric mean of the cost without the worst 1 %, over that of the true signatures, fold 0."""
    floor = only(results("unsupervised"), method="true-signatures", fold=0).set_index("set")[
        "trimmed"
    ]
    return float(np.exp(np.log(rows["trimmed"] / floor.loc[rows.index]).mean()))


def searches() -> str:
    lines = []
    for second, label in SEARCHES.items():
        cells = []
        for first in ("separable", "nndsvda", "random"):
            rows = ablated(part="dictionary", first=first, second=second)
            pair = [recovered(rows), fixed(excess(rows))]
            best = first == "separable" and "default" in second
            cells += [f"**{c}**" if best else c for c in pair]
        lines.append([label, *cells])
    head = [
        "search of the dictionary",
        "start in the data: found",
        "excess",
        "`nndsvda`: found",
        "excess",
        "random: found",
        "excess",
    ]
    return markdown(head, lines)


RULES = {
    "newton": "`newton` (default)",
    "admm": "`admm`",
    "mu": "`mu`, the paper's",
    "weighted-mu": "`weighted-mu`",
    "projected-gradient": "`projected-gradient`",
}
DICTIONARIES = (
    ("layers", "pancreas_sa.sa.96"),
    ("layers", "2.7a.7b.bladder.and.melanoma_sa.sa.96"),
    ("layers", BREAST),
    ("cosmic-v3.4", BREAST),
)


def over_exact(part: str, name: str, rule: str, trained: str, column: str) -> float:
    rows = only(results("ablation"), part=part, set=name)
    return one(rows, column, first=rule, second=trained) / one(
        rows, column, first="exact", second=None
    )


def large(value: float) -> str:
    return fixed(value, 3) if value < 10 else digits(value) if value < 1000 else fixed(value, 0)


def rules() -> str:
    lines = []
    for rule, label in RULES.items():
        cells = []
        for part, name in DICTIONARIES:
            pair = []
            for trained in ("untrained", "trained"):
                mean, trimmed = (
                    over_exact(part, name, rule, trained, c) for c in ("mean", "trimmed")
                )
                pair.append(f"{large(mean)} ({large(trimmed)})")
            cells.append(" → ".join(dict.fromkeys(pair)))
        cells.append(
            microseconds(f"exposures, ten {rule} layers") if rule in ("newton", "admm") else ""
        )
        lines.append([label, *cells])
    head = [
        "rule",
        "pancreas_sa, k = 20",
        "bladder.and.melanoma_sa, k = 26",
        "breast genomes, k = 12",
        "breast genomes, COSMIC v3.4, k = 86",
        "µs a sample, k = 11 / 39 / 86",
    ]
    return markdown(head, lines)


def microseconds(what: str) -> str:
    rows = only(results("speed"), what=what).sort_values("k")["dnmf_microseconds"]
    return times(digits(value, 2) for value in rows)


def exact_in_every_fold() -> bool:
    """Return whether the network's own exposures cost as much as exact ones, to six digits, with their support."""
    rows = only(results("unsupervised"), method="dnmf").set_index(["set", "fold"])
    exact, network = (only(rows, inference=i) for i in ("exact", "network"))
    alike = (network["mean"] / exact["mean"] - 1).abs().max() < 1e-6
    return bool(alike and (exact["same_support"].dropna() == 1).all())


def says() -> list[Says]:
    if not exact_in_every_fold():
        raise LookupError("the network's own exposures are not exact in every fold")
    hard = "2.7a.7b.bladder.and.melanoma_sa.sa.96"
    rounded, poisson = (
        {v: ablated(part="min_volume", first=noise, second=v) for v in ("0", "100", "1000")}
        for noise in ("rounded", "poisson")
    )
    admm, newton = (
        only(results("ablation"), part="cosmic-v3.4", first=rule, second="trained").iloc[0]
        for rule in ("admm", "newton")
    )
    joint = only(results("ablation"), second="joint with the dictionary").set_index("set")["mean"]
    apart = only(results("ablation"), part="layers", first="exact").set_index("set")["mean"]
    joint = (joint / apart).sort_values()
    paper = over_floor("paper", "trimmed", "network")
    cold = only(results("speed"), what="exposures, from cold").sort_values("k")["dnmf_microseconds"]
    return [
        Says("network itself is at {} to {} times", digits(paper.min(), 2), digits(paper.max(), 2)),
        Says("Over five folds it does not: {} / {} / {} found", *found("dnmf")),
        Says(
            "with Poisson counts 100 finds more of the true signatures ({} / {} / {} of 170; "
            "without {} / {} / {}), for at most",
            *recovered(poisson["100"]).split(" / "),
            *recovered(poisson["0"]).split(" / "),
        ),
        Says(
            "(1,000: {} / {} / {} instead of {} / {} / {})",
            *recovered(rounded["1000"]).split(" / "),
            *recovered(rounded["0"]).split(" / "),
        ),
        Says(
            "{} times the cost on the breast genomes, {} and {} times on two",
            fixed(joint[BREAST], 1),
            fixed(joint.iloc[1], 0),
            digits(joint.iloc[2], 1),
        ),
        Says("({} instead of {} s)", fixed(admm["seconds"], 0), fixed(newton["seconds"], 0)),
        Says(
            "{} times the cost of the true signatures without the worst 1 %, {} times in the "
            "plain mean",
            fixed(over_floor("dnmf", "trimmed")[hard], 1),
            fixed(over_floor("dnmf", "mean")[hard], 0),
        ),
        Says(
            "on pancreas_sp ({}) and rcc.and.ovary_sa ({}) a plain fit",
            *(
                fixed(over_floor("dnmf", "mean")[name], 1)
                for name in ("pancreas_sp.sp", "3.5.40.rcc.and.ovary_sa.sa.96")
            ),
        ),
        Says(
            "({}, {} and {} µs a sample at k = 11, 39 and 86", *(digits(value, 2) for value in cold)
        ),
    ]
