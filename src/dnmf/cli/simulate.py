"""``dnmf simulate``."""

import math
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import pandas as pd

from dnmf import __version__
from dnmf.cli.console import UserError, shown_warnings, stderr_console, stdout_console
from dnmf.cli.options import ReferenceChoice
from dnmf.cli.paths import check_result_folder
from dnmf.signatures import (
    SignatureSet,
    read_exposures,
    simulate_cohort,
    write_catalog,
    write_exposures,
    write_signatures,
)
from dnmf.signatures.simulate import Noise

_TUMOUR_TABLE = ("Cancer Types", "Sample Names")


@dataclass(frozen=True)
class SimulationJob:
    """What to simulate and where to put it; the fields are the options of ``dnmf simulate``."""

    output: Path
    samples: int
    reference: ReferenceChoice = field(default_factory=ReferenceChoice)
    cohort: Path | None = None
    type: str | None = None
    mutations: str = "100:50000"
    noise: str = "poisson"
    seed: int = 0


def run_simulation(job: SimulationJob, *, overwrite: bool, quiet: bool) -> None:
    """Draw a catalog with known exposures and write all three tables and a record, or nothing."""
    inputs = (*job.reference.files, *([job.cohort] if job.cohort is not None else []))
    low, high = _range(job.mutations)
    with shown_warnings(stderr_console()):
        check_result_folder(job.output, overwrite=overwrite, inputs=inputs)
        signatures = job.reference.load()
        exposures = _cohort_exposures(job, signatures)
        catalog, truth = simulate_cohort(
            signatures,
            job.samples,
            mutations=(low, high),
            exposures=exposures,
            noise=cast("Noise", job.noise),
            random_state=job.seed,
        )

        from dnmf.report.records import write_run

        record = {
            "command": shlex.join(["dnmf", *sys.argv[1:]]),
            "dnmf": __version__,
            "parameters": {
                name: _plain(value) for name, value in (asdict(job) | asdict(job.reference)).items()
            },
        }
        tables: dict[str, Callable[[Path], object]] = {
            "catalog.tsv": partial(write_catalog, catalog),
            "exposures.tsv": partial(write_exposures, truth, integers=False),
            "signatures.tsv": partial(write_signatures, signatures),
        }
        write_run(job.output, overwrite=overwrite, record=record, tables=tables)
    if not quiet:
        burdens = catalog.burdens
        stdout_console().print(
            f"{len(burdens):,} samples with {burdens.min():,.0f} to {burdens.max():,.0f} mutations: {job.output}",
            markup=False,
            soft_wrap=True,
        )


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


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


def _cohort_exposures(job: SimulationJob, signatures: SignatureSet) -> pd.DataFrame | None:
    """Return the exposures to draw from; None for evenly drawn mixtures."""
    if job.cohort is None:
        if job.type is not None:
            raise UserError(
                "--type needs --cohort FILE, a table with the columns Cancer Types and Sample Names."
            )
        return None
    if not job.cohort.is_file():
        raise UserError(
            f"--cohort {job.cohort}: no such file. The package holds no exposures of tumours: give a table of them "
            "(as `dnmf refit` writes it, or as PCAWG published it, then with --type to choose a tumour type), or leave "
            "--cohort out for evenly drawn mixtures."
        )
    with job.cohort.open("rb") as file:
        header = file.readline().decode("utf-8", errors="replace")
    if not all(column in header for column in _TUMOUR_TABLE):
        if job.type is not None:
            raise UserError(
                f"{job.cohort} has no column Cancer Types, so --type cannot choose one."
            )
        return read_exposures(job.cohort)

    from dnmf.refit import read_tumour_exposures

    tumours = read_tumour_exposures(job.cohort, signatures.names)
    table = pd.DataFrame(tumours.shares, index=tumours.samples, columns=signatures.names)
    if job.type is None:
        return table
    if job.type not in tumours.cohort_names:
        raise UserError(
            f"{job.cohort} has no tumour type {job.type!r}. It has {', '.join(tumours.cohort_names)}."
        )
    own: pd.DataFrame = table.loc[tumours.cohorts == tumours.cohort_names.index(job.type) + 1]
    return own
