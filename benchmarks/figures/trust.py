"""`docs/genomics/trust.md`: what the pages of evidence say, in short."""

import pandas as pd

from figures import refit, selection
from figures.cohorts import GUIDED, looked_at_once
from figures.cohorts import held as held_in_cohort
from figures.form import fixed, least_and_most, near_one, one, only, percent, results
from figures.pages import Says
from figures.refit_sentences import held, known_settings

CONSTANTS = "0.8; 0.9; 0.95; 1 %; 90 %; 2,000; 50,000"
NOVEL, KNOWN = "exposures_novel", "exposures"


def cohort(removed: str, group: str) -> pd.Series:
    """Return how often intervals of exposures hold the truth, by noise."""
    rows = only(results("cohort_intervals"), part="test", removed=removed)
    return pd.Series({noise: held_in_cohort(part, group) for noise, part in rows.groupby("noise")})


def intervals_of_complete() -> tuple[str, str]:
    """Return the range, in percent, over data whose reference lacks nothing and is of their version."""
    return least_and_most(100 * cohort("none", KNOWN).drop("other"), 0)


def f1(mutations: int) -> str:
    """Return the F1 of presence with the default prior."""
    return near_one(one(refit.rows(refit.V3, "pan-cancer"), "f1", mutations=mutations))


def guided(removed: str, noise: str) -> pd.DataFrame:
    return only(looked_at_once(), method=GUIDED, removed=removed, noise=noise)


def says_of_novel() -> list[Says]:
    """Return how often a guided extraction of the cohorts finds a novel signature, rightly or not."""
    one_out, half_out = (
        {noise: guided(removed, noise) for noise in ("poisson", "nb", "perturbed")}
        for removed in ("one", "half")
    )
    nothing_out = [guided("none", noise) for noise in one_out]
    if any(rows["false_novel"].any() for rows in nothing_out):
        raise LookupError("a cohort whose reference lacks nothing has a false novel signature")
    found, of = (
        {noise: f"{rows[column].sum():.0f}" for noise, rows in one_out.items()}
        for column in ("removed_found", "taken_out")
    )
    half = pd.concat(half_out.values())
    other = guided("none", "other")
    return [
        Says("no cohort of {} got a false novel one", str(len(nothing_out[0]))),
        Says(
            "singly, {} and {} of {} were found as novel, {} of {} where",
            *(found["poisson"], found["nb"], of["nb"], found["perturbed"], of["perturbed"]),
        ),
        Says(
            "of half of them taken out at once, {} %",
            percent(half["removed_found"].sum() / half["taken_out"].sum()),
        ),
        Says(
            "{} of {} cohorts got a false novel one, by the same page",
            *(str((other["false_novel"] > 0).sum()), str(len(other))),
        ),
    ]


def says() -> list[Says]:
    default = refit.V3, "pan-cancer"
    absent = refit.rows("absent", "none").set_index("mutations")["coverage_present"]
    few = pd.concat([absent[[100, 2_000]], refit.rows("few", "pan-cancer")["coverage_present"]])
    complete = cohort("none", KNOWN)
    blind = results("interval_coverage")["exposures_present"]
    return [
        *(
            Says(f"| {n} | {{}} |", fixed(refit.error("few", "pan-cancer", n)))
            for n in (10, 15, 19)
        ),
        *(
            Says(f"| {n:,} | {{}} | {{}} |", fixed(refit.error(*default, n), 3), f1(n))
            for n in refit.MUTATIONS
        ),
        Says(
            "Without a prior the error at 100 mutations is {}",
            fixed(refit.error(refit.V3, "none", 100), 3),
        ),
        Says(
            "signatures that are present | {} to {} % |",
            *least_and_most(100 * held(*known_settings()), 0),
        ),
        Says("or tumours unlike the prior | {} to {} % |", *least_and_most(100 * few, 0)),
        Says(
            "nothing missing in the reference | {} to {} % |",
            *intervals_of_complete(),
        ),
        Says("of another version than the data | {} % |", percent(complete["other"])),
        Says(
            "one missing in the reference | {} to {} % |",
            *least_and_most(100 * cohort("one", NOVEL), 0),
        ),
        *says_of_novel(),
        Says(
            "is exact in {} of {} and otherwise too small",
            *map(str, selection.exact()),
        ),
        Says("percentiles over restarts | {} to {} % |", *least_and_most(100 * blind, 0)),
    ]
