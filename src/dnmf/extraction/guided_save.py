"""Writing a guided extraction: tables, model, plots, record and page, in one folder."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dnmf.criteria import INTERVALS_HELD
from dnmf.estimators import save_model
from dnmf.extraction.guided_figures import draw_guided_pictures
from dnmf.extraction.guided_page import render_guided_page, render_guided_sections
from dnmf.extraction.guided_record import GuidedRecord
from dnmf.extraction.tables import interval_table
from dnmf.refit.save import exposure_tables
from dnmf.report.pictures import Picture
from dnmf.report.records import RunFiles, run_record, write_table
from dnmf.signatures import write_signatures


def save_guided_report(
    result: GuidedRecord,
    out_dir: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    input_path: str | os.PathLike[str] | None = None,
    command: str | None = None,
) -> Path:
    """Write a guided extraction into a folder: tables, model, plots, the record of the run and a page that shows all.

    The folder appears whole or not at all, as with `dnmf.save_report`.

    Parameters
    ----------
    result : GuidedResult
        What `dnmf.guided_extraction` returned.
    out_dir, overwrite, input_path, command
        As for `dnmf.save_report`, which raises the same errors.

    Returns
    -------
    Path
        Of ``report.html``, one self-contained file.

    Notes
    -----
    Files: ``signatures.tsv`` and ``exposures.tsv`` (SigProfiler's layouts), ``evidence.tsv``, ``equivalents.tsv``,
    ``matches.tsv`` and ``signature_intervals.tsv`` (of the novel signatures), ``intervals.tsv``, ``presence.tsv`` and
    ``fit.tsv`` (as of a refit), ``model.safetensors`` and ``model.json``, ``run.json``, ``plots/`` (PNG and SVG),
    ``report.html``.
    """
    files = guided_files(result, input_path=input_path, command=command)
    return files.write(out_dir, overwrite=overwrite)


def guided_files(
    result: GuidedRecord,
    *,
    input_path: str | os.PathLike[str] | None = None,
    command: str | None = None,
) -> RunFiles[tuple[dict[str, Picture], dict[str, Picture]]]:
    """Return what the folder of a guided extraction holds; see `save_guided_report`."""
    record = run_record(result, input_path=input_path, command=command)
    record["intervals_held"] = INTERVALS_HELD
    intervals = interval_table(
        result.signatures.profiles.loc[result.novel], result.signature_lower, result.signature_upper
    )
    tables: dict[str, Callable[[Path], object]] = {
        "signatures.tsv": partial(write_signatures, result.signatures),
        **exposure_tables(result.refit),
        "evidence.tsv": partial(
            write_table, result.evidence.rename_axis("signature"), missing="nan"
        ),
        "equivalents.tsv": partial(write_table, result.equivalents, index=False),
        "matches.tsv": partial(write_table, result.matches, index=False),
        "signature_intervals.tsv": partial(write_table, intervals, index=False),
        "model.json": lambda card: save_model(
            result.model, card.parent, metadata=result.model_metadata
        ),
    }
    return RunFiles(
        record=record,
        tables=tables,
        draw=partial(draw_guided_pictures, result),
        page=lambda drawn, beside: render_guided_page(result, record, *drawn, beside),
        sections=lambda drawn, place: render_guided_sections(result, *drawn, place),
    )
