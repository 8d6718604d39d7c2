"""What a run with restarts leaves behind beside the tables of every extraction."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dnmf.extraction.choice import RULE
from dnmf.extraction.record import ExtractionRecord
from dnmf.extraction.tables import solution
from dnmf.report.records import write_table
from dnmf.signatures import write_exposures, write_signatures


def selection_files(result: ExtractionRecord) -> dict[str, Callable[[Path], object]]:
    """Return what writes the choice, every solution, intervals and verdicts, by file; nothing without restarts."""
    if result.selection is None:
        return {}
    assert result.verdicts is not None
    assert result.exposure_lower is not None
    assert result.exposure_upper is not None
    # Whole mutations, rounded outwards: the intervals contain the rounded exposures, too.
    lower, upper = result.exposure_lower.map(np.floor), result.exposure_upper.map(np.ceil)
    files: dict[str, Callable[[Path], object]] = {
        "selection.tsv": partial(write_table, result.selection.table, missing="nan"),
        "solutions": partial(_write_solutions, result),
        "signature_intervals.tsv": partial(_write_signature_intervals, result),
        "exposure_lower.tsv": partial(write_exposures, lower, integers=False),
        "exposure_upper.tsv": partial(write_exposures, upper, integers=False),
        "verdicts.tsv": partial(write_table, result.verdicts, missing="nan"),
    }
    if result.penalties:
        curves = {name: choice.curve for name, choice in result.penalties.items()}
        table = pd.concat(curves, names=["penalty", "value"])
        files["penalties.tsv"] = partial(write_table, table, missing="nan")
    return files


def selection_record(
    result: ExtractionRecord, identity: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return the choice of the number of signatures and of penalties, as JSON-able values; None without restarts."""
    if result.selection is None:
        return None
    choice = result.selection.choice
    return {
        "chosen": choice.n_signatures,
        "as_good": list(choice.tied),
        "at_end": choice.at_boundary or None,
        "stable": choice.stable,
        "identity": None if identity is None else dict(identity),
        "rule": RULE if len(result.selection.table) > 1 else "given",
        "tried": [int(k) for k in result.selection.table.index],
        "unfinished": list(result.unfinished),
        "restarts": result.parameters["n_restarts"],
        "seed": result.parameters["random_state"],
        "noise_dispersion": result.selection.noise.dispersion,
        "penalties": {
            name: {"chosen": choice.value, "tried": [float(v) for v in choice.curve.index]}
            for name, choice in result.penalties.items()
        },
    }


def _write_solutions(result: ExtractionRecord, folder: Path) -> None:
    assert result.selection is not None
    for k in result.selection.candidates:
        place = folder / f"k{k:03d}"
        place.mkdir(parents=True)
        signatures, exposures = solution(result.catalog, result.selection, k)
        write_signatures(signatures, place / "signatures.tsv")
        write_exposures(exposures, place / "exposures.tsv")


def _write_signature_intervals(result: ExtractionRecord, path: Path) -> None:
    assert result.signature_lower is not None
    assert result.signature_upper is not None
    profiles = result.signatures.profiles
    table = pd.DataFrame(
        {
            "Signature": np.repeat(profiles.index, profiles.shape[1]),
            "MutationType": np.tile(profiles.columns, profiles.shape[0]),
            "Probability": profiles.to_numpy().ravel(),
            "5th percentile": result.signature_lower.to_numpy().ravel(),
            "95th percentile": result.signature_upper.to_numpy().ravel(),
        }
    )
    write_table(table, path, index=False)
