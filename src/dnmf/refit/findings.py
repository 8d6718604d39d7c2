"""Findings of a refit: what to know about all of its samples before using the exposures."""

from collections import Counter
from collections.abc import Iterator

from dnmf.criteria import (
    FEW_MUTATIONS,
    MANY_SIGNATURES,
    MUCH_UNASSIGNED,
    P_BAD_FIT,
    PRESENT_SHARE,
)
from dnmf.refit.record import RefitRecord
from dnmf.report.findings import Finding, in_order, listing, n_samples
from dnmf.signatures import ARTEFACTS


def refit_findings(result: RefitRecord) -> list[Finding]:
    """Return what a reader should know before using the exposures, cautions first."""
    return in_order(
        result.warnings, _fit(result), _methods(result), _uncertainty(result), _artefacts(result)
    )


def _fit(result: RefitRecord) -> Iterator[Finding]:
    fit = result.fit[result.fit["mutations"] > 0]
    bad = fit[fit["p_value"] < P_BAD_FIT]
    missing = bad[bad["unassigned"] > MUCH_UNASSIGNED].sort_values("unassigned", ascending=False)
    if len(missing):
        yield Finding(
            "caution",
            f"{n_samples(len(missing), 'holds', 'hold')} what the reference lacks",
            f"{listing(list(missing.index))}: the fit has p < {P_BAD_FIT:g} and more than {MUCH_UNASSIGNED:.0%} of the "
            "mutations stay unassigned. Look for a missing signature, for artefacts, and whether build and assay of "
            "the reference are those of the data.",
        )
    rest = bad.drop(index=missing.index)
    if len(rest):
        yield Finding(
            "note",
            f"{n_samples(len(rest), 'varies', 'vary')} more than counting noise",
            f"Their fit has p < {P_BAD_FIT:g}, but few mutations stay unassigned: real spectra differ a little from "
            "the reference's profiles, and with many mutations that shows. Small exposures in them may be errors of a "
            "profile.",
        )
    fewer = fit[fit["dispersion"] > 1].sort_values("dispersion", ascending=False)
    if len(fewer):
        counts = (fewer["mutations"] / fewer["dispersion"]).round()
        taken = [f"{name} ({count:,.0f})" for name, count in counts.items()]
        yield Finding(
            "note",
            f"{n_samples(len(fewer), 'was', 'were')} refitted as fewer mutations",
            f"{listing(taken)}. Counts that vary more than counting noise, or hold what the reference lacks, say less "
            "than their number. The network divided them by the dispersion of the sample; intervals are wider for it.",
        )
    empty = list(result.fit.index[result.fit["mutations"] <= 0])
    if empty:
        yield Finding(
            "note",
            f"{n_samples(len(empty), 'holds', 'hold')} no mutations",
            f"{listing(empty)}: all is 0.",
        )


def _methods(result: RefitRecord) -> Iterator[Finding]:
    methods = result.fit["method"]
    if result.parameters["method"] == "auto" and (methods == "network").any():
        switched = list(methods.index[methods.isin(["kl", "sparse"])])
        if switched:
            yield Finding(
                "note",
                f"{n_samples(len(switched), 'comes', 'come')} from another method than the network",
                f"{listing(switched)}: the network was not made for them or explains them much worse; the reason "
                "is under Advice. They have no presence probability.",
            )
    if result.presence is None and len(result.reference.names) > MANY_SIGNATURES:
        yield Finding(
            "caution",
            f"Classic refit with {len(result.reference.names)} signatures",
            "Without a prior, many signatures share what few explain, and intervals do not know which belong: below "
            "some thousand mutations small exposures are mostly noise. Give a list of the signatures that the tissue "
            "can have, or use the network.",
        )


def _uncertainty(result: RefitRecord) -> Iterator[Finding]:
    fit = result.fit[result.fit["mutations"] > 0]
    few = int((fit["mutations"] < FEW_MUTATIONS).sum())
    if few:
        yield Finding(
            "note",
            f"{n_samples(few, 'holds', 'hold')} fewer than {FEW_MUTATIONS} mutations",
            "Their intervals are wide: read those, not the estimates, and prefer averages over groups.",
        )
    pairs = Counter(pair for text in fit["exchangeable"] for pair in text.split("; ") if pair)
    if pairs:
        worst = [f"{pair} ({number})" for pair, number in pairs.most_common()]
        yield Finding(
            "note",
            "Some signatures cannot be told apart",
            f"{listing(worst, 6)} (in how many samples): all mutations of the first could be the second's without a "
            "visible difference. Their sum is more certain than each.",
        )


def _artefacts(result: RefitRecord) -> Iterator[Finding]:
    carriers = (result.shares > PRESENT_SHARE).sum()
    names = [f"{name} ({n})" for name, n in carriers.items() if n and name in ARTEFACTS]
    if names:
        yield Finding(
            "caution",
            "Possible sequencing artefacts",
            f"{listing(names, 6)} (samples with more than {PRESENT_SHARE:.0%}): COSMIC lists these signatures as "
            "possible artefacts. Check sequencing and filters before giving them a biological meaning.",
        )
