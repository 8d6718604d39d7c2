"""What is said about the number of signatures: one condition for title and text, whatever the table."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnmf.extraction.selection_findings import choice_summary, selection_findings
from dnmf.search.count_noise import CountNoise
from dnmf.selection import choose


def outcome(differences, stable, *, first=3, verdict="stable"):
    """The outcome of numbers from ``first`` on, all with a standard error of 0.01."""
    n = len(differences)
    pool = [d for d, ok in zip(differences, stable, strict=True) if ok or not any(stable)]
    table = pd.DataFrame(
        {
            "difference": np.array(differences) - min(pool),
            "standard_error": 0.01,
            "stable": stable,
            "silhouette": np.where(stable, 0.9, 0.6),
        },
        index=pd.Index(range(first, first + n), name="n_signatures"),
    )
    verdicts = pd.DataFrame(
        {"verdict": [verdict], "silhouette": 0.9, "halves": 0.9}, index=["SBS96A"]
    )
    noise = CountNoise(1.0, torch.ones(1), torch.ones(1))
    selection = SimpleNamespace(table=table, choice=choose(table), noise=noise)
    unstable = ["SBS96A"] if verdict == "unstable" else []
    return SimpleNamespace(selection=selection, verdicts=verdicts, unstable=unstable, unfinished=[])


def told(result):
    return [f for f in selection_findings(result) if f.title.startswith("The number")]


@given(
    st.lists(
        st.tuples(st.sampled_from([-0.01, 0.0, 0.005, 0.015, 0.5]), st.booleans()), min_size=1
    ),
    st.integers(1, 4),
)
def test_clear_and_not_clear_are_never_both_said(rows, first):
    differences, stable = zip(*rows, strict=True)
    result = outcome(differences, stable, first=first)
    text, findings = choice_summary(result), told(result)
    if len(rows) > 1:
        assert ("choice is clear" in text) == (not findings)
    assert not ("choice is clear" in text and "do not decide" in text)
    assert not ("All of its signatures are stable" in text and "mean silhouette" in text)
    assert all(finding.text == text for finding in findings)


def test_a_clear_choice_is_called_that():
    result = outcome([0.5, 0.0, 0.5], [True, True, True])
    assert told(result) == []
    assert choice_summary(result).startswith(
        "4 signatures were chosen of 3 to 5, and the choice is clear: no other number predicts"
    )


@pytest.mark.parametrize(
    ("differences", "sentence"),
    [
        ([0.5, 0.0, 0.5, 0.005], "6 predicts as well, but its signatures differ"),
        ([0.5, 0.0, 0.005, 0.005], "5 and 6 predict as well, but their signatures differ"),
    ],
)
def test_numbers_that_predict_as_well_without_being_stable(differences, sentence):
    result = outcome(differences, [True, True, False, False])
    (finding,) = told(result)
    assert finding.title == "The number of signatures is clear only among stable numbers"
    assert sentence in finding.text
    assert "choice is clear" not in finding.text


def test_stable_numbers_that_predict_as_well():
    (finding,) = told(outcome([0.5, 0.0, 0.005, 0.5], [True] * 4))
    assert (finding.level, finding.title) == ("note", "The number of signatures is not clear-cut")
    assert "but 5 would predict unseen counts about as well" in finding.text


def test_a_number_that_is_not_stable_is_not_called_stable():
    (finding,) = told(outcome([0.0], [False]))
    assert finding.title == "The number of signatures is not settled"
    assert "mean silhouette over restarts is 0.60" in finding.text
