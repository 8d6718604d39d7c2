"""``dnmf simulate``."""

import math
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import dnmf
from dnmf.cli.console import (
    UserError,
    command_line,
    say,
    shown_warnings,
    stderr_console,
    user_errors,
)
from dnmf.cli.options import (
    OutputFolder,
    Overwrite,
    Quiet,
    ReferenceChoice,
    Seed,
    with_choices,
)
from dnmf.cli.paths import check_result_folder

if TYPE_CHECKING:
    import pandas as pd

_TUMOUR_TABLE = ("Cancer Types", "Sample Names")


class NoiseKind(StrEnum):
    """How counts vary around their means."""

    poisson = "poisson"
    multinomial = "multinomial"
    negative_binomial = "negative-binomial"
    none = "none"


@with_choices
def simulate(
    output: OutputFolder,
    samples: Annotated[
        int, typer.Option("--samples", min=1, metavar="N", help="Number of samples.")
    ],
    reference: ReferenceChoice,
    cohort: Annotated[
        Path | None,
        typer.Option(
            "--cohort",
            metavar="FILE",
            help="Exposures of real samples to draw from. None come with dnmf.",
            show_default="3 to 6 signatures at random",
        ),
    ] = None,
    tumour_type: Annotated[
        str | None,
        typer.Option(
            "--tumour-type",
            "--type",
            metavar="TYPE",
            help="Only this tumour type, if FILE has a column Cancer Types.",
        ),
    ] = None,
    mutations: Annotated[
        str,
        typer.Option("--mutations", metavar="LOW:HIGH", help="Mutations per sample, log-uniform."),
    ] = "100:50000",
    noise: Annotated[NoiseKind, typer.Option("--noise", help="Of the counts.")] = NoiseKind.poisson,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Draw a catalog with known exposures."""
    with user_errors(output), shown_warnings(stderr_console()):
        options = {
            "output": output,
            "samples": samples,
            "cohort": cohort,
            "tumour_type": tumour_type,
            "mutations": mutations,
            "noise": noise.value,
            "seed": seed,
            **asdict(reference),
        }
        inputs = (*reference.files, *([cohort] if cohort is not None else []))
        low_high = _range(mutations)
        check_result_folder(output, overwrite=overwrite, inputs=inputs)

        from dnmf.report.records import write_run

        signatures = reference.load()
        catalog, truth = dnmf.simulate_cohort(
            signatures,
            samples,
            mutations=low_high,
            exposures=_tumour_exposures(cohort, tumour_type, signatures),
            noise=noise.value,
            random_state=seed,
        )
        record = {
            "command": command_line(),
            "dnmf": dnmf.__version__,
            "parameters": {
                name: str(value) if isinstance(value, Path) else value
                for name, value in options.items()
            },
        }
        tables = {
            "catalog.tsv": partial(dnmf.write_catalog, catalog),
            "exposures.tsv": partial(dnmf.write_exposures, truth, integers=False),
            "signatures.tsv": partial(dnmf.write_signatures, signatures),
        }
        write_run(output, overwrite=overwrite, record=record, tables=tables)
        if not quiet:
            burdens = catalog.burdens
            say(
                f"{len(burdens):,} samples with {burdens.min():,.0f} to {burdens.max():,.0f} mutations: {output}"
            )


def _range(text: str) -> tuple[float, float]:
    """Return the ends of ``LOW:HIGH``, or one number twice."""
    low, _, high = text.partition(":")
    try:
        ends = float(low), float(high or low)
    except ValueError:
        ends = (math.nan, math.nan)
    if not 0 < ends[0] <= ends[1] < math.inf:
        raise UserError(
            f"--mutations {text}: expected LOW:HIGH with 0 < LOW <= HIGH, such as 100:50000, or one number."
        )
    return ends


def _tumour_exposures(
    path: Path | None, tumour_type: str | None, signatures: "dnmf.SignatureSet"
) -> "pd.DataFrame | None":
    """Return the exposures to draw from; None for evenly drawn mixtures."""
    if path is None:
        if tumour_type is not None:
            raise UserError(
                "--tumour-type needs --cohort FILE, a table with the columns Cancer Types and Sample Names."
            )
        return None
    if not (path.exists() or path.is_symlink()):
        raise UserError(
            f"--cohort {path}: no such file. The package holds no exposures of tumours: give a table of them (as "
            "`dnmf refit` writes it, or as PCAWG published it, then with --tumour-type to choose one), or leave "
            "--cohort out for evenly drawn mixtures."
        )
    from dnmf.inputs import decode, read_input, text_lines

    file = read_input(path, what="a table of exposures")
    header = next(text_lines(decode(file.content, file.path)), "")
    if not all(column in header for column in _TUMOUR_TABLE):
        if tumour_type is not None:
            raise UserError(
                f"{path} has no column Cancer Types, so --tumour-type cannot choose one."
            )
        return dnmf.read_exposures(file)

    import pandas as pd

    tumours = dnmf.refit.read_tumour_exposures(file, signatures.names)
    table = pd.DataFrame(tumours.shares, index=tumours.samples, columns=signatures.names)
    if tumour_type is None:
        return table
    if tumour_type not in tumours.type_names:
        raise UserError(
            f"{path} has no tumour type {tumour_type!r}. It has {', '.join(tumours.type_names)}."
        )
    chosen = tumours.types == tumours.type_names.index(tumour_type) + 1
    of_type: pd.DataFrame = table[chosen]
    return of_type
