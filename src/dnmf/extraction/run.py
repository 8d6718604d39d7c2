"""A run of an extraction: its output folder and the checkpoint beside it, from which it is resumed and reported."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dnmf.checkpoints import RECORD, damaged
from dnmf.estimators import DNMF
from dnmf.exceptions import CheckpointError, InputDataError
from dnmf.executors import Executor
from dnmf.extraction.arguments import Penalty, check_numbers, check_restarts
from dnmf.extraction.checkpoint import CATALOG, OPTIONS, Checkpoint
from dnmf.extraction.extract import extract_signatures
from dnmf.extraction.result import ExtractionResult
from dnmf.extraction.run_time import RunEstimate, estimate_run
from dnmf.extraction.save import save_report
from dnmf.extraction.select import run_identity
from dnmf.progress import Progress
from dnmf.report.folder import RUN_RECORD, check_output_folder, checkpoint_folder
from dnmf.signatures import (
    MutationCatalog,
    SignatureSet,
    load_reference,
    read_catalog,
    write_catalog,
)
from dnmf.strict_json import CHECKSUM, check_entries, entries_checksum, is_unchanged, read_json

_KEPT = {"job": dict[str, Any], "input": dict[str, Any], "command": str | None, CHECKSUM: str}
_JOB = {
    "n_signatures": list[int],
    "n_restarts": int,
    "random_state": int,
    "l1_reg": Penalty,
    "l2_reg": Penalty,
    "model": dict[str, Any],
    "reference": dict[str, Any] | None,
}


@dataclass(frozen=True)
class ExtractionRun:
    """An extraction into a folder; with restarts, finished work is kept in ``OUT.checkpoint`` beside it.

    Attributes
    ----------
    output : Path
        The folder of the results.
    catalog : MutationCatalog
        The samples.
    arguments : dict
        Of :func:`dnmf.extract_signatures`, except the catalog and how it is run.
    checkpoint : Checkpoint or None
        Finished work; None if none is kept.
    command : str or None
        The command line, to be recorded.
    unfinished : tuple of int
        Numbers of signatures that were asked for and are left out because they are not finished.

    Examples
    --------
    What an earlier, interrupted call has finished is not computed again::

        run = ExtractionRun.start("results", catalog, n_signatures=range(2, 16))
        run.save(run.extract(workers=8))

    Meanwhile, in another process, a report of what is finished so far::

        run = ExtractionRun.finished("results")
        run.save(run.extract())
    """

    output: Path
    catalog: MutationCatalog
    arguments: dict[str, Any]
    checkpoint: Checkpoint | None = None
    command: str | None = None
    unfinished: tuple[int, ...] = ()

    @classmethod
    def start(
        cls,
        output: str | os.PathLike[str],
        catalog: MutationCatalog,
        *,
        overwrite: bool = False,
        reference: Mapping[str, Any] | None = None,
        command: str | None = None,
        **arguments: Any,
    ) -> "ExtractionRun":
        """Begin a run, or take up an interrupted one; nothing is computed yet.

        Parameters
        ----------
        output : path
            Folder to create. A report of this very run in it will be replaced; with ``overwrite`` that of another, too.
        catalog, **arguments
            As in :func:`dnmf.extract_signatures`; the seed must be a number.
        reference : mapping, optional
            Arguments of ``load_reference``, such as ``{"reference": "cosmic-v3.4", "build": "GRCh38"}``.
        command : str, optional
            See :func:`dnmf.extraction.save_report`.

        Raises
        ------
        InputDataError
            The arguments are not possible; see ``extract_signatures``.
        OutputExistsError, CheckpointError
            The output, or the checkpoint beside it, holds something else.
        """
        out = Path(output)
        defaults = {"random_state": 0, "l1_reg": 0.0, "l2_reg": 0.0, "model": DNMF()}
        given: dict[str, Any] = defaults | arguments
        numbers = check_numbers(given["n_signatures"], catalog)
        penalties = (given["l1_reg"], given["l2_reg"])
        restarts = check_restarts(
            given.get("n_restarts"), numbers, given["model"], penalties, catalog
        )
        known = _reference(reference, catalog)
        given |= {"n_signatures": numbers, "n_restarts": restarts}
        run = cls(out, catalog, given | {"reference": known}, None, command)
        if not restarts:
            check_output_folder(out, overwrite=overwrite)
            return run
        identity = run_identity(catalog, given["random_state"], restarts)
        checkpoint = _checkpoint(out, identity, overwrite)
        job = given | {"model": given["model"].get_params(), "reference": reference}
        kept = {"job": job, "input": dict(catalog.file), "command": command}
        entries = json.loads(json.dumps(kept, default=str))
        entries[CHECKSUM] = entries_checksum(entries)
        with checkpoint.locked():
            if not (checkpoint.folder / CATALOG).exists():
                write_catalog(catalog, checkpoint.folder / CATALOG)
            checkpoint.write(OPTIONS, json.dumps(entries, indent=2) + "\n")
        return replace(run, checkpoint=checkpoint)

    @classmethod
    def finished(cls, output: str | os.PathLike[str]) -> "ExtractionRun":
        """Return the part of a run that is finished, from its checkpoint.

        Raises
        ------
        InputDataError
            No number of signatures is finished.
        OutputExistsError, CheckpointError
            The output holds something else; there is no checkpoint, or it is damaged or of another version.
        """
        out = Path(output)
        folder = checkpoint_folder(out)
        if not all((folder / name).is_file() for name in (OPTIONS, CATALOG, RECORD)):
            raise CheckpointError(
                f"{output}: there is no {folder.name} beside it with a run to report. Extractions with -k and restarts "
                "leave one; give their output folder. One without -k takes about a minute: repeat it."
            )
        record = Checkpoint.read_record(folder)
        try:
            catalog = read_catalog(folder / CATALOG)
        except InputDataError as error:
            raise damaged(folder / CATALOG, error) from error
        identity = run_identity(catalog, record.get("seed", 0), record.get("restarts", 0))
        if record.get("catalog_sha256", "") not in ("", identity["catalog_sha256"]):
            raise damaged(folder / CATALOG, "it was altered")
        checkpoint = _checkpoint(out, identity)
        kept = _read_options(folder / OPTIONS)
        # It has been read from the checkpoint, but came from the user's file.
        catalog = replace(catalog, source=kept["input"].get("name") or "", file=kept["input"])
        job, tried = kept["job"], kept["job"]["n_signatures"]
        job["reference"] = _reference(job["reference"], catalog)
        job["n_signatures"] = [k for k in tried if k in checkpoint.finished()]
        if not job["n_signatures"]:
            command = kept["command"] or "the same call"
            raise InputDataError(
                f"{out}: no number of signatures is finished yet. Repeat the extraction to go on: {command}"
            )
        unfinished = tuple(k for k in tried if k not in job["n_signatures"])
        return cls(out, catalog, job, checkpoint, kept["command"], unfinished)

    def estimate(self, workers: int = 1) -> RunEstimate:
        """Return how many fits are left, and their time and memory."""
        numbers, restarts = self.arguments["n_signatures"], self.arguments["n_restarts"]
        return estimate_run(
            self.catalog,
            numbers,
            n_restarts=restarts,
            workers=workers,
            checkpoint=self.checkpoint,
        )

    def extract(
        self,
        *,
        workers: int = 1,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> ExtractionResult:
        """Compute what is missing and return the result, as :func:`dnmf.extract_signatures` does."""
        numbers = self.arguments["n_signatures"]
        chosen = {"n_signatures": numbers if len(numbers) > 1 else numbers[0]}
        result = extract_signatures(
            self.catalog,
            workers=workers,
            executor=executor,
            checkpoint=self.checkpoint,
            progress=progress,
            **self.arguments | chosen,
        )
        return replace(result, unfinished=self.unfinished)

    def save(
        self,
        result: ExtractionResult,
        *,
        overwrite: bool = False,
        beside: Mapping[str, Callable[[Path], object]] = MappingProxyType({}),
    ) -> Path:
        """Write the report into ``output`` and return its page; an earlier report of this run is replaced.

        ``beside`` says what writes further files, by name.
        """
        identity = None if self.checkpoint is None else self.checkpoint.identity
        return save_report(
            result,
            self.output,
            overwrite=overwrite or _is_report_of(self.output, identity),
            identity=identity,
            command=self.command,
            beside=beside,
        )


def _read_options(path: Path) -> dict[str, Any]:
    """Return what a run was started with, its model as an estimator."""
    try:
        kept = read_json(path.read_bytes(), OPTIONS, CheckpointError)
        check_entries(kept, _KEPT, OPTIONS, CheckpointError)
        check_entries(kept["job"], _JOB, OPTIONS, CheckpointError)
        if not is_unchanged(kept):
            raise CheckpointError("it was altered")
        kept["job"]["model"] = DNMF(**kept["job"]["model"])
    except (OSError, TypeError, CheckpointError) as error:
        raise damaged(path, error) from None
    return dict(kept)


def _reference(choice: Mapping[str, Any] | None, catalog: MutationCatalog) -> SignatureSet | None:
    return None if choice is None else load_reference(**choice, channels=catalog.schema)


def _checkpoint(output: Path, identity: Mapping[str, Any], overwrite: bool = False) -> Checkpoint:
    """Open the checkpoint of a run if its output is free, or holds a report of this run."""
    check_output_folder(output, overwrite=overwrite or _is_report_of(output, identity))
    return Checkpoint(checkpoint_folder(output), identity)


def _is_report_of(output: Path, identity: Mapping[str, Any] | None) -> bool:
    """Whether a folder holds a report of the run with this identity: replacing it loses nothing."""
    try:
        record = json.loads((output / RUN_RECORD).read_text(encoding="utf-8"))
        return identity is not None and bool(record["selection"]["identity"] == dict(identity))
    except (OSError, ValueError, KeyError, TypeError):
        return False
