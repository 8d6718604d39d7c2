"""Input that looks like germline variants: what the readers can see of it, and say."""

import re
import warnings
from collections.abc import Mapping

from dnmf.criteria import (
    KNOWN_VARIANTS_SHARE,
    MIN_ROWS_TO_JUDGE_GERMLINE,
    MOST_SOMATIC,
    NORMAL_CARRIES_SHARE,
)
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.signatures.channels import few

FIRST_BYTES = 1 << 18
"""How much of a file's rows are judged by their IDs."""

_ID = re.compile(rb"(?m)^[^#\t\r\n]+\t[0-9]+\t([^\t\r\n]*)\t")
_KNOWN_ID = re.compile(rb"rs[0-9]+")


def warn_of_known_ids(file: str, rows: bytes) -> None:
    """Warn if nearly all of the first rows of a VCF are variants that are known."""
    ids = _ID.findall(rows)
    known = sum(_KNOWN_ID.fullmatch(name) is not None for name in ids)
    if len(ids) >= MIN_ROWS_TO_JUDGE_GERMLINE and known > KNOWN_VARIANTS_SHARE * len(ids):
        _warn(f"{file}: {known:,} of the first {len(ids):,} rows have the ID of a known variant")


def warn_of_normal(file: str, sample: str, rows: int, carried: int) -> None:
    """Warn if a normal sample carries many of the variants for which it has a genotype."""
    if rows >= MIN_ROWS_TO_JUDGE_GERMLINE and carried > NORMAL_CARRIES_SHARE * rows:
        _warn(
            f"{file}: the normal sample {sample!r} carries the variant in {carried:,} of {rows:,} rows"
        )


def warn_of_burdens(burdens: Mapping[str, int]) -> None:
    """Warn of samples with more variants than tumours have."""
    large = [name for name, burden in burdens.items() if burden > MOST_SOMATIC]
    if large:
        _warn(f"more than {MOST_SOMATIC:,} variants in {few(large)}")


def _warn(seen: str) -> None:
    warnings.warn(
        f"{seen}. These look like germline variants, and signatures are of somatic ones. If so, give the calls of "
        "tumour against normal.",
        DoubtfulDataWarning,
        stacklevel=3,
    )
