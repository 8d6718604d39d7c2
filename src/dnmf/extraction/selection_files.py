"""What a run with restarts leaves behind beside the tables of every extraction."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from dnmf.extraction.result import ExtractionResult
    from dnmf.extraction.select import Selection


def write_selection_files(result: "ExtractionResult", folder: Path) -> None:
    """Write the choice, every solution, intervals and verdicts; nothing for an extraction without restarts."""
    if result.selection is None:
        return
    _write(result.selection.table, folder / "selection.tsv")
    _write_solutions(result, result.selection, folder / "solutions")
    _write_signature_intervals(result, folder / "signature_intervals.tsv")
    _write_exposure_ends(result, folder)
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
        "as_good": list(choice.as_good),
        "at_end": choice.at_end or None,
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


RULE = (
    "the smallest stable number (mean silhouette of at least 0.8; all numbers if there is none) whose held-out "
    "log-deviance (bi-cross-validation) is within one standard error of the best stable one's"
)


def _write(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, sep="\t", float_format="%.6g", lineterminator="\n", na_rep="nan")


def _write_solutions(result: "ExtractionResult", selection: "Selection", folder: Path) -> None:
    import torch

    from dnmf.extraction.naming import named_by_share
    from dnmf.kernels.nnls import exact_exposures
    from dnmf.signatures import write_exposures, write_signatures

    folder.mkdir()
    counts = torch.tensor(result.catalog.counts.to_numpy(dtype=float))
    for k, candidate in selection.candidates.items():
        found = candidate.signatures.copy(order="C")
        exposures = exact_exposures(counts, torch.from_numpy(found)).numpy()
        signatures, frame, _ = named_by_share(found, exposures, result.catalog)
        place = folder / f"k{k:03d}"
        place.mkdir()
        write_signatures(signatures, place / "signatures.tsv")
        write_exposures(frame, place / "exposures.tsv")


def _write_signature_intervals(result: "ExtractionResult", path: Path) -> None:
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
    table.to_csv(path, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def _write_exposure_ends(result: "ExtractionResult", folder: Path) -> None:
    from dnmf.signatures import write_exposures

    assert result.exposure_lower is not None
    assert result.exposure_upper is not None
    # Whole mutations, rounded outwards: so they contain the rounded exposures, too.
    for name, ends in (
        ("exposure_lower.tsv", result.exposure_lower.map(np.floor)),
        ("exposure_upper.tsv", result.exposure_upper.map(np.ceil)),
    ):
        write_exposures(ends, folder / name, integers=False)
