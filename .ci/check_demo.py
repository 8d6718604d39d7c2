"""Check what ``dnmf demo`` wrote: all files there, readable, and good enough."""

import json
import sys
from pathlib import Path

import pandas as pd

from dnmf import load_model, read_exposures, read_signatures

PLOTS = [
    f"plots/{name}.{kind}"
    for name in ("signatures", "exposures", "training", "fit", "intervals")
    for kind in ("png", "svg")
]
FILES = [
    "signatures.tsv",
    "exposures.tsv",
    "fit.tsv",
    "matches.tsv",
    "model.safetensors",
    "model.json",
    "run.json",
    "selection.tsv",
    "solutions/k004/signatures.tsv",
    "solutions/k004/exposures.tsv",
    "signature_intervals.tsv",
    "exposure_lower.tsv",
    "exposure_upper.tsv",
    "verdicts.tsv",
]


def main(folder: Path) -> None:
    """Exit with a message at the first thing that is not as promised."""
    for name in [*FILES, *PLOTS, "report.html"]:
        if not (folder / name).is_file() or (folder / name).stat().st_size == 0:
            sys.exit(f"{folder / name} is missing or empty")
    signatures = read_signatures(folder / "signatures.tsv")
    exposures = read_exposures(folder / "exposures.tsv")
    if len(signatures.names) != 4 or exposures.shape != (21, 4):
        sys.exit(
            f"expected 4 signatures of 21 samples, got {len(signatures.names)} and exposures "
            f"{exposures.shape}"
        )
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    load_model(folder)
    if len(pd.read_table(folder / "matches.tsv")) != 4:
        sys.exit("matches.tsv does not have one row for each of the 4 signatures")
    lower, upper = (read_exposures(folder / f"exposure_{end}.tsv") for end in ("lower", "upper"))
    if not ((lower <= exposures) & (exposures <= upper)).all(axis=None):
        sys.exit("an exposure is outside its interval")
    median = pd.read_table(folder / "fit.tsv")["Cosine Similarity"].median()
    if not median >= 0.99:
        sys.exit(f"median cosine between spectrum and reconstruction is {median:.4f}, below 0.99")
    report = (folder / "report.html").read_text(encoding="utf-8")
    absent = [
        text for text in [*signatures.names, *exposures.index, "</html>"] if text not in report
    ]
    if absent or len(report) < 50_000:
        sys.exit(f"report.html ({len(report)} characters) does not show {absent or 'any figure'}")
    sys.stdout.write(
        f"median cosine {median:.4f}, {len(report):,} characters of report, {len(run)} entries in "
        "run.json\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
