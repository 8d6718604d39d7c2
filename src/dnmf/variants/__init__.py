"""Variants: files of callers, and what is counted from them."""

from dnmf.variants.classify import CLASSES
from dnmf.variants.count import Doublets, VariantCounts, count_variants
from dnmf.variants.outcomes import OUTCOMES, Outcome

__all__ = ["CLASSES", "OUTCOMES", "Doublets", "Outcome", "VariantCounts", "count_variants"]
