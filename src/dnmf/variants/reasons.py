"""What became of the variants that were read: how many of each outcome, with an example and what to do."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pandas as pd

from dnmf.variants.outcomes import COUNTED, OUTCOMES


@dataclass(frozen=True)
class Reason:
    """An outcome that occurred: in how many variants, of all as a ``share``, and the first of them."""

    outcome: str
    rows: int
    share: float
    meaning: str
    remedy: str
    example: str

    @property
    def in_words(self) -> str:
        """All of it in one line."""
        share = f"{self.share:.1%}" if self.share >= 0.001 else "less than 0.1%"
        start = f"{self.outcome}: {self.rows:,} ({share})"
        if self.outcome == COUNTED:
            return start
        return f"{start}, {self.meaning}; the first: {self.example}. {self.remedy}".rstrip()


def reasons(variants: pd.DataFrame) -> list[Reason]:
    """Return the outcomes that occurred in ``VariantCounts.variants``, in the order of `OUTCOMES`."""
    codes = pd.Categorical(variants["outcome"], categories=list(OUTCOMES)).codes
    total = max(len(codes), 1)
    found = []
    for code, (word, outcome) in enumerate(OUTCOMES.items()):
        is_it = codes == code
        if not (rows := int(is_it.sum())):
            continue
        example = variant_in_words(variants.iloc[int(is_it.argmax())])
        found.append(Reason(word, rows, rows / total, outcome.meaning, outcome.remedy, example))
    return found


def variant_in_words(row: "pd.Series[Any]") -> str:
    """Return where a variant was read and what it is: ``a.vcf, line 12: chr1:1034 A>T``; folders are left out."""
    change = f"{row['ref'] or '-'}>{row['alt'] or '-'}"
    file = PurePath(row["file"]).name
    return f"{file}, line {row['line']}: {row['contig']}:{row['position']} {change}"
