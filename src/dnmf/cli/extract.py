"""``dnmf extract``, ``dnmf demo`` and ``dnmf report``."""

import os
import shlex
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dnmf.cli.checkpoints import is_of_run, keep_job, kept_job
from dnmf.cli.console import UserError, busy, shown_warnings, stderr_console, stdout_console
from dnmf.cli.options import ReferenceChoice
from dnmf.cli.paths import check_result_folder, checkpoint_folder, refuse_existing
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.signatures import (
    MutationCatalog,
    SignatureSet,
    default_reference,
    example_catalog,
    how_to_give_reference,
    read_catalog,
)

if TYPE_CHECKING:
    from rich.console import Console

    from dnmf.extraction import Checkpoint, ExtractionResult

# A run that takes longer is announced.
LONG_SECONDS = 10.0


@dataclass(frozen=True)
class ExtractionJob:
    """What to extract and where to put it; the fields are the options of ``dnmf extract``."""

    n_signatures: tuple[int, ...]
    output: Path
    restarts: int | None = None
    l1_reg: float | Literal["auto"] = 0.0
    l2_reg: float | Literal["auto"] = 0.0
    n_layers: int = 10
    max_epochs: int | None = None
    preset: str = "default"
    seed: int = 0
    reference: ReferenceChoice = field(default_factory=ReferenceChoice)


def run_extraction(
    job: ExtractionJob,
    catalog_path: Path | None,
    *,
    workers: int | None = None,
    resumable: bool = True,
    overwrite: bool,
    quiet: bool,
) -> "Outcome":
    """Extract from a file, or from the example genomes when there is none, and write everything.

    Paths and input are checked first, so that a mistake does not cost the long work.
    """
    inputs = (*job.reference.files, *([] if catalog_path is None else [catalog_path]))
    command = shlex.join(["dnmf", *sys.argv[1:]])
    errors = stderr_console()
    with shown_warnings(errors) as messages:
        with busy("Reading ...", errors, quiet=quiet):
            check_result_folder(job.output, overwrite=True, inputs=inputs)
            catalog = example_catalog() if catalog_path is None else read_catalog(catalog_path)
            reference = _reference(job, catalog)

            from dnmf.extraction.extract import check_restarts
            from dnmf.extraction.numbers import check_numbers
            from dnmf.report.records import file_record

        numbers = check_numbers(job.n_signatures, catalog)
        penalties = (job.l1_reg, job.l2_reg)
        restarts = check_restarts(job.restarts, numbers, job.preset, penalties)
        input_file = {} if catalog_path is None else file_record(catalog_path)
        checkpoint = None
        if restarts and resumable:
            from dnmf.extraction import Checkpoint, run_identity

            identity = run_identity(catalog, job.seed, restarts)
            if not overwrite and not is_of_run(job.output, identity):
                refuse_existing(job.output)
            checkpoint = Checkpoint(checkpoint_folder(job.output), identity)
            keep_job(checkpoint, job, catalog, input_file=input_file, command=command)
        elif not overwrite:
            refuse_existing(job.output)
        task = _Task(job, catalog, reference, input_file, command, checkpoint)
        cores = workers or len(os.sched_getaffinity(0))
        if restarts and not quiet:
            task.announce(errors, restarts, cores)
        return task.run(errors, messages, cores, overwrite=overwrite, quiet=quiet)


def run_report(output: Path, *, quiet: bool) -> "Outcome":
    """Write the report of what an extraction has finished so far; nothing is computed that would be kept."""
    from dnmf.extraction import Checkpoint, run_identity
    from dnmf.extraction.extract import check_restarts

    errors = stderr_console()
    check_result_folder(output, overwrite=True)
    with shown_warnings(errors) as messages:
        catalog, kept = kept_job(output)
        job = ExtractionJob(**{**kept["job"], "output": output})
        penalties = (job.l1_reg, job.l2_reg)
        restarts = check_restarts(job.restarts, job.n_signatures, job.preset, penalties)
        identity = run_identity(catalog, job.seed, restarts)
        checkpoint = Checkpoint(checkpoint_folder(output), identity)
        if not is_of_run(output, identity):
            refuse_existing(output)
        finished = [k for k in checkpoint.finished() if k in job.n_signatures]
        unfinished = tuple(k for k in job.n_signatures if k not in finished)
        if not finished:
            raise UserError(
                f"{output}: no number of signatures is finished yet. Repeat the command of the extraction to go on: "
                f"{kept['command']}"
            )
        part = replace(job, n_signatures=tuple(finished))
        reference = _reference(job, catalog)
        task = _Task(
            part, catalog, reference, kept["input"], kept["command"], checkpoint, unfinished
        )
        return task.run(errors, messages, 1, overwrite=False, quiet=quiet)


def _reference(job: ExtractionJob, catalog: MutationCatalog) -> SignatureSet | None:
    """Return the reference; None, with a warning, if none was asked for and none of the catalog's class is shipped."""
    if job.reference == ReferenceChoice() and default_reference(catalog.schema) is None:
        warnings.warn(
            f"{how_to_give_reference(catalog.schema)} The signatures are not compared with known ones.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
        return None
    return job.reference.load(catalog.schema)


@dataclass(frozen=True)
class _Task:
    """An extraction whose input has been read and checked."""

    job: ExtractionJob
    catalog: MutationCatalog
    reference: SignatureSet | None
    input_file: Mapping[str, Any]
    command: str
    checkpoint: "Checkpoint | None"
    unfinished: tuple[int, ...] = ()

    def announce(self, console: "Console", restarts: int, workers: int) -> None:
        """Say how long a long run will take, and how much memory."""
        from dnmf.cli.progress import duration
        from dnmf.extraction.run_time import estimate_run

        left = estimate_run(
            self.catalog,
            self.job.n_signatures,
            n_restarts=restarts,
            workers=workers,
            checkpoint=self.checkpoint,
        )
        if left.seconds < LONG_SECONDS:
            return
        total = len(self.job.n_signatures) * (1 + restarts)
        done = f"{total - left.fits} of {total} fits are done; " if left.fits < total else ""
        console.print(
            f"{done}{left.fits} fits to do: about {duration(left.seconds)} with {workers} "
            f"{'worker' if workers == 1 else 'workers'}, {left.bytes / 1e9:.1f} GB of memory."
        )
        if self.checkpoint is not None:
            console.print(
                "It may be interrupted at any time: the same command goes on from there. `dnmf report "
                f"{self.job.output}` in another window reports what is finished.",
                markup=False,
            )

    def run(
        self,
        console: "Console",
        messages: list[str],
        workers: int,
        *,
        overwrite: bool,
        quiet: bool,
    ) -> "Outcome":
        """Extract, and write everything."""
        from dnmf.cli.progress import TrainingProgress
        from dnmf.extraction import extract_signatures, save_report

        job = self.job
        with TrainingProgress(console, quiet=quiet) as progress:
            result = extract_signatures(
                self.catalog,
                list(job.n_signatures) if len(job.n_signatures) > 1 else job.n_signatures[0],
                n_restarts=job.restarts,
                workers=workers,
                checkpoint=self.checkpoint,
                l1_reg=job.l1_reg,
                l2_reg=job.l2_reg,
                n_layers=job.n_layers,
                max_epochs=job.max_epochs,
                preset=job.preset,
                reference=self.reference,
                random_state=job.seed,
                progress=progress,
                selection_progress=progress.fits,
            )
        # The reader's warnings belong into the record of the run, too.
        result = replace(result, warnings=list(messages), unfinished=self.unfinished)
        replaced = overwrite
        if self.checkpoint is not None:
            replaced = overwrite or is_of_run(job.output, self.checkpoint.identity)
        with busy("Writing the report ...", console, quiet=quiet):
            report = save_report(
                result,
                job.output,
                overwrite=replaced,
                input_file=self.input_file,
                identity=None if self.checkpoint is None else self.checkpoint.identity,
                command=self.command,
            )
        return Outcome(result, self.reference, report)


@dataclass(frozen=True)
class Outcome:
    """What an extraction found and where its report is."""

    result: "ExtractionResult"
    reference: SignatureSet | None
    report: Path

    def show(self) -> None:
        """Print how many signatures there are, their matches, the quality of the fit and the path of the report."""
        from dnmf.cli.match import matches_table

        out = stdout_console()
        if self.result.selection is not None and len(self.result.selection.table) > 1:
            from dnmf.extraction.selection_section import clarity

            out.print(clarity(self.result), markup=False, soft_wrap=True)
        if self.result.unfinished:
            numbers = ", ".join(map(str, self.result.unfinished))
            out.print(f"Partial: not finished yet are {numbers} signatures.", soft_wrap=True)
        if self.reference is not None:
            out.print(matches_table(self.result.matches, self.reference))
        cosine = self.result.fit["cosine"].median()
        out.print(
            f"Median cosine between spectrum and reconstruction: {cosine:.4f} "
            f"({len(self.result.fit)} samples, {self.result.seconds['total']:.1f} s)",
            soft_wrap=True,
        )
        out.print(f"Report: {self.report}", markup=False, soft_wrap=True)
