"""What a reader should know before using a guided extraction: each finding with its numbers and a remedy."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from dnmf.criteria import (
    CLEAR_EVIDENCE,
    CLOSE_MATCH_COSINE,
    EQUIVALENT_NATS,
    GOOD_MATCH_COSINE,
    MIN_GUIDED_SAMPLES,
    MIXTURE_COSINE,
    ONE_SAMPLE_SIGNATURE_SHARE,
    STRONG_EVIDENCE,
)
from dnmf.extraction.guided_record import GuidedRecord
from dnmf.refit.findings import exposure_findings
from dnmf.report.findings import Finding, in_order, listing, n_samples


def guided_findings(result: GuidedRecord) -> list[Finding]:
    """Return what a reader should know before using the result, cautions first."""
    return in_order(
        result.warnings,
        _novel(result),
        _equivalents(result),
        _evidence(result),
        _deviations(result),
        _samples(result),
        exposure_findings(result.refit),
    )


def found_in_words(result: GuidedRecord) -> str:
    """Return ``11 known signatures, 1 novel``."""
    known, novel = len(result.known), len(result.novel)
    return f"{known} known {'signature' if known == 1 else 'signatures'}, {novel or 'none'} novel"


def evidence_in_words(nats: float) -> str:
    """Return ``weak``, ``clear`` or ``strong``; see ``dnmf.criteria.CLEAR_EVIDENCE`` and ``STRONG_EVIDENCE``.

    Examples
    --------
    >>> [evidence_in_words(nats) for nats in (6, 10, 800)]
    ['weak', 'clear', 'strong']
    """
    if nats < CLEAR_EVIDENCE:
        return "weak"
    return "clear" if nats < STRONG_EVIDENCE else "strong"


def equivalent_in_words(name: str, nats: float) -> str:
    """Return ``SBS36, 2 nats less``.

    Examples
    --------
    >>> equivalent_in_words("SBS36", 2.3), equivalent_in_words("SBS36", -0.7), equivalent_in_words("SBS36", 0.2)
    ('SBS36, 2 nats less', 'SBS36, 1 nat more', 'SBS36, the same')
    """
    whole = abs(round(nats))
    if not whole:
        return f"{name}, the same"
    return f"{name}, {whole} {'nat' if whole == 1 else 'nats'} {'less' if nats > 0 else 'more'}"


def rest_on_one_sample(evidence: pd.DataFrame) -> "pd.Series[bool]":
    """Return which signatures rest on one sample (k,): it has most of their mutations, and without it nothing is clear.

    One of the two halves of the samples lacks that sample. If the weaker half has clear evidence, so has that one.
    """
    one_sample: pd.Series[bool] = evidence["largest_sample"] > ONE_SAMPLE_SIGNATURE_SHARE
    return one_sample & ~(evidence["half"] >= CLEAR_EVIDENCE)


def by_mutations(evidence: pd.DataFrame) -> pd.DataFrame:
    """Return ``evidence``, most mutations first, as page and terminal list the signatures.

    The table itself has the order of the search, whose exposures are not those of the refit.
    """
    return evidence.sort_values("mutations", ascending=False, kind="stable")


def near_equivalents(result: GuidedRecord, name: str) -> list[str]:
    """Return which other known signatures would do in the place of one within ``EQUIVALENT_NATS``, in words."""
    table = result.equivalents
    near = table[(table["signature"] == name) & (table["nats"] <= EQUIVALENT_NATS)]
    pairs = near.sort_values("nats", kind="stable")[["equivalent", "nats"]]
    return [equivalent_in_words(str(other), float(nats)) for other, nats in pairs.to_numpy()]


def _novel(result: GuidedRecord) -> Iterator[Finding]:
    rows: list[dict[Any, Any]] = result.matches.to_dict("records")
    for row in rows:
        name, reference, cosine = row["found"], row["reference"], row["cosine"]
        if cosine >= GOOD_MATCH_COSINE:
            yield Finding(
                "caution",
                f"{name} may be {reference} as these data show it",
                f"Their cosine is {cosine:.2f}, but {reference} with its profile in the reference explains the cohort "
                "clearly worse. Sequencing, filters and tissue move profiles. Compare the two before calling it new.",
            )
        elif row["decomposition"] and row["decomposition_cosine"] >= MIXTURE_COSINE:
            yield Finding(
                "note",
                f"{name} is like a mixture of references",
                f"{row['decomposition']} together reach a cosine of {row['decomposition_cosine']:.2f}, the closest "
                f"one ({reference}) {cosine:.2f}. If they always occur together, these samples cannot separate them; "
                "that the mixture was not chosen says that it explains them less well.",
            )


def _equivalents(result: GuidedRecord) -> Iterator[Finding]:
    for name in result.known:
        others = near_equivalents(result, name)
        if others:
            yield Finding(
                "caution",
                f"{name} may be another signature",
                f"In its place these would do as well, or nearly: {'; '.join(others)} of evidence. The spectra alone "
                "do not decide; look at the tissue, at treatment, and at the samples that carry it.",
            )


def _evidence(result: GuidedRecord) -> Iterator[Finding]:
    table = result.evidence
    alone = table["largest_sample"][rest_on_one_sample(table)]
    if len(alone):
        places = [
            f"{share:.0%} of {name} in {result.exposures[name].idxmax()}"
            for name, share in alone.items()
        ]
        yield Finding(
            "caution",
            f"{listing(list(alone.index), 8)} {'rests' if len(alone) == 1 else 'rest'} on one sample",
            f"One sample has most of the mutations: {listing(places, 8)}. The others say little about such a "
            "signature: it may describe that sample rather than a process.",
        )
    nowhere = table[table["samples"] == 0]
    if len(nowhere):
        yield Finding(
            "caution",
            f"No single sample surely has {listing(list(nowhere.index), 8)}",
            "The evidence is that of all samples together, a little in each; the refit calls it present in none. Small "
            "deviations of other profiles look like this, too.",
        )
    weak = table[table["nats"] < CLEAR_EVIDENCE]
    if len(weak):
        named = [f"{name} ({nats:.0f} nats)" for name, nats in weak["nats"].items()]
        yield Finding(
            "caution",
            f"Weak evidence for {listing(list(weak.index), 8)}",
            f"The other signatures explain the cohort nearly as well alone: {listing(named, 8)}. A profile that "
            "differs a little from the reference can gain as much.",
        )
    absent = table[(table["half"] <= 0) & (table["nats"] >= CLEAR_EVIDENCE)]
    if len(absent):
        yield Finding(
            "note",
            f"Not needed in one half of the samples: {listing(list(absent.index), 8)}",
            "The samples were divided in two at random, and one half is explained as well without. For a signature "
            "that few samples have that is to be expected; for one in many samples it is a doubt.",
        )


def _deviations(result: GuidedRecord) -> Iterator[Finding]:
    cosines = result.evidence["cosine"].drop(result.novel)
    low = cosines[cosines < CLOSE_MATCH_COSINE].sort_values()
    if len(low):
        shown = [f"{name} ({cosine:.2f})" for name, cosine in low.items()]
        yield Finding(
            "note",
            f"{len(low)} known {'signature looks' if len(low) == 1 else 'signatures look'} different in these data",
            f"{listing(shown, 8)}: cosine between the profile in the reference and what the data show of it, below "
            f"{CLOSE_MATCH_COSINE:g}. With few mutations that is noise; with many, another process, build or assay "
            "may hide behind the name.",
        )


def _samples(result: GuidedRecord) -> Iterator[Finding]:
    filled = int((result.refit.fit["mutations"] > 0).sum())
    if filled < MIN_GUIDED_SAMPLES:
        yield Finding(
            "caution",
            f"{n_samples(filled, 'is', 'are')} few for a cohort",
            f"With fewer than {MIN_GUIDED_SAMPLES} samples rare signatures are missed, and a novel one rests on few. "
            "For single samples, refit the signatures that the tissue can have: dnmf refit.",
        )
