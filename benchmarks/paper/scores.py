"""Figures of merit that all benchmarks share."""

import math

import numpy as np
from scipy.optimize import linear_sum_assignment


def sample_costs(X: np.ndarray, exposures: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    """Half the squared error of every sample: the paper's cost before it is averaged."""
    costs: np.ndarray = 0.5 * np.square(X - exposures @ signatures).sum(axis=1)
    return costs


def penalty_costs(exposures: np.ndarray, penalty: float) -> np.ndarray:
    """Return what both penalties of the paper, lambda_1 = lambda_2, add to the cost of every sample."""
    costs: np.ndarray = penalty * (exposures + 0.5 * np.square(exposures)).sum(axis=1)
    return costs


def exposure_errors(exposures: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Squared error of every sample's exposures, summed over components: the paper's supervised score."""
    errors: np.ndarray = np.square(exposures - truth).sum(axis=1)
    return errors


def summarise(costs: np.ndarray) -> dict[str, float]:
    """Mean, median, and mean without the worst 1 % of samples: one hypermutated sample can rule the first.

    Examples
    --------
    >>> summarise(np.array([1.0, 2.0, 300.0]))
    {'mean': 101.0, 'median': 2.0, 'trimmed': 1.5}
    """
    kept = np.sort(costs)[: len(costs) - math.ceil(0.01 * len(costs))]
    return {
        "mean": float(costs.mean()),
        "median": float(np.median(costs)),
        "trimmed": float(kept.mean()),
    }


def found(signatures: np.ndarray, truth: np.ndarray) -> dict[str, int]:
    """Count the true signatures that have a partner of their own at three cosines."""
    a, b = (m / np.linalg.norm(m, axis=1, keepdims=True).clip(1e-300) for m in (truth, signatures))
    cosines = a @ b.T
    best = cosines[linear_sum_assignment(-cosines)]
    return {f"found_{int(100 * c)}": int((best >= c).sum()) for c in (0.9, 0.95, 0.99)}
