"""Cohorts over a range of mutation counts follow the law that the docstring promises."""

import numpy as np
import pandas as pd
from scipy.stats import kstest

from dnmf.signatures import load_reference, simulate_cohort

SIGNATURES = load_reference("SBS1,SBS2,SBS5,SBS13,SBS18")


def test_numbers_of_mutations_are_log_uniform_between_the_ends() -> None:
    _, truth = simulate_cohort(
        SIGNATURES, 2000, mutations=(20, 200_000), noise="none", random_state=0
    )
    position = np.log(truth.sum(axis=1) / 20) / np.log(10_000)
    assert position.between(0, 1).all()
    assert kstest(position, "uniform").pvalue > 0.01


def test_shares_are_those_of_the_given_tumours() -> None:
    tumours = pd.DataFrame({"SBS1": [30.0, 0.0], "SBS13": [10.0, 70.0]})
    _, truth = simulate_cohort(
        SIGNATURES, 400, mutations=(100, 900), exposures=tumours, random_state=0
    )
    shares = truth.div(truth.sum(axis=1), axis=0)[["SBS1", "SBS13"]].round(12)
    kinds = shares.value_counts(normalize=True)
    assert set(kinds.index) == {(0.75, 0.25), (0.0, 1.0)}
    # A fair draw: 0.5 with a standard error of 0.025.
    assert kinds.min() > 0.4
