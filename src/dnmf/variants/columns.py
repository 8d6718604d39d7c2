"""Tables of variants whose columns are known by their names: what MAF and SigProfiler's text have in common."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.signatures.builds import usual_build
from dnmf.signatures.channels import few
from dnmf.variants.distinct import Texts
from dnmf.variants.stream import Chunk, RowStream


def plain_cell(cell: str) -> str:
    """Return a cell without blanks and quotes around it."""
    cell = cell.strip()
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


@dataclass(frozen=True)
class NamedColumns:
    """Where the columns of a table are.

    Attributes
    ----------
    header : list of str
        Names as written.
    places : dict of int
        Of the columns that are used, by what they mean.
    """

    header: list[str]
    places: dict[str, int]

    @classmethod
    def read(
        cls, stream: RowStream, needed: Mapping[str, str], optional: Mapping[str, str], kind: str
    ) -> "NamedColumns":
        """Read the lines up to the header. Names may be in any case and order, with quotes or not.

        Parameters
        ----------
        stream : RowStream
            At its beginning.
        needed, optional : mapping of str
            Names of columns by what they mean.
        kind : str
            Of the file, for messages.

        Raises
        ------
        InputDataError
            A column that is needed is missing, or one that is used is there twice.
        """
        while not (line := stream.peek_line()).strip() or line.startswith("#"):
            if stream.ended or has_columns(line, needed):
                break
            stream.next_line()
        place = stream.place
        header = stream.next_line().split("\t")
        names = [plain_cell(cell.removeprefix("#")).lower() for cell in header]
        missing = [name for name in needed.values() if name.lower() not in names]
        if missing:
            raise InputDataError(
                f"{place}: the {kind} has no column {few(missing)}. Its columns are {few(header)[:300]}. Add the "
                "column or name it so; case and order do not matter."
            )
        places = {}
        for meaning, name in {**needed, **optional}.items():
            if names.count(name.lower()) > 1:
                raise InputDataError(
                    f"{place}: two columns are named {name}. Delete or rename one of them."
                )
            if name.lower() in names:
                places[meaning] = names.index(name.lower())
        return cls(header, places)

    def chunks(self, stream: RowStream, numbers: Sequence[str]) -> Iterator[Chunk]:
        """Yield the rows with the columns of the table, texts without quotes around them.

        Parameters
        ----------
        stream : RowStream
            Behind the header.
        numbers : sequence of str
            Columns of numbers, by what they mean; those that the table has not are left out.
        """
        texts = {name: place for name, place in self.places.items() if name not in numbers}
        places = {name: self.places[name] for name in numbers if name in self.places}
        for chunk in stream.chunks(texts, places, width=len(self.header), header=self.header):
            plain = {name: column.map(plain_cell) for name, column in chunk.texts.items()}
            yield Chunk(chunk.lines, plain, chunk.numbers)

    def check_end(self, stream: RowStream) -> None:
        """Refuse a table that was cut off within its last row; see `RowStream.check_end`."""
        stream.check_end(len(self.header))


def has_columns(line: str, needed: Mapping[str, str], least: int | None = None) -> bool:
    """Return whether a line names all columns that are needed, or some of them."""
    names = {plain_cell(cell.removeprefix("#")).lower() for cell in line.split("\t")}
    found = sum(name.lower() in names for name in needed.values())
    return found >= (len(needed) if least is None else least)


class OneBuild:
    """The genome that all rows of a file are of, by a column of it."""

    def __init__(self, stream: RowStream) -> None:
        self._stream = stream
        self.name: str | None = None

    def check(self, chunk: Chunk, column: Texts) -> None:
        """Refuse a row of another genome than those before it.

        Raises
        ------
        InputDataError
            There is one.
        """
        rows: NDArray[np.bool_] = column.where(bool)
        if self.name is None and rows.any():
            self.name = column[int(rows.argmax())]
        if self.name is not None:
            own = usual_build(self.name)
            self._stream.refuse(
                column.where(lambda text: bool(text) and usual_build(text) != own),
                chunk,
                f"the row is of another genome build than those before it, {self.name}. Make a file of each.",
            )


class ListedSamples:
    """The samples of a file that names the sample of each row, beside those that a sample sheet lists for it.

    The only sample of a file has the name that the sheet gives it.
    """

    def __init__(self, stream: RowStream, wanted: Sequence[str]) -> None:
        self._stream, self._wanted = stream, set(wanted)
        self._found: set[str] = set()
        self._only: str | None = None  # what the file calls a sample that the sheet calls otherwise

    def named(self, chunk: Chunk, column: Texts) -> Texts:
        """Return the sample of each row; refuse a row without one, or of one that the sheet does not list.

        Raises
        ------
        InputDataError
            There is one.
        """
        self._stream.refuse(
            column.where(lambda text: not text),
            chunk,
            "the row names no sample. Name it, or delete the row.",
        )
        if not self._wanted:
            return column
        if (
            len(column)
            and len(self._wanted) == 1
            and not self._found
            and column[0] not in self._wanted
        ):
            self._only = column[0]
        known = self._wanted if self._only is None else {self._only}
        before = "" if self._only is None else f" nor {self._only}, that of the rows before it"
        self._stream.refuse(
            column.where(lambda text: text not in known),
            chunk,
            f"the sample sheet lists {few(sorted(self._wanted))} for this file, not the sample of this row{before}. "
            "Add it to the sheet, or leave out the file, which names its samples itself.",
        )
        if self._only is not None:
            column = Texts.constant(next(iter(self._wanted)), len(column))
        self._found.update(column.values)
        return column

    def check_all_found(self) -> None:
        """Refuse a sample sheet that lists samples which the file does not have.

        Raises
        ------
        InputDataError
            There is one.
        """
        if missing := sorted(self._wanted - self._found):
            raise InputDataError(
                f"{self._stream.name}: the sample sheet lists {few(missing)}, but the file has no row of it. Correct "
                "the sheet, or leave out the file, which names its samples itself."
            )
