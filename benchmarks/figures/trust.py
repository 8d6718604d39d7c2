"""`docs/genomics/trust.md`: what the pages of evidence say, in short."""

import pandas as pd

from figures import refit
from figures.cohorts import held as held_in_cohort
from figures.form import fixed, least_and_most, near_one, one, only, percent, results
from figures.pages import Says
from figures.refit_sentences import held, known_settings

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
        Says("percentiles over restarts | {} to {} % |", *least_and_most(100 * blind, 0)),
    ]
