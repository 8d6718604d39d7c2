"""Regions of a panel or exome, from a BED file."""

import os

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.inputs import InputFile, check_table_size, decode, read_input, text_lines

_NO_REGION = ("#", "track", "browser")
_LAST_POSITION = np.iinfo(np.int64).max


def plain_name(chromosome: str) -> str:
    """Return a chromosome's name without ``chr``: ``chr1`` and ``1`` are the same.

    Examples
    --------
    >>> plain_name("chr7"), plain_name("X")
    ('7', 'X')
    """
    return chromosome[3:] if chromosome.lower().startswith("chr") else chromosome


def contig_key(contig: str) -> str:
    """Return what two names of one contig have in common: no ``chr``, and MT for the mitochondrial genome.

    Examples
    --------
    >>> contig_key("chr7"), contig_key("chrM"), contig_key("MT")
    ('7', 'MT', 'MT')
    """
    plain = plain_name(contig)
    return "MT" if plain.upper() in ("M", "MT") else plain


def read_regions(path: str | os.PathLike[str] | InputFile) -> dict[str, NDArray[np.int64]]:
    """Return the regions of a BED file, plain or gzipped, by chromosome (its name without ``chr``).

    Each line has a chromosome, a start (from 0) and an end (exclusive), in any order; further columns are not read. An
    array (m, 2) holds starts and ends, sorted; regions that overlap or touch are merged.

    Raises
    ------
    InputDataError
        If the file cannot be read, a line is not a region, or there is none; the message names the line.
    """
    file = read_input(path, what="a BED file")
    source = file.path
    found: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate(text_lines(decode(file.content, source, what="a BED file")), 1):
        check_table_size(source, number, 0)
        if not line.strip() or line.startswith(_NO_REGION):
            continue
        chromosome, start, end = _region(line, f"{source}, line {number}")
        found.setdefault(chromosome, []).append((start, end))
    if not found:
        raise InputDataError(
            f"{source}: no region in it. A BED file has chromosome, start and end in each line."
        )
    return {chromosome: merged(regions) for chromosome, regions in found.items()}


def _region(line: str, place: str) -> tuple[str, int, int]:
    cells = line.split()
    try:
        if "_" in "".join(cells[1:3]):  # which int() would read as nothing
            raise ValueError
        start, end = int(cells[1]), int(cells[2])
    except (IndexError, ValueError):
        raise InputDataError(
            f"{place}: expected chromosome, start and end as in BED, found {line.strip()[:60]!r}."
        ) from None
    if end > _LAST_POSITION:
        raise InputDataError(f"{place}: no chromosome is as long as {end}. Correct the end.")
    if not 0 <= start < end:
        raise InputDataError(
            f"{place}: the region {start} to {end} is empty or begins before 0. BED counts from 0, without the end."
        )
    return plain_name(cells[0]), start, end


def merged(regions: list[tuple[int, int]]) -> NDArray[np.int64]:
    """Return regions as an array (m, 2), sorted, those that overlap or touch made one."""
    found: list[list[int]] = []
    for start, end in sorted(regions):
        if found and start <= found[-1][1]:
            found[-1][1] = max(end, found[-1][1])
        else:
            found.append([start, end])
    return np.array(found, dtype=np.int64)
