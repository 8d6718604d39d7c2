"""What is said of one sample: of few mutations, and of what its two p-values tell together."""

import pandas as pd
import pytest

from dnmf.refit import refit_exposures
from dnmf.refit.advice import advice
from dnmf.signatures import MutationCatalog, example_catalog

LACKS = "look for a missing signature"
UNLIKELY = "in a mixture that the prior makes unlikely"


@pytest.mark.parametrize(
    ("reference", "answer", "unassigned", "has_prior", "told"),
    [
        (0.4, 0.4, 0.0, True, ""),
        (0.4, 1e-5, 0.0, True, UNLIKELY),
        (0.4, 1e-5, 0.0, False, "explains these counts better than this answer"),
        (1e-9, 1e-9, 0.3, True, LACKS),
        (1e-9, 1e-9, 0.3, False, LACKS),
        (1e-9, 1e-9, 0.01, True, "errors of the profiles"),
        (0.01, 1e-9, 0.3, True, "errors of the profiles"),
        (1e-9, 0.02, 0.01, True, "errors of the profiles"),
    ],
)
def test_both_p_values_decide_what_a_bad_fit_means(reference, answer, unassigned, has_prior, told):
    fit = pd.DataFrame(
        {
            "mutations": [900.0],
            "p_reference": [reference],
            "p_answer": [answer],
            "unassigned": [unassigned],
        }
    )
    (said,) = advice(fit, [[]], has_prior=has_prior)
    assert told in said
    assert bool(said) == bool(told)
    assert ("--prior none" in said) == (told == UNLIKELY)


def test_few_mutations_are_counted_and_none_say_all():
    fit = pd.DataFrame({"mutations": [0.0, 17.0, 400.0], "p_reference": 1.0, "p_answer": 1.0})
    fit = fit.assign(unassigned=0.0)
    empty, few, many = advice(fit, [["SBS5/SBS40a"]] * 3, has_prior=False)
    assert empty == "No mutations: nothing to assign."
    assert few.startswith("Few mutations (17): read the intervals")
    assert many == "Not told apart here: SBS5/SBS40a; trust their sum."


@pytest.mark.parametrize(
    ("method", "prior", "has_prior"),
    [("network", "pan-cancer", True), ("network", "none", False), ("kl", None, False)],
)
def test_no_prior_is_none_to_leave_out(method, prior, has_prior, monkeypatch):
    told = []

    def noted(fit, pairs, *, has_prior):
        told.append(has_prior)
        return [""] * len(fit)

    monkeypatch.setattr("dnmf.refit.refit.advice", noted)
    catalog = MutationCatalog(example_catalog().counts.iloc[:2])
    refit_exposures(catalog, "SBS1,SBS5", method=method, prior=prior)
    assert told == [has_prior]
