"""The figures of `README.md`: one table of what was measured against other tools, and sentences."""

from figures import cohorts, factorisation, paper_rerun, refit, variants
from figures.form import fixed, least_and_most, markdown
from figures.pages import Says
from figures.trust import intervals_of_complete
from paper.datasets import BREAST

CONSTANTS = "3.11; 90 %; 0.2; 2108.09138; 10.1089"
FILES = {
    "cohort_extraction": "cohorts",
    "cohort_peers": "cohorts",
    "cohort_intervals": "cohorts",
    "refit_table": "refit_measured",
    "variants_speed": "variants_measured",
    "factorisation": "factorisation_measured",
    "paper": "paper",
}
"""The files of results that are quoted, and the page that describes each."""


def extraction() -> list[list[str]]:
    """Return rows of extraction: names called with a reference, and what is found without one.

    Both tools on the one draw of counts that the other tool had.
    """
    ours, theirs = (
        cohorts.names(cohorts.first_draw(method))
        for method in (cohorts.GUIDED, "sigprofiler, cosmic")
    )
    blind = [
        cohorts.first_draw(f"{tool}, true_k").mean(numeric_only=True)
        for tool in ("dnmf", "sigprofiler")
    ]
    found = [f"{fixed(tool['tpr_90'])}, {fixed(tool['ppv_90'])}" for tool in blind]
    chosen = []
    for tool in ("dnmf", "sigprofiler"):
        mean = cohorts.first_draw(f"{tool}, chosen").mean(numeric_only=True)
        error, seconds = fixed(mean["k_error"], 1), fixed(mean["seconds"], 0)
        chosen.append(f"{fixed(mean['tpr_90'])}, {fixed(mean['ppv_90'])}; {error}; {seconds}")
    page = "docs/explanation/cohorts.md"
    return [
        ["Known signatures of a cohort (Poisson counts, complete reference): recall, precision",
         cohorts.pair(ours), cohorts.pair(theirs), f"SigProfilerExtractor ([cohorts]({page}#guided-by-the-reference))"],
        ["Signatures found blind (cosine 0.9), number given: recall, precision", *found,
         f"SigProfilerExtractor ([cohorts]({page}#blind))"],
        ["The same, number chosen: recall, precision; error of the number; processor seconds a cohort", *chosen,
         f"SigProfilerExtractor, nine numbers; machine not recorded ([cohorts]({page}#blind))"],
    ]  # fmt: skip


def refitting() -> list[list[str]]:
    """Return the row of refitting: the default, and the peer, at 100 and 2,000 mutations."""
    ours = refit.both(refit.V3, "pan-cancer")
    theirs = refit.both(refit.V3, None, "SigProfilerAssignment")
    page = "docs/explanation/refit_measured.md"
    return [
        ["Exposures to known signatures: error at 100 and at 2,000 mutations", ", ".join(ours),
         ", ".join(theirs), f"SigProfilerAssignment, one draw of counts, dnmf three ([refit]({page}#error))"]
    ]  # fmt: skip


def factorising() -> list[list[str]]:
    """Return rows of factorisation of any data, as ratios."""
    page = "docs/explanation/factorisation_measured.md"
    full, default = (
        "; ".join(
            " to ".join(least_and_most(factorisation.ratios_of_sets(column, peer), decimals))
            for column, decimals in (("error", 3), ("fit_seconds", 1))
        )
        for peer in (None, factorisation.DEFAULT_TOL)
    )
    return [
        ["Factorisation of six other sets of data: error; processor time, as ratios", full, "1; 1",
         f"scikit-learn, coordinate descent to tol 1e-6 ([factorisation]({page}))"],
        ["The same", default, "1; 1", "the same to its default tol 1e-4, which ends early on one set "
         f"([factorisation]({page}#other-tools-and-the-default-tolerance))"],
    ]  # fmt: skip


def counting() -> list[list[str]]:
    """Return the row of counting variants: processor seconds for a million rows."""
    ours, theirs = variants.row("dnmf", "2bit"), variants.row(variants.PEER, "its own")
    page = "docs/explanation/variants_measured.md#speed"
    return [
        ["Counting a million variants: processor seconds", *(fixed(r["core"], 1) for r in (ours, theirs)),
         f"{variants.PEER} ([variants]({page}))"]
    ]  # fmt: skip


def paper() -> list[list[str]]:
    """Return the row of the paper: how many comparisons with its numbers lie in the band that was set for them."""
    ratios = paper_rerun.ratios()
    inside, of = (
        sum(counts) for counts in zip(*paper_rerun.summary.in_bands(ratios).values(), strict=True)
    )
    bands = ", ".join(f"{low} to {high}" for *_, (low, high) in paper_rerun.summary.BANDS.values())
    real = " and ".join(
        fixed(ratios.loc[BREAST, column]) for column in ("DNMF, λ = 0", "MU, λ = 0")
    )
    return [
        [f"The paper's numbers for its simulated sets, rerun: ratio within a band ({bands}, by method)",
         f"{inside} of {of}", "", f"outside: the breast genomes, {real} "
         "([the paper, rerun](docs/explanation/paper.md#the-published-numbers-matched))"]
    ]  # fmt: skip


def against_others() -> str:
    """Return the table: what was measured, ours, the other tool's, which tool and where it is described."""
    lines = [*extraction(), *refitting(), *counting(), *factorising(), *paper()]
    return markdown(["measured", "dnmf", "other tool", "which, and how it was measured"], lines)


def says() -> list[Says]:
    return [Says("the intervals held the truth in {} to {} %", *intervals_of_complete())]
