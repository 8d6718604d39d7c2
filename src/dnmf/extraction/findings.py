"""What a reader should know before using a result: each finding with its numbers and a remedy."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dnmf.criteria import (
    ALTERNATIVE_COSINE_LOSS,
    DOMINANT_SAMPLE_SHARE,
    FALLING_COST_SHARE,
    GOOD_MATCH_COSINE,
    LOW_COSINE,
    LOW_MEDIAN_MUTATIONS,
    MIN_SAMPLES_PER_SIGNATURE,
    MIXTURE_COSINE,
    NEARLY_EQUAL_COSINE,
    NOISE_STANDARD_DEVIATIONS,
    ONE_SAMPLE_SIGNATURE_SHARE,
)
from dnmf.extraction.record import ExtractionRecord
from dnmf.extraction.selection_findings import selection_findings
from dnmf.metrics import cosine_similarity
from dnmf.refit import RefitResult
from dnmf.refit.findings import exposure_findings
from dnmf.report.findings import Finding, in_order, listing, n_samples
from dnmf.signatures import ARTEFACTS
from dnmf.signatures.decomposition import MIXTURE, NOVEL

# Poisson draws from which the spread of a sample's cosine is estimated.
NOISE_DRAWS = 200


def findings(result: ExtractionRecord) -> list[Finding]:
    """Return what a reader should know before using the result, cautions first."""
    return in_order(
        result.warnings,
        selection_findings(result),
        _references(result),
        _second_layer(result),
        _similar_signatures(result),
        _samples_and_mutations(result),
        _training(result),
        _reconstruction(result),
    )


def _references(result: ExtractionRecord) -> Iterator[Finding]:
    if result.reference is None or result.matches.empty:
        yield Finding(
            "note",
            "No reference was given",
            "The signatures are named by their share of mutations only, and there is no second layer, which says what "
            "known ones they are made of. Compare them with dnmf match signatures.tsv.",
        )
        return
    rows: list[dict[Any, Any]] = result.matches.to_dict("records")
    assigned = [row for row in rows if row["assigned"]]
    yield from _repeated(assigned)
    artefacts = [row for row in assigned if row["reference"] in ARTEFACTS]
    if artefacts:
        pairs = listing([f"{row['found']} ({row['reference']})" for row in artefacts], 6)
        yield Finding(
            "caution",
            f"{pairs}: possible artefact",
            "COSMIC lists these references as possible sequencing artefacts. Check how the samples that carry them "
            "were sequenced and filtered before giving them a biological meaning.",
        )


def _second_layer(result: ExtractionRecord) -> Iterator[Finding]:
    if result.layer is None:
        return
    # An unstable signature has a finding of its own; what it is made of says little.
    summary = result.layer.decomposition.summary.drop(index=result.unstable)
    for name, row in summary[summary["kind"] == NOVEL].iterrows():
        yield Finding(
            "caution",
            f"{name} stays novel",
            f"No mixture of at most three references comes as close as {MIXTURE_COSINE:g}; the closest is "
            f"{row['references']} at {row['cosine']:.2f}. It may be new, a known one as these data show it, or a "
            "mixture of more: see whether it returns with one signature more or fewer, and whether more than one "
            "sample has it.",
        )
    mixed = summary[(summary["kind"] == MIXTURE) & (summary["single"] < GOOD_MATCH_COSINE)]
    if len(mixed):
        reach = [
            f"{name}: {row['references']}, together {row['cosine']:.2f}, none alone more than {row['single']:.2f}"
            for name, row in mixed.iterrows()
        ]
        yield Finding(
            "caution",
            f"{listing(list(mixed.index), 6)} {'is' if len(mixed) == 1 else 'are'} probably "
            f"{'a mixture' if len(mixed) == 1 else 'mixtures'} of references",
            f"{'; '.join(reach)}. They occur together in these samples; more signatures, or more samples, may separate "
            "them.",
        )
    doubtful = summary[summary["alternatives"] > 0]
    if len(doubtful):
        alternatives = result.layer.decomposition.alternatives.drop_duplicates("found")
        first = alternatives.set_index("found")["references"].to_dict()
        pairs = [
            f"{name}: {row['references']}, or {first[name]}" for name, row in doubtful.iterrows()
        ]
        yield Finding(
            "note",
            f"{listing(list(doubtful.index), 6)} may be made of other references",
            f"Other mixtures lose at most {ALTERNATIVE_COSINE_LOSS:g} of cosine: {'; '.join(pairs[:6])}. The profiles "
            "alone do not tell them apart. Look at the tissue and at the samples that carry them; all are in "
            "decomposed/alternatives.tsv.",
        )
    if result.layer.refit is not None:
        yield from _exposures_to_known(result.layer.refit)


def _exposures_to_known(refit: RefitResult) -> Iterator[Finding]:
    nowhere = refit.present.columns[~refit.present.any(axis=0)]
    if len(nowhere):
        yield Finding(
            "caution",
            f"Second layer: no sample surely has {listing([str(name) for name in nowhere], 8)}",
            "A de novo signature is made of it, but the refit calls it present in none. A part of a mixture can be a "
            "correction of an inexact profile.",
        )
    for finding in exposure_findings(refit):
        yield replace(finding, title=f"Second layer: {finding.title}")


def _repeated(assigned: list[dict[Any, Any]]) -> Iterator[Finding]:
    groups: dict[str, list[dict[Any, Any]]] = {}
    for row in assigned:
        groups.setdefault(row["reference"], []).append(row)
    for reference, rows in groups.items():
        if len(rows) > 1:
            names = listing([row["found"] for row in rows], 6)
            cosines = listing([f"{row['found']} {row['cosine']:.2f}" for row in rows], 6)
            yield Finding(
                "note",
                f"{names} {'both' if len(rows) == 2 else 'all'} match {reference}",
                f"Cosines: {cosines}. One process may have been split, or the weaker one is a mix. Compare with fewer "
                "signatures, or add their exposures.",
            )


def _similar_signatures(result: ExtractionRecord) -> Iterator[Finding]:
    names = result.signatures.names
    profiles = result.signatures.profiles.to_numpy()
    cosines = np.triu(cosine_similarity(profiles, profiles), 1)
    for first, second in np.argwhere(cosines > NEARLY_EQUAL_COSINE):
        yield Finding(
            "caution",
            f"{names[first]} and {names[second]} are nearly equal",
            f"Their cosine is {cosines[first, second]:.2f}, so how mutations divide between them is uncertain; their "
            f"sum is not. Try {len(names) - 1} signatures.",
        )


def _samples_and_mutations(result: ExtractionRecord) -> Iterator[Finding]:
    burdens = result.fit["mutations"]
    filled = burdens[burdens > 0]
    k = result.exposures.shape[1]
    if len(filled) < MIN_SAMPLES_PER_SIGNATURE * k:
        yield Finding(
            "caution",
            f"{n_samples(len(filled), 'is', 'are')} few for {k} signature{'' if k == 1 else 's'}",
            f"With fewer than {MIN_SAMPLES_PER_SIGNATURE} samples per signature, processes that occur together cannot "
            "be told apart. Prefer fewer signatures, or refit known ones.",
        )
    if not result.catalog.why_not_counts and filled.median() < LOW_MEDIAN_MUTATIONS:
        yield Finding(
            "caution",
            f"The median sample has {filled.median():,.0f} mutation{'' if filled.median() == 1 else 's'}",
            "Counting noise then moves the exposures of a single sample by tens of percent. Signatures and averages "
            "over groups of samples are more reliable than single samples.",
        )
    if len(filled) > 2 and filled.max() > DOMINANT_SAMPLE_SHARE * filled.sum():
        yield Finding(
            "note",
            f"{filled.idxmax()} holds {filled.max() / filled.sum():.0%} of all mutations",
            "One sample this large pulls signatures towards itself. Repeat without it to see which of them stay.",
        )
    totals = result.exposures.sum(axis=0)
    for name in result.exposures.columns[(totals > 0) & (len(filled) > 2)]:
        shares = result.exposures[name] / totals[name]
        if shares.max() > ONE_SAMPLE_SIGNATURE_SHARE:
            yield Finding(
                "caution",
                f"{name} rests on one sample",
                f"{shares.max():.0%} of its mutations are in {shares.idxmax()}. It may describe that sample rather "
                "than a process; it needs a second sample or a reference to be believed.",
            )


def _training(result: ExtractionRecord) -> Iterator[Finding]:
    for phase in ("dictionary", "training"):
        # The phase "network" is left out: it keeps its best step, and its first may be the best.
        costs = np.asarray(result.history.get(phase, []), dtype=float)
        recent = costs[-max(len(costs) // 10, 2) :]
        if recent.size > 1 and recent[-1] > 0:
            fall = (recent[0] - recent[-1]) / recent[0]
            if fall > FALLING_COST_SHARE:
                yield Finding(
                    "caution",
                    f"The cost was still falling at the end of the {phase} phase",
                    f"It fell by {fall:.1%} in the last {recent.size} of {len(costs)} steps. More steps would change "
                    "the signatures.",
                )


def _reconstruction(result: ExtractionRecord) -> Iterator[Finding]:
    fit = result.fit
    empty = list(fit.index[fit["mutations"] <= 0])
    if empty:
        yield Finding(
            "note",
            f"{n_samples(len(empty), 'has', 'have')} no mutations",
            f"{listing(empty)}: the exposures are 0 and the fit is not defined.",
        )
    filled = fit[fit["mutations"] > 0]
    low = filled[filled["cosine"] < LOW_COSINE]
    noisy = _within_noise(result, low["cosine"])
    if noisy.any():
        names = list(low[noisy].sort_values("cosine").index)
        yield Finding(
            "note",
            f"{n_samples(len(names), 'is', 'are')} below {LOW_COSINE:g} for lack of mutations",
            f"{listing(names)}: with so few mutations counting noise alone explains the low cosine.",
        )
    if (~noisy).any():
        names = list(low[~noisy].sort_values("cosine").index)
        why = (
            "for lack of mutations, of which the values do not say how many there are, or of a process"
            if result.catalog.why_not_counts
            else "although there are enough mutations to do better. A process is probably missing"
        )
        yield Finding(
            "caution",
            f"{n_samples(len(names), 'is', 'are')} not explained",
            f"{listing(names)}: the cosine is below {LOW_COSINE:g} {why}: try more signatures and look at their "
            "spectra.",
        )


def _within_noise(result: ExtractionRecord, cosines: pd.Series) -> np.ndarray:
    """Return whether Poisson noise around the reconstruction gives cosines as low as these; of frequencies not."""
    if result.catalog.why_not_counts:
        return np.zeros(len(cosines), dtype=bool)
    means = result.exposures.loc[cosines.index].to_numpy() @ result.signatures.profiles.to_numpy()
    rng = np.random.default_rng(0)
    lowest = []
    for mean in means:
        draws = cosine_similarity(rng.poisson(mean, (NOISE_DRAWS, mean.size)), mean[None, :])
        lowest.append(
            draws.mean() - NOISE_STANDARD_DEVIATIONS * draws.std() if mean.any() else np.inf
        )
    within: np.ndarray = cosines.to_numpy() >= np.array(lowest)
    return within
