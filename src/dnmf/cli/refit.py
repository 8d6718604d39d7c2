"""``dnmf refit``."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import dnmf
from dnmf.cli.cluster import Computing, NWorkers, Scheduler, connected
from dnmf.cli.console import (
    UserError,
    command_line,
    number_of,
    say,
    shown_warnings,
    stderr_console,
    stdout_console,
    user_errors,
)
from dnmf.cli.inputs import answer_and_save, read_mutations
from dnmf.cli.options import (
    Inputs,
    OutputFolder,
    Overwrite,
    Quiet,
    ReferenceChoice,
    VariantChoice,
    with_choices,
)
from dnmf.cli.paths import check_result_folder
from dnmf.report.folder import checkpoint_folder

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from dnmf.progress import Progress
    from dnmf.refit.of_file import RefitOfFile
    from dnmf.refit.record import Method
    from dnmf.signatures.annotated import AnnotatedFile

_MAX_ROWS = 12


class RefitMethod(StrEnum):
    """How to refit; ``auto`` is the former name of ``network``."""

    network = "network"
    kl = "kl"
    nnls = "nnls"
    sparse = "sparse"
    auto = "auto"


@with_choices
def refit(
    inputs: Inputs,
    output: OutputFolder,
    reference: ReferenceChoice,
    variants: VariantChoice,
    prior: Annotated[
        str | None,
        typer.Option(
            "--prior",
            metavar="cohort|TYPE|FILE|none",
            help="Which exposures are expected: those of a tumour type (such as Breast-AdenoCA) or of all "
            "(pan-cancer), of a table, of these samples themselves (cohort), or none.",
            show_default="pan-cancer, for COSMIC's SBS",
        ),
    ] = None,
    method: Annotated[
        RefitMethod,
        typer.Option(
            "--method",
            metavar="network|kl|nnls|sparse",
            help="`network` answers every sample and reference; the others are classic, for comparison.",
        ),
    ] = RefitMethod.network,
    per_mutation: Annotated[
        bool,
        typer.Option(
            "--per-mutation",
            help="Of variants: write which signature of the reference most likely made each of them, with its "
            "probability given that one did; and annotate VCF files.",
        ),
    ] = False,
    workers: NWorkers = None,
    scheduler: Scheduler = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    tumour_type: Annotated[str | None, typer.Option("--tumour-type", hidden=True)] = None,
    cohort: Annotated[str | None, typer.Option("--cohort", hidden=True)] = None,
    model: Annotated[str | None, typer.Option("--model", hidden=True)] = None,
) -> None:
    """Assign known signatures; write tables and report."""
    errors = stderr_console()
    with user_errors(output, checkpoint_folder(output)), shown_warnings(errors) as messages:
        if model is not None:
            raise UserError(f"--model {model}: {dnmf.refit.NO_MODELS}")
        for option, value in (("--tumour-type", tumour_type), ("--cohort", cohort)):
            if value is None:
                continue
            if prior is not None:
                raise UserError(f"give --prior alone: {option} is its former name.")
            errors.print(f"Warning: {option} TYPE is now called --prior TYPE; {dnmf.refit.GOES}.")
            prior = value
        if method is RefitMethod.auto:
            errors.print(f"Warning: {dnmf.refit.AUTO}.")
        used = cast("Method", "network" if method is RefitMethod.auto else method.value)
        files = (*inputs, *reference.files, *((Path(prior),) if prior else ()))
        check_result_folder(output, overwrite=overwrite, inputs=files)
        if (file := _large_file(inputs)) is not None:
            if per_mutation or variants.given:
                option = "--per-mutation" if per_mutation else variants.given[0]
                raise UserError(f"{option} is for variants, but {file.path} is counted already.")
            with connected(scheduler, workers) as computing:
                _refit_file(
                    file, output, reference, used, prior, errors, computing,
                    overwrite=overwrite, quiet=quiet,
                )  # fmt: skip
            return
        mutations = read_mutations(inputs, reference, variants, errors, quiet=quiet)

        if per_mutation and mutations.counts is None:
            raise UserError(
                f"--per-mutation: {mutations.source} is counted already, and says nothing of single mutations. Give "
                "the variants (VCF, MAF) with --genome."
            )

        def answer(catalog: "dnmf.MutationCatalog", progress: "Progress") -> "dnmf.RefitResult":
            signatures = mutations.load_reference(catalog)
            expected = prior
            if mutations.several:
                filled = int((catalog.counts.sum(axis=1) > 0).sum())
                expected = dnmf.classes.class_prior(prior, signatures, filled)
            return dnmf.refit_exposures(
                catalog, signatures, method=used, prior=expected, progress=progress, **computing
            )

        with connected(scheduler, workers) as computing:
            answer_and_save(
                mutations, answer, _show_result, output, errors, messages,
                per_mutation=per_mutation, overwrite=overwrite, quiet=quiet,
            )  # fmt: skip


def _large_file(inputs: list[Path]) -> "AnnotatedFile | None":
    """Return the file that is given if it has more samples than are refitted at once."""
    from dnmf.signatures.annotated import AnnotatedFile, is_annotated

    if len(inputs) > 1 or not is_annotated(inputs[0]):
        return None
    file = AnnotatedFile.opened(inputs[0])
    return file if file.n_samples > dnmf.criteria.MOST_SAMPLES_AT_ONCE else None


def _refit_file(
    file: "AnnotatedFile",
    output: Path,
    reference: ReferenceChoice,
    method: "Method",
    prior: str | None,
    console: "Console",
    computing: Computing,
    *,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Refit a file part by part, write everything and show the result."""
    from dnmf.cli.progress import TrainingProgress
    from dnmf.refit.of_file import refit_file

    sites = dnmf.classes.known_sites(file.schema, reference.build, reference.assay)
    known = dnmf.load_reference(**asdict(reference) | sites, channels=file.schema)
    if not quiet:
        console.print(
            f"{number_of(file.n_samples, 'sample')}: {dnmf.refit.of_file.PART_SAMPLES:,} at a time. It may be "
            "interrupted at any time: the same command goes on from there."
        )
    with TrainingProgress(console, quiet=quiet) as progress:
        result = refit_file(
            file, output, known, method=method, prior=prior,
            overwrite=overwrite, command=command_line(), progress=progress, **computing,
        )  # fmt: skip
    if not quiet:
        _show(result, result.page, result.summary)


def _show_result(result: "dnmf.RefitResult", report: Path) -> None:
    _show(result, report, result.summary())


def _show(result: "dnmf.RefitResult | RefitOfFile", report: Path, summary: "pd.DataFrame") -> None:
    """Print the signatures that are present, method and prior, what is unassigned, and the path of the report."""
    from rich.table import Table

    table = Table(title=f"Signatures of {result.reference.source or 'the reference'}")
    table.add_column("Signature")
    table.add_column("Share of mutations", justify="right")
    table.add_column("Samples", justify="right")
    for row in summary.head(_MAX_ROWS).itertuples():
        table.add_row(str(row.Index), f"{row.share:.1%}", f"{row.samples:,}")
    stdout_console().print(table)
    mutations = result.fit["mutations"]
    unassigned = (result.fit["unassigned"] * mutations).sum() / mutations.sum()
    say(f"Method: {result.parameters['method']}. Prior: {result.prior_in_words}.")
    say(
        f"Unassigned: {unassigned:.1%} of the mutations ({number_of(len(result.fit), 'sample')}, "
        f"{result.seconds['total']:.1f} s)"
    )
    say(f"Report: {report}")
