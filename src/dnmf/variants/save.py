"""Writing what was counted: catalogs, every variant with its outcome, and the record of the count."""

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf import __version__
from dnmf.report.records import json_text, write_run, write_table
from dnmf.signatures import write_catalog
from dnmf.storage import write_whole
from dnmf.variants.outcomes import COUNTED

if TYPE_CHECKING:
    from dnmf.variants.count import VariantCounts

# Rows whose lines are in memory at a time.
_PIECE_ROWS = 1 << 16
# Columns of text that stand together in a line; their distinct combinations are few.
_BEFORE_LINE, _BEFORE_POSITION = ("file",), ("sample", "contig")
_AFTER_POSITION = ("ref", "alt", "outcome", "class", "channel", "strand")
_ALLELES = ("ref", "alt")
_ORDER = (*_BEFORE_LINE, "line", *_BEFORE_POSITION, "position", *_AFTER_POSITION)
_GZIP = 16 + zlib.MAX_WBITS
# In a name they would end the cell or the line.
_ESCAPED = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


def save_counts(
    counts: "VariantCounts",
    out_dir: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    command: str | None = None,
) -> Path:
    """Write what was counted into a folder, which appears whole or not at all.

    Parameters
    ----------
    out_dir : path
        Folder to create. An empty one may exist.
    overwrite : bool
        Replace a folder that holds the output of an earlier run (and nothing else).
    command : str, optional
        The command line, to be recorded.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputExistsError
        ``out_dir`` holds something already, or, with ``overwrite``, something that is not the output of a run.
    OSError
        It cannot be written.

    Notes
    -----
    Files: a catalog of each class in SigProfiler's layout (``SBS96.tsv``, ...); ``variants.tsv.gz``, all lines of
    ``VariantCounts.variants``; ``discarded.tsv``, how many lines of each sample were not counted, by reason;
    ``count.json``, genome, options and totals; ``run.json``.
    """
    record = {
        "command": command,
        "dnmf": __version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "parameters": dict(counts.parameters),
        "warnings": list(counts.warnings),
    }
    write_run(out_dir, overwrite=overwrite, record=record, tables=count_tables(counts))
    return Path(out_dir)


@dataclass(frozen=True, eq=False)
class MoreColumns:
    """Columns beside those of the variants: their names, and of each variant the number of its text in ``texts``."""

    names: Sequence[str]
    codes: NDArray[np.int64]
    texts: Sequence[str]  # cells separated by tabs


def count_tables(
    counts: "VariantCounts", more: MoreColumns | None = None
) -> dict[str, Callable[[Path], object]]:
    """Return what writes each file of a count, by name; ``more`` are further columns of the variants."""
    return {
        **{f"{name}.tsv": partial(write_catalog, each) for name, each in counts.catalogs.items()},
        "variants.tsv.gz": lambda path: write_whole(path, _gzipped(_lines(counts.variants, more))),
        "discarded.tsv": lambda path: write_table(_discarded(counts.outcomes), path, index=False),
        "count.json": lambda path: write_whole(path, json_text(_record(counts))),
    }


def _record(counts: "VariantCounts") -> dict[str, Any]:
    outcomes = counts.outcomes.sum(axis=0)
    return {
        "dnmf": __version__,
        "files": [dict(file) for file in counts.files],
        "genome": dict(counts.genome),
        "build": counts.build,
        "parameters": dict(counts.parameters),
        "samples": len(next(iter(counts.catalogs.values())).counts),
        "mutations": {
            name: int(catalog.counts.to_numpy().sum()) for name, catalog in counts.catalogs.items()
        },
        "rows": {str(word): int(rows) for word, rows in outcomes.items()},
        "warnings": list(counts.warnings),
    }


def _discarded(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return sample, reason and rows of all that was not counted."""
    table = outcomes.drop(columns=COUNTED, errors="ignore")
    rows, columns = table.to_numpy().nonzero()
    return pd.DataFrame(
        {
            "sample": table.index[rows],
            "reason": table.columns[columns],
            "rows": table.to_numpy()[rows, columns],
        }
    )


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces compressed at the fastest level, without a time stamp: the same rows give the same bytes."""
    packer = zlib.compressobj(1, wbits=_GZIP)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _lines(variants: pd.DataFrame, more: MoreColumns | None) -> Iterator[bytes]:
    """Yield the table of variants as text: cells that stand together are joined once for each combination of them."""
    yield ("\t".join([*_ORDER, *(more.names if more else ())]) + "\n").encode()
    before_line = _joined(variants, _BEFORE_LINE, "", "\t")
    before_position = _joined(variants, _BEFORE_POSITION, "\t", "\t")
    after_position = _joined(variants, _AFTER_POSITION, "\t", "\t" if more else "\n")
    ends = np.array([f"{text}\n" for text in more.texts], dtype=object) if more else None
    line, position = (variants[name].to_numpy() for name in ("line", "position"))
    for start in range(0, len(variants), _PIECE_ROWS):
        rows = slice(start, start + _PIECE_ROWS)
        columns = (
            before_line(rows),
            map(str, line[rows].tolist()),
            before_position(rows),
            map(str, position[rows].tolist()),
            after_position(rows),
            *([] if ends is None or more is None else [ends[more.codes[rows]].tolist()]),
        )
        yield "".join(map("".join, zip(*columns, strict=True))).encode("utf-8", "replace")


def _joined(
    variants: pd.DataFrame, columns: Sequence[str], before: str, after: str
) -> Callable[[slice], list[str]]:
    """Return what gives the text of some columns together, for a range of rows."""
    code: NDArray[np.int64] = np.zeros(len(variants), dtype=np.int64)
    texts = [before]
    for place, name in enumerate(columns):
        cells = variants[name].astype("category").cat
        empty = "-" if name in _ALLELES else ""
        own = [str(text).translate(_ESCAPED) or empty for text in cells.categories]
        # A missing value has the code -1: the last text.
        own.append(empty)
        tab = "\t" if place else ""
        code = code * len(own) + np.where(cells.codes < 0, len(own) - 1, cells.codes)
        code, distinct = pd.factorize(code)
        texts = [texts[pair // len(own)] + tab + own[pair % len(own)] for pair in distinct.tolist()]
    whole = np.array([text + after for text in texts], dtype=object)
    return lambda rows: whole[code[rows]].tolist()
