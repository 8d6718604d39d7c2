"""Substituted bases: which of them are one event, and their channels."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.signatures.channels import ChannelSchema
from dnmf.signatures.fasta import BASES, UNKNOWN
from dnmf.signatures.genome import Genome
from dnmf.signatures.schemas import DBS78
from dnmf.variants.normalise import FLANK, Variants, by_contig

AROUND = 2
"""Bases on each side of a substitution that are looked at."""


@dataclass(frozen=True)
class Changes:
    """Every base that changes, in the order of the rows.

    Attributes
    ----------
    row, offset : int
        The row, and the place in its REF.
    sample, contig, position : int
        Where the base is.
    before, after : int
        Codes of the two bases.
    event : int
        Number of the event: changes of adjacent bases of a sample are one.
    repeated : bool
        Whether an earlier row of the sample has the same change.
    """

    row: NDArray[np.int64]
    offset: NDArray[np.int64]
    sample: NDArray[np.int64]
    contig: NDArray[np.int64]
    position: NDArray[np.int64]
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    event: NDArray[np.int64]
    repeated: NDArray[np.bool_]


def changes(
    variants: Variants, rows: NDArray[np.int64], *, halves: bool
) -> tuple[Changes, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the changes of rows that are substitutions, and of each event the places of its changes.

    A base with two different changes in one sample belongs to no run: each of them is an event. With ``halves`` the two
    bases of a doublet are two events.

    Returns
    -------
    changes : Changes
    first : (events,) int
        Place, in the changes, of the first base of each event.
    second : (events,) int
        Place of the second base of a doublet; -1 for a single base, -2 for three or more.
    origin : (events,) int
        Place of the first base of the run: of the two halves of a doublet, that of the doublet.
    """
    from dnmf.variants._variants_numba import changed_bases

    own, offset, before, after = changed_bases(
        variants.words.codes,
        variants.words.starts,
        variants.ref[rows],
        variants.alt[rows],
        variants.cut[rows],
        variants.size[rows],
    )
    row = rows[own]
    sample, contig = variants.sample[row], variants.contig[row]
    position = variants.position[row] + offset
    # One number for sample, contig and position: neighbours differ by 1, and contigs by more.
    n_contigs = int(contig.max(initial=0)) + 1
    group = pd.factorize(sample * n_contigs + contig)[0]
    place = group * (int(position.max(initial=0)) + 2) + position
    order = np.argsort(4 * place + after, kind="stable")
    sorted_place, sorted_after = place[order], after[order]
    same_place = sorted_place[1:] == sorted_place[:-1]
    again = np.concatenate([[False], same_place & (sorted_after[1:] == sorted_after[:-1])])[
        : len(order)
    ]
    once = order[~again]
    sites = place[once]
    twice = sites[1:] == sites[:-1]
    alone = np.ones(len(once), dtype=np.bool_)
    alone[1:] &= ~twice
    alone[:-1] &= ~twice
    begins = np.ones(len(once), dtype=np.bool_)
    begins[1:] = ~((sites[1:] == sites[:-1] + 1) & alone[1:] & alone[:-1])
    runs = start = np.flatnonzero(begins)
    if halves:
        begins[start[np.diff(start, append=len(begins)) == 2] + 1] = True
    start = np.flatnonzero(begins)
    bases = np.diff(start, append=len(begins))
    second = np.where(bases == 1, -1, -2)
    second[bases == 2] = once[start[bases == 2] + 1]
    number = np.cumsum(begins) - 1
    event = np.empty(len(order), dtype=np.int64)
    # A change that is repeated follows, in order, the one that it repeats.
    event[order] = number[np.cumsum(~again) - 1] if len(order) else 0
    repeated = np.empty(len(order), dtype=np.bool_)
    repeated[order] = again
    found = Changes(row, offset, sample, contig, position, before, after, event, repeated)
    origin = once[runs[np.searchsorted(runs, start, side="right") - 1]]
    return found, once[start], second, origin


def surroundings(
    variants: Variants, found: Changes, chosen: NDArray[np.int64], genome: Genome | None
) -> NDArray[np.uint8]:
    """Return the bases from two before to two behind each of the chosen changes, (n, 5).

    They are the genome's; without one, those of the column CONTEXT.
    """
    out = np.full((len(chosen), 2 * AROUND + 1), UNKNOWN, dtype=np.uint8)
    if genome is None:
        assert variants.context is not None
        assert variants.contexts is not None
        first = variants.contexts.starts[variants.context[found.row[chosen]]]
        first = first + found.offset[chosen] + (FLANK - AROUND)
        out[:] = variants.contexts.codes[first[:, None] + np.arange(out.shape[1])]
        return out
    for number, own in by_contig(found.contig[chosen]):
        starts = found.position[chosen[own]] - AROUND
        out[own] = genome.windows(genome.contigs[number], starts, out.shape[1])
    return out


def substitution_channels(
    schema: ChannelSchema, around: NDArray[np.uint8], after: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Return the number in SBS96 or SBS1536 of each change of the middle base; -1 where a neighbour is unknown.

    ``around`` (n, 5) are the bases about it. A purine is turned to the pyrimidine of the other strand, and its
    neighbours with it.
    """
    from dnmf.variants._variants_numba import look_up

    flank = (len(schema.labels[0]) - len("[C>A]")) // 2
    out = np.empty(len(after), dtype=np.int64)
    look_up(around, after, flank, _table(schema, flank), out)
    return out


def _table(schema: ChannelSchema, flank: int) -> NDArray[np.int64]:
    """Return the number of a channel by the new base and the bases from left to right, base 4."""
    places = {label: place for place, label in enumerate(schema.labels)}
    table = np.full(4 ** (2 * flank + 2), -1, dtype=np.int64)
    for number, (new, *bases) in enumerate(product(BASES, repeat=2 * flank + 2)):
        left, middle, right = bases[:flank], bases[flank], bases[flank + 1 :]
        label = f"{''.join(left)}[{middle}>{new}]{''.join(right)}"
        table[number] = places.get(label, -1)
    return table


def doublet_channels(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the number in DBS78 of each change of two adjacent bases, (n, 2) before and after it."""
    places = {label: place for place, label in enumerate(DBS78.labels)}
    table = np.full(4**4, -1, dtype=np.int64)
    for number, bases in enumerate(product(BASES, repeat=4)):
        label = DBS78.canonical(f"{bases[0]}{bases[1]}>{bases[2]}{bases[3]}")
        table[number] = places.get(label or "", -1)
    both = np.concatenate([before, after], axis=1).astype(np.int64)
    channels: NDArray[np.int64] = table[both @ np.array([64, 16, 4, 1])]
    return channels


STRANDS = "TUBN"
"""Transcribed, untranscribed, both (transcripts of either strand) and neither, of the pyrimidine."""


def strands(
    contig: NDArray[np.int64],
    position: NDArray[np.int64],
    before: NDArray[np.uint8],
    transcripts: Mapping[int, tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> NDArray[np.int64]:
    """Return the place in `STRANDS` of each substitution.

    ``transcripts`` has, by number of the contig, the stretches (m, 2) of transcripts on the + and on the - strand.
    A pyrimidine in a transcript of the + strand is on the untranscribed strand; a purine is the other way round.
    """
    out = np.full(len(contig), STRANDS.index("N"), dtype=np.int64)
    purine = before % 2 == 0
    for number, own in by_contig(contig):
        if number not in transcripts:
            continue
        plus, minus = (within(position[own], stretch) for stretch in transcripts[number])
        untranscribed = np.where(purine[own], minus & ~plus, plus & ~minus)
        out[own[plus | minus]] = STRANDS.index("T")
        out[own[untranscribed]] = STRANDS.index("U")
        out[own[plus & minus]] = STRANDS.index("B")
    return out


def within(position: NDArray[np.int64], stretches: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each position is in one of the stretches (m, 2): sorted, apart, without their ends."""
    if not len(stretches):
        return np.zeros(len(position), dtype=np.bool_)
    last = np.searchsorted(stretches[:, 0], position, side="right") - 1
    inside: NDArray[np.bool_] = position < stretches[np.maximum(last, 0), 1]
    return (last >= 0) & inside


def strand_288(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the counts of T, U and N, each (samples, 96), from those of T, U, B and N.

    Of the mutations on both strands the larger half is transcribed. That is done for each cell of a finished table, so
    two tables added up may differ from the table of both.
    """
    transcribed, untranscribed, both, neither = np.split(counts, len(STRANDS), axis=1)
    return np.concatenate(
        [transcribed + np.ceil(both / 2), untranscribed + np.floor(both / 2), neither], axis=1
    )
