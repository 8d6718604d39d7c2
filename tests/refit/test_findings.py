"""What a reader is told about a refit as a whole."""

import pandas as pd

from dnmf.refit import RefitResult, refit_exposures
from dnmf.signatures import MutationCatalog, load_reference


def refit_of(exposures: pd.DataFrame) -> RefitResult:
    """Refit spectra without noise of these exposures."""
    reference = load_reference("cosmic-v3.4").select(list(exposures.columns))
    catalog = MutationCatalog(exposures @ reference.profiles)
    return refit_exposures(catalog, reference, method="kl")


def test_artefacts_are_named_with_the_number_of_samples_that_have_a_twentieth() -> None:
    exposures = pd.DataFrame(
        {"SBS1": 5000.0, "SBS45": [2000.0, 100.0, 0.0, 900.0], "SBS13": 3000.0, "SBS27": 0.0},
        index=[f"S{i}" for i in range(4)],
    )
    found = {finding.title: finding for finding in refit_of(exposures).findings}
    assert found["Possible sequencing artefacts"].level == "caution"
    assert found["Possible sequencing artefacts"].text.startswith("SBS45 (2) ")
    without = refit_of(exposures.drop(columns=["SBS45", "SBS27"])).findings
    assert "Possible sequencing artefacts" not in [finding.title for finding in without]


def test_a_missing_signature_is_told_and_a_good_fit_is_not() -> None:
    reference = load_reference("cosmic-v3.4").select(["SBS1", "SBS5", "SBS7a"])
    mixtures = {"SBS1": 5000.0, "SBS5": [5000.0, 0.0], "SBS7a": [0.0, 5000.0]}
    counts = pd.DataFrame(mixtures, index=["good", "lacks"]) @ reference.profiles
    known = reference.select(["SBS1", "SBS5"])
    result = refit_exposures(MutationCatalog(counts), known, method="kl")
    told = [finding for finding in result.findings if "lacks" in finding.title]
    assert len(told) == 1
    assert told[0].title.startswith("1 sample holds")
    assert told[0].text.startswith("lacks: ")
