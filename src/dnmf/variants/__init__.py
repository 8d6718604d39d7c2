"""Variants: files of callers, and what is counted from them."""

from dnmf.variants.classify import CLASSES
from dnmf.variants.count import Doublets, VariantCounts, count_variants
from dnmf.variants.outcomes import OUTCOMES, Outcome
from dnmf.variants.segment_table import holds_segments
from dnmf.variants.segments import read_segments

__all__ = [
    "CLASSES",
    "OUTCOMES",
    "Doublets",
    "Outcome",
    "VariantCounts",
    "count_variants",
    "holds_segments",
    "read_segments",
]
