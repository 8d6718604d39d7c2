"""Everything a run leaves behind, in one folder."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dnmf.estimators import save_model
from dnmf.extraction.figures import draw_pictures
from dnmf.extraction.page import render_page
from dnmf.extraction.record import ExtractionRecord
from dnmf.extraction.selection_files import selection_files, selection_record
from dnmf.report.records import file_record, run_record, write_fit, write_run, write_table
from dnmf.signatures import write_exposures, write_signatures


def save_report(
    result: ExtractionRecord,
    out_dir: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    input_path: str | os.PathLike[str] | None = None,
    input_file: Mapping[str, Any] | None = None,
    identity: Mapping[str, Any] | None = None,
    command: str | None = None,
) -> Path:
    """Write an extraction into a folder: tables, model, plots, the record of the run and a page that shows all.

    The folder appears whole or not at all: everything is written into a hidden folder beside it, which is renamed at
    the end and removed if anything fails or Ctrl-C comes.

    Parameters
    ----------
    result : ExtractionResult
        What `dnmf.extract_signatures` returned.
    out_dir : path
        Folder to create. An empty one may exist.
    overwrite : bool
        Replace a folder that holds the output of an earlier run (and nothing else); it is swapped as a whole.
    input_path : path, optional
        The file the catalog was read from; its name and SHA-256 are recorded.
    input_file : mapping, optional
        Instead of ``input_path``, what :func:`dnmf.report.records.file_record` returned for it earlier.
    identity : mapping, optional
        Of the checkpoint that all of it can be written from again, to be recorded.
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
    Files: ``signatures.tsv``, ``exposures.tsv`` (whole mutations), ``fit.tsv``, ``matches.tsv``,
    ``model.safetensors`` and ``model.json``, ``run.json``, ``plots/`` (PNG and SVG), ``report.html``. With restarts
    also ``selection.tsv``, ``solutions/`` (signatures and exact exposures of every number),
    ``signature_intervals.tsv``, ``exposure_lower.tsv``, ``exposure_upper.tsv``, ``verdicts.tsv`` and, for penalties
    left to the data, ``penalties.tsv``.
    """
    if input_path is not None:
        input_file = file_record(input_path)
    record = run_record(result, input_file=input_file, command=command)
    record["selection"] = selection_record(result, identity)
    tables: dict[str, Callable[[Path], object]] = {
        "signatures.tsv": partial(write_signatures, result.signatures),
        "exposures.tsv": partial(write_exposures, result.exposures),
        "fit.tsv": partial(write_fit, result.fit),
        "matches.tsv": partial(write_table, result.matches, index=False),
        **selection_files(result),
        "model.json": lambda card: save_model(
            result.model, card.parent, metadata=result.model_metadata
        ),
    }

    def page(plots: Path) -> str:
        return render_page(result, record, draw_pictures(result, plots))

    return write_run(out_dir, overwrite=overwrite, record=record, tables=tables, page=page)
