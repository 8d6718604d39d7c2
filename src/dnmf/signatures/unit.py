"""What the values of a catalog are: counts of mutations, or frequencies and rates; and samples that hold others."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dnmf.signatures.channels import few

Array = NDArray[np.float64]

TOTAL_TOLERANCE = 0.02
"""How far, relative, totals are from 1 or 100 where frequencies were rounded: half a percent with one decimal."""

NEARLY_ALL = 0.9
"""Share of the samples with mutations that must have a property before the catalog is taken to have it."""

MEAN_OF_CELLS = 0.5
"""Mean of a sample's cells above 0 below which they are no counts, of which each such cell holds at least one.

Half a mutation, since counts that were corrected for opportunities or artefacts may be a little below one."""

SAMPLES_WITH_ONE_TOTAL = 3
"""Samples from which a common total that is not 1 or 100 tells that they were scaled to it."""

SAME_TOTAL = 1e-4
"""How far, relative, totals are apart that were scaled to a number which is not 1 or 100."""

SAME_VALUE = 1e-6
"""How far, relative, a sample is from the sum or mean of others that it repeats."""

MULTIPLE_TOLERANCE = 0.01
"""How far from a whole number the quotient of two values may be if both are counts times one factor, but rounded."""

MIN_MULTIPLES = 10
"""Values from which it is no chance that all are multiples of the smallest one."""

LARGEST_MULTIPLE = 1e6
"""Quotient of the largest and the smallest value up to which values with seven digits tell multiples."""

DECIMALS_OF_A_FACTOR = 4
"""Decimals up to which the smallest value may come from rounding rather than from a factor."""

MIN_TO_COMPARE = 50
"""Mutations from which a sample that equals another, or the sum of others, does not do so by chance."""

NO_FRACTIONS = 2.0**53
"""Numbers from which float64 holds whole ones only."""

# Not the cell lines SUM149, SUM-52 and others.
_SUMMARY_NAME = re.compile(
    r"(?:.*[^a-z])?(?:grand|sub)?[ _-]?(?:totals?|sums?(?![ _-]?\d))(?:[^a-z].*)?|all(?: samples)?|"
    "pooled|mean|average|median",
    re.IGNORECASE,
)


def why_not_counts(values: Array) -> str:
    """Say why values ``(n, f)`` cannot be counts of mutations, as a clause; empty if they can.

    Values need not be integers: corrected counts pass. Frequencies, percentages and the like do not, nor rates.
    """
    filled = values[values.any(axis=1)]
    if not (filled % 1).any() or filled.max() >= NO_FRACTIONS:
        return ""
    totals = filled.sum(axis=1)
    if common := _common_total(filled, totals):
        share = np.isclose(totals, common, rtol=TOTAL_TOLERANCE).mean()
        whose = "every sample sums" if share == 1 else f"{share:.0%} of the samples sum"
        what = {1: "these are frequencies", 100: "these are percentages"}
        return f"{whose} to {common:,}: {what.get(common, 'they were scaled to a common total')}"
    if _below_one(filled).mean() > 0.5:
        mean = filled[filled > 0].mean()
        return (
            f"the values above 0 are {mean:.2g} in the mean, and a count is at least 1: these are rates, such as "
            "mutations per megabase, or weights"
        )
    factor = _factor(filled)
    if factor:
        return (
            f"every value is a multiple of {factor:.6g}: these are counts times a factor, such as mutations per "
            "megabase"
        )
    return ""


def how_to_get_counts(reason: str) -> str:
    """Return the remedy for what ``why_not_counts`` found."""
    if "sum" in reason:
        return "give counts, or multiply each sample by its number of mutations"
    return "give counts, or divide the values by the factor that made them"


def doubts(values: Array, names: Sequence[str]) -> Iterator[str]:
    """Yield what is odd about samples of a catalog: other units than the rest, sums of others, copies."""
    if values.max() >= NO_FRACTIONS:
        return
    totals = values.sum(axis=1)
    yield from _odd_units(values, totals, names)
    yield from _summaries(values, totals, names)
    yield from _copies(values, totals, names)


def _odd_units(values: Array, totals: Array, names: Sequence[str]) -> Iterator[str]:
    fractional = (values % 1).any(axis=1)
    if not fractional.any():
        return
    unlike = fractional & (np.isclose(totals, 1, rtol=TOTAL_TOLERANCE) | _below_one(values))
    if unlike.any() and not why_not_counts(values):
        found = few([repr(names[int(row)]) for row in np.flatnonzero(unlike)])
        yield (
            f"{found}: the values of {unlike.sum()} of {len(values)} samples are below one, as frequencies or rates "
            "are; the others look like counts. Give counts for all of them."
        )
    filled = totals[totals > 0]
    if (
        len(filled) >= SAMPLES_WITH_ONE_TOTAL
        and np.ptp(filled) <= SAME_TOTAL * filled.max()
        and not why_not_counts(values)
    ):
        yield (
            f"every sample sums to {filled[0]:,.6g}, and the values are not integers. If they were scaled to this "
            "total, intervals, tests and the choice of a method take it for the number of mutations: give counts."
        )


def _summaries(values: Array, totals: Array, names: Sequence[str]) -> Iterator[str]:
    """Yield the samples that are the sum or the mean of all others, by their numbers or by their names."""
    of_others = totals.sum() - totals
    n_filled = int((totals > 0).sum())
    found = {}
    if n_filled >= 3:
        # Half of the sum: of samples and subtotals of them.
        for share, what in ((1.0, "sum"), (0.5, "sum"), (1 / (n_filled - 1), "mean")):
            near = (totals >= MIN_TO_COMPARE) & np.isclose(
                totals, share * of_others, rtol=SAME_VALUE
            )
            others = values.sum(axis=0) - values[near]
            near[near] = np.isclose(
                values[near], share * others, rtol=SAME_VALUE, atol=SAME_VALUE
            ).all(axis=1)
            # Of multiples of one spectrum, one is easily the sum of others.
            if near.sum() == 1 and not _one_spectrum(values[totals > 0]):
                found[int(near.argmax())] = what
                break
    for row, what in found.items():
        yield (
            f"sample {names[row]!r} is the {what} of {'all other samples' if what == 'mean' else 'other samples'} in "
            "every channel. Remove it: its mutations count twice."
        )
    named = [
        repr(n) for row, n in enumerate(names) if row not in found and _SUMMARY_NAME.fullmatch(n)
    ]
    if named and len(names) > 1:
        yield f"{few(named)}: named like a summary. If it is no sample, remove it: its mutations count twice."


def _one_spectrum(filled: Array) -> bool:
    shares = filled / filled.sum(axis=1, keepdims=True)
    return bool(np.ptp(shares, axis=0).max() <= SAME_VALUE)


def _copies(values: Array, totals: Array, names: Sequence[str]) -> Iterator[str]:
    same: dict[bytes, list[str]] = {}
    for row in np.flatnonzero(totals >= MIN_TO_COMPARE):
        same.setdefault(values[row].tobytes(), []).append(repr(names[int(row)]))
    copies = [group for group in same.values() if len(group) > 1]
    if copies:
        more = f"; {len(copies) - 1} more groups are such" if len(copies) > 1 else ""
        yield f"{few(copies[0])} have the same counts in every channel{more}. Leave copies out: they count twice."


def _common_total(filled: Array, totals: Array) -> int:
    """Return the power of ten that nearly all samples sum to; 0 if there is none, or they are counts."""
    power = round(float(np.log10(np.median(totals))))
    usual = power in (0, 2)
    if power < 0 or (not usual and len(totals) < SAMPLES_WITH_ONE_TOTAL):
        return 0
    near = np.isclose(totals, 10**power, rtol=TOTAL_TOLERANCE if usual else SAME_TOTAL)
    fractional = (filled[near] % 1).any(axis=1)
    # A few are whole: frequencies of a sample with a single mutation.
    common = near.mean() >= NEARLY_ALL and fractional.mean() > 1 - NEARLY_ALL
    return 10**power if common else 0


def _below_one(filled: Array) -> NDArray[np.bool_]:
    below: NDArray[np.bool_] = filled.sum(axis=1) < MEAN_OF_CELLS * (filled > 0).sum(axis=1)
    return below


def _factor(filled: Array) -> float:
    """Return the value that all others are multiples of, if it is no whole number nor a rounded one; else 0."""
    cells = filled[filled > 0]
    smallest = float(cells.min())
    if (
        cells.max() > LARGEST_MULTIPLE * smallest
        or round(smallest, DECIMALS_OF_A_FACTOR) == smallest
    ):
        return 0.0
    multiples = cells / smallest
    exact = np.abs(multiples - np.rint(multiples)) <= MULTIPLE_TOLERANCE
    return smallest if (multiples > 1.5).sum() >= MIN_MULTIPLES and exact.all() else 0.0
