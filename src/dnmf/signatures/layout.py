"""Find out which way round a table of channels lies, and turn it to items x channels."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.signatures.catalog import checked_names
from dnmf.signatures.channels import ChannelSchema, few
from dnmf.signatures.schemas import SCHEMAS
from dnmf.signatures.table import TextTable


@dataclass(frozen=True)
class _Axis:
    """One way to read the labels: ``depth`` header rows, ``width`` label columns."""

    schema: ChannelSchema
    channels_in_rows: bool
    depth: int
    width: int
    spellings: list[list[str]]
    known: int


def arrange_channels(
    table: TextTable, schema: ChannelSchema | None, *, item: str, unit: str
) -> tuple[pd.DataFrame, ChannelSchema]:
    """Return a table as items (samples or signatures) by channels in canonical order, and their schema.

    Channels may be in rows (with one or two label columns) or in columns (with one or two header lines), in any order
    and spelling. Without a ``schema`` they are those of the known class that has most of the labels. Messages call the
    other axis ``item`` (``"sample"``) and what a cell should hold ``unit`` (``"a count"``).
    """
    _refuse_incomplete(table, item)
    axis = _best_axis(table, SCHEMAS if schema is None else (schema,))
    if axis.known == 0:
        raise ChannelMismatchError(_unlabelled(table, axis.schema))
    schema = axis.schema
    if axis.channels_in_rows:
        _refuse_headless(table, axis, item)
        places = [f"line {line}" for line in table.lines[axis.depth :]]
        raw_names = table.head[0][axis.width : table.width]
        name_places = [
            f"line {table.lines[0]}, column {column + 1}"
            for column in range(axis.width, table.width)
        ]
    else:
        places = [f"column {column + 1}" for column in range(axis.width, table.width)]
        raw_names = [row[0] for row in table.lead[axis.depth :]]
        name_places = [f"line {line}, column 1" for line in table.lines[axis.depth :]]
    if not raw_names:
        raise InputDataError(f"{table.source}: there is no {item} in it, only channel labels.")
    order = schema.positions(axis.spellings, source=table.source, places=places)
    names = checked_names(raw_names, item=item, source=table.source, places=name_places)
    values = table.numbers(axis.depth, axis.width, unit=unit)
    ordered = values[order].T if axis.channels_in_rows else values[:, order]
    return pd.DataFrame(ordered, index=pd.Index(names), columns=pd.Index(schema.labels)), schema


def has_channels(table: TextTable) -> bool:
    """Whether any label is a channel of a known class: tables of exposures have none."""
    return _best_axis(table, SCHEMAS).known > 0


def _best_axis(table: TextTable, schemas: Sequence[ChannelSchema]) -> _Axis:
    """Return the way to read the labels that recognises most of them; of several, the first."""
    axes: list[_Axis] = []
    for schema in schemas:
        axes += [
            _axis(table, schema, rows, width)
            for rows in (True, False)
            for width in schema.label_widths
        ]
        if max(axis.known for axis in axes) >= len(schema):
            break  # complete: no other class has its labels, and long tables are not parsed again
    return max(axes, key=lambda axis: axis.known)


def _axis(table: TextTable, schema: ChannelSchema, in_rows: bool, labels: int) -> _Axis:
    """Read the labels of one axis, supposing that each is spread over ``labels`` cells."""
    if in_rows:
        depth, width = 1, labels
        spellings = [row[:labels] for row in table.lead[1:]]
    else:
        depth, width = labels, 1
        columns = zip(*(row[: table.width] for row in table.head[:labels]), strict=True)
        spellings = [list(cells) for cells in columns][1:]
    known = schema.n_known(spellings)
    return _Axis(schema, in_rows, depth, width, spellings, known)


def _refuse_incomplete(table: TextTable, item: str) -> None:
    if table.width < 2:
        raise InputDataError(
            f"{table.source}: has only one column. Expected cells separated by tabs, commas or "
            f"semicolons: a column of labels and at least one {item}."
        )
    if len(table.lines) < 2:
        raise InputDataError(
            f"{table.source}: has only a header (line {table.lines[0]}). Expected rows of numbers "
            "below it."
        )


def _refuse_headless(table: TextTable, axis: _Axis, item: str) -> None:
    if axis.schema.canonical(table.head[0][: axis.width]) is not None:
        raise InputDataError(
            f"{table.source}, line {table.lines[0]}: found the channel "
            f"{','.join(table.head[0][: axis.width])!r}, expected a header. Add a first line with "
            f"the names of the {item}s."
        )


def _unlabelled(table: TextTable, schema: ChannelSchema) -> str:
    first_column = [row[0] for row in table.lead[1:]]
    accepted = f"Accepted spellings: {schema.accepted}."
    if all(_is_number(cell) for cell in first_column):
        return (
            f"{table.source}: the table has no channel labels, only numbers. Its rows cannot be "
            f"matched by position, because two row orders of the {len(schema)} channels are in "
            "use. Add a first column (or, with samples in rows, a header) with the channel of "
            f"each number. {accepted}"
        )
    header = [cell.strip() for cell in table.head[0][1 : table.width]]
    return (
        f"{table.source}: found none of the {len(schema)} {schema.name} channels, neither in the "
        f"first column ({few([repr(cell[:20]) for cell in first_column])}) nor in the header "
        f"({few([repr(cell[:20]) for cell in header])}). {accepted}"
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
