"""Check what ``dnmf demo`` wrote: all files there, readable, and good enough."""

import json
import sys
from pathlib import Path

import pandas as pd

from dnmf import load_model, read_exposures, read_signatures

PLOTS = [
    f"plots/{name}.{kind}"
    for name in ("signatures", "exposures", "intervals", "fit")
    for kind in ("png", "svg")
]
FILES = [
    "signatures.tsv",
    "exposures.tsv",
    "intervals.tsv",
    "presence.tsv",
    "fit.tsv",
    "evidence.tsv",
    "equivalents.tsv",
    "matches.tsv",
    "signature_intervals.tsv",
    "model.safetensors",
    "model.json",
    "run.json",
]
# Of these genomes every published analysis found them.
PUBLISHED = {"SBS1", "SBS2", "SBS3", "SBS13"}


def main(folder: Path) -> None:
    """Exit with a message at the first thing that is not as promised."""
    for name in [*FILES, *PLOTS, "report.html"]:
        if not (folder / name).is_file() or (folder / name).stat().st_size == 0:
            sys.exit(f"{folder / name} is missing or empty")
    signatures = read_signatures(folder / "signatures.tsv")
    exposures = read_exposures(folder / "exposures.tsv")
    if list(exposures.columns) != signatures.names or len(exposures) != 21:
        sys.exit(f"signatures are {signatures.names}, exposures {exposures.shape}")
    evidence = pd.read_table(folder / "evidence.tsv", index_col="signature")
    known = set(evidence.index[evidence["kind"] == "known"])
    if not known >= PUBLISHED:
        sys.exit(f"of these genomes' signatures {PUBLISHED - known} were not found")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    load_model(folder)
    median = pd.read_table(folder / "fit.tsv")["Cosine Similarity"].median()
    if not median >= 0.97:
        sys.exit(f"median cosine between spectrum and reconstruction is {median:.4f}, below 0.97")
    report = (folder / "report.html").read_text(encoding="utf-8")
    absent = [
        text for text in [*signatures.names, *exposures.index, "</html>"] if text not in report
    ]
    if absent or len(report) < 50_000:
        sys.exit(f"report.html ({len(report)} characters) does not show {absent or 'any figure'}")
    sys.stdout.write(
        f"{', '.join(signatures.names)}; median cosine {median:.4f}, {len(report):,} characters of report, "
        f"{len(run)} entries in run.json\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
