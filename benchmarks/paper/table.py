"""A CSV of finished cells: each is written when it is done, and never computed twice."""

import csv
import io
import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from dnmf.exceptions import InputDataError

# How many rows a cell has; a table that has this column knows a cell that was cut short from a finished one.
ROWS_OF_CELL = "rows_of_cell"


class Table:
    """Finished cells on disk.

    A cell may have several rows; they are appended in one piece. What a killed process left half-written (a line that
    does not end, or fewer rows than the cell has) is removed when the table is opened, so that the cell is computed
    again.

    Parameters
    ----------
    path : Path
        The CSV; created with its header if it is not there.
    keys : tuple of str
        The columns that name a cell.
    values : tuple of str
        The other columns.

    Raises
    ------
    InputDataError
        If the file has other columns.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "table.csv"
    >>> Table(path, ("set", "fold"), ("cost",)).add({"set": "a", "fold": 0, "cost": 1 / 3})
    >>> Table(path, ("set", "fold"), ("cost",)).has("a", 0)
    True
    """

    def __init__(self, path: Path, keys: tuple[str, ...], values: tuple[str, ...]) -> None:
        self.path, self.keys, self.columns = path, keys, (*keys, *values)
        self.done: set[tuple[str, ...]] = set()
        if path.exists() and path.stat().st_size:
            self._open()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._replace(self._line(self.columns))

    def has(self, *cell: object) -> bool:
        """Return whether the cell is finished."""
        return tuple(str(part) for part in cell) in self.done

    def add(self, *rows: Mapping[str, object]) -> None:
        """Append the rows of one finished cell."""
        text = "".join(self._line([_written(row.get(c, "")) for c in self.columns]) for row in rows)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.done |= {tuple(str(row[k]) for k in self.keys) for row in rows}

    def _open(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        header, *rows = csv.reader(io.StringIO(whole)) if whole else ([],)
        if tuple(header) != self.columns and whole:
            raise InputDataError(
                f"{self.path} has other columns than this version writes: move it away and start anew"
            )
        kept = [row for row in rows if len(row) == len(self.columns)]
        cells = [tuple(row[: len(self.keys)]) for row in kept]
        if ROWS_OF_CELL in self.columns:
            column, counted = self.columns.index(ROWS_OF_CELL), Counter(cells)
            finished = [
                str(counted[cell]) == row[column] for cell, row in zip(cells, kept, strict=True)
            ]
            kept = [row for row, good in zip(kept, finished, strict=True) if good]
            cells = [cell for cell, good in zip(cells, finished, strict=True) if good]
        self.done = set(cells)
        repaired = "".join(map(self._line, [self.columns, *kept]))
        if repaired != text:
            self._replace(repaired)

    def _replace(self, text: str) -> None:
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        try:
            part.write_text(text, encoding="utf-8", newline="")
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)

    @staticmethod
    def _line(cells: Sequence[str]) -> str:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        return line.getvalue()


def _written(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
