"""Writing follows SigProfiler's layouts, loses nothing, and never leaves half a file."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from dnmf.exceptions import InputDataError
from dnmf.signatures import (
    SBS96,
    MutationCatalog,
    SignatureSet,
    read_catalog,
    read_exposures,
    read_signatures,
    write_catalog,
    write_exposures,
    write_signatures,
)
from dnmf.signatures.table import SAMPLE_HEADERS

# Everything a user may call a sample: quotes, commas, tabs' neighbours, other scripts. Surrogates
# and control characters cannot be names.
AWKWARD = st.one_of(
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12),
    st.text("\",;' #=-_[]<>é語🧬", min_size=1, max_size=6),
).filter(lambda name: name.strip())
FLOATS = st.just(0.0) | st.floats(1e-70, 1e12) | st.integers(0, 10**9).map(float)
quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def unique(names):
    return st.lists(names, min_size=1, max_size=4, unique_by=str.strip)


def exposures(values, names=("SBS1", "SBS5", "SBS40a")):
    index = [f"S{number}" for number in range(1, len(values) + 1)]
    return pd.DataFrame(values, index=index, columns=list(names), dtype=float)


@quick
@given(names=unique(AWKWARD), data=st.data(), suffix=st.sampled_from([".tsv", ".tsv.gz"]))
@pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
def test_catalog_survives_the_file(tmp_path, names, data, suffix):
    values = data.draw(hnp.arrays(np.float64, (len(names), 96), elements=FLOATS, fill=FLOATS))
    catalog = MutationCatalog(pd.DataFrame(values, index=names, columns=SBS96.labels))
    write_catalog(catalog, tmp_path / f"a{suffix}")
    pd.testing.assert_frame_equal(
        read_catalog(tmp_path / f"a{suffix}").counts, catalog.counts, check_exact=True
    )


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "@SUM(1+1)*cmd", "+1+1", "-2+3", "=1"])
def test_names_that_a_spreadsheet_would_run_are_written_as_they_are(tmp_path, name):
    table = exposures([[1.0, 2.0, 3.0]], (name, "SBS5", "SBS1")).rename({"S1": name})
    write_exposures(table, tmp_path / "a.tsv")
    assert f"\n{name}\t" in (tmp_path / "a.tsv").read_text(encoding="utf-8")
    pd.testing.assert_frame_equal(read_exposures(tmp_path / "a.tsv"), table, check_names=False)


@quick
@given(names=unique(AWKWARD), seed=st.integers(0, 2**32 - 1))
def test_signatures_survive_the_file(tmp_path, names, seed):
    rows = np.random.default_rng(seed).dirichlet(np.full(96, 0.05), size=len(names))
    signatures = SignatureSet(pd.DataFrame(rows, index=names, columns=SBS96.labels))
    write_signatures(signatures, tmp_path / "a.tsv")
    pd.testing.assert_frame_equal(
        read_signatures(tmp_path / "a.tsv").profiles, signatures.profiles, check_exact=True
    )


@quick
@given(
    samples=unique(AWKWARD),
    # Columns called so hold sample names.
    names=unique(AWKWARD.filter(lambda name: name.strip().lower() not in SAMPLE_HEADERS)),
    data=st.data(),
)
def test_exposures_survive_the_file_in_full_precision(tmp_path, samples, names, data):
    shape = (len(samples), len(names))
    values = data.draw(hnp.arrays(np.float64, shape, elements=FLOATS, fill=FLOATS))
    frame = pd.DataFrame(values, index=samples, columns=names)
    write_exposures(frame, tmp_path / "a.tsv", integers=False)
    found = read_exposures(tmp_path / "a.tsv")
    assert list(found.index) == [name.strip() for name in samples]
    assert list(found.columns) == [name.strip() for name in names]
    assert_array_equal(found.to_numpy(), values)


@quick
@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(0, 1e9)))
def test_whole_exposures_sum_to_the_rounded_total(tmp_path, values):
    frame = exposures(values, [f"SBS{number}" for number in range(values.shape[1])])
    write_exposures(frame, tmp_path / "a.tsv")
    found = read_exposures(tmp_path / "a.tsv").to_numpy()
    assert_array_equal(found % 1, 0)
    assert_array_equal(found.sum(axis=1), np.rint(values.sum(axis=1)))
    assert (np.abs(found - values) < 1).all()
    assert_array_equal(found[values == 0], 0)


def test_rounding_goes_to_the_largest_fractions(tmp_path):
    write_exposures(exposures([[1.2, 2.5, 3.4], [0.3, 0.3, 0.3]]), tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_text() == (
        "Samples\tSBS1\tSBS5\tSBS40a\nS1\t1\t3\t3\nS2\t1\t0\t0\n"
    )


def test_catalog_layout_is_the_sigprofiler_matrix(tmp_path):
    values = np.arange(2 * 96).reshape(2, 96)
    catalog = MutationCatalog(pd.DataFrame(values, index=["b", "a"], columns=SBS96.labels))
    write_catalog(catalog, tmp_path / "x.SBS96.all")
    lines = (tmp_path / "x.SBS96.all").read_bytes().decode().split("\n")
    assert lines[0] == "MutationType\tb\ta"
    labels = [line.split("\t")[0] for line in lines[1:-1]]
    assert labels == sorted(labels)
    assert lines[5] == "A[C>G]A\t16\t112"
    assert lines[-1] == ""


def test_signature_layout_is_the_sigprofiler_one(tmp_path):
    flat = pd.DataFrame(np.full((2, 96), 1 / 96), index=["SBS96A", "SBS96B"], columns=SBS96.labels)
    write_signatures(SignatureSet(flat), tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert lines[0] == "MutationType\tSBS96A\tSBS96B"
    assert lines[1] == "A[C>A]A\t0.010416666666666666\t0.010416666666666666"


def test_another_reader_agrees(tmp_path):
    """pandas, which SigProfiler's tools use, reads the same names and numbers."""
    values = np.random.default_rng(0).random((2, 96))
    catalog = MutationCatalog(pd.DataFrame(values, index=['a"b', "c,d"], columns=SBS96.labels))
    write_catalog(catalog, tmp_path / "a.tsv")
    frame = pd.read_csv(tmp_path / "a.tsv", sep="\t", index_col=0)
    pd.testing.assert_frame_equal(
        frame.T[list(SBS96.labels)], catalog.counts, rtol=1e-15, check_names=False
    )


def test_gzip_by_extension_and_reproducible(tmp_path):
    frame = exposures([[1, 2, 3]])
    write_exposures(frame, tmp_path / "a.tsv")
    write_exposures(frame, tmp_path / "a.tsv.gz")
    write_exposures(frame, tmp_path / "b.tsv.gz")
    content = (tmp_path / "a.tsv.gz").read_bytes()
    assert gzip.decompress(content) == (tmp_path / "a.tsv").read_bytes()
    assert content == (tmp_path / "b.tsv.gz").read_bytes()


def test_an_existing_file_is_replaced_whole(tmp_path):
    (tmp_path / "a.tsv").write_text("x" * 10_000)
    write_exposures(exposures([[1, 2, 3]]), tmp_path / "a.tsv")
    assert read_exposures(tmp_path / "a.tsv").to_numpy().tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("target", ["nowhere/a.tsv", "."])
def test_a_place_that_cannot_be_written(tmp_path, target):
    with pytest.raises(InputDataError, match="cannot be written"):
        write_exposures(exposures([[1, 2, 3]]), tmp_path / target)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (exposures([[1, -2, 3]]), r"sample 'S1' \(row 1\), column 'SBS5': found -2"),
        (exposures([[1, np.nan, 3]]), "column 'SBS5': found nan"),
        (exposures([[1, 2]], ["A", "A"]), "signature name 'A' is used twice, in column 1 and"),
    ],
)
def test_exposures_are_checked_before_writing(tmp_path, frame, message):
    with pytest.raises(InputDataError, match=message):
        write_exposures(frame, tmp_path / "a.tsv")
    assert not list(tmp_path.iterdir())
