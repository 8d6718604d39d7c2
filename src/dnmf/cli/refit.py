"""``dnmf refit``."""

import shlex
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.table import Table

from dnmf.cli.console import busy, shown_warnings, stderr_console, stdout_console
from dnmf.cli.options import ReferenceChoice
from dnmf.cli.paths import check_result_folder
from dnmf.signatures import read_catalog

if TYPE_CHECKING:
    from dnmf.refit import RefitResult
    from dnmf.refit.result import Method

_MOST_ROWS = 12


@dataclass(frozen=True)
class RefitJob:
    """What to refit and where to put it; the fields are the options of ``dnmf refit``."""

    output: Path
    reference: ReferenceChoice = field(default_factory=ReferenceChoice)
    cohort: str | None = None
    method: str = "auto"
    model: str | None = None


def run_refit(job: RefitJob, catalog_path: Path, *, overwrite: bool, quiet: bool) -> "RefitOutcome":
    """Refit a catalog and write everything; paths and input are checked first."""
    inputs = (catalog_path, *job.reference.files, *([Path(job.model)] if job.model else []))
    errors = stderr_console()
    with shown_warnings(errors) as messages:
        with busy("Refitting ...", errors, quiet=quiet):
            check_result_folder(job.output, overwrite=overwrite, inputs=inputs)
            catalog = read_catalog(catalog_path)
            reference = job.reference.load(catalog.schema)

            from dnmf.refit import refit_exposures, save_refit_report

            result = refit_exposures(
                catalog,
                reference,
                method=cast("Method", job.method),
                cohort=job.cohort,
                model=job.model,
            )
        # The reader's warnings belong into the record of the run, too.
        result = replace(result, warnings=list(messages))
        with busy("Writing the report ...", errors, quiet=quiet):
            report = save_refit_report(
                result,
                job.output,
                overwrite=overwrite,
                input_path=catalog_path,
                command=shlex.join(["dnmf", *sys.argv[1:]]),
            )
    return RefitOutcome(result, report)


@dataclass(frozen=True)
class RefitOutcome:
    """What a refit found and where its report is."""

    result: "RefitResult"
    report: Path

    def show(self) -> None:
        """Print the largest signatures, who answered, what is unassigned, and the path of the report."""
        out, result = stdout_console(), self.result
        mutations = result.fit["mutations"]
        total = float(mutations.sum())
        shares = (result.exposures.sum(axis=0) / total).sort_values(ascending=False, kind="stable")
        table = Table(title=f"Signatures of {result.reference.source or 'the reference'}")
        table.add_column("Signature")
        table.add_column("Share of mutations", justify="right")
        table.add_column("Samples with 5 %", justify="right")
        for name, share in shares.head(_MOST_ROWS).items():
            carriers = int((result.exposures[name] > 0.05 * mutations.clip(lower=1)).sum())
            table.add_row(str(name), f"{share:.1%}", f"{carriers:,}")
        out.print(table)
        used = result.fit["method"].value_counts()
        answered = ", ".join(f"{name} {number:,}" for name, number in used.items())
        out.print(
            f"Answered by: {answered}. Unassigned: {result.unassigned.sum() / total:.1%} of the mutations "
            f"({len(result.fit):,} samples, {result.seconds['total']:.1f} s)",
            soft_wrap=True,
        )
        out.print(f"Report: {self.report}", markup=False, soft_wrap=True)
