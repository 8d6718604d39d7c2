"""Which signature made a mutation: Bayes' rule, and the range over all exposures within intervals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnmf import SignatureSet, signature_probabilities
from dnmf.exceptions import InputDataError
from dnmf.signatures import SBS96

NAMES = ["A", "B", "C", "D"]


def case(seed: int) -> tuple[SignatureSet, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Four sparse signatures, and exposures of three samples with intervals; C is absent."""
    rng = np.random.default_rng(seed)
    profiles = rng.dirichlet(np.full(96, 0.3), size=4)
    profiles[0, :4] = 0
    profiles[0] /= profiles[0].sum()
    h = rng.gamma(0.7, 100, size=(3, 4))
    h[:, 2] = 0
    lower, upper = h * rng.random((3, 4)), h + rng.gamma(1, 30, size=(3, 4))
    upper[:, 2] = 0
    samples = ["x", "y", "z"]
    tables = [pd.DataFrame(values, samples, NAMES) for values in (h, lower, upper)]
    reference = SignatureSet(pd.DataFrame(profiles, NAMES, list(SBS96.labels)))
    return reference, *tables


def cube(found: pd.DataFrame, column: str) -> np.ndarray:
    """Return (sample, channel, signature)."""
    return found[column].to_numpy().reshape(3, 96, 4)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_probabilities_are_bayes_rule_sum_to_one_and_lie_within_their_range(seed: int) -> None:
    reference, exposures, lower, upper = case(seed)
    found = signature_probabilities(exposures, reference, lower, upper)
    parts = exposures.to_numpy()[:, None, :] * reference.profiles.to_numpy().T
    p, low, high = (cube(found, name) for name in ("probability", "lower", "upper"))
    np.testing.assert_allclose(p, parts / parts.sum(axis=2, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(p.sum(axis=2), 1)
    assert (low >= 0).all()
    assert (low <= p).all()
    assert (p <= high).all()
    assert (high <= 1 + 1e-12).all()
    absent = found["signature"] == "C"
    assert not found.loc[absent, ["probability", "lower", "upper"]].to_numpy().any()


def test_no_exposures_within_the_intervals_leave_the_range_and_some_reach_its_ends() -> None:
    from scipy.optimize import linprog

    reference, exposures, lower, upper = case(3)
    found = signature_probabilities(exposures, reference, lower, upper)
    W = reference.profiles.to_numpy()
    h, low, high = (table.loc["y"].to_numpy() for table in (exposures, lower, upper))
    bounds = list(zip(low, high, strict=True))
    for signature, channel in ((0, 7), (1, 20), (3, 0), (3, 90)):
        for end, sign in (("lower", 1), ("upper", -1)):
            # Charnes and Cooper: y = t h with sum_i y_i W_ic = 1 makes the ratio linear.
            cost = np.zeros(5)
            cost[signature] = sign * W[signature, channel]
            equal = np.array([[*W[:, channel], 0], [1, 1, 1, 1, -h.sum()]])
            box = [[*(s * (np.arange(4) == i)), -s * b[e]]
                   for i, b in enumerate(bounds) for e, s in ((1, 1), (0, -1))]  # fmt: skip
            best = linprog(cost, box, np.zeros(8), equal, [1, 0], bounds=(0, None))
            there = cube(found, end)[1, channel, signature]
            assert there == pytest.approx(sign * best.fun, abs=1e-7)


def test_a_sure_exposure_has_no_range_and_an_empty_sample_no_probability() -> None:
    reference, exposures, _, _ = case(0)
    exposures.loc["z"] = 0.0
    found = signature_probabilities(exposures, reference, exposures, exposures)
    for end in ("lower", "upper"):
        np.testing.assert_allclose(found[end], found["probability"])
    assert not found.loc[found["sample"] == "z", "probability"].any()
    assert list(found["channel"].unique()) == list(SBS96.labels)


def test_names_decide_not_places() -> None:
    reference, exposures, lower, upper = case(1)
    found = signature_probabilities(exposures, reference, lower, upper)
    turned = lower.iloc[::-1, ::-1], upper.iloc[:, [2, 0, 3, 1]]
    pd.testing.assert_frame_equal(
        found, signature_probabilities(exposures, reference.select(NAMES[::-1]), *turned)
    )


def test_mistakes_are_explained() -> None:
    reference, exposures, lower, upper = case(1)
    with pytest.raises(InputDataError, match="name 'E', which the reference lacks"):
        signature_probabilities(exposures.rename(columns={"A": "E"}), reference)
    with pytest.raises(InputDataError, match="two ends"):
        signature_probabilities(exposures, reference, lower)
    with pytest.raises(InputDataError, match="upper ends have no sample 'z'"):
        signature_probabilities(exposures, reference, lower, upper.drop(index="z"))
    exposures.loc["x", "A"] = -1.0
    with pytest.raises(InputDataError, match=r"sample 'x', signature 'A'.*found -1"):
        signature_probabilities(exposures, reference)
