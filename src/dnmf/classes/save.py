"""Writing the answers about several classes: a folder for each, and one page of all."""

import os
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from dnmf import __version__
from dnmf.classes.answers import ClassAnswers, unanswered
from dnmf.classes.page import render_classes_page
from dnmf.extraction import GuidedResult
from dnmf.extraction.guided_save import guided_files
from dnmf.plotting import plot_catalog
from dnmf.refit import RefitResult
from dnmf.refit.save import refit_files
from dnmf.report.folder import staged_folder
from dnmf.report.pictures import save_plots
from dnmf.report.records import RunFiles, fill_folder
from dnmf.report.template import Place
from dnmf.signatures import MutationCatalog
from dnmf.variants.save import count_tables

_ALL_SAMPLES = "all samples together"


def save_classes(
    answers: ClassAnswers,
    out_dir: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    command: str | None = None,
    tables: Mapping[str, Callable[[Path], object]] | None = None,
) -> Path:
    """Write the answers about several classes into one folder, which appears whole or not at all.

    Each class has the folder of a run of its own, ``OUT/SBS96`` and so on. Beside them are ``report.html``, with a
    section for each, ``run.json``, ``plots/`` with the spectra, and if variants were counted ``tables``, by default
    those of `dnmf.variants.save.count_tables`.

    Parameters
    ----------
    answers : ClassAnswers
        What `dnmf.classes.answer_classes` returned.
    out_dir, overwrite, command
        As for `dnmf.save_report`.
    tables : mapping, optional
        What writes the files of the count, by name, where variants were counted.

    Returns
    -------
    Path
        Of ``report.html``.

    Raises
    ------
    OutputExistsError, OSError
        As for `dnmf.save_report`.
    """
    record = _record(answers, command)
    sections: dict[str, str] = {}

    with staged_folder(out_dir, overwrite=overwrite) as folder:
        for name, result in answers.results.items():
            files = result_files(result, command)
            place = Place(f"{name}-", f"{name}/", 3, f", {name}")
            (folder / name).mkdir()
            page = partial(_both_pages, files, place, name, sections)
            fill_folder(folder / name, record=files.record, tables=files.tables, page=page)

        def joint_page(plots: Path) -> str:
            figures = {
                name: plot_catalog(_spectrum(r.catalog)) for name, r in answers.results.items()
            }
            return render_classes_page(
                answers, record, sections, save_plots(figures, plots), counted
            )

        counted = {} if answers.counts is None else tables or count_tables(answers.counts)
        fill_folder(folder, record=record, tables=counted, page=joint_page)
    return Path(out_dir) / "report.html"


def _both_pages(
    files: RunFiles[Any], place: Place, name: str, sections: dict[str, str], plots: Path
) -> str:
    """Return the page of one class; its sections for the page of all are kept, as both show the same pictures."""
    drawn = files.draw(plots)
    sections[name] = files.sections(drawn, place)
    return files.page(drawn, ())


def result_files(result: RefitResult | GuidedResult, command: str | None) -> RunFiles[Any]:
    """Return what the folder of one result holds.

    Parameters
    ----------
    result : RefitResult or GuidedResult
        Of one class.
    command : str or None
        The command line, to be recorded.
    """
    if isinstance(result, GuidedResult):
        return guided_files(result, command=command)
    return refit_files(result, command=command)


def _spectrum(catalog: MutationCatalog) -> MutationCatalog:
    total = catalog.counts.sum(axis=0).to_frame(_ALL_SAMPLES).T
    return MutationCatalog(pd.DataFrame(total), catalog.source, catalog.schema)


def _record(answers: ClassAnswers, command: str | None) -> dict[str, Any]:
    """Return what ``run.json`` holds of the run as a whole; that of each class is in its folder."""
    results = answers.results
    first = next(iter(results.values()))
    return {
        "command": command,
        "dnmf": __version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": {
            name: {
                "samples": len(result.catalog.counts),
                "mutations": float(result.catalog.counts.to_numpy().sum()),
                **result.catalog.file,
            }
            for name, result in results.items()
        },
        "left_out": answers.left_out,
        "parameters": {} if answers.counts is None else dict(answers.counts.parameters),
        "seconds": {name: round(result.seconds["total"], 3) for name, result in results.items()},
        "versions": first.versions | {"python": platform.python_version()},
        "warnings": [*answers.warnings, *unanswered(answers.left_out)],
    }
