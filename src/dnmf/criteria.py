"""Thresholds that a user meets in tables, pages or advice: each once, with its unit and its reason."""

LOW_COSINE = 0.9
"""Cosine of a spectrum and its reconstruction below which a sample is marked as not explained.

Alexandrov et al. use the same bound."""

SHOWN_SHARE = 0.005
"""Share of a sample's mutations below which a page does not show a signature."""
