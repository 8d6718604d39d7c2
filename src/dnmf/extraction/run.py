"""A run of an extraction: its output folder and the checkpoint beside it, from which it is resumed and reported."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dnmf.estimators import DNMF
from dnmf.exceptions import CheckpointError, InputDataError
from dnmf.extraction.arguments import Model, Penalty, check_numbers, check_restarts
from dnmf.extraction.checkpoint import Checkpoint
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

CATALOG, OPTIONS = "catalog.tsv", "options.json"


@dataclass(frozen=True)
class ExtractionRun:
    """An extraction into a folder; with restarts, all finished work is kept in ``OUT.checkpoint`` beside it.

    Attributes
    ----------
    output : Path
        The folder of the results.
    catalog : MutationCatalog
        The samples.
    n_signatures : tuple of int
        The numbers to extract.
    n_restarts : int
        Resampled restarts for every number.
    random_state : int
        Seed.
    settings : dict
        ``l1_reg``, ``l2_reg`` and ``model`` of ``extract_signatures``.
    reference : SignatureSet or None
        Known signatures to compare with.
    checkpoint : Checkpoint or None
        Finished work; None if none is kept.
    input_file : dict
        Name, size and SHA-256 of the file of the catalog, to be recorded.
    command : str or None
        The command line, to be recorded.
    unfinished : tuple of int
        Numbers that were asked for and are left out because they are not finished.

    Examples
    --------
    The second line computes only what an earlier, interrupted call has not::

        run = ExtractionRun.start("results", catalog, range(2, 16), reference="cosmic-v3.4")
        run.save(run.extract(workers=8))

    Meanwhile, in another process, what is finished so far::

        run = ExtractionRun.finished("results")
        run.save(run.extract())
    """

    output: Path
    catalog: MutationCatalog
    n_signatures: tuple[int, ...]
    n_restarts: int
    random_state: int
    settings: dict[str, Any]
    reference: SignatureSet | None
    checkpoint: Checkpoint | None = None
    input_file: dict[str, Any] = field(default_factory=dict)
    command: str | None = None
    unfinished: tuple[int, ...] = ()

    @classmethod
    def start(
        cls,
        output: str | os.PathLike[str],
        catalog: MutationCatalog,
        n_signatures: int | Sequence[int],
        *,
        n_restarts: int | None = None,
        random_state: int = 0,
        reference: str | Mapping[str, Any] | None = None,
        overwrite: bool = False,
        input_file: Mapping[str, Any] | None = None,
        command: str | None = None,
        l1_reg: Penalty = 0.0,
        l2_reg: Penalty = 0.0,
        model: Model | None = None,
    ) -> "ExtractionRun":
        """Begin a run, or take up an interrupted one; nothing is computed yet.

        Parameters
        ----------
        output : path
            Folder to create. It may hold a report of this very run, which is replaced.
        catalog, n_signatures, n_restarts, random_state
            As in :func:`dnmf.extract_signatures`.
        reference : str or mapping, optional
            Name or path of a reference, or arguments of ``load_reference``.
        overwrite : bool
            Replace a report of another run, too.
        input_file : mapping, optional
            What :func:`dnmf.report.records.file_record` returned for the file of the catalog.
        command : str, optional
            The command line.
        l1_reg, l2_reg, model
            As in :func:`dnmf.extract_signatures`.

        Raises
        ------
        InputDataError
            The arguments are not possible; see ``extract_signatures``.
        OutputExistsError
            The output holds something else.
        CheckpointError
            The checkpoint holds work on something else.
        """
        out = Path(output)
        numbers = check_numbers(n_signatures, catalog)
        model = DNMF() if model is None else model
        restarts = check_restarts(n_restarts, numbers, model, (l1_reg, l2_reg))
        choice = {"reference": reference} if isinstance(reference, str) else dict(reference or {})
        known = load_reference(**choice, channels=catalog.schema) if choice else None
        identity = run_identity(catalog, random_state, restarts) if restarts else None
        check_output_folder(out, overwrite=overwrite or is_report_of(out, identity))
        run = cls(
            out,
            catalog,
            tuple(numbers),
            restarts,
            random_state,
            {"l1_reg": l1_reg, "l2_reg": l2_reg, "model": model},
            known,
            None if identity is None else Checkpoint(checkpoint_folder(out), identity),
            dict(input_file or {}),
            command,
        )
        run._keep(choice)
        return run

    @classmethod
    def finished(cls, output: str | os.PathLike[str]) -> "ExtractionRun":
        """Return the part of a run that is finished, from its checkpoint.

        Raises
        ------
        CheckpointError
            There is no checkpoint, or it is damaged.
        InputDataError
            No number of signatures is finished.
        OutputExistsError
            The output holds something else.
        """
        out = Path(output)
        catalog, kept = _kept(out)
        options = kept["job"]
        numbers = tuple(options["n_signatures"])
        restarts = options["restarts"]
        identity = run_identity(catalog, options["seed"], restarts)
        checkpoint = Checkpoint(checkpoint_folder(out), identity)
        check_output_folder(out, overwrite=is_report_of(out, identity))
        done = tuple(k for k in checkpoint.finished() if k in numbers)
        if not done:
            command = f": {kept['command']}" if kept["command"] else "."
            raise InputDataError(
                f"{out}: no number of signatures is finished yet. Repeat the extraction to go on{command}"
            )
        choice = options["reference"]
        return cls(
            out,
            catalog,
            done,
            restarts,
            options["seed"],
            {**options["penalties"], "model": DNMF(**options["model"])},
            load_reference(**choice, channels=catalog.schema) if choice else None,
            checkpoint,
            kept["input"],
            kept["command"],
            tuple(k for k in numbers if k not in done),
        )

    def estimate(self, workers: int = 1) -> RunEstimate:
        """Return how many fits are left, and their time and memory."""
        return estimate_run(
            self.catalog,
            self.n_signatures,
            n_restarts=self.n_restarts,
            workers=workers,
            checkpoint=self.checkpoint,
        )

    def extract(self, *, workers: int = 1, progress: Progress | None = None) -> ExtractionResult:
        """Compute what is missing and return the result, as :func:`dnmf.extract_signatures` does."""
        several = len(self.n_signatures) > 1
        result = extract_signatures(
            self.catalog,
            self.n_signatures if several else self.n_signatures[0],
            n_restarts=self.n_restarts,
            workers=workers,
            checkpoint=self.checkpoint,
            reference=self.reference,
            random_state=self.random_state,
            progress=progress,
            **self.settings,
        )
        return replace(result, unfinished=self.unfinished)

    def save(self, result: ExtractionResult, *, overwrite: bool = False) -> Path:
        """Write the report into ``output`` and return its page; an earlier report of this run is replaced."""
        identity = None if self.checkpoint is None else self.checkpoint.identity
        return save_report(
            result,
            self.output,
            overwrite=overwrite or is_report_of(self.output, identity),
            input_file=self.input_file,
            identity=identity,
            command=self.command,
        )

    def _keep(self, choice: Mapping[str, Any]) -> None:
        """Store beside the finished work what `finished` needs: the catalog and the options."""
        if self.checkpoint is None:
            return
        folder = self.checkpoint.folder
        if not (folder / CATALOG).exists():
            write_catalog(self.catalog, folder / CATALOG)
        options = {
            "n_signatures": self.n_signatures,
            "restarts": self.n_restarts,
            "seed": self.random_state,
            "penalties": {name: self.settings[name] for name in ("l1_reg", "l2_reg")},
            "model": self.settings["model"].get_params(),
            "reference": dict(choice),
        }
        kept = {"job": options, "input": self.input_file, "command": self.command}
        self.checkpoint.write(OPTIONS, json.dumps(kept, indent=2, default=str) + "\n")


def is_report_of(output: Path, identity: Mapping[str, Any] | None) -> bool:
    """Whether a folder holds a report of the run with this identity: replacing it loses nothing."""
    try:
        record = json.loads((output / RUN_RECORD).read_text(encoding="utf-8"))
        return identity is not None and bool(record["selection"]["identity"] == dict(identity))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _kept(output: Path) -> tuple[MutationCatalog, dict[str, Any]]:
    folder = checkpoint_folder(output)
    if not (folder / OPTIONS).is_file() or not (folder / CATALOG).is_file():
        raise CheckpointError(
            f"{output}: there is no {folder.name} beside it with a run to report. Extractions with restarts leave one; "
            "give the output folder of `dnmf extract`."
        )
    try:
        kept = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
        source = kept["input"].get("name") or ""
        missing = {"n_signatures", "restarts", "seed"} - set(kept["job"])
        if missing:
            raise KeyError(*missing)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{folder / OPTIONS} is damaged ({error}). Repeat the command of the extraction."
        ) from error
    catalog = read_catalog(folder / CATALOG)
    return MutationCatalog(catalog.counts, source, catalog.schema), kept
