"""What to know about a refit as a whole, before using it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dnmf.report.findings import Finding, listing
from dnmf.signatures import ARTEFACTS

if TYPE_CHECKING:
    from dnmf.refit.result import RefitResult

BAD_FIT, MUCH_UNASSIGNED, FEW_MUTATIONS = 0.001, 0.05, 200
MANY_SIGNATURES = 20
_PRESENT_SHARE = 0.05


def refit_findings(result: "RefitResult") -> list[Finding]:
    """Return what a reader should know before using the exposures, cautions first."""
    found = [Finding("caution", "Warning during the run", text) for text in result.warnings]
    for look in (_fit, _methods, _uncertainty, _artefacts):
        found.extend(look(result))
    return sorted(found, key=lambda finding: finding.level != "caution")


def _n_samples(n: int, verb: str) -> str:
    return f"1 sample {verb}s" if n == 1 else f"{n:,} samples {verb}"


def _fit(result: "RefitResult") -> Iterator[Finding]:
    fit = result.fit[result.fit["mutations"] > 0]
    bad = fit[fit["p_value"] < BAD_FIT]
    missing = bad[bad["unassigned"] > MUCH_UNASSIGNED].sort_values("unassigned", ascending=False)
    if len(missing):
        yield Finding(
            "caution",
            f"{_n_samples(len(missing), 'hold')} what the reference lacks",
            f"{listing(list(missing.index))}: the fit has p < {BAD_FIT:g} and more than {MUCH_UNASSIGNED:.0%} of the "
            "mutations stay unassigned. Look for a missing signature, for artefacts, and whether build and assay of "
            "the reference are those of the data.",
        )
    rest = len(bad) - len(missing)
    if rest:
        yield Finding(
            "note",
            f"{_n_samples(rest, 'vary')} more than counting noise",
            "Their fit has p < 0.001, but little is left over: real spectra differ a little from the reference's "
            "profiles, and with many mutations that shows. Small exposures in them may be corrections of a profile.",
        )
    empty = list(result.fit.index[result.fit["mutations"] <= 0])
    if empty:
        yield Finding(
            "note", f"{_n_samples(len(empty), 'hold')} no mutations", f"{listing(empty)}: all is 0."
        )


def _methods(result: "RefitResult") -> Iterator[Finding]:
    methods = result.fit["method"]
    if result.parameters["method"] == "auto" and (methods == "network").any():
        switched = list(methods.index[methods.isin(["kl", "sparse"])])
        if switched:
            yield Finding(
                "note",
                f"{_n_samples(len(switched), 'come')} from another method than the network",
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


def _uncertainty(result: "RefitResult") -> Iterator[Finding]:
    fit = result.fit[result.fit["mutations"] > 0]
    few = int((fit["mutations"] < FEW_MUTATIONS).sum())
    if few:
        yield Finding(
            "note",
            f"{_n_samples(few, 'hold')} fewer than {FEW_MUTATIONS} mutations",
            "Their intervals are wide: read those, not the estimates, and prefer averages over groups.",
        )
    pairs: dict[str, int] = {}
    for text in fit["exchangeable"]:
        for pair in filter(None, text.split("; ")):
            pairs[pair] = pairs.get(pair, 0) + 1
    if pairs:
        common = sorted(pairs.items(), key=lambda item: -item[1])
        worst = [f"{pair} ({number})" for pair, number in common]
        yield Finding(
            "note",
            "Some signatures cannot be told apart",
            f"{listing(worst, 6)} (in how many samples): all mutations of the first could be the second's without a "
            "visible difference. Their sum is more certain than each.",
        )


def _artefacts(result: "RefitResult") -> Iterator[Finding]:
    totals = np.maximum(result.fit["mutations"].to_numpy(), 1)
    names = []
    for name in result.exposures.columns:
        if name in ARTEFACTS:
            carriers = int((result.exposures[name].to_numpy() / totals > _PRESENT_SHARE).sum())
            if carriers:
                names.append(f"{name} ({carriers})")
    if names:
        yield Finding(
            "caution",
            "Possible sequencing artefacts",
            f"{listing(names, 6)} (samples with more than {_PRESENT_SHARE:.0%}): COSMIC lists these signatures as "
            "possible artefacts. Check sequencing and filters before giving them a biological meaning.",
        )
