"""Find out which way round a table of channels lies, and turn it to items x channels."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.signatures.catalog import checked_names
from dnmf.signatures.cells import is_counter, is_number, is_text
from dnmf.signatures.channels import ChannelSchema, few
from dnmf.signatures.kinds import refuse_other_channels, signature_share
from dnmf.signatures.schemas import SCHEMAS
from dnmf.signatures.table import LEAD, SAMPLE_HEADERS, TextTable

_MOST_LABELS = 10_000
"""No class has so many channels: a longer axis is that of the samples."""

_TOTALS = {"total", "totals", "sum", "sums", "all", "total mutations", "mutations", "burden", "tmb"}
_COUNTER_HEADERS = {
    *("#", "index", "idx", "row", "rows", "row names", "row.names", "rownames", "no", "no."),
    *("nr", "nr.", "n", "number", "id", "key", "order", "position", "column1", "level_0"),
}


@dataclass(frozen=True)
class _Axis:
    """One way to read the labels of the channels: from the cells of these columns, or of these header rows."""

    schema: ChannelSchema
    channels_in_rows: bool
    cells: tuple[int, ...]
    spellings: list[list[str]]  # of every row of the table, the header too; or of every column
    channels: list[str | None]  # what each spelling means
    known: int


def arrange_channels(
    table: TextTable, schema: ChannelSchema | None, *, item: str, unit: str
) -> tuple[pd.DataFrame, ChannelSchema]:
    """Return a table as items (samples or signatures) by channels in canonical order, and their schema.

    Channels may be in rows (spelt in one or more columns) or in columns (with one or two header lines), in any order
    and spelling. Without a ``schema`` they are those of the known class that has most of the labels. What is neither
    a channel nor an item is left out with one warning, if that is beyond doubt. Messages call the other axis ``item``
    (``"sample"``) and what a cell should hold ``unit`` (``"a count"``).
    """
    _refuse_incomplete(table, item)
    axis = _best_axis(table, SCHEMAS if schema is None else (schema,))
    _refuse_other_channels(table, axis)
    if 2 * axis.known < len(axis.schema):
        _refuse_exposures(table, axis.schema, item)
    if axis.known == 0:
        raise ChannelMismatchError(_unlabelled(table, axis.schema))
    schema = axis.schema
    if axis.channels_in_rows:
        _refuse_headless(table, axis, item)
        _refuse_long(table, axis, item)
        headers, labels = [0], list(axis.cells)
        items, dropped = _item_columns(table, axis)
        lines, more = _channel_lines(table, axis, range(1, len(table.lines)), items)
        places = [f"line {table.lines[line]}" for line in lines]
        raw_names = [table.head[0][column] for column in items]
        if raw_names and not any(map(str.strip, raw_names)):
            raise InputDataError(
                f"{table.source}, line {table.lines[0]}: names no {item}. Expected the header: remove titles above it, "
                "or let them begin with #."
            )
        name_places = [f"line {table.lines[0]}, column {column + 1}" for column in items]
        rows, columns = lines, items
    else:
        headers = list(axis.cells)
        items = list(range(max(axis.cells) + 1, len(table.lines)))
        if len(axis.cells) > 1 and items and not any(map(str.strip, table.row(items[0])[1:])):
            del items[0]  # pandas writes the name of the index there
        if not items:
            raise InputDataError(f"{table.source}: there is no {item} in it, only channel labels.")
        free = [column for column, channel in enumerate(axis.channels) if channel is None]
        if not free:
            raise InputDataError(
                f"{table.source}: has channels in all {table.width} columns. Add a first column with "
                f"a name for each {item}."
            )
        labels = [name_column(table, free, items[0])]
        dropped = _above_channels(table, axis)
        others = [column for column in range(table.width) if column not in labels]
        lines, more = _channel_lines(table, axis, others, items)
        places = [f"column {column + 1}" for column in lines]
        names = table.column(labels[0])
        raw_names = [names[row] for row in items]
        name_places = [f"line {table.lines[row]}, column {labels[0] + 1}" for row in items]
        rows, columns = items, lines
    if not raw_names:
        raise InputDataError(f"{table.source}: there is no {item} in it, only channel labels.")
    order = schema.positions(
        [axis.spellings[line] for line in lines], source=table.source, places=places
    )
    checked = checked_names(raw_names, item=item, source=table.source, places=name_places)
    warn_left_out(table.source, [*dropped, *more])
    values = table.numbers(
        rows,
        columns,
        headers=headers,
        labels=labels,
        items_in="columns" if axis.channels_in_rows else "rows",
        unit=unit,
        in_mutations=item == "sample",
    )
    ordered = values[order].T if axis.channels_in_rows else values[:, order]
    return pd.DataFrame(ordered, index=pd.Index(checked), columns=pd.Index(schema.labels)), schema


def has_channels(table: TextTable) -> bool:
    """Whether most labels, or half of a class, are channels: of tables of exposures few are, by accident."""
    axis = _best_axis(table, SCHEMAS)
    return 2 * axis.known > min(len(axis.schema), len(axis.spellings) - 1)


def warn_left_out(source: str, dropped: Sequence[str]) -> None:
    """Say once which rows and columns of a table are not used."""
    if dropped:
        warnings.warn(
            f"{source}: left out {few(dropped)}. Remove what is not meant to be read.",
            DoubtfulDataWarning,
            stacklevel=4,
        )


def is_row_counter(table: TextTable, column: int) -> bool:
    """Whether a column only numbers the rows, by its header and its cells."""
    header = table.head[0][column].strip().lower()
    by_name = (
        header in _COUNTER_HEADERS or header.startswith("unnamed:") or (not header and not column)
    )
    return by_name and is_counter(table.column(column)[1:])


def _above_channels(table: TextTable, axis: _Axis) -> list[str]:
    """Say that a line of text above the channels is left out; one of numbers is refused."""
    above = range(axis.cells[0])
    for row in above:
        if any(map(is_number, table.row(row))):
            raise InputDataError(
                f"{table.source}, line {table.lines[row]}: found numbers above the line of the channels, expected the "
                "channels first. Move this line below them."
            )
    return [f"line {table.lines[row]}, which stands above the channels" for row in above]


def name_column(table: TextTable, columns: Sequence[int], first_row: int) -> int:
    """Return which of the columns names the rows: by its header, or else the first that is text or no row number."""
    headers = [table.head[0][column].strip().lower() for column in columns]
    named = [n for n, header in zip(columns, headers, strict=True) if header in SAMPLE_HEADERS]
    text = table.text_columns(first_row, columns) if is_row_counter(table, columns[0]) else []
    return (named or text or columns)[0]


def named_column(table: TextTable, column: int) -> str:
    """Return how messages call a column: ``"the column 'age' (column 3)"``."""
    return f"the column {table.head[0][column].strip()[:40]!r} (column {column + 1})"


def _best_axis(table: TextTable, schemas: Sequence[ChannelSchema]) -> _Axis:
    """Return the way to read the labels that recognises most of them; of several, the smallest class."""
    axes: list[_Axis] = []
    for schema in schemas:
        for axis in _axes(table, schema):
            axes.append(axis)
            if axis.known == len(schema) == max(own.known for own in axes):
                return axis  # complete: long tables are not parsed again
    return max(axes, key=lambda axis: (axis.known, -len(axis.schema) if axis.known else 0))


def _axes(table: TextTable, schema: ChannelSchema) -> Iterator[_Axis]:
    """Yield the ways to read the labels of both axes, each spread over as many cells as the schema allows."""
    lead = min(LEAD, table.width)
    for in_rows in (True, False):
        too_long = (len(table.lines) if in_rows else table.width) > _MOST_LABELS
        places = lead if in_rows else len(table.head)
        for length in schema.label_widths:
            starts = list(range(places - length + 1))
            if in_rows and length == 1 and not too_long:
                starts += table.text_columns(1, range(lead, table.width))
            for first in starts:
                cells = tuple(range(first, first + length))
                spellings = []
                if in_rows and first >= lead:
                    spellings = [[cell] for cell in table.column(first)]
                elif in_rows and not too_long:
                    spellings = [row[first : first + length] for row in table.lead]
                elif not too_long:
                    heads = (table.head[at][: table.width] for at in cells)
                    spellings = [list(parts) for parts in zip(*heads, strict=True)]
                channels = schema.canonical_all(spellings)
                known = len({channel for channel in channels if channel is not None})
                yield _Axis(schema, in_rows, cells, spellings, channels, known)


def _item_columns(table: TextTable, axis: _Axis) -> tuple[list[int], list[str]]:
    """Return the columns of samples beside channels in rows, and what is left out: text and row numbers."""
    others = [column for column in range(table.width) if column not in axis.cells]
    text = table.text_columns(1, others)
    counters = [column for column in others if is_row_counter(table, column)]
    items = [column for column in others if column not in {*text, *counters}]
    for column in items:
        if column < axis.cells[0] and is_counter(table.column(column)[1:]):
            raise InputDataError(
                f"{table.source}: {named_column(table, column)} holds 1 to {len(table.lines) - 1} or "
                "such: it may number the rows or be a sample. Remove it, or move it right of the labels."
            )
    dropped = [f"{named_column(table, column)}, which holds text" for column in text]
    dropped += [f"{named_column(table, column)}, which numbers the rows" for column in counters]
    return items, dropped


def _channel_lines(
    table: TextTable, axis: _Axis, lines: Sequence[int], items: Sequence[int]
) -> tuple[list[int], list[str]]:
    """Return the rows or columns that are channels or ought to be, and what of the others is left out."""
    kept, dropped = [], []
    for line in lines:
        spelling = " ".join(axis.spellings[line]).strip()
        if axis.channels[line] is None and _is_beside(table, axis, line, items):
            place = f"line {table.lines[line]}" if axis.channels_in_rows else f"column {line + 1}"
            dropped.append(f"{spelling[:40]!r} ({place}), which is no {axis.schema.name} channel")
        else:
            kept.append(line)
    return kept, dropped


def _is_beside(table: TextTable, axis: _Axis, line: int, items: Sequence[int]) -> bool:
    """Whether a row or column among the channels surely is none: by name, or because it holds text."""
    label = " ".join(axis.spellings[line]).strip()
    if axis.known < len(axis.schema) or set("[]>") & set(label):
        return False
    if any(schema.canonical(axis.spellings[line]) for schema in SCHEMAS):
        return False
    if not axis.channels_in_rows or label.lower() in _TOTALS:
        return True
    row = table.row(line)
    cells = [row[column] for column in items]
    return any(map(is_text, cells)) and not any(map(is_number, cells))


def _refuse_other_channels(table: TextTable, axis: _Axis) -> None:
    first_cells = [cells[0] for cells in axis.spellings if len(cells) == 1]
    refuse_other_channels(first_cells[1:], table.source)
    if axis.known < len(axis.schema):
        for column in range(min(LEAD, table.width)):
            refuse_other_channels([row[column] for row in table.lead[1:]], table.source)
        refuse_other_channels([",".join(row[:2]) for row in table.lead[1:]], table.source)
        refuse_other_channels(table.head[0][1 : table.width], table.source)
        found = _best_axis(table, SCHEMAS)
        if found.known == len(found.schema):
            raise ChannelMismatchError(
                f"{table.source}: has the channels of {found.schema.name}, expected those of "
                f"{axis.schema.name}. Give a table or reference of the same class."
            )


def _refuse_incomplete(table: TextTable, item: str) -> None:
    if table.width < 2:
        raise InputDataError(
            f"{table.source}: has only one column. Expected cells separated by tabs, commas, "
            f"semicolons or blanks: a column of labels and at least one {item}."
        )
    if len(table.lines) < 2:
        raise InputDataError(
            f"{table.source}: has only a header (line {table.lines[0]}). Expected rows of numbers "
            "below it."
        )


def _refuse_headless(table: TextTable, axis: _Axis, item: str) -> None:
    if axis.channels[0] is not None:
        raise InputDataError(
            f"{table.source}, line {table.lines[0]}: found the channel "
            f"{','.join(axis.spellings[0])!r}, expected a header. Add a first line with "
            f"the names of the {item}s."
        )


def _refuse_long(table: TextTable, axis: _Axis, item: str) -> None:
    """Refuse one count per line, where every channel comes again for every sample or strand."""
    lines = sum(channel is not None for channel in axis.channels)
    if lines > 1.5 * axis.known:
        raise InputDataError(
            f"{table.source}: has {lines} lines for {axis.known} channels. If there is one for each channel and "
            f"{item}, make it a table with one column for each {item}: tidyr::pivot_wider in R, DataFrame.pivot in "
            "pandas. If there is one for each strand, add them up."
        )


def _refuse_exposures(table: TextTable, schema: ChannelSchema, item: str) -> None:
    names = [row[0] for row in table.lead[1:]], table.head[0][1 : table.width]
    if max(map(signature_share, names)) > 0.5:
        raise ChannelMismatchError(
            f"{table.source}: is a table of exposures (it names signatures, but no channels), expected {item}s by "
            f"channels. dnmf plot draws it; give a table with the {schema.name} channels here."
        )


def _unlabelled(table: TextTable, schema: ChannelSchema) -> str:
    first_column = [row[0] for row in table.lead[1:]]
    header = [cell.strip() for cell in table.head[0][1 : table.width]]
    accepted = f"Accepted spellings: {schema.accepted}."
    if all(map(is_number, first_column)):
        return (
            f"{table.source}: the table has no channel labels, only numbers. Its rows cannot be "
            f"matched by position, because two row orders of the {len(schema)} channels are in "
            "use. Add a first column (or, with samples in rows, a header) with the channel of "
            f"each number. {accepted}"
        )
    return (
        f"{table.source}: found none of the {len(schema)} {schema.name} channels, neither in the "
        f"first column ({few([repr(cell[:20]) for cell in first_column])}) nor in the header "
        f"({few([repr(cell[:20]) for cell in header])}). {accepted}"
    )
