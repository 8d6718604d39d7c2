"""Errors of a refit network on simulated samples of tumours that no training saw: the published protocol."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dnmf.inputs import InputFile
from dnmf.refit.card import RefitCard
from dnmf.refit.estimate import RefitEstimate, estimate_exposures
from dnmf.refit.network import RefitNetwork
from dnmf.refit.training import drop_small
from dnmf.refit.tumours import TumourExposures, read_tumour_exposures
from dnmf.signatures.simulate import draw_counts

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

MEASURED_COUNTS, SAMPLES_PER_TYPE = (100, 2_000, 50_000), 100


def draw_test_shares(
    tumours: TumourExposures, types: Sequence[str], n_per_type: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the shares of tumours of the part "test", drawn with replacement, and the index of their type.

    ``n_per_type`` samples of each type, in a row; types without a test tumour are left out.
    """
    test = tumours.part("test")
    shares, labels = [], []
    for name in types:
        index = tumours.type_names.index(name) + 1 if name in tumours.type_names else 0
        rows = np.flatnonzero(test & (tumours.types == index))
        if len(rows):
            shares.append(tumours.shares[rng.choice(rows, n_per_type)].astype(np.float64))
            labels.append(index)
    return np.concatenate(shares), np.repeat(labels, n_per_type)


def fitting_error(shares: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half the absolute difference of the shares of each sample."""
    error: NDArray[np.float64] = 0.5 * np.abs(shares - truth).sum(axis=1)
    return error


def measure(network: RefitNetwork, card: RefitCard, exposures: str | Path | InputFile) -> RefitCard:
    """Return the card with the errors measured on the test tumours, by number of mutations.

    The eight tumour types of the published comparison where the exposures have them, else all that are there.
    """
    tumours = read_tumour_exposures(exposures, card.signatures)
    wanted = [name for name in TEST_TYPES if name in tumours.type_names]
    types = wanted or tumours.type_names
    if not tumours.part("test").any():
        return card
    threshold, measured = card.presence_threshold, {}
    for count in MEASURED_COUNTS:
        rng = np.random.default_rng([0, count])
        shares, type_index = draw_test_shares(tumours, types, SAMPLES_PER_TYPE, rng)
        truth = drop_small(torch.tensor(shares), torch.full((len(shares),), float(count))).numpy()
        X = draw_counts(count * truth @ network.W.double().numpy(), "multinomial", rng)
        measured[str(count)] = {
            label: _scores(
                estimate_exposures(network, X, given, presence_threshold=threshold),
                truth,
                threshold,
            )
            for label, given in (("pan-cancer", 0), ("cohort", torch.tensor(type_index)))
        }
    return replace(card, measured={"tumour_types": types, "by_mutations": measured})


def _scores(found: RefitEstimate, truth: NDArray[np.float64], threshold: float) -> dict[str, float]:
    called, present = found.presence > threshold, truth > 0
    f1 = [
        2 * (called[rows] & present[rows]).sum() / (called[rows].sum() + present[rows].sum())
        for rows in np.arange(len(truth)).reshape(-1, SAMPLES_PER_TYPE)
    ]
    return {
        "fitting_error": round(float(fitting_error(found.shares, truth).mean()), 5),
        "presence_f1": round(float(np.mean(f1)), 4),
    }
