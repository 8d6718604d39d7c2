"""What every measurement of extraction on realistic cohorts shares: the cohorts, what may guide a choice and what only
tests, the noise, what is taken out of the reference, and the scores."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dnmf import read_signatures
from dnmf.refit.tumours import SAMPLE, TUMOUR_TYPE

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Noise = Literal["poisson", "nb", "perturbed", "other"]
Removed = Literal["none", "one", "half"]
Part = Literal["choice", "test"]

CHOICE: dict[str, tuple[str, ...]] = {
    "HeadCervix": ("Head-SCC", "Cervix-AdenoCA", "Cervix-SCC"),
    "BNHL": ("Lymph-BNHL",),
    "Stomach": ("Stomach-AdenoCA",),
    "ColoRect": ("ColoRect-AdenoCA",),
    "Ovary": ("Ovary-AdenoCA",),
    "Melanoma": ("Skin-Melanoma",),
    "Pancreas": ("Panc-AdenoCA",),
    "Breast": ("Breast-AdenoCA", "Breast-DCIS", "Breast-LobularCA"),
}
"""Cohorts on which methods and their settings are chosen, and the tumour types that each holds."""

TEST: dict[str, tuple[str, ...]] = {
    "Oesophagus": ("Eso-AdenoCA",),
    "Lung": ("Lung-AdenoCA", "Lung-SCC"),
    "PancEndocrine": ("Panc-Endocrine",),
    "Kidney": ("Kidney-RCC",),
    "Prostate": ("Prost-AdenoCA",),
    "Liver": ("Liver-HCC",),
    "Medulloblastoma": ("CNS-Medullo",),
    "Uterus": ("Uterus-AdenoCA",),
    "CLL": ("Lymph-CLL",),
    "Myeloid": ("Myeloid-AML", "Myeloid-MDS", "Myeloid-MPN"),
    "BiliaryBladder": ("Biliary-AdenoCA", "Bladder-TCC"),
    "Bone": ("Bone-Benign", "Bone-Epith", "Bone-Osteosarc"),
    "SoftTissueChRCC": ("SoftTissue-Leiomyo", "SoftTissue-Liposarc", "Kidney-ChRCC"),
    "ThyroidGlioma": ("Thy-AdenoCA", "CNS-GBM", "CNS-Oligo", "CNS-PiloAstro"),
}
"""Cohorts that nothing is chosen on. Rare types are joined to reach 35 tumours and, where possible, five signatures."""

NOISES: tuple[Noise, ...] = ("poisson", "nb", "perturbed", "other")
"""poisson: counts around the expectation. nb: each expectation times a gamma variable of mean 1 first. perturbed: the
profiles of the data differ from the reference. other: counts as in poisson, the reference is of another version."""

ACCURACY = "Accuracy"
LEAST_ACCURACY = 0.8
"""Cosine of a tumour's published reconstruction below which it takes part in no cohort."""
FREQUENT = 3
"""In how many tumours a signature must be for an extraction to be expected to find it."""
MATCH, CLOSE_MATCH = 0.9, 0.95
"""Cosine from which a found signature counts as a true one, and the stricter one also reported."""
GAMMA_SHAPE = 100.0
"""Shape of the gamma variable of the noise "nb": relative standard deviation of an expectation 0.1."""
PERTURBATION = 0.3
"""Standard deviation of the logarithm of each channel's factor in the noise "perturbed"."""


@dataclass(frozen=True)
class Cohort:
    """Counts with known truth, and the reference that a guided method is given.

    ``n`` tumours, ``f`` channels, ``k`` signatures of the version that the data are made of, ``r`` of the reference.
    """

    name: str
    noise: Noise
    removed: Removed
    seed: int
    counts: Array
    """(n, f)"""
    exposures: Array
    """(n, k), in expected mutations"""
    profiles: Array
    """(k, f), those of the data: perturbed ones where the noise says so"""
    names: list[str]
    """(k,)"""
    reference: Array
    """(r, f)"""
    reference_names: list[str]
    """(r,)"""
    taken_out: Mask
    """(k,) signatures that the reference lacks on purpose"""
    channels: list[str] = field(repr=False)

    @property
    def frequent(self) -> Mask:
        """Signatures (k,) that an extraction is expected to find."""
        mask: Mask = (self.exposures > 0).sum(axis=0) >= FREQUENT
        return mask

    @property
    def present(self) -> Mask:
        """Signatures (k,) that any tumour has."""
        mask: Mask = (self.exposures > 0).any(axis=0)
        return mask


@dataclass(frozen=True)
class Found:
    """What a method finds: its own signatures (m, f) and, if guided, which of the reference (r,) it calls present."""

    novel: Array
    known: Mask | None = None

    def profiles(self, reference: Array) -> Array:
        """Return all profiles (., f): the known ones from the reference, then the method's own."""
        if self.known is None:
            return self.novel
        return np.vstack([reference[self.known], self.novel])


def cohorts_of(part: Part) -> dict[str, tuple[str, ...]]:
    """Return the cohorts of a part, and the tumour types of each."""
    return CHOICE if part == "choice" else TEST


def draw_cohort(
    data: Path, name: str, noise: Noise = "poisson", seed: int = 0, removed: Removed = "none"
) -> Cohort:
    """Return one draw of a cohort.

    Counts depend on name, noise and seed alone, whatever is removed from the reference. Removed are signatures of at
    least ``FREQUENT`` tumours: "one", another for each seed as long as there are any; "half", half of them, rounded
    down, drawn for each seed.

    Parameters
    ----------
    data : Path
        Folder with ``pcawg_sbs_exposures.csv`` and ``cosmic/``.
    """
    table = pd.read_csv(data / "pcawg_sbs_exposures.csv").set_index(SAMPLE)
    rows = table[TUMOUR_TYPE].isin((CHOICE | TEST)[name]) & (table[ACCURACY] >= LEAST_ACCURACY)
    version = read_signatures(data / "cosmic" / "COSMIC_v3_SBS_GRCh38.txt")
    # Profiles of two signatures that no tumour has are part of the reference, but not of the table.
    exposures = table[rows].reindex(columns=version.names, fill_value=0).to_numpy(float)
    profiles = version.profiles.to_numpy()
    identity = zlib.crc32(name.encode())
    rng = np.random.default_rng([identity, NOISES.index(noise), seed])
    if noise == "perturbed":
        profiles = profiles * np.exp(PERTURBATION * rng.standard_normal(profiles.shape))
        profiles /= profiles.sum(axis=1, keepdims=True)
    expected = exposures @ profiles
    if noise == "nb":
        expected = expected * rng.gamma(GAMMA_SHAPE, 1 / GAMMA_SHAPE, expected.shape)
    given = version
    if noise == "other":
        given = read_signatures(data / "cosmic" / "COSMIC_v3.6_SBS_GRCh38.txt")
    taken_out = _taken_out(exposures, removed, identity, seed)
    lacking = set(np.array(version.names)[taken_out])
    if lacking and noise == "other":
        raise ValueError("taking signatures out of another version is not defined: names differ")
    left = [name not in lacking for name in given.names]
    return Cohort(
        name=name,
        noise=noise,
        removed=removed,
        seed=seed,
        counts=rng.poisson(expected).astype(np.float64),
        exposures=exposures,
        profiles=profiles,
        names=version.names,
        reference=given.profiles.to_numpy()[left],
        reference_names=[name for name, kept in zip(given.names, left, strict=True) if kept],
        taken_out=taken_out,
        channels=list(version.profiles.columns),
    )


def _taken_out(exposures: Array, removed: Removed, identity: int, seed: int) -> Mask:
    frequent = np.flatnonzero((exposures > 0).sum(axis=0) >= FREQUENT)
    if removed == "one":
        order = np.random.default_rng(identity).permutation(frequent)
        out = order[[seed % len(order)]]
    elif removed == "half":
        order = np.random.default_rng([identity, seed]).permutation(frequent)
        out = order[: len(order) // 2]
    else:
        out = frequent[:0]
    mask = np.zeros(exposures.shape[1], dtype=bool)
    mask[out] = True
    return mask


def matches(found: Array, truth: Array, cosine: float) -> Array:
    """Return the cosines (k,) of true signatures with partners of their own, 0 for those without.

    The partners maximise the sum of the cosines that are at least ``cosine``; smaller ones do not count, so that they
    take no partner from another signature.
    """
    if not len(found) or not len(truth):
        return np.zeros(len(truth))
    a, b = (m / np.linalg.norm(m, axis=1, keepdims=True).clip(1e-300) for m in (truth, found))
    cosines = a @ b.T
    cosines[cosines < cosine] = 0
    rows, columns = linear_sum_assignment(-cosines)
    best = np.zeros(len(truth))
    best[rows] = cosines[rows, columns]
    return best


def extraction_scores(found: Array, cohort: Cohort) -> dict[str, float]:
    """Return the scores of found profiles (m, f).

    TPR: share of the signatures of ``FREQUENT`` or more tumours that are found. PPV: share of what is found that any
    tumour has. Composite: PPV, TPR and the mean cosine of what counts for the PPV, summed. F1: harmonic mean of TPR
    and PPV. Explained: share of all mutations that belong to found signatures.
    """
    any_, often = cohort.present, cohort.frequent
    scores: dict[str, float] = {
        "true": int(often.sum()),
        "reported": len(found),
        "k_error": abs(len(found) - int(often.sum())),
    }
    for cosine in (MATCH, CLOSE_MATCH):
        end = f"_{round(100 * cosine)}"
        best = matches(found, cohort.profiles[any_], cosine)
        hits = int((matches(found, cohort.profiles[often], cosine) > 0).sum())
        tpr, ppv = hits / max(often.sum(), 1), int((best > 0).sum()) / max(len(found), 1)
        mean = float(best[best > 0].mean()) if best.any() else 0.0
        scores |= {
            f"found{end}": hits,
            f"tpr{end}": tpr,
            f"ppv{end}": ppv,
            f"composite{end}": ppv + tpr + mean,
            f"f1{end}": 2 * tpr * ppv / max(tpr + ppv, 1e-300),
        }
        if cosine == MATCH:
            totals = cohort.exposures.sum(axis=0)
            scores["explained"] = float(totals[any_][best > 0].sum() / totals.sum())
    return scores


def guided_scores(found: Found, cohort: Cohort) -> dict[str, float]:
    """Return the scores of names and of novel signatures.

    Recall: share of the given signatures of ``FREQUENT`` or more tumours that are called. Precision: share of those
    called that any tumour has. Both by name; by profile at cosine ``MATCH`` where the reference is of another version.
    Removed found: signatures taken out that a novel one is, at cosine ``MATCH``. False novel: the other novel ones.
    """
    if found.known is None:
        raise ValueError("a guided method says which signatures of the reference are present")
    given = ~cohort.taken_out
    expected, allowed = cohort.frequent & given, cohort.present & given
    if cohort.noise == "other":
        called = cohort.reference[found.known]
        hits = int((matches(called, cohort.profiles[expected], MATCH) > 0).sum())
        right = int((matches(called, cohort.profiles[allowed], MATCH) > 0).sum())
    else:
        names = _names(cohort.reference_names, found.known)
        hits = len(names & _names(cohort.names, expected))
        right = len(names & _names(cohort.names, allowed))
    again = int((matches(found.novel, cohort.profiles[cohort.taken_out], MATCH) > 0).sum())
    n_called = int(found.known.sum())
    return {
        "given_true": int(expected.sum()),
        "called": n_called,
        "recalled": hits,
        "called_right": right,
        "recall": hits / max(expected.sum(), 1),
        "precision": right / max(n_called, 1),
        "taken_out": int(cohort.taken_out.sum()),
        "removed_found": again,
        "false_novel": len(found.novel) - again,
    }


def _names(names: Sequence[str], mask: Mask) -> set[str]:
    return {name for name, chosen in zip(names, mask, strict=True) if chosen}


def row_of(cohort: Cohort, method: str, found: Found, **more: Any) -> dict[str, Any]:
    """Return one row of a table of results."""
    row: dict[str, Any] = {
        "part": "choice" if cohort.name in CHOICE else "test",
        "cohort": cohort.name,
        "tumours": len(cohort.counts),
        "noise": cohort.noise,
        "removed": cohort.removed,
        "seed": cohort.seed,
        "method": method,
    }
    row |= extraction_scores(found.profiles(cohort.reference), cohort)
    if found.known is not None:
        row |= guided_scores(found, cohort)
    return row | more


ROW = ("cohort", "noise", "removed", "seed", "method")
"""Columns that say which measurement a row is."""
