"""Measuring a refit on tumours that no training saw: the published protocol, by number of mutations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnmf.refit.tumours import TumourExposures

TEST_COHORTS = (
    "Liver-HCC",
    "Stomach-AdenoCA",
    "Head-SCC",
    "ColoRect-AdenoCA",
    "Lung-AdenoCA",
    "Skin-Melanoma",
    "Lymph-BNHL",
    "CNS-GBM",
)
"""The eight tumour types of Medo et al. 2024."""

PRESENT_MUTATIONS = 10
DISPERSION = 10.0
"""Size of the negative binomial noise: the variance of a count of mean m is m + m^2 / 10."""


@dataclass(frozen=True)
class TestSet:
    """Simulated samples with known shares; 100 in a row are of one tumour type."""

    __test__ = False  # not a test case, whatever pytest thinks of its name

    counts: NDArray[np.float64]
    shares: NDArray[np.float64]
    cohorts: NDArray[np.int64]
    size: int


def draw_test_set(
    exposures: TumourExposures,
    profiles: NDArray[np.float64],
    mutations: int,
    *,
    noise: str = "multinomial",
    drop_small: bool = True,
    size: int = 100,
    cohorts: Sequence[str] = TEST_COHORTS,
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
        ``"multinomial"`` or ``"negative-binomial"``.
    drop_small : bool
        Contributions below ten mutations are dropped before the sample is drawn, as the published comparison does.
    """
    rng = np.random.default_rng([seed, mutations])
    test = exposures.part("test")
    shares, labels = [], []
    for name in cohorts:
        if name not in exposures.cohort_names:
            continue
        index = exposures.cohort_names.index(name) + 1
        rows = np.flatnonzero(test & (exposures.cohorts == index))
        if len(rows):
            shares.append(exposures.shares[rng.choice(rows, size)].astype(np.float64))
            labels.append(np.full(size, index))
    truth = np.concatenate(shares)
    if drop_small:
        truth = drop_below(truth, mutations)
    truth /= truth.sum(axis=1, keepdims=True)
    return TestSet(
        draw_counts(truth, profiles, mutations, noise, rng), truth, np.concatenate(labels), size
    )


def drop_below(shares: NDArray[np.float64], mutations: int) -> NDArray[np.float64]:
    """Drop contributions below ten mutations, except a sample's largest; rows sum to 1."""
    kept = (shares * mutations >= PRESENT_MUTATIONS) | (shares >= shares.max(axis=1, keepdims=True))
    dropped = shares * kept
    scaled: NDArray[np.float64] = dropped / dropped.sum(axis=1, keepdims=True)
    return scaled


def draw_counts(
    shares: NDArray[np.float64],
    profiles: NDArray[np.float64],
    mutations: int,
    noise: str,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw counts of samples with these shares."""
    expected = shares @ profiles
    expected /= expected.sum(axis=1, keepdims=True)
    if noise == "multinomial":
        return rng.multinomial(mutations, expected).astype(np.float64)
    factor = rng.gamma(DISPERSION, 1 / DISPERSION, size=expected.shape)
    return rng.poisson(mutations * expected * factor).astype(np.float64)


def fitting_error(weights: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the absolute difference of the shares, one number a sample."""
    error: NDArray[np.float64] = 0.5 * np.abs(weights - truth).sum(axis=1)
    return error


def presence_scores(
    called: NDArray[np.bool_], present: NDArray[np.bool_], size: int
) -> dict[str, float]:
    """Precision, sensitivity and F1 of calls, over the samples of each type, mean over types."""
    scores: dict[str, list[float]] = {"precision": [], "sensitivity": [], "f1": []}
    for start in range(0, len(called), size):
        ours, true = called[start : start + size], present[start : start + size]
        hits = float((ours & true).sum())
        scores["precision"].append(hits / max(ours.sum(), 1))
        scores["sensitivity"].append(hits / max(true.sum(), 1))
        scores["f1"].append(2 * hits / max(ours.sum() + true.sum(), 1))
    return {name: float(np.mean(values)) for name, values in scores.items()}


def coverage_scores(
    truth: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    called: NDArray[np.bool_],
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
