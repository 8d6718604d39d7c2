"""The folder of a run: its tables, its record, its plots and its page."""

import json
import os
import platform
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import pandas as pd

from dnmf import __version__
from dnmf.inputs import read_input
from dnmf.report.folder import OURS, RUN_RECORD, files_in, staged_folder
from dnmf.report.template import Place
from dnmf.signatures import MutationCatalog
from dnmf.storage import write_whole

Drawn = TypeVar("Drawn")

_PIECE_ROWS = 5000
# SigProfiler's names where it has them; "%" columns are 100 times a fraction.
_FIT_COLUMNS = {
    "mutations": "Total Mutations",
    "cosine": "Cosine Similarity",
    "relative_l1": "L1_Norm_%",
    "relative_l2": "L2_Norm_%",
    "kl_divergence": "KL Divergence",
    "unassigned": "Unassigned_%",
    "p_reference": "p: the reference can explain this sample",
    "p_answer": "p: this answer explains it",
    "certificate": "Certificate (nats)",
    "dispersion": "Dispersion",
    "method": "Method",
    "exchangeable": "Not told apart",
    "advice": "Advice",
}


@dataclass(frozen=True, repr=False)
class Ran:
    """What every run has.

    Attributes
    ----------
    parameters : dict
        The arguments, as JSON-able values.
    seconds : dict
        Wall time per part, and ``total``.
    warnings : list of str
        Each distinct warning once, in the order in which they came.
    versions : dict
        Version of every package that can change a number.
    """

    parameters: dict[str, Any]
    seconds: dict[str, float]
    warnings: list[str]
    versions: dict[str, str]


@dataclass(frozen=True, repr=False)
class RunResult(Ran):
    """What the results of an extraction and of a refit have in common.

    Attributes
    ----------
    catalog : MutationCatalog
        The input, ``n`` samples.
    parameters, seconds, warnings, versions
        See :class:`Ran`.
    """

    catalog: MutationCatalog


@dataclass(frozen=True)
class RunFiles(Generic[Drawn]):
    """What the folder of a result holds, and what a page with several results shows of it.

    Attributes
    ----------
    record, tables
        As for `write_run`.
    draw : callable
        Writes the plots into a folder, which it creates, and returns the pictures.
    page : callable
        Returns ``report.html`` with these pictures, which also lists the files by these names.
    sections : callable
        Returns the sections about the result, with these pictures, for a `Place` on another page.
    """

    record: dict[str, Any]
    tables: Mapping[str, Callable[[Path], object]]
    draw: Callable[[Path], Drawn]
    page: Callable[[Drawn, Collection[str]], str]
    sections: Callable[[Drawn, Place], str]

    def write(
        self,
        out_dir: str | os.PathLike[str],
        *,
        overwrite: bool,
        beside: Mapping[str, Callable[[Path], object]] = MappingProxyType({}),
    ) -> Path:
        """Write the folder, with the tables ``beside`` those of the result, as `write_run` does."""
        return write_run(
            out_dir,
            overwrite=overwrite,
            record=self.record,
            tables={**self.tables, **beside},
            page=lambda plots: self.page(self.draw(plots), beside),
        )


def write_run(
    out_dir: str | os.PathLike[str],
    *,
    overwrite: bool,
    record: dict[str, Any],
    tables: Mapping[str, Callable[[Path], object]],
    page: Callable[[Path], str] | None = None,
) -> Path:
    """Write the folder of a run, whole or not at all; return the path of its ``report.html``.

    ``record`` is what ``run.json`` holds; ``tables`` says what writes each file or folder, by name, one of ``OURS``;
    ``page`` returns the HTML of ``report.html`` and writes its plots into the folder that it is given and creates. The
    record also lists the ``files``: a folder with any other is not overwritten.
    """
    with staged_folder(out_dir, overwrite=overwrite) as folder:
        fill_folder(folder, record=record, tables=tables, page=page)
    return Path(out_dir) / "report.html"


def fill_folder(
    folder: Path,
    *,
    record: dict[str, Any],
    tables: Mapping[str, Callable[[Path], object]],
    page: Callable[[Path], str] | None = None,
) -> None:
    """Write tables, page and, last, the record of a run into a folder that exists; see `write_run`."""
    assert OURS.issuperset(tables)  # or the run could not be overwritten
    for name, write in tables.items():
        write(folder / name)
    if page is not None:
        write_whole(folder / "report.html", page(folder / "plots"))
    entries = {**record, "files": files_in(folder)}
    write_whole(folder / RUN_RECORD, json_text(entries))


def json_text(entries: Mapping[str, Any]) -> str:
    """Return entries as the files of a run hold them."""
    text = json.dumps(entries, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return text + "\n"


def write_table(
    frame: pd.DataFrame,
    path: Path,
    *,
    index: bool = True,
    digits: str = "%.6g",
    missing: str = "",
) -> None:
    """Write a table as tab-separated values, with ``digits`` as the format of its numbers."""
    form: Any = {"sep": "\t", "float_format": digits, "lineterminator": "\n", "na_rep": missing}
    # Piece by piece: the text of a long table takes more memory than the table.
    starts = range(0, max(len(frame), 1), _PIECE_ROWS)
    pieces = (frame.iloc[at : at + _PIECE_ROWS] for at in starts)
    write_whole(
        path,
        (
            piece.to_csv(index=index, header=at == 0, **form)
            for at, piece in zip(starts, pieces, strict=True)
        ),
    )


def write_fit(fit: pd.DataFrame, path: Path) -> None:
    """Write how well each sample is explained, and what to make of it, under SigProfiler's column names."""
    table = fit[[name for name in _FIT_COLUMNS if name in fit]].copy()
    for name, header in _FIT_COLUMNS.items():
        if name in table and header.endswith("%"):
            table[name] *= 100
    table["mutations"] = [int(n) if float(n).is_integer() else n for n in table["mutations"]]
    write_table(table.rename(columns=_FIT_COLUMNS).rename_axis("Sample Names"), path)


def run_record(
    result: RunResult,
    *,
    input_path: str | os.PathLike[str] | None = None,
    command: str | None,
) -> dict[str, Any]:
    """Return everything needed to repeat a run and to tell whether it was the same, as JSON-able values.

    The file is recorded as it was when it was read; ``input_path`` is read for a catalog that came from no reader.
    """
    catalog, counts = result.catalog, result.catalog.counts
    file = catalog.file or ({} if input_path is None else read_input(input_path).record)
    given = {
        "name": catalog.source or None,
        "sha256": None,
        "bytes": None,
        "samples": counts.shape[0],
        "channels": counts.shape[1],
        "mutations": None if catalog.why_not_counts else float(counts.to_numpy().sum()),
    }
    return record_of(result, given | dict(file), command)


def record_of(result: Ran, given: dict[str, Any], command: str | None) -> dict[str, Any]:
    """Return the record of a run with what it was ``given``."""
    return {
        "command": command,
        "dnmf": __version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": given,
        "parameters": result.parameters,
        "seconds": {part: round(value, 3) for part, value in result.seconds.items()},
        "seed": result.parameters.get("random_state"),
        "versions": result.versions,
        "warnings": result.warnings,
    }


def package_versions(*further: str) -> dict[str, str]:
    """Return the versions of Python and of every package, ``further`` ones included, that can change a number."""
    names = ("dnmf", "numpy", "scipy", "pandas", "torch", "numba", *further)
    return {"python": platform.python_version()} | {name: version(name) for name in names}
