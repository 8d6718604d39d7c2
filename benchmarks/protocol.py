"""What the scripts of this folder share besides `paper`: where results go, and their options."""

import argparse
import os
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def parser(description: str) -> argparse.ArgumentParser:
    """Return the options that every benchmark takes."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument(
        "--data", type=Path, default=os.environ.get("DNMF_DATA"), help="folder of the input data"
    )
    options.add_argument("--results", type=Path, default=RESULTS)
    return options
