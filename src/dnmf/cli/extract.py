"""``dnmf extract``."""

from dnmf.cli.blind import BlindChoice, announce, carry_out, started
from dnmf.cli.cluster import NWorkers, Scheduler, connected
from dnmf.cli.console import UserError, busy, shown_warnings, stderr_console, user_errors
from dnmf.cli.guided import guided
from dnmf.cli.inputs import read_mutations
from dnmf.cli.options import (
    Inputs,
    OutputFolder,
    Overwrite,
    Quiet,
    ReferenceChoice,
    Seed,
    VariantChoice,
    with_choices,
)
from dnmf.cli.paths import check_result_folder
from dnmf.report.folder import checkpoint_folder


@with_choices
def extract(
    inputs: Inputs,
    output: OutputFolder,
    reference: ReferenceChoice,
    variants: VariantChoice,
    blind: BlindChoice,
    workers: NWorkers = None,
    scheduler: Scheduler = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find known and novel signatures; write tables and report.

    With -k as many as are given.
    """
    errors = stderr_console()
    files = (*inputs, *reference.files)
    if blind.n_signatures is None:
        with user_errors(output), shown_warnings(errors) as messages:
            _check_guided(reference, blind)
            check_result_folder(output, overwrite=overwrite, inputs=files)
            mutations = read_mutations(inputs, reference, variants, errors, quiet=quiet)
            with connected(scheduler, workers) as computing:
                guided(
                    mutations, output, errors, messages, computing,
                    seed=seed, overwrite=overwrite, quiet=quiet,
                )  # fmt: skip
        return
    with user_errors(output, checkpoint_folder(output)), shown_warnings(errors) as messages:
        # Whether an earlier report may be replaced is known once the catalog has been read.
        check_result_folder(output, overwrite=True, inputs=files)
        mutations = read_mutations(inputs, reference, variants, errors, quiet=quiet)
        with busy("Reading ...", errors, quiet=quiet):
            run = started(mutations, output, blind, seed=seed, overwrite=overwrite)
        with connected(scheduler, workers) as computing:
            if run.checkpoint is not None and not quiet:
                announce(run, errors, computing["workers"])
            carry_out(run, errors, messages, mutations, computing, overwrite=overwrite, quiet=quiet)


def _check_guided(reference: ReferenceChoice, blind: BlindChoice) -> None:
    """Raise unless the options are those of an extraction that a reference guides."""
    if blind.given:
        option = blind.given[0]
        raise UserError(
            f"{option} is an option of extraction with a number of signatures: give -k, too, such as -k 2:15, or "
            f"leave {option} out."
        )
    if reference.is_none:
        raise UserError(
            "--reference none: without -k the reference guides the extraction. Give one, such as --reference "
            "cosmic-v3.4, or the number of signatures, such as -k 2:15."
        )
