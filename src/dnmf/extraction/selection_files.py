"""What a run with restarts leaves behind beside the tables of every extraction."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dnmf.extraction.choice import RULE
from dnmf.signatures import write_exposures, write_signatures

if TYPE_CHECKING:
    from dnmf.extraction.result import ExtractionResult


def write_selection_files(result: "ExtractionResult", folder: Path) -> None:
    """Write the choice, every solution, intervals and verdicts; nothing for an extraction without restarts."""
    if result.selection is None:
        return
    _write(result.selection.table, folder / "selection.tsv")
    for k in result.selection.candidates:
        place = folder / "solutions" / f"k{k:03d}"
        place.mkdir(parents=True)
        signatures, exposures = result.solution(k)
        write_signatures(signatures, place / "signatures.tsv")
        write_exposures(exposures, place / "exposures.tsv")
    _write_intervals(result, folder)
    assert result.verdicts is not None
    _write(result.verdicts, folder / "verdicts.tsv")
    if result.penalties:
        curves = {name: choice.curve for name, choice in result.penalties.items()}
        _write(pd.concat(curves, names=["penalty", "value"]), folder / "penalties.tsv")


def selection_record(
    result: "ExtractionResult", identity: Mapping[str, Any] | None
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


def _write(table: pd.DataFrame, path: Path, *, index: bool = True) -> None:
    table.to_csv(
        path, sep="\t", index=index, float_format="%.6g", lineterminator="\n", na_rep="nan"
    )


def _write_intervals(result: "ExtractionResult", folder: Path) -> None:
    assert result.signature_lower is not None
    assert result.signature_upper is not None
    assert result.exposure_lower is not None
    assert result.exposure_upper is not None
    profiles = result.signatures.profiles
    intervals = pd.DataFrame(
        {
            "Signature": np.repeat(profiles.index, profiles.shape[1]),
            "MutationType": np.tile(profiles.columns, profiles.shape[0]),
            "Probability": profiles.to_numpy().ravel(),
            "5th percentile": result.signature_lower.to_numpy().ravel(),
            "95th percentile": result.signature_upper.to_numpy().ravel(),
        }
    )
    _write(intervals, folder / "signature_intervals.tsv", index=False)
    # Whole mutations, rounded outwards: the intervals contain the rounded exposures, too.
    lower, upper = result.exposure_lower.map(np.floor), result.exposure_upper.map(np.ceil)
    write_exposures(lower, folder / "exposure_lower.tsv", integers=False)
    write_exposures(upper, folder / "exposure_upper.tsv", integers=False)
