"""Coverage of a refit's intervals, for the refit benchmarks."""

import numpy as np


def coverage_scores(
    truth: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    called: np.ndarray,
) -> dict[str, float]:
    """Coverage of intervals over called pairs, truly present pairs, either, and all pairs of sample and signature."""
    slack = 1e-7
    inside = (truth >= lower - slack) & (truth <= upper + slack)
    present = truth > 0
    groups = {
        "coverage_called": called,
        "coverage_present": present,
        "coverage_either": called | present,
        "coverage_all": np.ones_like(called),
    }
    return {name: float(inside[mask].mean()) for name, mask in groups.items()}
