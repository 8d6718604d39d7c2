"""``dnmf demo``."""

from pathlib import Path

import dnmf
from dnmf.cli.cluster import connected
from dnmf.cli.console import shown_warnings, stderr_console, user_errors
from dnmf.cli.guided import guided
from dnmf.cli.inputs import Mutations
from dnmf.cli.options import OutputFolder, Overwrite, Quiet, ReferenceChoice, Seed
from dnmf.cli.paths import check_result_folder


def demo(
    output: OutputFolder = Path("demo-output"),
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find the signatures of 21 breast cancer genomes."""
    errors = stderr_console()
    with user_errors(output), shown_warnings(errors) as messages:
        check_result_folder(output, overwrite=overwrite)
        counts = dnmf.example_catalog()
        mutations = Mutations([counts], counts.source, several=False, reference=ReferenceChoice())
        with connected(None, None) as computing:
            guided(
                mutations, output, errors, messages, computing,
                seed=seed, overwrite=overwrite, quiet=quiet,
            )  # fmt: skip
