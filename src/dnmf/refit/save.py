"""Everything a refit leaves behind, in one folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dnmf.report.folder import RUN_RECORD, staged_folder

if TYPE_CHECKING:
    from dnmf.refit.result import RefitResult

# SigProfiler's names where it has them.
_FIT_COLUMNS = {
    "mutations": "Total Mutations",
    "cosine": "Cosine Similarity",
    "relative_l1": "L1_Norm_%",
    "relative_l2": "L2_Norm_%",
    "kl_divergence": "KL Divergence",
    "unassigned": "Unassigned_%",
    "p_value": "Goodness-of-fit p",
    "certificate": "Certificate (nats)",
    "method": "Method",
    "exchangeable": "Not told apart",
    "advice": "Advice",
}
_PERCENT = ["relative_l1", "relative_l2", "unassigned"]


def save_refit_report(
    result: "RefitResult",
    out_dir: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    input_path: str | os.PathLike[str] | None = None,
    command: str | None = None,
) -> Path:
    """Write a refit into a folder: tables, plots, the record of the run and a page that shows all.

    The folder appears whole or not at all, as with `dnmf.report.save_report`.

    Parameters
    ----------
    result : RefitResult
        What `dnmf.pipelines.refit_exposures` returned.
    out_dir : path
        Folder to create. An empty one may exist.
    overwrite : bool
        Replace a folder that holds the output of an earlier run (and nothing else); it is swapped as a whole.
    input_path : path, optional
        The file the catalog was read from; its name and SHA-256 are recorded.
    command : str, optional
        The command line, to be recorded.

    Returns
    -------
    Path
        Of ``report.html``, one self-contained file.

    Raises
    ------
    OutputExistsError
        ``out_dir`` holds something already, or, with ``overwrite``, something that is not the output of a run.
    OSError
        It cannot be written, or ``input_path`` cannot be read.

    Notes
    -----
    Files: ``exposures.tsv`` (whole mutations, SigProfiler's layout; what is missing to a sample's total is unassigned),
    ``intervals.tsv``, ``presence.tsv`` (only if a network answered), ``fit.tsv``, ``run.json``, ``plots/`` (PNG and
    SVG), ``report.html``.
    """
    from dnmf.refit.figures import draw_refit_pictures
    from dnmf.refit.page import render_refit_page
    from dnmf.report.records import file_record, run_record, write_record
    from dnmf.signatures import write_exposures

    input_file = None if input_path is None else file_record(input_path)
    record = run_record(result, input_file=input_file, command=command)
    record |= {"model": result.model, "model_notes": result.model_notes}
    del record["seed"]  # nothing in a refit is random
    with staged_folder(out_dir, overwrite=overwrite) as folder:
        write_exposures(result.exposures, folder / "exposures.tsv")
        write_intervals(result, folder / "intervals.tsv")
        if result.presence is not None:
            write_presence(result.presence, folder / "presence.tsv")
        write_refit_fit(result.fit, folder / "fit.tsv")
        write_record(record, folder / RUN_RECORD)
        pictures = draw_refit_pictures(result, folder / "plots")
        page = render_refit_page(result, record, pictures)
        (folder / "report.html").write_text(page, encoding="utf-8")
    return Path(out_dir) / "report.html"


def write_intervals(result: "RefitResult", path: Path) -> None:
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
    table.to_csv(path, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def write_presence(presence: pd.DataFrame, path: Path) -> None:
    """Write the probabilities that signatures are present, samples in rows."""
    table = presence.rename_axis("Samples")
    table.to_csv(path, sep="\t", float_format="%.4f", lineterminator="\n")


def write_refit_fit(fit: pd.DataFrame, path: Path) -> None:
    """Write how well each sample is explained and what to make of it, under SigProfiler's column names."""
    table = fit[list(_FIT_COLUMNS)].copy()
    table[_PERCENT] *= 100
    table["mutations"] = [int(n) if float(n).is_integer() else n for n in table["mutations"]]
    table = table.rename(columns=_FIT_COLUMNS).rename_axis("Sample Names")
    table.to_csv(path, sep="\t", float_format="%.6g", lineterminator="\n")
