"""Findings of a refit: what to know about all of its samples before using the exposures."""

from collections.abc import Iterator

import pandas as pd

from dnmf.criteria import (
    FEW_MUTATIONS,
    MANY_SIGNATURES,
    MUCH_DISPERSION,
    MUCH_UNASSIGNED,
    P_BAD_FIT,
    P_EXPLAINED,
    PRESENT_SHARE,
)
from dnmf.refit.record import Refitted
from dnmf.report.findings import MOST_LISTED, Finding, in_order, listing, n_samples
from dnmf.signatures import ARTEFACTS


def refit_findings(result: Refitted) -> list[Finding]:
    """Return what a reader should know before using the exposures, cautions first."""
    return in_order(result.warnings, exposure_findings(result))


def exposure_findings(result: Refitted) -> Iterator[Finding]:
    """Yield the findings about exposures and fit, in any order."""
    yield from _fit(result)
    yield from _prior(result)
    yield from _uncertainty(result)
    yield from _artefacts(result)


def _fit(result: Refitted) -> Iterator[Finding]:
    fit = result.fit[result.fit["mutations"] > 0]
    bad = fit[fit[["p_reference", "p_answer"]].min(axis=1) < P_BAD_FIT]
    unlikely = bad[bad["p_reference"] > P_EXPLAINED]
    if len(unlikely):
        has_prior = result.prior is not None and not result.prior.is_none
        remedy = "--prior none or --method kl" if has_prior else "--method kl"
        yield Finding(
            "caution",
            f"{n_samples(len(unlikely), 'is', 'are')} explained by the reference, but not by this answer",
            f"{_listing(result, unlikely)}: a mixture of the reference explains the counts (p > {P_EXPLAINED:g}), "
            f"the exposures given here do not (p < {P_BAD_FIT:g}). Compare them with those of dnmf refit {remedy}.",
        )
    rest = bad.drop(index=unlikely.index)
    lacking = (rest["p_reference"] < P_BAD_FIT) & (rest["unassigned"] > MUCH_UNASSIGNED)
    missing = rest[lacking].sort_values("unassigned", ascending=False)
    if len(missing):
        yield Finding(
            "caution",
            f"{n_samples(len(missing), 'holds', 'hold')} what the reference lacks",
            f"{_listing(result, missing)}: the reference cannot explain them (p < {P_BAD_FIT:g}) and more than "
            f"{MUCH_UNASSIGNED:.0%} of the mutations stay unassigned. Look for a missing signature, for artefacts, and "
            "whether build and assay of the reference are those of the data.",
        )
    if lacking.size > len(missing):
        yield Finding(
            "note",
            f"{n_samples(lacking.size - len(missing), 'is', 'are')} fitted worse than counting noise allows",
            f"Their fit has p < {P_BAD_FIT:g}, but few mutations stay unassigned: real spectra differ a little from "
            "the reference's profiles, and with many mutations that shows. Small exposures in them may be errors of a "
            "profile.",
        )
    varying = fit[fit["dispersion"] >= MUCH_DISPERSION].sort_values("dispersion", ascending=False)
    if len(varying):
        counts = (varying["mutations"] / varying["dispersion"]).round()
        yield Finding(
            "note",
            f"{n_samples(len(varying), 'varies', 'vary')} more than counting noise",
            f"{_listing(result, varying, counts)}. Such counts say less than their number. They were "
            f"divided by the dispersion of the sample, here {MUCH_DISPERSION:g} or more, and refitted as the fewer "
            "mutations in brackets; intervals are wider for it.",
        )
    empty = result.fit[result.fit["mutations"] <= 0]
    if len(empty):
        yield Finding(
            "note",
            f"{n_samples(len(empty), 'holds', 'hold')} no mutations",
            f"{_listing(result, empty)}: all is 0.",
        )


def _listing(result: Refitted, samples: pd.DataFrame, counts: pd.Series | None = None) -> str:
    """Return the names of the first samples, with a count in brackets if there is one, and how many more."""
    names = result.names_of(samples.index[:MOST_LISTED])
    if counts is not None:
        names = [f"{name} ({n:,.0f})" for name, n in zip(names, counts, strict=False)]
    return listing(names, total=len(samples))


def _prior(result: Refitted) -> Iterator[Finding]:
    if result.prior is None:
        if len(result.reference.names) > MANY_SIGNATURES:
            yield Finding(
                "caution",
                f"Classic refit with {len(result.reference.names)} signatures",
                "Without a prior, many signatures share what few explain, and intervals do not know which belong: "
                "below some thousand mutations small exposures are mostly noise. Give a list of the signatures that "
                "the tissue can have, or use the default method.",
            )
    elif result.prior.kind == "cohort":
        yield Finding(
            "note",
            "Each answer depends on the other samples",
            "The prior is the cohort: what the other samples hold makes a signature likely or unlikely. With other "
            "samples beside it the same sample gets other exposures.",
        )


def _uncertainty(result: Refitted) -> Iterator[Finding]:
    fit = result.fit[result.fit["mutations"] > 0]
    few = int((fit["mutations"] < FEW_MUTATIONS).sum())
    if few:
        yield Finding(
            "note",
            f"{n_samples(few, 'holds', 'hold')} fewer than {FEW_MUTATIONS} mutations",
            "Their intervals are wide: read those, not the estimates, and prefer averages over groups.",
        )
    if result.pairs:
        worst = [f"{pair} ({number:,})" for pair, number in result.pairs.most_common()]
        yield Finding(
            "note",
            "Some signatures cannot be told apart",
            f"{listing(worst, 6)} (in how many samples): all mutations of the first could be the second's without a "
            "visible difference. Their sum is more certain than each.",
        )


def _artefacts(result: Refitted) -> Iterator[Finding]:
    carriers = result.carriers.items()
    names = [f"{name} ({n:,})" for name, n in carriers if n and name in ARTEFACTS]
    if names:
        yield Finding(
            "caution",
            "Possible sequencing artefacts",
            f"{listing(names, 6)} (samples with more than {PRESENT_SHARE:.0%}): COSMIC lists these signatures as "
            "possible artefacts. Check sequencing and filters before giving them a biological meaning.",
        )
