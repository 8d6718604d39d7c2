"""Writing a refit: tables, plots, record and page, in one folder."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from dnmf.refit.figures import draw_refit_pictures
from dnmf.refit.page import render_refit_page
from dnmf.refit.record import RefitRecord
from dnmf.report.records import run_record, write_fit, write_run, write_table
from dnmf.signatures import write_exposures


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
    ``intervals.tsv``, ``presence.tsv`` (only if a network answered), ``fit.tsv``, ``run.json``, ``plots/`` (PNG and
    SVG), ``report.html``.
    """
    record = run_record(result, input_path=input_path, command=command)
    record |= {"model": result.model, "model_notes": result.model_notes}
    del record["seed"]  # nothing in a refit is random
    tables: dict[str, Callable[[Path], object]] = {
        "exposures.tsv": partial(write_exposures, result.exposures),
        "intervals.tsv": partial(_write_intervals, result),
        "fit.tsv": partial(write_fit, result.fit),
    }
    if result.presence is not None:
        presence = result.presence.rename_axis("Samples")
        tables["presence.tsv"] = partial(write_table, presence, digits="%.4f")

    def page(plots: Path) -> str:
        return render_refit_page(result, record, draw_refit_pictures(result, plots))

    return write_run(out_dir, overwrite=overwrite, record=record, tables=tables, page=page)


def _write_intervals(result: RefitRecord, path: Path) -> None:
    """Write estimate and interval of every sample and signature, one a row; unassigned mutations have no interval.

    Pairs whose estimate and upper end are both below half a mutation are left out: of 86 signatures most.
    """
    values = result.exposures.to_numpy()
    lower, upper = result.exposure_lower.to_numpy(), result.exposure_upper.to_numpy()
    rows, columns = np.nonzero((values >= 0.5) | (upper >= 0.5))
    table = pd.DataFrame(
        {
            "Samples": result.exposures.index[rows],
            "Signature": result.exposures.columns[columns],
            "Mutations": values[rows, columns],
            "Lower 90%": lower[rows, columns],
            "Upper 90%": upper[rows, columns],
        }
    )
    write_table(table, path, index=False)
