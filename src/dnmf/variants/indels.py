"""Insertions and deletions: moved to the left as far as they go, and their channels of ID83."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.signatures import ID83
from dnmf.signatures.genome import Genome
from dnmf.variants.normalise import Variants, batches, by_contig, by_size

# Bases beside an indel that are looked at first; more only where a repeat goes on.
_FIRST_FLANK = 32
# Of the size, and of the copies or matching bases: 5 stands for 5 and more.
_MOST = 5


@dataclass(frozen=True)
class Indels:
    """Indels in left-aligned form, one entry for each of ``rows``.

    ``position`` is the first deleted base, or the base before which is inserted. ``channel`` is a number in the labels
    of ID83; ``repeated`` says that an earlier row of the sample has the same event.
    """

    rows: NDArray[np.int64]
    position: NDArray[np.int64]
    channel: NDArray[np.int64]
    repeated: NDArray[np.bool_]


def indels(variants: Variants, rows: NDArray[np.int64], genome: Genome) -> Indels:
    """Return the events of rows that are insertions or deletions; their REF agrees with the genome."""
    from dnmf.variants._variants_numba import (
        DELETION,
        LONGEST_PACKED,
        align_and_match,
        packed_units,
    )

    codes = variants.words.codes
    deleted = variants.kind[rows] == DELETION
    size, cut = variants.size[rows], variants.cut[rows]
    first = variants.words.starts[np.where(deleted, variants.ref[rows], variants.alt[rows])] + cut
    position = variants.position[rows] + cut
    moved, matched = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for number, on_contig in by_contig(variants.contig[rows]):
        contig = genome.contigs[number]
        for longest, some in by_size(size[on_contig]):
            todo, flank = on_contig[some], max(_FIRST_FLANK, longest)
            while len(todo):
                left = []
                width = 2 * flank + longest
                for own in batches(todo, width):
                    windows = genome.windows(contig, position[own] - flank, width)
                    own_moved, own_matched = np.empty_like(own), np.empty_like(own)
                    whole = np.empty(len(own), dtype=np.bool_)
                    align_and_match(
                        windows,
                        flank,
                        deleted[own],
                        codes,
                        first[own],
                        size[own],
                        own_moved,
                        own_matched,
                        whole,
                    )
                    moved[own], matched[own] = own_moved, own_matched
                    left.append(own[~whole])
                todo, flank = np.concatenate(left), 4 * flank
    unit = np.empty_like(moved)
    packed_units(codes, first, size, moved, unit)
    long = np.flatnonzero((size > LONGEST_PACKED) & ~deleted)
    if len(long):
        unit[long] = pd.factorize(
            np.array(_long_units(codes, first[long], size[long], moved[long]))
        )[0]
    unit[deleted] = 0  # where a deletion is, and how long, says what is deleted
    position -= moved
    key = pd.DataFrame(
        {
            "sample": variants.sample[rows],
            "contig": variants.contig[rows],
            "position": position,
            "size": np.where(deleted, size, -size),
            "unit": unit,
        }
    )
    channel = _channels(deleted, size, codes[first], matched)
    return Indels(rows, position, channel, key.duplicated().to_numpy())


def _long_units(
    codes: NDArray[np.uint8],
    first: NDArray[np.int64],
    size: NDArray[np.int64],
    moved: NDArray[np.int64],
) -> list[bytes]:
    """Return the bases of units, each rotated to the right by the bases it moved to the left."""
    units = []
    for start, bases, turn in zip(
        first.tolist(), size.tolist(), (moved % size).tolist(), strict=True
    ):
        unit = codes[start : start + bases].tobytes()
        units.append(unit[bases - turn :] + unit[: bases - turn])
    return units


def _channels(
    deleted: NDArray[np.bool_],
    size: NDArray[np.int64],
    base: NDArray[np.uint8],
    matched: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the number of each indel's channel in the labels of ID83.

    Of the bases that follow, ``matched`` go on as the deleted or inserted unit does: whole copies of it, and without
    one, after a deletion of several bases, microhomology. ``base`` is of the unit: that of a single base.
    """
    copies = np.minimum(matched // size, _MOST)
    microhomology = deleted & (size > 1) & (matched > 0) & (matched < size)
    # A or T: one pair; C or G: the other.
    pair = np.where((base == 0) | (base == 3), 1, 0)
    what = np.where(size == 1, pair, np.where(microhomology, 3, 2))
    number = np.where(microhomology, np.minimum(matched, _MOST), copies)
    return _NUMBERS[deleted.astype(np.int64), np.minimum(size, _MOST), what, number]


def _numbers() -> NDArray[np.int64]:
    """Return the number of a channel by kind (0 insertion, 1 deletion), size, what (C T R M) and copies or bases."""
    table = np.full((2, _MOST + 1, 4, _MOST + 1), -1, dtype=np.int64)
    for place, label in enumerate(ID83.labels):
        size, kind, what, number = label.split(":")
        table[("Ins", "Del").index(kind), int(size), "CTRM".index(what), int(number)] = place
    return table


_NUMBERS = _numbers()
