"""What each variant changes: alleles read, compared with the genome and cut to what differs."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.signatures.fasta import CODES
from dnmf.signatures.genome import Genome

# Bytes of windows of the genome that are looked at at a time.
_BATCH = 1 << 26


@dataclass(frozen=True)
class Words:
    """Texts as base codes in one array: text k is ``codes[starts[k] : starts[k + 1]]``; 4 is what is no base."""

    codes: NDArray[np.uint8]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, texts: "pd.Index[str]") -> "Words":
        """Return the codes of texts."""
        listed = texts.tolist()
        text = "".join(listed).encode("ascii", "replace")
        lengths = np.fromiter(map(len, listed), np.int64, len(listed))
        return cls(
            CODES[np.frombuffer(text, dtype=np.uint8)], np.concatenate([[0], np.cumsum(lengths)])
        )

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of letters of each text."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Variants:
    """Rows as numbers: all arrays have one entry for each row, unless said otherwise.

    Attributes
    ----------
    sample, contig : int
        Numbers of the sample and of the contig (-1: not in the genome).
    position : int
        Of the first base of REF, from 0.
    words : Words
        All alleles.
    ref, alt : int
        Numbers of the alleles in ``words``.
    kind, cut, size : int
        What is left after both alleles are cut: its kind (see `_variants_numba`), the bases cut on the left, and its
        bases: those deleted, inserted or substituted.
    context, contexts : int, Words
        The surroundings that the file itself has: their number in ``contexts``, -1 for none.
    """

    sample: NDArray[np.int64]
    contig: NDArray[np.int64]
    position: NDArray[np.int64]
    words: Words
    ref: NDArray[np.int64]
    alt: NDArray[np.int64]
    kind: NDArray[np.int8]
    cut: NDArray[np.int64]
    size: NDArray[np.int64]
    context: NDArray[np.int64] | None = None
    contexts: Words | None = None


def trimmed(
    words: Words, ref: NDArray[np.int64], alt: NDArray[np.int64]
) -> tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64]]:
    """Return kind, bases cut on the left, and size of each change: common suffix cut first, then common prefix."""
    from dnmf.variants._variants_numba import trim

    kind = np.empty(len(ref), dtype=np.int8)
    cut, size = np.empty_like(ref), np.empty_like(ref)
    trim(words.codes, words.starts, ref, alt, kind, cut, size)
    return kind, cut, size


def by_contig(contig: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each number of a contig, in order, and the places at which it stands."""
    order = np.argsort(contig, kind="stable")
    bounds = np.flatnonzero(np.diff(contig[order], prepend=-1, append=-1))
    for start, end in pairwise(bounds):
        yield int(contig[order[start]]), order[start:end]


def batches(rows: NDArray[np.int64], width: int) -> Iterator[NDArray[np.int64]]:
    """Yield rows in parts whose windows of a width fit into memory."""
    step = max(_BATCH // max(width, 1), 1)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def by_size(sizes: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield powers of 2 and the places of the sizes up to each, so that windows of one width suit them."""
    power = np.ceil(np.log2(np.maximum(sizes, 1))).astype(np.int64)
    for exponent in np.unique(power):
        yield 1 << int(exponent), np.flatnonzero(power == exponent)


def agrees_with_genome(
    variants: Variants, rows: NDArray[np.int64], genome: Genome
) -> NDArray[np.bool_]:
    """Return whether the genome has REF, all bases of it, where each of the rows says."""
    from dnmf.variants._variants_numba import agree

    out = np.zeros(len(rows), dtype=np.bool_)
    lengths = variants.words.lengths()[variants.ref[rows]]
    for number, own in by_contig(variants.contig[rows]):
        contig = genome.contigs[number]
        position = variants.position[rows[own]]
        on_contig = (position >= 0) & (position + lengths[own] <= genome.lengths[contig])
        own, position = own[on_contig], position[on_contig]
        for width, some in by_size(lengths[own]):
            for part in batches(some, width):
                windows = genome.windows(contig, position[part], width)
                found = np.empty(len(part), dtype=np.bool_)
                ref = variants.ref[rows[own[part]]]
                agree(windows, variants.words.codes, variants.words.starts, ref, found)
                out[own[part]] = found
    return out


def agrees_with_context(variants: Variants, rows: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return 1 where REF stands in the middle of the row's own surroundings, 0 where not, -1 where they cannot tell."""
    from dnmf.variants._variants_numba import agree

    assert variants.context is not None
    assert variants.contexts is not None
    out = np.full(len(rows), -1, dtype=np.int8)
    context = variants.context[rows]
    lengths = variants.words.lengths()[variants.ref[rows]]
    usable = context >= 0
    usable &= variants.contexts.lengths()[context] == lengths + 2 * FLANK
    places = np.flatnonzero(usable & (lengths > 0))
    for width, some in by_size(lengths[places]):
        own = places[some]
        first = variants.contexts.starts[context[own]] + FLANK
        last = len(variants.contexts.codes) - 1
        windows = variants.contexts.codes[np.minimum(first[:, None] + np.arange(width), last)]
        found = np.empty(len(own), dtype=np.bool_)
        agree(windows, variants.words.codes, variants.words.starts, variants.ref[rows[own]], found)
        out[own] = found
    return out


FLANK = 5
"""Bases on each side of the alleles in a MAF's column CONTEXT."""
