"""Errors of a refit network on simulated samples of tumours that no training saw: the published protocol."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dnmf.refit.card import RefitCard
from dnmf.refit.estimate import estimate_exposures
from dnmf.refit.network import RefitNetwork
from dnmf.refit.training import drop_small
from dnmf.refit.tumours import TumourExposures, read_tumour_exposures
from dnmf.signatures.simulate import Noise, draw_counts

TEST_TYPES = (
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

MEASURED_COUNTS = (100, 2_000, 50_000)


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
    test = exposures.part("test")
    shares, labels = [], []
    for name in types:
        if name not in exposures.type_names:
            continue
        index = exposures.type_names.index(name) + 1
        rows = np.flatnonzero(test & (exposures.types == index))
        if len(rows):
            shares.append(exposures.shares[rng.choice(rows, size)].astype(np.float64))
            labels.append(np.full(size, index))
    truth = np.concatenate(shares)
    if not keep_small:
        burdens = torch.full((len(truth),), float(mutations))
        truth = drop_small(torch.tensor(truth), burdens).numpy()
    truth /= truth.sum(axis=1, keepdims=True)
    counts = draw_counts(mutations * truth @ profiles, noise, rng)
    return TestSet(counts, truth, np.concatenate(labels), size)


def fitting_error(shares: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the absolute difference of the shares, one number a sample."""
    error: NDArray[np.float64] = 0.5 * np.abs(shares - truth).sum(axis=1)
    return error


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


def measure(network: RefitNetwork, card: RefitCard, exposures: str | Path) -> RefitCard:
    """Return the card with the errors measured on the test tumours, by number of mutations.

    The eight tumour types of the published comparison where the exposures have them, else all that are there.
    """
    tumours = read_tumour_exposures(exposures, card.signatures)
    wanted = [name for name in TEST_TYPES if name in tumours.type_names]
    types = wanted or tumours.type_names
    if not tumours.part("test").any():
        return card
    measured = {
        str(count): _measure_at(network, card, tumours, types, count) for count in MEASURED_COUNTS
    }
    return replace(card, measured={"tumour_types": types, "by_mutations": measured})


def _measure_at(
    network: RefitNetwork,
    card: RefitCard,
    tumours: TumourExposures,
    types: list[str],
    count: int,
) -> dict[str, dict[str, float]]:
    test = draw_test_set(tumours, network.W.double().numpy(), count, types=types)
    result = {}
    for label, given_types in (("pan-cancer", 0), ("cohort", torch.tensor(test.types))):
        threshold = card.presence_threshold
        found = estimate_exposures(network, test.counts, given_types, presence_threshold=threshold)
        scores = presence_scores(found.presence > threshold, test.shares > 0, test.size)
        error = fitting_error(found.shares, test.shares).mean()
        result[label] = {
            "fitting_error": round(float(error), 5),
            "presence_f1": round(scores["f1"], 4),
        }
    return result
