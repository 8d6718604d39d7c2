"""Copy number segments, counted in the 48 classes of CN48."""

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.inputs import InputFile, read_input
from dnmf.signatures import CN48, MutationCatalog
from dnmf.variants.segment_table import (
    SAMPLE_COLUMNS,
    WHAT,
    SegmentCaller,
    SegmentTable,
    checked_caller,
    read_segment_table,
)

_FILE_ENDINGS = re.compile(
    r"(\.purple)?(\.cnv\.somatic|\.segments?|[._]subclones|[._]copynumber)?\.(tsv|txt|csv|seg)(\.gz)?\Z",
    re.IGNORECASE,
)

_INTEGER = 1e-6
"""A copy number this near to a whole number is one."""

# Lengths of segments in bases: up to so many, and the name of the class of those that are longer.
_SIZES = np.array([100_000, 1_000_000, 10_000_000, 40_000_000])
_SIZE_NAMES = ("0-100kb", "100kb-1Mb", "1Mb-10Mb", "10Mb-40Mb", ">40Mb")
_LOST_SIZE_NAMES = ("0-100kb", "100kb-1Mb", ">1Mb", ">1Mb", ">1Mb")
# Total copy numbers: the class is that of the last number that is not more.
_COPIES = np.array([0, 1, 2, 3, 5, 9])
_COPY_NAMES = ("0", "1", "2", "3-4", "5-8", "9+")


def read_segments(
    paths: str | os.PathLike[str] | InputFile | Sequence[str | os.PathLike[str] | InputFile],
) -> MutationCatalog:
    r"""Count copy number segments in the 48 classes of CN48.

    A segment with ``c`` copies in all, ``m`` of them of the rarer allele, is ``homdel`` if c = 0, else ``LOH`` if
    m = 0, else ``het``; c is 0, 1, 2, 3-4, 5-8 or 9+; its size, end - start, is at most 100 kb, 1 Mb, 10 Mb, 40 Mb
    or more. Columns are found by name, in any case and order:

    ============ ==================================================================================
    ASCAT        nMajor, nMinor
    ASCAT_NGS    Tumour TCN, Tumour BCN
    Battenberg   nMaj1_A, nMin1_A, nMaj2_A, nMin2_A: a subclonal state is a segment of its own
    FACETS       tcn.em, lcn.em: a missing lcn.em is 0
    PURPLE       copyNumber, minorAlleleCopyNumber: rounded to whole numbers
    Sequenza     CNt, A, B
    ABSOLUTE     Modal_HSCN_1, Modal_HSCN_2
    GDC          Major_Copy_Number, Minor_Copy_Number
    ============ ==================================================================================

    Parameters
    ----------
    paths : path, InputFile or sequence of these
        Tables, plain or gzipped. A table without a column of samples is one sample, called as the file.

    Returns
    -------
    MutationCatalog
        CN48; samples in the order of the files.

    Raises
    ------
    InputDataError
        If columns are missing, a cell is no number, a segment ends before it starts, a copy number is below 0, or a
        sample is in two files; the message names file, line and column.

    Warns
    -----
    DoubtfulDataWarning
        If segments without copy numbers are left out, the same segment is given twice (it is counted once), or copy
        numbers of another program than PURPLE are rounded.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> rows = [
    ...     ["sample", "chr", "startpos", "endpos", "nMajor", "nMinor"],  # as ASCAT writes them
    ...     ["tumour", "1", "0", "50000000", "2", "1"],
    ... ]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "segments.txt")
    ...     _ = table.write_text("\n".join(map("\t".join, rows)))
    ...     counts = read_segments(table).counts
    >>> counts.columns[counts.loc["tumour"] > 0].tolist()
    ['3-4:het:>40Mb']
    """
    given = [paths] if isinstance(paths, str | os.PathLike | InputFile) else list(paths)
    if not given:
        raise InputDataError(f"no file is given. Give {WHAT}.")
    files = [read_input(path, what=WHAT) for path in given]
    tables, owners = [], dict[str, str]()
    for file in files:
        tables.append(_count(file))
        for sample in tables[-1].index:
            if sample in owners:
                raise InputDataError(
                    f"{file.path}: the sample {sample!r} is also in {owners[sample]}. Give each sample once, or rename "
                    "one of the two."
                )
            owners[sample] = file.path
    one = len(files) == 1
    source = files[0].path if one else f"{len(files)} tables of segments"
    return MutationCatalog(pd.concat(tables), source, CN48, files[0].record if one else {})


def _count(file: InputFile) -> pd.DataFrame:
    """Return the counts of one table (samples, 48)."""
    table = read_segment_table(file)
    caller = checked_caller(table)
    start, end = table.numbers("start"), table.numbers("end")
    bad = np.flatnonzero(~(end >= start))
    if len(bad):
        cells = " and ".join(repr(table.column(name)[bad[0]]) for name in ("start", "end"))
        raise InputDataError(
            f"{table.place(bad[0])}: the segment has the start and end {cells}. Expected two numbers, the end not "
            "before the start: correct or remove the line."
        )
    samples = _samples(table)
    states = [_state(table, caller, caller.total, caller.minor, caller.pair)]
    if caller.subclonal is not None and set(caller.subclonal) <= set(table.names):
        states.append(_state(table, caller, "", "", caller.subclonal))
    parts = [
        pd.DataFrame(
            {
                "sample": samples,
                "contig": table.column("chromosome"),
                "start": start,
                "end": end,
                "copies": copies,
                "minor": minor,
                "subclonal": number > 0,
            }
        )
        for number, (copies, minor) in enumerate(states)
    ]
    known = [part["copies"].notna() & part["minor"].notna() for part in parts]
    _warn_unknown(table, known[0].to_numpy())
    segments = pd.concat([part[own] for part, own in zip(parts, known, strict=True)])
    twice = segments.duplicated(["sample", "contig", "start", "end", "subclonal"])
    if twice.any():
        line = table.lines[segments.index[twice][0]]
        _warn(
            f"{file.path}: {twice.sum():,} segments are given twice, e.g. in line {line}: each is counted once."
        )
        segments = segments[~twice]
    counts = pd.crosstab(segments["sample"], _channels(segments))
    return counts.reindex(
        index=list(dict.fromkeys(samples)), columns=pd.Index(CN48.labels), fill_value=0
    )


def _channels(segments: pd.DataFrame) -> NDArray[np.object_]:
    """Return the channel of each segment."""
    copies = segments["copies"].to_numpy()
    sizes = np.searchsorted(_SIZES, (segments["end"] - segments["start"]).to_numpy(), side="left")
    state = np.select([copies == 0, segments["minor"] == 0], ["homdel", "LOH"], "het")
    size = np.where(copies == 0, np.take(_LOST_SIZE_NAMES, sizes), np.take(_SIZE_NAMES, sizes))
    number = np.take(_COPY_NAMES, np.searchsorted(_COPIES, copies, side="right") - 1)
    parts = (number.astype(object), state.astype(object), size.astype(object))
    channels: NDArray[np.object_] = parts[0] + ":" + parts[1] + ":" + parts[2]
    return channels


def _state(
    table: SegmentTable, caller: SegmentCaller, total: str, minor: str, pair: tuple[str, str] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return copies in all and of the rarer allele, whole numbers; NaN where they are not told."""
    columns = [column for column in (total, minor, *(pair or ())) if column]
    values = {column: _whole(table, caller, column) for column in columns}
    if pair is not None:
        first, second = (values[column] for column in pair)
        copies = values[total] if total else first + second
        rarer = np.minimum(first, second)
    else:
        copies = values[total]
        rarer = np.maximum(np.minimum(values[minor], copies - values[minor]), 0.0)
        if caller.minor_may_miss:
            rarer = np.where(np.isnan(rarer), 0.0, rarer)
    # One copy has no second allele, whatever a table says of it.
    return copies, np.where(copies <= 1, 0.0, rarer)


def _whole(table: SegmentTable, caller: SegmentCaller, column: str) -> NDArray[np.float64]:
    """Return copy numbers as whole numbers."""
    values = table.numbers(column)
    whole: NDArray[np.float64] = np.floor(values + 0.5)
    bad = np.flatnonzero(whole < 0)
    if len(bad):
        raise InputDataError(
            f"{table.place(bad[0])}: found {values[bad[0]]:g} in {table.header(column)!r}, expected a copy number "
            "(>= 0). Correct or remove the line."
        )
    changed = np.abs(values - whole) > _INTEGER
    if changed.any() and not caller.fractional:
        _warn(
            f"{table.source}: {changed.sum():,} numbers in {table.header(column)!r} are no whole copy numbers, e.g. "
            f"{values[changed][0]:g}: they are rounded."
        )
    return whole


def _samples(table: SegmentTable) -> list[str]:
    """Return the sample of each row: its cell, or else the name of the file."""
    for column in SAMPLE_COLUMNS:
        if column not in table.names:
            continue
        cells = table.column(column)
        if column == "id" and all(cell.isdecimal() for cell in cells):
            continue  # the number of the row
        if "" in cells:
            raise InputDataError(
                f"{table.place(cells.index(''))}: the segment has no sample. Write its name into the column "
                f"{table.header(column)!r}."
            )
        return cells
    return [_FILE_ENDINGS.sub("", PurePath(table.source).name)] * len(table.lines)


def _warn_unknown(table: SegmentTable, known: NDArray[np.bool_]) -> None:
    if not known.all():
        unknown = np.flatnonzero(~known)
        _warn(
            f"{table.source}: {len(unknown):,} of {len(known):,} segments are left out, as their copy numbers are "
            f"missing, e.g. in line {table.lines[unknown[0]]}."
        )


def _warn(text: str) -> None:
    warnings.warn(text, DoubtfulDataWarning, stacklevel=5)
