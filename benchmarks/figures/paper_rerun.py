"""`docs/explanation/paper.md`: the paper rerun, with verdicts; the tables are those of `make paper`."""

from functools import cache
from textwrap import fill

import pandas as pd

from figures.form import digits, fixed, least_and_most, markdown, only, results
from figures.pages import Says
from paper import summary
from paper.claims import Claim, judge
from paper.datasets import BREAST, SIMULATED, short_name
from paper.published import read_results
from paper.select import by_set
from protocol import RESULTS

CONSTANTS = "0.1; 2.5; 1 %; 10.1089; 2108.09138; 500 times; 2,160; 5,000"
WORDS = ("protocol", "experiment", "set", "method", "penalty", "inference")


@cache
def rerun() -> pd.DataFrame:
    """Return all rows; what is compared most often as categories, which is quicker."""
    rows = read_results(RESULTS / "paper.csv")
    return rows.assign(**{word: rows[word].astype("category") for word in WORDS})


@cache
def claims() -> tuple[Claim, ...]:
    return tuple(judge(rerun()))


@cache
def ratios() -> pd.DataFrame:
    return summary.ratios(published())


def published() -> pd.DataFrame:
    """Return ours beside the published numbers; figures have names, not numbers."""
    return results("paper_published").astype({"figure": str})


def of(counts: tuple[int, int]) -> str:
    return f"{counts[0]} of {counts[1]}"


def verdicts() -> str:
    head = ["claim", "where", "against the paper's baseline", "against the strong one", "verdict"]
    lines = [[c.text, c.source, of(c.weak), of(c.strong), f"**{c.verdict}**"] for c in claims()]
    return markdown(head, lines)


def numbers() -> str:
    lines = (f"- *{claim.text}*: {claim.numbers}." for claim in claims())
    return (
        "\n"
        + "\n".join(
            fill(line, 120, subsequent_indent="  ", break_on_hyphens=False) for line in lines
        )
        + "\n"
    )


ALIKE = ("supervised DNMF", "supervised MU", "“no regularisation”")
"""Ratios that are 1 on every set, to five decimals: said so, and no columns."""


def matched() -> str:
    bands = (
        f"- {name}: {of(counts)} simulated sets in [{summary.BANDS[name][3][0]}, "
        f"{summary.BANDS[name][3][1]}]"
        for name, counts in summary.in_bands(ratios()).items()
    )
    table = ratios()
    if (table[list(ALIKE)] - 1).abs().max().max() >= 5e-6:
        raise LookupError("a ratio that the page calls 1 is not")
    table = table.drop(columns=list(ALIKE))
    return f"\n{summary.markdown(table)}\n\n" + "\n".join(bands) + "\n"


def unsupervised() -> str:
    table = summary.unsupervised_table(rerun(), "trimmed")
    table = table.drop(columns=["MU best of 10, 10 it.", "1000 it."])
    return f"\n{summary.markdown(table.rename(columns={'100 it.': 'MU best of 10, 100 it.'}))}\n"


def by_the_text() -> str:
    return f"\n{summary.markdown(summary.paper_table(rerun()))}\n"


def supervised() -> str:
    table = summary.supervised_table(rerun())
    unlike = ["the same, likelihood", "regressed, likelihood"]
    return f"\n{summary.markdown(table.drop(columns=unlike))}\n"


FEW = {
    "floor: true signatures": "true signatures, exact",
    "the same, likelihood": "true signatures, likelihood",
    "regressed, likelihood": "regressed, likelihood",
    "ridge": "ridge",
    "perceptron": "perceptron",
    "DNMF of the paper": "DNMF of the paper",
    "SupervisedDNMF, default": "SupervisedDNMF, default",
}


def poisson() -> pd.DataFrame:
    """Return squared exposure errors of Poisson counts, by set and number of mutations."""
    tables = {n: summary.supervised_table(rerun(), f"poisson {n}") for n in (50, 200, 1000, 5000)}
    return pd.concat(tables, names=["mutations", "set"])[list(FEW)].rename(columns=FEW)


def few_counts() -> str:
    table = poisson().swaplevel().sort_index(ascending=[False, True])
    table.index = [f"{short_name(name)}, {n}" for name, n in table.index]
    return f"\n{summary.markdown(table)}\n"


def time_of_inference() -> str:
    return f"\n{summary.markdown(summary.times_table(rerun()))}\n"


def costs_of_authors(method: str, inference: str) -> "pd.Series[float]":
    """Return the plain mean cost at λ = 0 by set, protocol `authors`, ten layers."""
    return by_set(rerun(), "authors", "unsupervised", method, inference)


def supervised_mu_in_one_unit() -> "pd.Series[float]":
    """Return the published error of MU over that of DNMF, by set: its sum over samples as a mean, λ = 0."""
    mean = only(published(), figure="5").groupby(["method", "penalty", "set"])["published"].mean()
    rows = only(rerun(), protocol="authors", experiment="supervised", method="mu")
    samples = rows.groupby("set", observed=True)["tested"].first().astype(float)
    return mean["mu", "0"] / samples / mean["dnmf", "learned"]


def breast_over_published(method: str, inference: str) -> float:
    theirs = only(published(), figure="7", method=method, penalty="0")["published"].mean()
    return float(costs_of_authors(method, inference)[BREAST] / theirs)


def says() -> list[Says]:
    leak = costs_of_authors("dnmf", "network, held out") / costs_of_authors("dnmf", "network")
    leak = leak[list(SIMULATED)]
    rank_1 = only(
        published(),
        experiment="unsupervised",
        method="mu",
        set="2.7a.7b.bladder.and.melanoma_sa.sa.96",
    )
    every = summary.unsupervised_table(rerun(), "trimmed")
    cost = every.loc[list(SIMULATED)]
    network = cost["DNMF of the paper"] / cost["floor: true signatures"]
    errors, one_unit = poisson(), supervised_mu_in_one_unit()
    exposures = summary.supervised_table(rerun()).loc[list(SIMULATED)]
    supervised = exposures["DNMF of the paper"] / exposures["regressed, exact"]
    best = errors["SupervisedDNMF, default"] / errors["true signatures, likelihood"]
    text = summary.paper_table(rerun()).loc[list(SIMULATED)]
    lower = [int((text[f"DNMF, λ = {x}"] < text[f"MU, λ = {x}"]).sum()) for x in (0, 1, 2)]
    times = summary.times_table(rerun())
    slower = times["exact"] / times["network"]
    ratio = ratios()
    varied = ratio["DNMF, λ = 1 and 2"].drop(BREAST)
    mu = only(published(), method="mu")
    ten = mu[(mu["set"] != BREAST) & ~mu["set"].str.startswith("many.types")]
    alike = (ten["ratio"] - 1).abs() < 2e-6
    return [
        Says(
            "DNMF is up to {} times better than that MU, and worse on {} of the {} sets",
            fixed(one_unit.max(), 0),
            *(str((one_unit < 1).sum()), str(len(one_unit))),
        ),
        Says(
            "error is {} to {} times lower than that of the paper's supervised network",
            digits(supervised.min(), 2),
            digits(supervised.max(), 1),
        ),
        Says("{} of {} cells of ten sets agree", str(alike.sum()), str(len(ten))),
        Says(
            "the paper's network is {} to {} million times above it",
            fixed(network.min(), 0),
            fixed(network.max() / 1e6, 1),
        ),
        Says("(ratio {} to {})", *least_and_most(rank_1["ratio"], 1)),
        Says(
            "ours held out over the published is {} for DNMF and {} for MU at λ = 0",
            fixed(breast_over_published("dnmf", "network, held out")),
            fixed(breast_over_published("mu", "mu 10, held out")),
        ),
        Says(
            "held-out costs are {} to {} (median {}) times the leaky ones",
            *least_and_most(leak, 1),
            fixed(leak.median(), 1),
        ),
        Says("in [0.7, 1.4] on eleven of twelve sets"),
        Says(
            "the squared error of maximum likelihood with the *true* signatures ({} to {} of it)",
            *least_and_most(best),
        ),
        Says("For 39 signatures exact NNLS takes {} times as long", fixed(slower.max(), 1)),
        Says(
            "DNMF has the lower cost on {} at λ = 0, on {} at λ = 1 and on {} at λ = 2",
            *map(str, lower),
        ),
        Says(
            "the network's signatures have the lower held-out cost on {} of {} sets",
            str((every["its signatures, exact"] < every["MU, exact"]).sum()),
            str(len(every)),
        ),
        Says("[{} of 36](#unsupervised-against-strong-baselines)", str(sum(lower))),
        Says(
            "the medians of the simulated sets are within {} and {}",
            *least_and_most(varied),
        ),
    ]
