"""``dnmf refit``."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import dnmf
from dnmf.cli.cluster import NWorkers, Scheduler, connected
from dnmf.cli.console import (
    UserError,
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

if TYPE_CHECKING:
    from dnmf.progress import Progress
    from dnmf.refit.record import Method

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
    with user_errors(output), shown_warnings(errors) as messages:
        if model is not None:
            raise UserError(f"--model {model}: {dnmf.refit.NO_MODELS}")
        for option, value in (("--tumour-type", tumour_type), ("--cohort", cohort)):
            if value is None:
                continue
            if prior is not None:
                raise UserError(f"give --prior alone: {option} is its former name.")
            errors.print(f"Warning: {option} TYPE is now called --prior TYPE.")
            prior = value
        if method is RefitMethod.auto:
            errors.print(f"Warning: {dnmf.refit.AUTO}.")
        used = cast("Method", "network" if method is RefitMethod.auto else method.value)
        files = (*inputs, *reference.files, *((Path(prior),) if prior else ()))
        check_result_folder(output, overwrite=overwrite, inputs=files)
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
                mutations, answer, _show, output, errors, messages,
                per_mutation=per_mutation, overwrite=overwrite, quiet=quiet,
            )  # fmt: skip


def _show(result: "dnmf.RefitResult", report: Path) -> None:
    """Print the signatures that are present, method and prior, what is unassigned, and the path of the report."""
    from rich.table import Table

    table = Table(title=f"Signatures of {result.reference.source or 'the reference'}")
    table.add_column("Signature")
    table.add_column("Share of mutations", justify="right")
    table.add_column("Samples", justify="right")
    for row in result.summary().head(_MAX_ROWS).itertuples():
        table.add_row(str(row.Index), f"{row.share:.1%}", f"{row.samples:,}")
    stdout_console().print(table)
    unassigned = result.unassigned.sum() / float(result.fit["mutations"].sum())
    say(f"Method: {result.parameters['method']}. Prior: {result.prior_in_words}.")
    say(
        f"Unassigned: {unassigned:.1%} of the mutations ({number_of(len(result.fit), 'sample')}, "
        f"{result.seconds['total']:.1f} s)"
    )
    say(f"Report: {report}")
