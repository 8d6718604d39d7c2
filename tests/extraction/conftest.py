"""Results to report: one from a real, short training, and any made from signatures and exposures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import DNMF
from dnmf.extraction import ExtractionResult
from dnmf.extraction.second_layer import known_and_novel
from dnmf.extraction.tables import fit_table, match_table
from dnmf.signatures import SBS96, MutationCatalog, SignatureSet

SCRIPT = "<script>alert('x')</script>"
NAMES = [SCRIPT, '"><img src=x onerror=alert(1)>', "a & b", "$x_{$ \U0001f9ec", "empty", "y" * 90]


@pytest.fixture(scope="session")
def model() -> DNMF:
    rng = np.random.default_rng(0)
    X = rng.poisson(rng.gamma(0.5, 2000.0, (30, 3)) @ rng.dirichlet(np.full(96, 0.2), 3))
    return DNMF(3, n_steps=2, random_state=0).fit(X)


@pytest.fixture(scope="session")
def make_result(model: DNMF) -> Callable[..., ExtractionResult]:
    """``make_result(profiles, exposures, ...)``: what an extraction with this outcome would be."""

    def make(
        profiles: np.ndarray,
        exposures: np.ndarray,
        *,
        counts: np.ndarray | None = None,
        names: list[str] | None = None,
        reference: SignatureSet | None = None,
        **changes: Any,
    ) -> ExtractionResult:
        n, k = exposures.shape
        channels = list(SBS96.labels)
        samples = pd.Index(names or [f"s{i}" for i in range(n)])
        found = [f"SBS96{'ABCDEFGHIJ'[j]}" for j in range(k)]
        signatures = SignatureSet(pd.DataFrame(profiles, found, channels))
        frame = pd.DataFrame(exposures, samples, found)
        means = exposures @ profiles
        counts = means if counts is None else counts
        catalog = MutationCatalog(pd.DataFrame(counts, samples, channels), source="toy.tsv")
        values: dict[str, Any] = {
            "catalog": catalog,
            "signatures": signatures,
            "exposures": frame,
            "fit": fit_table(catalog, frame, signatures),
            "matches": match_table(signatures, frame, reference),
            "reference": reference,
            "layer": None if reference is None else known_and_novel(signatures, reference),
            "history": {"dictionary": np.geomspace(1e6, 1e5, 30), "network": np.full(20, -4.6)},
            "model": model,
            "parameters": {"n_signatures": k, "random_state": 7},
            "seconds": {"training": 1.5, "total": 2.0},
            "warnings": [],
            "versions": {"python": "3.x", "numpy": "2.x"},
            "model_metadata": {"channels": channels, "signatures": found},
        }
        # A cost that has settled, so that only what a test is about gives a finding.
        values["history"]["dictionary"][-5:] = values["history"]["dictionary"][-5]
        return ExtractionResult(**(values | changes))

    return make


@pytest.fixture(scope="session")
def profiles() -> np.ndarray:
    """Three signatures (3, 96) that have little in common."""
    return np.random.default_rng(1).dirichlet(np.full(96, 0.1), size=3)


@pytest.fixture(scope="session")
def known(profiles: np.ndarray) -> SignatureSet:
    """References of which three are those signatures and three are others."""
    others = np.random.default_rng(2).dirichlet(np.full(96, 0.1), size=3)
    names = ["SBS1", "SBS2", "SBS3", "SBS17b", "SBS45", "SBS88"]
    frame = pd.DataFrame(np.vstack([profiles, others]), names, list(SBS96.labels))
    return SignatureSet(frame, source="made-up references")


@pytest.fixture(scope="session")
def hostile(
    make_result: Callable[..., ExtractionResult], profiles: np.ndarray, known: SignatureSet
) -> ExtractionResult:
    """A result with names that try to be markup, scripts and formulas, and an empty sample."""
    exposures = np.random.default_rng(3).gamma(1.0, 900.0, (len(NAMES), 3))
    exposures[NAMES.index("empty")] = 0
    return make_result(
        profiles, exposures, names=NAMES, reference=known, warnings=[f"look at {SCRIPT}"]
    )
