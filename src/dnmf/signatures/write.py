"""Write catalogs, signatures and exposures in SigProfiler's layouts.

Reading a file back gives the same table. A file appears under its name only when it is complete.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError, OutputExistsError
from dnmf.signatures.catalog import MutationCatalog, SignatureSet, checked_frame, checked_names
from dnmf.storage import write_whole

_EXACT = 2.0**53
"""Whole numbers below this are written without a decimal point."""


def write_catalog(catalog: MutationCatalog, path: str | Path) -> None:
    """Write counts as a SigProfiler matrix: channels in rows (sorted), one column per sample.

    Parameters
    ----------
    catalog : MutationCatalog
        Counts; those that are not integers are written in full precision.
    path : str or Path
        Gzipped if it ends in ``.gz``. An existing file is replaced.

    Raises
    ------
    InputDataError
        If the file cannot be written.
    OutputExistsError
        If there is something that is no file, such as a device, a FIFO or a link.

    Examples
    --------
    >>> import tempfile
    >>> from dnmf.signatures import example_catalog, read_catalog
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_catalog(example_catalog(), f"{folder}/catalog.tsv.gz")
    ...     read_catalog(f"{folder}/catalog.tsv.gz").counts.equals(example_catalog().counts)
    True
    """
    _write_channels(catalog.counts, catalog.schema.file_order, path)


def write_signatures(signatures: SignatureSet, path: str | Path) -> None:
    """Write signatures as SigProfiler does: sorted channels in rows, signatures in columns, in full precision.

    Parameters
    ----------
    signatures : SignatureSet
        Each sums to 1.
    path : str or Path
        As for `write_catalog`, which raises the same errors.

    Examples
    --------
    >>> import tempfile
    >>> from dnmf.signatures import load_reference, read_signatures
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_signatures(load_reference("SBS1,SBS5"), f"{folder}/signatures.tsv")
    ...     read_signatures(f"{folder}/signatures.tsv").names
    ['SBS1', 'SBS5']
    """
    _write_channels(signatures.profiles, signatures.schema.file_order, path)


def write_exposures(exposures: pd.DataFrame, path: str | Path, *, integers: bool = True) -> None:
    """Write exposures as SigProfiler activities: samples in rows, one column per signature.

    Parameters
    ----------
    exposures : DataFrame (samples, signatures)
        Mutations, finite and >= 0.
    path : str or Path
        As for `write_catalog`.
    integers : bool
        Round to whole mutations, as SigProfiler does, by largest remainder: each row still
        sums to its rounded total. False writes full precision, which ``read_exposures`` reads back
        unchanged.

    Raises
    ------
    InputDataError
        If a value or name is not usable, or the file cannot be written.
    OutputExistsError
        As for `write_catalog`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> exposures = pd.DataFrame({"SBS1": [40.4], "SBS5": [59.8]}, index=["tumour"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "exposures.tsv")
    ...     write_exposures(exposures, path)
    ...     path.read_text().split()
    ['Samples', 'SBS1', 'SBS5', 'tumour', '40', '60']
    """
    _write(exposures_text(exposures, integers=integers), path)


def exposures_text(exposures: pd.DataFrame, *, integers: bool = True) -> str:
    """Return what `write_exposures` writes, with the same arguments and errors."""
    table = "the exposures"
    places = [f"column {number}" for number in range(1, exposures.shape[1] + 1)]
    names = checked_names(exposures.columns, item="signature", source=table, places=places)
    frame = checked_frame(exposures, item="sample", source=table)
    values = frame.to_numpy()
    rows = zip(frame.index, _whole_rows(values) if integers else values, strict=True)
    return _text(["Samples", *names], ([name, *_cells(row)] for name, row in rows))


def _whole_rows(values: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Yield the rows in whole mutations; a few at a time, as rounding takes several times their memory."""
    for start in range(0, len(values), 1024):
        yield from _largest_remainder(values[start : start + 1024])


def _largest_remainder(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round down, then up where fractions are largest, so that rows sum to their rounded totals.

    >>> _largest_remainder(np.array([[0.4, 0.4, 0.4], [1.5, 2.5, 0.0]])).tolist()
    [[1.0, 0.0, 0.0], [2.0, 2.0, 0.0]]
    """
    floors = np.floor(values)
    fractions = values - floors
    shortfall = np.rint(values.sum(axis=1)) - floors.sum(axis=1)
    # Rank 0 is the largest fraction; the stable sort gives ties to the first column.
    ranks = np.argsort(np.argsort(-fractions, axis=1, kind="stable"), axis=1, kind="stable")
    rounded: NDArray[np.float64] = floors + (ranks < shortfall[:, None])
    return rounded


def _write_channels(frame: pd.DataFrame, order: Sequence[str], path: str | Path) -> None:
    values = frame[list(order)].to_numpy().T
    rows = ([label, *_cells(row)] for label, row in zip(order, values, strict=True))
    _write(_text(["MutationType", *frame.index], rows), path)


def _cells(row: NDArray[np.float64]) -> list[str]:
    # repr() is the shortest text that reads back to the same number.
    return [
        str(int(value)) if value < _EXACT and value.is_integer() else repr(value)
        for value in row.tolist()
    ]


def _text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def _write(text: str, path: str | Path) -> None:
    content, path = text.encode(), Path(path)
    if path.suffix.lower() == ".gz":
        # Without a time stamp the same table gives the same bytes; level 9 takes seven times as long.
        content = gzip.compress(content, compresslevel=6, mtime=0)
    try:
        write_whole(path, content)
    except OutputExistsError:
        raise
    except OSError as error:
        raise InputDataError(
            f"{path}: cannot be written ({error.strerror}). Check that the folder exists and is "
            "writable."
        ) from error
