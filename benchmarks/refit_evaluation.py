"""Test samples and scores of the refit benchmarks: the published protocol, by number of mutations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dnmf.refit import TumourExposures
from dnmf.refit.evaluation import TEST_TYPES, draw_test_shares
from dnmf.refit.training import drop_small
from dnmf.signatures.simulate import Noise, draw_counts


@dataclass(frozen=True)
class TestSet:
    """Simulated samples with known shares; 100 in a row are of one tumour type."""

    __test__ = False  # not a test case, whatever pytest thinks of its name

    counts: NDArray[np.float64]
    shares: NDArray[np.float64]
    types: NDArray[np.int64]
    size: int


def draw_test_set(
    exposures: TumourExposures,
    profiles: NDArray[np.float64],
    mutations: int,
    *,
    noise: Noise = "multinomial",
    keep_small: bool = False,
    size: int = 100,
    types: Sequence[str] = TEST_TYPES,
    seed: int = 0,
) -> TestSet:
    """Draw ``size`` samples of each tumour type from the test tumours' exposures.

    Parameters
    ----------
    exposures : TumourExposures
        Only the part "test" is used.
    profiles : (k, f)
        The reference.
    mutations : int
        Of each sample (its expectation, for negative binomial noise).
    noise : str
        See :func:`dnmf.signatures.simulate_catalog`.
    keep_small : bool
        Keep contributions below ten mutations, which the published comparison drops before a sample is drawn.
    """
    rng = np.random.default_rng([seed, mutations])
    truth, type_index = draw_test_shares(exposures, types, size, rng)
    truth = truth if keep_small else drop_below(truth, mutations)
    truth /= truth.sum(axis=1, keepdims=True)
    return TestSet(draw_counts(mutations * truth @ profiles, noise, rng), truth, type_index, size)


def drop_below(shares: NDArray[np.float64], mutations: int) -> NDArray[np.float64]:
    """Drop contributions below ten mutations, except a sample's largest; rows sum to 1."""
    return drop_small(torch.tensor(shares), torch.full((len(shares),), float(mutations))).numpy()


def presence_scores(
    called: NDArray[np.bool_], present: NDArray[np.bool_], size: int
) -> dict[str, float]:
    """Return precision, sensitivity and F1 of calls, over the samples of each type, mean over types."""
    scores: dict[str, list[float]] = {"precision": [], "sensitivity": [], "f1": []}
    for start in range(0, len(called), size):
        rows = slice(start, start + size)
        n_called, n_present = called[rows].sum(), present[rows].sum()
        hits = float((called[rows] & present[rows]).sum())
        scores["precision"].append(hits / max(n_called, 1))
        scores["sensitivity"].append(hits / max(n_present, 1))
        scores["f1"].append(2 * hits / max(n_called + n_present, 1))
    return {name: float(np.mean(values)) for name, values in scores.items()}


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
