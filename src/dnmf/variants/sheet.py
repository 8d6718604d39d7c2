"""The sample sheet: which file has the variants of which sample."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from dnmf.exceptions import InputDataError
from dnmf.signatures.channels import few
from dnmf.signatures.table import read_table


class SampleSheet:
    """The samples of files, by the columns ``path`` and ``sample`` of a table.

    A path is as seen from the working folder or from the folder of the sheet, or just the name of a file.

    Parameters
    ----------
    path : path or None
        Of the table, separated by tabs or commas; None for no sheet.
    files : collection of str
        Files that are read.

    Raises
    ------
    InputDataError
        A column is missing, a cell is empty, or a path is none of the files.
    """

    def __init__(self, path: str | os.PathLike[str] | None, files: Collection[str]) -> None:
        self._source = path
        self._samples: dict[str, list[str]] = {}
        if path is None:
            return
        table = read_table(path)
        header = [cell.strip().lower() for cell in table.row(0)]
        missing = [name for name in ("path", "sample") if header.count(name) != 1]
        if missing:
            raise InputDataError(
                f"{path}, line {table.lines[0]}: a sample sheet has the columns path and sample, each once. "
                f"{few(missing)}: missing, or there twice. Its columns are {few(table.row(0))}."
            )
        places = {os.path.realpath(file): file for file in files}
        cells = (table.column(header.index(name))[1:] for name in ("path", "sample"))
        for line, file, sample in zip(table.lines[1:], *cells, strict=True):
            place, file, sample = f"{path}, line {line}", file.strip(), sample.strip()
            if not (file and sample):
                raise InputDataError(f"{place}: the path or the sample is empty. Fill it in.")
            self._samples.setdefault(_find(file, Path(path).parent, places, place), []).append(
                sample
            )

    def __bool__(self) -> bool:
        return self._source is not None

    def samples(self, file: str) -> list[str]:
        """Return the samples of a file, each once; none if the sheet does not list it."""
        return list(dict.fromkeys(self._samples.get(file, [])))

    def check_lists(self, file: str) -> None:
        """Refuse a sheet that leaves out a file.

        Raises
        ------
        InputDataError
            It does.
        """
        if self and file not in self._samples:
            raise InputDataError(
                f"{self._source}: the sample sheet leaves out {file}. Add a line with its path and sample."
            )


def _find(path: str, folder: Path, files: Mapping[str, str], place: str) -> str:
    """Return which of the files, by their real paths, a path of the sheet is."""
    try:
        seen = {os.path.realpath(seen) for seen in (path, folder / path)}
    except ValueError as error:
        raise InputDataError(f"{place}: {path!r} is no path: {error}.") from None
    found = [files[real] for real in seen if real in files]
    found = found or [file for file in files.values() if Path(file).name == path]
    if len(found) == 1:
        return found[0]
    if found:
        problem = f"is the name of several files, {few(found)}. Write the path instead of the name"
    elif any(map(os.path.exists, seen)):
        problem = "is not among the files to be read. Name it there too, or delete the line"
    else:
        problem = "does not exist. Correct the path"
    raise InputDataError(f"{place}: {path} {problem}.")
