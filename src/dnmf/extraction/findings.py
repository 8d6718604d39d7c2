"""What a careful colleague would say on seeing the result: each finding with its number and a remedy."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dnmf.criteria import LOW_COSINE
from dnmf.extraction.mixtures import best_pair
from dnmf.extraction.selection_section import selection_findings
from dnmf.metrics import cosine_similarity
from dnmf.report.findings import Finding, listing
from dnmf.signatures import ARTEFACTS

if TYPE_CHECKING:
    from dnmf.extraction.result import ExtractionResult

ALIKE = 0.9  # cosine above which two found signatures are hard to tell apart
PAIR_GAIN = 0.1  # a second reference that adds less is not worth a second name
AMBIGUOUS = 0.02  # a second reference this close to the best is as good
NOISE_DRAWS, NOISE_DEVIATIONS = 200, 5.0  # how far below its mean counting noise takes a cosine
FEW_MUTATIONS = 200
SAMPLES_PER_SIGNATURE = 5
STILL_FALLING = 0.005  # part of the cost lost in the last tenth of the steps

# Verdicts of restarts that say more than the best pair of references.
_SAID_BY_VERDICT = ("unstable", "mixture of references")


def findings(result: "ExtractionResult") -> list[Finding]:
    """Return what a reader should know before using the result, cautions first."""
    found = [Finding("caution", "Warning during the run", text) for text in result.warnings]
    for look in (selection_findings, _references, _pairs, _cohort, _training, _samples):
        found.extend(look(result))
    return sorted(found, key=lambda finding: finding.level != "caution")


def expected_cosine(result: "ExtractionResult") -> pd.Series:
    """Return the cosine that counting noise alone leaves, per sample.

    If counts are Poisson with the mean of the reconstruction, ``N p`` with ``sum(p) = 1``, then the cosine with that
    mean is about ``(1 + 1 / (N sum(p^2)))^(-1/2)``: a sample with few mutations cannot do better.
    """
    means = result.exposures.to_numpy() @ result.signatures.profiles.to_numpy()
    totals = means.sum(axis=1)
    signal = (means**2).sum(axis=1) / np.where(totals > 0, totals, 1.0)  # N sum(p^2)
    expected = np.sqrt(signal / (signal + 1))
    return pd.Series(expected, index=result.exposures.index)


def _references(result: "ExtractionResult") -> Iterator[Finding]:
    if result.reference is None or result.matches.empty:
        yield Finding(
            "note",
            "No reference was given",
            "The signatures are named by their share of mutations only. Compare them with known ones with "
            "dnmf match signatures.tsv.",
        )
        return
    rows: list[dict[Any, Any]] = result.matches.to_dict("records")
    for row in rows:
        judged = result.verdicts is not None and result.verdicts.loc[row["found"], "verdict"]
        if row["cosine"] < ALIKE and judged not in _SAID_BY_VERDICT:
            yield from _weak_match(row, result.signatures.profiles, result.reference.profiles)
        if row["assigned"] and row["cosine"] - row["second_cosine"] < AMBIGUOUS:
            yield Finding(
                "note",
                f"{row['found']} may be {row['reference']} or {row['second_reference']}",
                f"The cosines are {row['cosine']:.3f} and {row['second_cosine']:.3f}: the profile alone does not tell "
                "them apart. Look at the tissue and at the samples that carry it.",
            )
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


def _weak_match(
    row: dict[Any, Any], profiles: pd.DataFrame, references: pd.DataFrame
) -> Iterator[Finding]:
    closest = f"The closest reference is {row['reference']} at {row['cosine']:.2f}."
    pair = best_pair(profiles.loc[row["found"]], references)
    if pair is not None and pair.cosine >= max(ALIKE, row["cosine"] + PAIR_GAIN):
        first, second = pair.names
        yield Finding(
            "note" if row["assigned"] else "caution",
            f"{row['found']} {'may be' if row['assigned'] else 'is probably'} {first} and {second} in one",
            f"{closest} Together, {pair.share:.0%} {first} and {1 - pair.share:.0%} {second} reach {pair.cosine:.2f}. "
            "They occur together in these samples; one or two more signatures, or more samples, may separate them.",
        )
    elif not row["assigned"]:
        yield Finding(
            "caution",
            f"{row['found']} matches no reference",
            f"{closest} Treat it as new or mixed: see whether it returns with one signature more or fewer, and "
            "whether more than one sample carries it.",
        )


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


def _pairs(result: "ExtractionResult") -> Iterator[Finding]:
    names = result.signatures.names
    profiles = result.signatures.profiles.to_numpy()
    cosines = np.triu(cosine_similarity(profiles, profiles), 1)
    for first, second in np.argwhere(cosines > ALIKE):
        yield Finding(
            "caution",
            f"{names[first]} and {names[second]} are nearly equal",
            f"Their cosine is {cosines[first, second]:.2f}, so how mutations divide between them is uncertain; their "
            f"sum is not. Try {len(names) - 1} signatures.",
        )


def _cohort(result: "ExtractionResult") -> Iterator[Finding]:
    burdens = result.fit["mutations"]
    filled = burdens[burdens > 0]
    k = result.exposures.shape[1]
    if len(filled) < SAMPLES_PER_SIGNATURE * k:
        yield Finding(
            "caution",
            f"{len(filled):,} samples are few for {k} signatures",
            f"With fewer than {SAMPLES_PER_SIGNATURE} samples per signature, processes that occur together cannot be "
            "told apart. Prefer fewer signatures, or refit known ones.",
        )
    if len(filled) and filled.median() < FEW_MUTATIONS:
        yield Finding(
            "caution",
            f"Half of the samples have fewer than {filled.median():,.0f} mutations",
            "Counting noise then moves the exposures of a single sample by tens of percent. Signatures and averages "
            "over groups of samples are more reliable than single samples.",
        )
    if len(filled) > 2 and filled.max() > 0.25 * filled.sum():
        yield Finding(
            "note",
            f"{filled.idxmax()} holds {filled.max() / filled.sum():.0%} of all mutations",
            "One sample this large pulls signatures towards itself. Repeat without it to see which of them stay.",
        )
    totals = result.exposures.sum(axis=0)
    for name in result.exposures.columns[(totals > 0) & (len(filled) > 2)]:
        shares = result.exposures[name] / totals[name]
        if shares.max() > 0.5:
            yield Finding(
                "caution",
                f"{name} rests on one sample",
                f"{shares.max():.0%} of its mutations are in {shares.idxmax()}. It may describe that sample rather "
                "than a process; it needs a second sample or a reference to be believed.",
            )


def _training(result: "ExtractionResult") -> Iterator[Finding]:
    for phase in ("dictionary", "training"):
        # Not the network phase of the default: it keeps its best step, and may start where it can end.
        costs = np.asarray(result.history.get(phase, []), dtype=float)
        recent = costs[-max(len(costs) // 10, 2) :]
        if recent.size > 1 and recent[-1] > 0:
            fall = (recent[0] - recent[-1]) / recent[0]
            if fall > STILL_FALLING:
                yield Finding(
                    "caution",
                    f"The cost was still falling at the end of the {phase} phase",
                    f"It fell by {fall:.1%} in the last {recent.size} of {len(costs)} steps. More steps would change "
                    "the signatures.",
                )


def _samples(result: "ExtractionResult") -> Iterator[Finding]:
    fit = result.fit
    empty = list(fit.index[fit["mutations"] <= 0])
    if empty:
        yield Finding(
            "note",
            f"{len(empty):,} {'sample has' if len(empty) == 1 else 'samples have'} no mutations",
            f"{listing(empty)}: the exposures are 0 and the fit is not defined.",
        )
    filled = fit[fit["mutations"] > 0]
    low = filled[filled["cosine"] < LOW_COSINE]
    noisy = _within_noise(result, low["cosine"])
    if noisy.any():
        names = list(low[noisy].sort_values("cosine").index)
        yield Finding(
            "note",
            f"{_samples_are(len(names))} below {LOW_COSINE:g} for lack of mutations",
            f"{listing(names)}: with so few mutations counting noise alone explains the low cosine.",
        )
    if (~noisy).any():
        names = list(low[~noisy].sort_values("cosine").index)
        yield Finding(
            "caution",
            f"{_samples_are(len(names))} not explained",
            f"{listing(names)}: the cosine is below {LOW_COSINE:g} although there are enough mutations to do better. "
            "A process is probably missing: try more signatures and look at their spectra.",
        )


def _within_noise(result: "ExtractionResult", cosines: pd.Series) -> np.ndarray:
    """Return whether Poisson noise around the reconstruction gives cosines as low as these."""
    means = result.exposures.loc[cosines.index].to_numpy() @ result.signatures.profiles.to_numpy()
    rng = np.random.default_rng(0)
    lowest = []
    for mean in means:
        draws = cosine_similarity(rng.poisson(mean, (NOISE_DRAWS, mean.size)), mean[None, :])
        lowest.append(draws.mean() - NOISE_DEVIATIONS * draws.std() if mean.any() else np.inf)
    within: np.ndarray = cosines.to_numpy() >= np.array(lowest)
    return within


def _samples_are(n: int) -> str:
    return "1 sample is" if n == 1 else f"{n:,} samples are"
