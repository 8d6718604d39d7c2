"""The tables and the record of a run, as files."""

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dnmf import __version__

if TYPE_CHECKING:
    import pandas as pd

    from dnmf.signatures import MutationCatalog

# The names SigProfiler gives to these columns; its "%" columns are 100 times a fraction.
_FIT_COLUMNS = {
    "mutations": "Total Mutations",
    "cosine": "Cosine Similarity",
    "relative_l1": "L1_Norm_%",
    "relative_l2": "L2_Norm_%",
    "kl_divergence": "KL Divergence",
}


class RunResult(Protocol):
    """What the result of an extraction and of a refit have in common."""

    @property
    def catalog(self) -> "MutationCatalog":
        """The input."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments, as JSON-able values."""

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time per part."""

    @property
    def versions(self) -> dict[str, str]:
        """Version of every package that can change a number."""

    @property
    def warnings(self) -> list[str]:
        """Each distinct warning once."""


def write_fit(fit: "pd.DataFrame", path: Path) -> None:
    """Write how well each sample is explained, under SigProfiler's column names."""
    table = fit[list(_FIT_COLUMNS)].copy()
    table[["relative_l1", "relative_l2"]] *= 100
    table["mutations"] = [int(n) if float(n).is_integer() else n for n in table["mutations"]]
    table = table.rename(columns=_FIT_COLUMNS).rename_axis("Sample Names")
    table.to_csv(path, sep="\t", float_format="%.6g", lineterminator="\n")


def write_matches(matches: "pd.DataFrame", path: Path) -> None:
    """Write the best and second reference of each signature; without a reference, only the header."""
    matches.to_csv(path, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def run_record(
    result: "RunResult",
    *,
    input_file: Mapping[str, Any] | None,
    command: str | None,
) -> dict[str, Any]:
    """Return everything needed to repeat a run and to tell whether it was the same, as JSON-able values."""
    return {
        "command": command,
        "dnmf": __version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": _input_record(result, input_file),
        "parameters": result.parameters,
        "seconds": {part: round(value, 3) for part, value in result.seconds.items()},
        "seed": result.parameters.get("random_state"),
        "versions": result.versions,
        "warnings": result.warnings,
    }


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write a record as JSON with sorted keys."""
    text = json.dumps(record, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def file_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return name, size and SHA-256 of a file."""
    file_path = Path(path)
    with file_path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": file_path.name, "bytes": file_path.stat().st_size, "sha256": digest}


def _input_record(result: "RunResult", input_file: Mapping[str, Any] | None) -> dict[str, Any]:
    counts = result.catalog.counts
    record: dict[str, Any] = {
        "name": result.catalog.source or None,
        "sha256": None,
        "bytes": None,
        "samples": counts.shape[0],
        "channels": counts.shape[1],
        "mutations": float(counts.to_numpy().sum()),
    }
    return record | dict(input_file or {})
