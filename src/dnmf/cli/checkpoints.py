"""The folder beside the output in which a run can be picked up, and from which it can be reported."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnmf.cli.paths import checkpoint_folder
from dnmf.exceptions import CheckpointError
from dnmf.report.folder import RUN_RECORD
from dnmf.signatures import MutationCatalog, read_catalog, write_catalog

if TYPE_CHECKING:
    from dnmf.cli.extract import ExtractionJob
    from dnmf.extraction import Checkpoint

CATALOG, OPTIONS = "catalog.tsv", "options.json"


def keep_job(
    checkpoint: "Checkpoint",
    job: "ExtractionJob",
    catalog: MutationCatalog,
    *,
    input_file: Mapping[str, Any],
    command: str,
) -> None:
    """Store what a report needs beside the finished work: the catalog and the options."""
    if not (checkpoint.folder / CATALOG).exists():
        write_catalog(catalog, checkpoint.folder / CATALOG)
    options = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(job).items()
    }
    kept = {"job": options, "input": dict(input_file), "command": command}
    checkpoint.write(OPTIONS, json.dumps(kept, indent=2) + "\n")


def kept_job(output: Path) -> tuple[MutationCatalog, dict[str, Any]]:
    """Return the catalog and what else `keep_job` stored for an output.

    Raises
    ------
    CheckpointError
        There is no checkpoint, or none that can be reported.
    """
    folder = checkpoint_folder(output)
    if not (folder / OPTIONS).is_file() or not (folder / CATALOG).is_file():
        raise CheckpointError(
            f"{output}: there is no {folder.name} beside it with a run to report. Extractions with restarts leave one; "
            "give the output folder of `dnmf extract`."
        )
    try:
        kept = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
        kept["job"]["n_signatures"] = tuple(kept["job"]["n_signatures"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder / OPTIONS} is damaged ({error}). Repeat the command of the extraction."
        ) from error
    catalog = read_catalog(folder / CATALOG)
    return MutationCatalog(catalog.counts, kept["input"]["name"] or ""), kept


def is_of_run(output: Path, identity: Mapping[str, Any]) -> bool:
    """Whether a folder holds a report of this very run: replacing it loses nothing that is not in the checkpoint."""
    try:
        record = json.loads((output / RUN_RECORD).read_text(encoding="utf-8"))
        return bool(record["selection"]["identity"] == dict(identity))
    except (OSError, ValueError, KeyError, TypeError):
        return False
