"""What a reader is told about a refit as a whole."""

from dataclasses import replace

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


def test_counts_that_vary_more_than_poisson_counts_are_told_with_what_they_were_taken_for() -> None:
    result = refit_of(pd.DataFrame({"SBS1": [5000.0] * 3, "SBS5": 3000.0}, index=["a", "b", "c"]))
    varying = replace(result, fit=result.fit.assign(dispersion=[1.1, 4.0, 2.0]))
    found = {finding.title: finding.text for finding in varying.findings}
    assert found["2 samples vary more than counting noise"].startswith("b (2,000) and c (4,000). ")


def test_an_answer_that_the_reference_could_better_is_told_apart_from_a_missing_signature() -> None:
    result = refit_of(pd.DataFrame({"SBS1": [5000.0] * 2, "SBS5": 3000.0}, index=["a", "b"]))
    fit = result.fit.assign(p_answer=1e-9, p_reference=[0.5, 1e-9], unassigned=[0.0, 0.2])
    titles = [finding.title for finding in replace(result, fit=fit).findings]
    assert "1 sample is explained by the reference, but not by this answer" in titles
    assert "1 sample holds what the reference lacks" in titles
