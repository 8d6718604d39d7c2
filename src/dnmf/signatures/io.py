"""Read catalogs, signatures and exposures from the files of the field's tools.

Files hold their channels in rows or in columns; in memory rows are samples. `layout` finds out which,
and tables turn here and nowhere else.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.inputs import InputFile
from dnmf.signatures.annotated import is_annotated, read_annotated
from dnmf.signatures.catalog import MutationCatalog, SignatureSet, checked_names
from dnmf.signatures.channels import ChannelSchema, few
from dnmf.signatures.kinds import refuse_other_channels, signature_share
from dnmf.signatures.layout import (
    arrange_channels,
    has_channels,
    is_row_counter,
    name_column,
    named_column,
    warn_left_out,
)
from dnmf.signatures.table import SAMPLE_HEADERS, TextTable, read_table
from dnmf.signatures.unit import doubts

_ANNOTATION_HEADERS = {"cancer types", "cancer type", "accuracy"}
# Numbers that stand beside exposures and are none.
_BESIDE_EXPOSURES = {
    *("age", "total", "total mutations", "sum", "all", "tmb", "burden", "mutations", "purity"),
    *("ploidy", "cosine", "cosine similarity", "similarity", "error", "year"),
}


def read_catalog(
    path: str | Path | InputFile, *, schema: ChannelSchema | None = None
) -> MutationCatalog:
    """Read mutation counts per sample.

    The file may hold channels in rows (SigProfiler matrix; PCAWG/ICAMS with two label columns;
    SignatureAnalyzer; row names of R) or in columns (samples in rows), separated by tabs, commas,
    semicolons or blanks, with any kind of line end, with quoted cells, gzipped, with comments (#).
    Channels are matched by label, never by position: in any spelling of which all labels together
    allow one reading only. Or it is a file of AnnData (``.h5ad``) with the counts in ``X``, samples in
    ``obs`` and channels in ``var``; this needs the package ``anndata``.

    Parameters
    ----------
    path : str, Path or InputFile
        The file or pipe, or what ``dnmf.inputs.read_input`` read of it.
    schema : ChannelSchema, optional
        Channels to expect; by default the class that the labels are of: SBS96, DBS78, ID83, CN48, SV32, SBS288, SBS384
        or SBS1536.

    Returns
    -------
    MutationCatalog
        Samples in the order of the file. Blanks around names are removed.

    Raises
    ------
    ChannelMismatchError
        If channels are missing, unknown or given twice.
    InputDataError
        If the file cannot be read as a table of counts: the message names file, line, column and
        remedy.

    Warns
    -----
    DoubtfulDataWarning
        Once if some counts are not integers, once if some samples have no mutations, once for each
        sum, mean or copy of other samples. All are kept. Once if columns or rows are left out: text
        and row numbers beside the labels, columns that are no channels where samples are in rows,
        rows of totals. Once if numbers are read as 0 that are less by a rounding error (1e-9 of the
        sum of their sample).

    Examples
    --------
    >>> import tempfile
    >>> from dnmf.signatures import example_catalog, write_catalog
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_catalog(example_catalog(), f"{folder}/catalog.tsv")
    ...     catalog = read_catalog(f"{folder}/catalog.tsv")
    >>> catalog.counts.shape, catalog.schema.name
    ((21, 96), 'SBS96')
    """
    catalog = read_annotated(path, schema) if is_annotated(path) else _read_text(path, schema)
    counts, schema, source = catalog.counts, catalog.schema, catalog.source
    values = counts.to_numpy()
    fractional = values % 1 != 0
    if fractional.any() and not catalog.why_not_counts:
        row, column = (int(index) for index in np.argwhere(fractional)[0])
        warnings.warn(
            f"{source}: {fractional.sum()} of {fractional.size} counts are not integers, e.g. "
            f"{values[row, column]} for sample {counts.index[row]!r} in "
            f"{schema.labels[column]}. They are used as they are, as counts of mutations.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
    if empty := catalog.empty_samples:
        warnings.warn(
            f"{source}: {len(empty)} of {len(counts)} samples have no mutations: "
            f"{few([repr(name) for name in empty])}. They are kept, with exposures of 0.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
    for doubt in doubts(values, catalog.sample_names):
        warnings.warn(f"{source}: {doubt}", DoubtfulDataWarning, stacklevel=2)
    return catalog


def _read_text(path: str | Path | InputFile, schema: ChannelSchema | None) -> MutationCatalog:
    """Read the counts of a text table."""
    table = read_table(path)
    counts, schema = arrange_channels(
        table, schema, item="sample", unit="a count of mutations (>= 0)"
    )
    return MutationCatalog(counts, table.source, schema, table.record)


def read_signatures(
    path: str | Path | InputFile, *, schema: ChannelSchema | None = None
) -> SignatureSet:
    """Read signatures: channels in rows (COSMIC, PCAWG, SigProfiler) or in columns.

    Layouts, spellings, errors and warnings are those of ``read_catalog``.

    Parameters
    ----------
    path : str, Path or InputFile
        As for ``read_catalog``; each signature must sum to 1 within ``dnmf.signatures.catalog.SUM_TOLERANCE``.
    schema : ChannelSchema, optional
        Channels to expect; by default the class that the labels are of: SBS96, DBS78, ID83, CN48, SV32, SBS288, SBS384
        or SBS1536.

    Returns
    -------
    SignatureSet
        Scaled to sum to 1 exactly.

    Raises
    ------
    ChannelMismatchError, InputDataError
        As ``read_catalog``; and if a signature does not sum to 1.

    Examples
    --------
    >>> import tempfile
    >>> from dnmf.signatures import load_reference, write_signatures
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_signatures(load_reference("DBS2,DBS4"), f"{folder}/signatures.tsv")
    ...     signatures = read_signatures(f"{folder}/signatures.tsv")
    >>> signatures.names, signatures.schema.name
    (['DBS2', 'DBS4'], 'DBS78')
    """
    table = read_table(path)
    profiles, schema = arrange_channels(table, schema, item="signature", unit="a probability")
    return SignatureSet(profiles, table.source, schema)


def read_exposures(path: str | Path | InputFile) -> pd.DataFrame:
    """Read exposures: samples in rows (SigProfiler activities) or signatures in rows (PCAWG).

    Which axis holds the signatures is told by a first header cell such as ``Samples``, or else by
    names such as ``SBS5``, ``SBS96A``, ``BI_COMPOSITE_SBS2_P`` or ``Signature 3``. The columns
    ``Cancer Types`` and ``Accuracy`` of the PCAWG tables are left out; other columns of text, row
    numbers and columns such as ``Total`` are, too, with a warning.

    Parameters
    ----------
    path : str, Path or InputFile
        As for ``read_catalog``.

    Returns
    -------
    DataFrame (samples, signatures)
        Exposures in the unit of the file (mutations, as a rule), float64.

    Raises
    ------
    InputDataError
        If it is not clear which axis holds the samples, a cell is not a number >= 0, a name is
        empty or repeated, or rows or columns are channels.

    Examples
    --------
    >>> import tempfile
    >>> from dnmf.signatures import write_exposures
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = pd.DataFrame({"SBS1": [40.0], "SBS5": [60.0]}, index=["tumour"])
    ...     write_exposures(table, f"{folder}/exposures.tsv")
    ...     exposures = read_exposures(f"{folder}/exposures.tsv")
    >>> float(exposures.loc["tumour", "SBS5"])
    60.0
    """
    table = read_table(path)
    if has_channels(table):
        raise InputDataError(
            f"{table.source}: its rows or columns are mutation channels, so it holds signatures or counts, "
            "not exposures. Signatures are for `dnmf match` and --reference, counts for `dnmf refit` or `extract`."
        )
    refuse_other_channels([row[0] for row in table.lead[1:]], table.source)
    refuse_other_channels(table.head[0][1 : table.width], table.source)
    name, columns = exposure_columns(table)
    header_names = [table.head[0][column] for column in columns]
    header_places = [f"line {table.lines[0]}, column {column + 1}" for column in columns]
    row_names = table.column(name)[1:]
    row_places = [f"line {line}, column {name + 1}" for line in table.lines[1:]]
    samples_in_rows = _samples_in_rows(table, name, header_names, row_names)
    in_columns, in_rows = ("signature", "sample") if samples_in_rows else ("sample", "signature")
    columns_named = checked_names(
        header_names, item=in_columns, source=table.source, places=header_places
    )
    rows_named = checked_names(row_names, item=in_rows, source=table.source, places=row_places)
    values = table.numbers(
        range(1, len(table.lines)),
        columns,
        labels=(name,),
        items_in="rows" if samples_in_rows else "columns",
        unit="an exposure (a number of mutations, >= 0)",
    )
    frame = pd.DataFrame(values, index=pd.Index(rows_named), columns=pd.Index(columns_named))
    return frame if samples_in_rows else frame.T


def exposure_columns(table: TextTable) -> tuple[int, list[int]]:
    """Return the column that names the rows, and those with exposures; warn of what else is left out.

    Raises
    ------
    InputDataError
        If the table has no rows, no column has exposures, or the first ones are annotations and none names the samples.
    """
    if table.width < 2 or len(table.lines) < 2:
        raise InputDataError(
            f"{table.source}: has {table.width} column(s) and {len(table.lines)} line(s). Expected "
            "a header and rows of a name and at least one exposure, separated by tabs, commas, "
            "semicolons or blanks."
        )
    headers = [header.strip().lower() for header in table.head[0][: table.width]]
    known = [n for n, header in enumerate(headers) if header in _ANNOTATION_HEADERS]
    free = [n for n in range(table.width) if n not in known]
    name = name_column(table, free, 1) if free else 0
    if 0 in known and headers[name] not in SAMPLE_HEADERS:
        raise InputDataError(
            f"{table.source}, line {table.lines[0]}: found the label columns "
            f"{few([table.head[0][n] for n in known])}, of which 0 hold sample names. Name the column of samples "
            "'Samples'."
        )
    others = [n for n in free if n != name]
    beside = {n for n in others if is_row_counter(table, n) or headers[n] in _BESIDE_EXPOSURES}
    beside |= {n for n in others if headers[n] in SAMPLE_HEADERS}
    # Text under the name of a signature is a fault of its cells, not a column of something else.
    unnamed = [n for n in others if not signature_share([table.head[0][n]])]
    beside |= set(table.text_columns(1, unnamed))
    warn_left_out(
        table.source,
        [f"{named_column(table, n)}, which holds no exposures" for n in sorted(beside)],
    )
    columns = [n for n in others if n not in beside]
    if not columns:
        raise InputDataError(f"{table.source}: has no column of exposures beside its labels.")
    return name, columns


def _samples_in_rows(
    table: TextTable, name_column: int, header_names: list[str], row_names: list[str]
) -> bool:
    corner = table.head[0][name_column].strip().lower()
    header_share = signature_share(header_names)
    row_share = signature_share(row_names)
    says_samples = corner in SAMPLE_HEADERS and not row_share > 0.5 > header_share
    if says_samples or header_share > 0.5 >= row_share:
        return True
    if row_share > 0.5 >= header_share and corner not in SAMPLE_HEADERS:
        return False
    raise InputDataError(
        f"{table.source}: cannot tell whether rows are samples or signatures: the header starts "
        f"with {table.head[0][name_column].strip()!r}, then {few(header_names)}; rows are named "
        f"{few(row_names)}. If rows are samples, write 'Samples' into the first header cell; "
        "otherwise give the signatures names such as SBS5 or SBS96A."
    )
