"""How often each trinucleotide occurs in the regions of a panel, and in the genome that they are part of."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnmf.caches import kept_file
from dnmf.exceptions import InputDataError
from dnmf.inputs import read_input
from dnmf.signatures.builds import BUILD_BY_LENGTH_OF_1
from dnmf.signatures.fasta import BASES
from dnmf.signatures.genome import read_sequences
from dnmf.signatures.regions import read_regions
from dnmf.storage import write_whole

TRINUCLEOTIDES = tuple(
    left + middle + right for middle in "CT" for left in "ACGT" for right in "ACGT"
)
# What COSMIC's genome profiles are relative to: no patches, decoys or mitochondria.
_HUMAN = frozenset([*map(str, range(1, 23)), "X", "Y"])
# Bases that are counted at a time.
_SLICE = 1 << 22


@dataclass(frozen=True)
class SiteCounts:
    """How often each of ``TRINUCLEOTIDES`` occurs, counted with its reverse complement."""

    genome: list[int]  # on chromosomes 1 to 22, X and Y
    regions: list[int]
    unknown: float  # share of the regions' positions whose trinucleotide holds an N
    build: str | None  # by the length of chromosome 1; None for none that is known


def count_sites(regions: str | Path, genome: str | Path) -> SiteCounts:
    """Count trinucleotides in the regions of a BED file and in the human genome: FASTA, plain or gzipped, or 2bit.

    The genome is read once, which takes a minute or two; the counts are kept in the system's folder for caches
    (``~/.cache/dnmf`` on Linux), if that can be written.

    Raises
    ------
    InputDataError
        If a file is not what it should be, or regions are not on the genome's chromosomes.
    """
    regions, genome = Path(regions), Path(genome)
    file = read_input(regions, what="a BED file")
    wanted = read_regions(file)
    kept = kept_file("sites", genome, file.record["sha256"])
    if kept is None:
        return _count(wanted, regions, genome)
    try:
        return SiteCounts(**json.loads(kept.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        counts = _count(wanted, regions, genome)
    with suppress(OSError):  # a full disk costs time, no result
        write_whole(kept, json.dumps(asdict(counts)))
    return counts


def _count(wanted: dict[str, NDArray[np.int64]], regions: Path, genome: Path) -> SiteCounts:
    everywhere, inside = np.zeros(5**3, dtype=np.int64), np.zeros(5**3, dtype=np.int64)
    lengths: dict[str, int] = {}
    for name, codes in read_sequences(genome):
        panel = wanted.get(name)
        if (name not in _HUMAN and panel is None) or name in lengths:
            continue
        lengths[name] = len(codes)
        if name in _HUMAN:
            for start in range(0, len(codes), _SLICE):
                everywhere += _trinucleotides(codes[start : start + _SLICE + 2])
        if panel is None:
            continue
        if panel[-1, 1] > len(codes):
            raise InputDataError(
                f"{regions}: a region of chromosome {name} ends at {panel[-1, 1]:,}, but in {genome} it has "
                f"{len(codes):,} bases. The regions are of another genome build."
            )
        for start, end in panel:
            inside += _trinucleotides(codes[max(start - 1, 0) : end + 1])
    missing = [name for name in wanted if name not in lengths]
    if missing or not everywhere.any():
        raise InputDataError(
            f"{genome} has no chromosome {', '.join(missing[:5]) or '1 to 22, X or Y'}"
            f"{f', on which {regions} has regions' if missing else ''} (chr1 and 1 are the same). It has "
            f"{', '.join(list(lengths)[:5]) or 'none that is known'}. Give the genome that the regions are of."
        )
    total = int(inside.sum())
    known = _folded(inside)
    if not any(known):
        raise InputDataError(f"{regions}: the regions hold no known base in {genome}.")
    return SiteCounts(
        _folded(everywhere),
        known,
        1 - sum(known) / total,
        BUILD_BY_LENGTH_OF_1.get(lengths.get("1", 0)),
    )


def _trinucleotides(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count ``25 left + 5 middle + right`` over all bases but the first and last."""
    words = 25 * codes[:-2] + 5 * codes[1:-1] + codes[2:]
    return np.bincount(words, minlength=5**3).astype(np.int64)


def _folded(counts: NDArray[np.int64]) -> list[int]:
    """Return the counts of ``TRINUCLEOTIDES``, both strands together, those with an unknown base left out."""
    by_base = counts.reshape(5, 5, 5)
    words = (map(BASES.index, word) for word in TRINUCLEOTIDES)
    # The complement of base i of ACGT is base 3 - i.
    return [int(by_base[a, b, c] + by_base[3 - c, 3 - b, 3 - a]) for a, b, c in words]
