"""Writing a refit: tables, plots, record and page, in one folder."""

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dnmf.refit.figures import draw_refit_pictures
from dnmf.refit.page import render_refit_page, render_refit_sections
from dnmf.refit.prior import ExposurePrior
from dnmf.refit.record import RefitRecord
from dnmf.report.pictures import Picture
from dnmf.report.records import RunFiles, run_record, write_fit
from dnmf.signatures import write_exposures
from dnmf.storage import write_whole


def save_refit_report(
    result: RefitRecord,
    out_dir: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    input_path: str | os.PathLike[str] | None = None,
    command: str | None = None,
) -> Path:
    """Write a refit into a folder: tables, plots, the record of the run and a page that shows all.

    The folder appears whole or not at all, as with `dnmf.save_report`.

    Parameters
    ----------
    result : RefitResult
        What `dnmf.refit_exposures` returned.
    out_dir, overwrite, input_path, command
        As for `dnmf.save_report`, which raises the same errors.

    Returns
    -------
    Path
        Of ``report.html``, one self-contained file.

    Notes
    -----
    Files: ``exposures.tsv`` (whole mutations, SigProfiler's layout; what is missing to a sample's total is unassigned),
    ``intervals.tsv``, ``presence.tsv`` (not of a classic method), ``fit.tsv``, ``run.json``, ``plots/`` (PNG and
    SVG), ``report.html``.

    Examples
    --------
    >>> from dnmf import example_catalog, refit_exposures
    >>> save_refit_report(refit_exposures(example_catalog()), "results")  # doctest: +SKIP
    PosixPath('results/report.html')
    """
    files = refit_files(result, input_path=input_path, command=command)
    return files.write(out_dir, overwrite=overwrite)


def refit_files(
    result: RefitRecord,
    *,
    input_path: str | os.PathLike[str] | None = None,
    command: str | None = None,
) -> RunFiles[dict[str, Picture]]:
    """Return what the folder of a refit holds; see `save_refit_report`."""
    record = run_record(result, input_path=input_path, command=command)
    record |= prior_record(result.prior)
    del record["seed"]  # nothing in a refit is random
    return RunFiles(
        record=record,
        tables=exposure_tables(result),
        draw=partial(draw_refit_pictures, result),
        page=partial(render_refit_page, result, record),
        sections=partial(render_refit_sections, result),
    )


def prior_record(prior: ExposurePrior | None) -> dict[str, Any]:
    """Return what the record of a refit says of its prior, if it has one."""
    if prior is None:
        return {}
    rows = len(prior.shares)
    return {"prior": {"kind": prior.kind, "name": prior.name, "rows": rows, "file": prior.file}}


def exposure_tables(result: RefitRecord) -> dict[str, Callable[[Path], object]]:
    """Return what writes exposures, intervals, presence and fit, by the names of their files."""
    tables: dict[str, Callable[[Path], object]] = {
        "exposures.tsv": partial(write_exposures, result.exposures),
        "intervals.tsv": partial(_write_intervals, result),
        "fit.tsv": partial(write_fit, result.fit),
    }
    if result.presence is not None:
        tables["presence.tsv"] = partial(_write_presence, result.presence)
    return tables


def _write_intervals(result: RefitRecord, path: Path) -> None:
    """Write estimate and interval of every sample and signature, one a row; unassigned mutations have no interval.

    Pairs whose estimate and upper end are both below half a mutation are left out: of 86 signatures most.
    """
    write_whole(path, _interval_lines(result))


def _interval_lines(result: RefitRecord) -> Iterator[str]:
    line = _tab_separated()
    yield line(["Samples", "Signature", "Mutations", "Lower 90%", "Upper 90%"])
    names = list(result.exposures.columns)
    tables = (result.exposures, result.exposure_lower, result.exposure_upper)
    for sample, *ends in zip(result.exposures.index, *(t.to_numpy() for t in tables), strict=True):
        for column in np.flatnonzero((ends[0] >= 0.5) | (ends[2] >= 0.5)):
            yield line([sample, names[column], *(f"{values[column]:.6g}" for values in ends)])


def _write_presence(presence: pd.DataFrame, path: Path) -> None:
    write_whole(path, _presence_lines(presence))


def _presence_lines(presence: pd.DataFrame) -> Iterator[str]:
    line = _tab_separated()
    yield line(["Samples", *presence.columns])
    for sample, values in zip(presence.index, presence.to_numpy(), strict=True):
        yield line([sample, *(f"{value:.4f}" for value in values.tolist())])


def _tab_separated() -> Callable[[Sequence[str]], str]:
    """Return what makes a line of a table; pandas takes minutes for a million of them."""

    class Returned:
        def write(self, text: str) -> str:
            return text

    row: Any = csv.writer(Returned(), delimiter="\t", lineterminator="\n").writerow
    return row
