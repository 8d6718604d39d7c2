"""What the scripts of this folder share besides `paper`: where results go, what they depend on, and their options."""

import argparse
import json
import os
from pathlib import Path

from paper.provenance import provenance

RESULTS = Path(__file__).parent / "results"


def record(table: Path, **more: object) -> None:
    """Write commit, versions and machine into the `.json` of the same name as a table of results."""
    text = json.dumps(provenance() | more, indent=2) + "\n"
    table.with_suffix(".json").write_text(text, "utf-8")


def parser(description: str) -> argparse.ArgumentParser:
    """Return the options that every benchmark takes."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument(
        "--data", type=Path, default=os.environ.get("DNMF_DATA"), help="folder of the input data"
    )
    options.add_argument("--results", type=Path, default=RESULTS)
    return options
