"""A catalog or signature set that exists is valid."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.signatures import SBS96, MutationCatalog, SignatureSet


def counts(values=None, index=("a", "b")):
    values = np.arange(2 * 96).reshape(2, 96) if values is None else values
    return pd.DataFrame(values, index=list(index), columns=SBS96.labels)


def profiles(*rows, index=None):
    index = index or [f"SBS{number}" for number in range(1, len(rows) + 1)]
    return pd.DataFrame(np.vstack(rows), index=index, columns=SBS96.labels)


FLAT = np.full(96, 1 / 96)


def with_cell(value):
    frame = counts().astype(object)
    frame.iloc[1, 3] = value
    return frame


def test_counts_become_floats_and_the_callers_table_is_left_alone():
    frame = counts()
    catalog = MutationCatalog(frame, source="memory")
    assert (catalog.counts.dtypes == np.float64).all()
    frame.iloc[0, 0] = 77
    assert catalog.counts.iloc[0, 0] == 0
    assert repr(catalog) == "MutationCatalog(2 samples x SBS96, source='memory')"


def test_columns_in_the_other_order_give_the_same_catalog():
    shuffled = counts()[list(SBS96.file_order)]
    pd.testing.assert_frame_equal(
        MutationCatalog(shuffled).counts, MutationCatalog(counts()).counts
    )


def test_burdens_names_and_empty_samples():
    values = np.vstack([np.ones(96), np.zeros(96), np.full(96, 0.5)])
    catalog = MutationCatalog(counts(values, ["x", "y", "z"]))
    assert catalog.sample_names == ["x", "y", "z"]
    assert catalog.burdens.to_dict() == {"x": 96, "y": 0, "z": 48}
    assert catalog.empty_samples == ["y"]


def test_names_become_stripped_strings():
    assert MutationCatalog(counts(index=[1, " b "])).sample_names == ["1", "b"]


@pytest.mark.parametrize(
    "value", [-1, np.nan, np.inf, "many", None], ids=["negative", "nan", "inf", "text", "none"]
)
def test_bad_values_are_located(value):
    with pytest.raises(InputDataError, match=r"sample 'b' \(row 2\), column 'A\[C>A\]T': found"):
        MutationCatalog(with_cell(value))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (["a", "a"], "'a' is used twice, in row 1 and row 2"),
        (["a", " a"], "'a' is used twice"),
        (["a", "  "], "row 2: the sample has no name"),
        (["a", "b\tc"], "control character"),
        (["a", "\ud800"], "control character"),
    ],
)
def test_bad_names_are_refused(index, message):
    with pytest.raises(InputDataError, match=message):
        MutationCatalog(counts(index=index))


def test_a_catalog_has_at_least_one_sample():
    with pytest.raises(InputDataError, match="no sample"):
        MutationCatalog(counts().iloc[:0])


def test_channels_are_checked():
    with pytest.raises(ChannelMismatchError, match="found 95 of the 96 SBS96 channels"):
        MutationCatalog(counts().iloc[:, :95])


@pytest.mark.parametrize("total", [0.9951, 1.0049])
def test_rounded_signatures_are_scaled_to_one(total):
    found = SignatureSet(profiles(FLAT * total)).profiles
    assert_allclose(found.sum(axis=1), 1.0, rtol=1e-14)


def test_signatures_that_sum_to_one_are_kept_bit_for_bit():
    row = np.random.default_rng(0).dirichlet(np.ones(96))
    assert_array_equal(SignatureSet(profiles(row)).profiles.to_numpy()[0], row)


@pytest.mark.parametrize(
    ("total", "hint"), [(0.9, "sums to 0.9"), (0, "sums to 0"), (120, "counts")]
)
def test_signatures_with_another_sum_are_refused_by_name(total, hint):
    with pytest.raises(InputDataError, match=f"signature 'SBS2' sums to.*{hint}|{hint}") as caught:
        SignatureSet(profiles(FLAT, FLAT * total))
    assert "'SBS2'" in str(caught.value)


def test_select_keeps_the_order_asked_for_and_tolerates_case():
    signatures = SignatureSet(profiles(FLAT, FLAT, FLAT, index=["SBS1", "SBS7a", "SBS40"]))
    assert signatures.select(["sbs40", " SBS7A"]).names == ["SBS40", "SBS7a"]
    assert signatures.select("SBS1").names == ["SBS1"]
    assert len(signatures) == 3
    assert repr(signatures) == "SignatureSet(3 signatures x SBS96)"


def test_select_prefers_the_exact_name_where_case_distinguishes():
    signatures = SignatureSet(profiles(FLAT, FLAT, index=["SBS96a", "SBS96A"]))
    assert signatures.select(["SBS96A"]).names == ["SBS96A"]
    with pytest.raises(InputDataError, match="no signature 'sbs96A'"):
        signatures.select(["sbs96A"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["SBS7"], "SBS7 is split into SBS7a, SBS7b here"),
        (["SBS40a"], "SBS40a is not split off from SBS40 here"),
        (["SBS400"], "Did you mean SBS40"),
        (["xyz"], "It has SBS7a, SBS7b, SBS40"),
        (["SBS40", "sbs40"], "SBS40 is named twice"),
        ([], "no signature is named"),
    ],
)
def test_select_explains_a_wrong_name(names, message):
    signatures = SignatureSet(profiles(FLAT, FLAT, FLAT, index=["SBS7a", "SBS7b", "SBS40"]))
    with pytest.raises(InputDataError, match=message):
        signatures.select(names)


def test_rounding_errors_below_0_become_0_with_one_warning():
    counts = pd.DataFrame(np.full((2, 96), 10.0), index=["a", "b"], columns=SBS96.labels)
    counts.iloc[1, 3], counts.iloc[0, 4] = -1e-9, -0.0
    with pytest.warns(
        DoubtfulDataWarning, match="1 numbers as 0 .* rounding error, down to -1e-09"
    ):
        catalog = MutationCatalog(counts)
    assert catalog.counts.iloc[1, 3] == 0
    assert not np.signbit(catalog.counts).any(axis=None)
    assert counts.iloc[1, 3] == -1e-9
    counts.iloc[1, 3] = -1e-5
    with pytest.raises(InputDataError, match="-1e-05, expected a number >= 0"):
        MutationCatalog(counts)
