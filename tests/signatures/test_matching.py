"""Each found signature gets its most similar reference, whatever the others get."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import cosine as cosine_distance

from dnmf.exceptions import ChannelMismatchError
from dnmf.signatures import (
    SBS96,
    ChannelSchema,
    SignatureSet,
    load_reference,
    match_to_reference,
)

COLUMNS = [
    "found",
    "reference",
    "cosine",
    "second_reference",
    "second_cosine",
    "assigned",
]


def signatures(**rows):
    frame = pd.DataFrame(rows, index=SBS96.labels, dtype=float).T
    return SignatureSet(frame.div(frame.sum(axis=1), axis=0))


def spike(*places):
    row = np.zeros(96)
    row[list(places)] = 1
    return row


def test_a_reference_matches_itself():
    cosmic = load_reference("cosmic-v3.4")
    matches = match_to_reference(cosmic, cosmic)
    assert list(matches.columns) == COLUMNS
    assert matches["reference"].tolist() == matches["found"].tolist() == cosmic.names
    assert_allclose(matches["cosine"], 1.0)
    assert matches["assigned"].all()
    assert matches["assigned"].dtype == bool
    assert (matches["second_cosine"] < 1).all()
    pd.testing.assert_frame_equal(match_to_reference(cosmic, "cosmic-v3.4"), matches)


def test_best_and_second_best_against_scipy_one_by_one():
    cosmic = load_reference("cosmic-v3.4")
    rows = np.random.default_rng(1).dirichlet(np.full(96, 0.3), size=5)
    found = SignatureSet(pd.DataFrame(rows, index=list("edcba"), columns=SBS96.labels))
    matches = match_to_reference(found, cosmic)
    assert matches["found"].tolist() == list("edcba")
    for row, (_, match) in zip(rows, matches.iterrows(), strict=True):
        similar = {
            name: 1 - cosine_distance(row, cosmic.profiles.loc[name]) for name in cosmic.names
        }
        best, second = sorted(similar, key=lambda name: -similar[name])[:2]
        assert (match["reference"], match["second_reference"]) == (best, second)
        assert_allclose([match["cosine"], match["second_cosine"]], [similar[best], similar[second]])


def test_one_reference_can_be_the_best_of_several():
    found = signatures(a=spike(0, 1), b=spike(0, 2))
    matches = match_to_reference(found, signatures(SBS1=spike(0), SBS2=spike(50)))
    assert matches["reference"].tolist() == ["SBS1", "SBS1"]


def test_ties_go_to_the_first_name():
    reference = signatures(SBS9=spike(1), SBS3=spike(0), SBS5=spike(2))
    match = match_to_reference(signatures(a=spike(0, 1, 2)), reference).iloc[0]
    assert (match["reference"], match["second_reference"]) == ("SBS3", "SBS5")


def test_the_threshold_is_inclusive_and_keeps_the_match():
    found = signatures(a=spike(0, 1, 2, 3))
    reference = signatures(SBS1=spike(0))  # cosine 1/2
    for min_cosine, assigned in [(0.5, True), (0.51, False)]:
        match = match_to_reference(found, reference, min_cosine=min_cosine).iloc[0]
        assert match["assigned"] == assigned
        assert match["reference"] == "SBS1"


def test_a_single_reference_leaves_the_second_missing():
    match = match_to_reference(signatures(a=spike(0)), signatures(SBS1=spike(0)))
    assert list(match.columns) == COLUMNS
    assert match[["second_reference", "second_cosine"]].isna().all(axis=None)


def test_other_channels_are_refused():
    schema = ChannelSchema("DBS2", ("AC>CA", "AC>CG"))
    doublets = SignatureSet(
        pd.DataFrame([[0.5, 0.5]], index=["DBS1"], columns=schema.labels), schema=schema
    )
    with pytest.raises(
        ChannelMismatchError, match=r"has DBS2 channels, the data have SBS96.*such as cosmic"
    ):
        match_to_reference(signatures(a=spike(0)), doublets)
