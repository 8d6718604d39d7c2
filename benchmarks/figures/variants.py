"""`docs/explanation/variants_measured.md`: the speed of counting variants."""

import pandas as pd

from figures.form import digits, fixed, markdown, only, results
from figures.pages import Says

CONSTANTS = "3.1; 1,000,000"
PEER = "SigProfilerMatrixGenerator"


def row(program: str, genome: str) -> pd.Series:
    """Return what counting a million variants took."""
    return only(results("variants_speed"), program=program, genome=genome, variants=1_000_000).iloc[
        0
    ]


def speed() -> str:
    lines = []
    for label, program, genome in (
        ("`count_variants`, 2bit", "dnmf", "2bit"),
        ("`count_variants`, FASTA with `.fai`", "dnmf", "fa"),
        (f"{PEER} 1.4.0, the VCF unpacked", PEER, "its own"),
    ):
        found = row(program, genome)
        rate = round(found["variants"] / found["core"], -3)
        lines.append(
            [label, digits(found["core"], 2), fixed(rate, 0), f"{found['megabytes']:,.0f} MB"]
        )
    return markdown(["", "seconds", "rows a second", "peak memory"], lines)


def says() -> list[Says]:
    return []
