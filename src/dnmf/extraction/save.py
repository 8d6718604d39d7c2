"""Writing an extraction: tables, model, plots, record and page, in one folder."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from dnmf.estimators import save_model
from dnmf.extraction.figures import draw_pictures
from dnmf.extraction.page import render_page
from dnmf.extraction.record import ExtractionRecord
from dnmf.extraction.second_layer import decomposition_map
from dnmf.extraction.select import Selection
from dnmf.extraction.tables import interval_table, solution
from dnmf.refit.save import exposure_tables
from dnmf.report.records import run_record, write_fit, write_run, write_table
from dnmf.selection.choice import rule_in_words
from dnmf.selection.counts import stable_silhouette
from dnmf.signatures import write_exposures, write_signatures
from dnmf.storage import write_whole

_AS_CSV: Any = {"float_format": "%.6g", "lineterminator": "\n"}


def save_report(
    result: ExtractionRecord,
    out_dir: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    input_path: str | os.PathLike[str] | None = None,
    identity: Mapping[str, Any] | None = None,
    command: str | None = None,
    beside: Mapping[str, Callable[[Path], object]] = MappingProxyType({}),
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
        The file the catalog came from, if `dnmf.read_catalog` did not read it: its name, size and SHA-256 are recorded.
    identity : mapping, optional
        Of the checkpoint that all of it can be written from again, to be recorded.
    command : str, optional
        The command line, to be recorded.
    beside : mapping, optional
        What writes further files, by name.

    Returns
    -------
    Path
        Of ``report.html``, one self-contained file.

    Raises
    ------
    OutputExistsError
        ``out_dir`` holds something already, or, with ``overwrite``, something that is not the output of a run.
    OSError
        It cannot be written.
    InputDataError
        ``input_path`` cannot be read.

    Notes
    -----
    Files: ``signatures.tsv``, ``exposures.tsv`` (whole mutations; of frequencies in full precision), ``fit.tsv``,
    ``matches.tsv``, ``model.safetensors`` and ``model.json``, ``run.json``, ``plots/`` (PNG and SVG), ``report.html``.
    With restarts also ``selection.tsv``, ``solutions/`` (signatures and exact exposures of every number),
    ``signature_intervals.tsv``, ``exposure_lower.tsv``, ``exposure_upper.tsv``, ``verdicts.tsv`` and, for penalties
    left to the data, ``penalties.tsv``. With a reference also ``decomposed/``: ``decomposition.tsv``,
    ``alternatives.tsv``, ``signatures.tsv`` (known and novel), of counts ``exposures.tsv``, ``intervals.tsv``,
    ``presence.tsv`` and ``fit.tsv`` (as of a refit), and ``decomposition_map.csv`` in SigProfiler's layout.

    Examples
    --------
    >>> from dnmf import example_catalog, extract_signatures
    >>> save_report(extract_signatures(example_catalog(), range(2, 7)), "results")  # doctest: +SKIP
    PosixPath('results/report.html')
    """
    record = run_record(result, input_path=input_path, command=command)
    record["selection"] = _selection_record(result, identity)
    tables: dict[str, Callable[[Path], object]] = {
        "signatures.tsv": partial(write_signatures, result.signatures),
        "exposures.tsv": partial(
            write_exposures, result.exposures, integers=not result.catalog.why_not_counts
        ),
        "fit.tsv": partial(write_fit, result.fit),
        "matches.tsv": partial(write_table, result.matches, index=False),
        **_selection_files(result),
        **beside,
        **_layer_files(result),
        "model.json": lambda card: save_model(
            result.model, card.parent, metadata=result.model_metadata
        ),
    }

    def page(plots: Path) -> str:
        return render_page(result, record, draw_pictures(result, plots))

    return write_run(out_dir, overwrite=overwrite, record=record, tables=tables, page=page)


def _selection_files(result: ExtractionRecord) -> dict[str, Callable[[Path], object]]:
    """Return what writes the choice, every solution, intervals and verdicts, by file; nothing without restarts."""
    if result.selection is None:
        return {}
    assert result.verdicts is not None
    assert result.signature_lower is not None
    assert result.signature_upper is not None
    assert result.exposure_lower is not None
    assert result.exposure_upper is not None
    intervals = interval_table(
        result.signatures.profiles, result.signature_lower, result.signature_upper
    )
    # Whole mutations, rounded outwards: the intervals contain the rounded exposures, too.
    lower, upper = result.exposure_lower.map(np.floor), result.exposure_upper.map(np.ceil)
    files: dict[str, Callable[[Path], object]] = {
        "selection.tsv": partial(write_table, result.selection.table, missing="nan"),
        "solutions": partial(_write_solutions, result, result.selection),
        "signature_intervals.tsv": partial(write_table, intervals, index=False),
        "exposure_lower.tsv": partial(write_exposures, lower, integers=False),
        "exposure_upper.tsv": partial(write_exposures, upper, integers=False),
        "verdicts.tsv": partial(write_table, result.verdicts, missing="nan"),
    }
    if result.penalties:
        curves = {name: choice.curve for name, choice in result.penalties.items()}
        table = pd.concat(curves, names=["penalty", "value"])
        files["penalties.tsv"] = partial(write_table, table, missing="nan")
    return files


def _layer_files(result: ExtractionRecord) -> dict[str, Callable[[Path], object]]:
    """Return what writes the second layer; nothing without a reference."""
    layer = result.layer
    if layer is None:
        return {}
    decomposition = layer.decomposition
    summary = decomposition.summary[["kind", "cosine"]]
    files: dict[str, Callable[[Path], object]] = {
        "decomposition.tsv": partial(
            write_table, decomposition.parts.join(summary, on="found"), index=False
        ),
        "alternatives.tsv": partial(write_table, decomposition.alternatives, index=False),
        "decomposition_map.csv": lambda path: write_whole(
            path, decomposition_map(layer, result.signatures).to_csv(index=False, **_AS_CSV)
        ),
        "signatures.tsv": partial(write_signatures, layer.signatures),
        **({} if layer.refit is None else exposure_tables(layer.refit)),
    }

    def write(folder: Path) -> None:
        folder.mkdir()
        for name, write_file in files.items():
            write_file(folder / name)

    return {"decomposed": write}


def _selection_record(
    result: ExtractionRecord, identity: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return the choice of the number of signatures and of penalties, as JSON-able values; None without restarts."""
    if result.selection is None:
        return None
    choice = result.selection.choice
    return {
        "chosen": choice.n_components,
        "as_good": list(choice.tied),
        "at_end": choice.at_boundary or None,
        "stable": choice.stable,
        "identity": None if identity is None else dict(identity),
        "rule": rule_in_words(stable_silhouette(result.selection.noise))
        if len(result.selection.table) > 1
        else "given",
        "tried": [int(k) for k in result.selection.table.index],
        "unfinished": list(result.unfinished),
        "restarts": result.parameters["n_restarts"],
        "seed": result.parameters["random_state"],
        "noise_dispersion": result.selection.noise.dispersion,
        "penalties": {
            name: {"chosen": choice.value, "tried": [float(v) for v in choice.curve.index]}
            for name, choice in result.penalties.items()
        },
    }


def _write_solutions(result: ExtractionRecord, selection: Selection, folder: Path) -> None:
    for k in selection.candidates:
        place = folder / f"k{k:03d}"
        place.mkdir(parents=True)
        signatures, exposures = solution(result.catalog, selection, k)
        write_signatures(signatures, place / "signatures.tsv")
        write_exposures(exposures, place / "exposures.tsv")
