"""Which signature made a mutation: Bayes' rule, and a range that holds the truth as often as it says."""

import numpy as np
import pandas as pd
import pytest

from dnmf import signature_probabilities
from dnmf.exceptions import InputDataError
from dnmf.refit import refit_exposures
from dnmf.signatures import MutationCatalog, load_reference


@pytest.fixture(scope="module")
def reference():
    return load_reference("SBS1,SBS2,SBS3,SBS5,SBS8,SBS13,SBS18,SBS40a")


@pytest.fixture(scope="module")
def truth(reference):
    """Exposures (60, 8) of samples with 100 to 5,000 mutations and 2 to 4 signatures."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(0.0, [f"s{n}" for n in range(60)], reference.names)
    for number in range(60):
        chosen = rng.choice(8, rng.integers(2, 5), replace=False)
        shares = rng.dirichlet(np.ones(len(chosen)))
        table.iloc[number, chosen] = shares * np.exp(rng.uniform(np.log(100), np.log(5000)))
    return table


@pytest.fixture(scope="module")
def result(reference, truth):
    counts = np.random.default_rng(1).poisson(truth @ reference.profiles.to_numpy())
    frame = pd.DataFrame(counts, truth.index, reference.profiles.columns)
    frame.loc["empty"] = 0
    return refit_exposures(MutationCatalog(frame), reference, prior="none")


@pytest.fixture(scope="module")
def found(result):
    return signature_probabilities(result)


def test_probabilities_are_bayes_rule_of_the_called_signatures_and_sum_to_one(result, found):
    rows = found[found["sample"] == "s3"]
    h = result.exposures.loc["s3"]
    called = list(h.index[h > 0])
    parts = h[called].to_numpy() * result.reference.profiles.loc[called].to_numpy().T
    expected = parts / parts.sum(axis=1, keepdims=True)
    assert list(rows["signature"].unique()) == called
    np.testing.assert_allclose(rows["probability"].to_numpy().reshape(96, -1), expected)
    assert list(rows["channel"].unique()) == list(result.reference.profiles.columns)
    sums = found.groupby(["sample", "channel"])["probability"].sum()
    np.testing.assert_allclose(sums, 1)
    assert "empty" not in set(found["sample"])


def test_the_range_lies_between_zero_and_one_and_holds_the_estimate(found):
    assert (found["lower"] >= 0).all()
    assert (found["lower"] <= found["probability"]).all()
    assert (found["probability"] <= found["upper"]).all()
    assert (found["upper"] <= 1 + 1e-12).all()


def test_the_range_holds_the_truth_about_nine_times_of_ten(result, found, truth):
    """Over mutations of the samples, the signature that is the most likely of each."""
    W = result.reference.profiles
    parts = truth.to_numpy()[:, :, None] * W.to_numpy()
    shares = parts / parts.sum(axis=1, keepdims=True)
    place = {name: number for number, name in enumerate(W.columns)}
    row = {name: number for number, name in enumerate(W.index)}
    best = found.loc[found.groupby(["sample", "channel"])["probability"].idxmax()]
    held, width = [], []
    for sample, own in best.groupby("sample"):
        number, columns = int(str(sample)[1:]), own["channel"].map(place)
        true = shares[number, own["signature"].map(row), columns]
        weight = result.catalog.counts.loc[sample].to_numpy()[columns]
        inside = (own["lower"] - 1e-9 <= true) & (true <= own["upper"] + 1e-9)
        held.append(np.average(inside, weights=weight))
        width.append(np.average(own["upper"] - own["lower"], weights=weight))
    assert 0.85 < np.mean(held) < 0.97
    assert np.mean(width) < 0.4


def test_a_sample_is_answered_alone_and_the_same_again(result, found):
    alone = signature_probabilities(result, ["s7"])
    again = found[found["sample"] == "s7"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, again)
    other = signature_probabilities(result, ["s7"], random_state=1)
    pd.testing.assert_series_equal(alone["probability"], other["probability"])
    assert not alone["lower"].equals(other["lower"])
    np.testing.assert_allclose(alone["lower"], other["lower"], atol=0.15)


def test_a_classic_method_has_no_ranges(result, reference):
    classic = refit_exposures(result.catalog, reference, method="kl")
    found = signature_probabilities(classic, ["s1"])
    assert found["lower"].isna().all()
    assert found["upper"].isna().all()
    np.testing.assert_allclose(found.groupby("channel")["probability"].sum(), 1)


def test_an_unknown_sample_is_named(result):
    with pytest.raises(InputDataError, match="no sample 'x' in this refit"):
        signature_probabilities(result, ["x"])
