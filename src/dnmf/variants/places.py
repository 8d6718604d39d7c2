"""Regions and transcripts, by the numbers of contigs."""

import os
from collections.abc import Mapping
from pathlib import Path
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.inputs import decode, read_input, text_lines
from dnmf.signatures.channels import few
from dnmf.signatures.regions import contig_key, merged, read_regions

Stretches = NDArray[np.int64]
"""(m, 2): starts and ends without the end, sorted, none overlaps another."""

_COLUMNS = 6  # gene, transcript, chromosome, strand, start, end


def regions_by_contig(
    path: str | os.PathLike[str], contigs: Mapping[str, int]
) -> dict[int, Stretches]:
    """Return the regions of a BED file by number of the contig; warn of those that are on none.

    ``contigs`` has the numbers by `contig_key`.

    Raises
    ------
    InputDataError
        As `read_regions`; or no region is on a contig.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    missing = []
    for name, stretches in read_regions(path).items():
        number = contigs.get(contig_key(name))
        if number is None:
            missing.append(name)
        else:
            # One contig may have two names, chrM and MT.
            found.setdefault(number, []).extend(map(tuple, stretches.tolist()))
    if not found:
        raise InputDataError(
            f"{path}: has regions on {few(missing)}, none of which is a contig of the variants' genome. Give the "
            "regions on that genome."
        )
    if missing:
        warn(
            f"{path}: has regions on {few(missing)}, which no contig of the variants' genome is called.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
    return {number: merged(stretches) for number, stretches in found.items()}


def read_transcripts(
    path: str | os.PathLike[str], contigs: Mapping[str, int]
) -> dict[int, tuple[Stretches, Stretches]]:
    """Return the stretches of transcripts on the + and on the - strand, by number of the contig.

    A line has gene, transcript, chromosome, strand (1 or -1, + or -), start and end (from 1, both included), as in
    SigProfilerMatrixGenerator's files and exports of BioMart. The first line that is
    no comment may be a header, without numbers.

    Raises
    ------
    InputDataError
        If the file cannot be read, a line is none of these, or no transcript is on a contig; the message names it.
    """
    content = read_input(path, what="a table of transcripts").content
    found: dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
    is_first = True
    for number, line in enumerate(text_lines(decode(content, str(path))), 1):
        cells = line.strip("\r\n").split("\t")
        if not line.strip() or line.startswith("#"):
            continue
        may_be_header, is_first = is_first, False
        try:
            chromosome, strand = cells[2], cells[3].strip()
            start, end = int(cells[4]), int(cells[5])
            side = ("1", "+", "-1", "-").index(strand) // 2
            if not 1 <= start <= end:
                raise ValueError
        except (IndexError, ValueError):
            if may_be_header and len(cells) >= _COLUMNS and not cells[4].strip().isdigit():
                continue
            raise InputDataError(
                f"{Path(path)}, line {number}: expected gene, transcript, chromosome, strand (1 or -1), start and end "
                f"(from 1), separated by tabs, found {line.strip()[:60]!r}."
            ) from None
        contig = contigs.get(contig_key(chromosome))
        if contig is not None:
            found.setdefault(contig, ([], []))[side].append((start - 1, end))
    if not found:
        raise InputDataError(
            f"{Path(path)}: no transcript in it is on a contig of the variants' genome. Give the transcripts of that "
            "genome."
        )
    return {
        contig: (merged(plus).reshape(-1, 2), merged(minus).reshape(-1, 2))
        for contig, (plus, minus) in found.items()
    }
