"""The same counts come out of every layout, row order and spelling."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from dnmf.exceptions import DoubtfulDataWarning
from dnmf.signatures import SBS96, read_catalog, read_exposures, read_signatures

DATA = Path(__file__).parents[1] / "data"

CATALOGS = [
    "sigprofiler.SBS96.all",
    "sigprofiler.SBS96.all.gz",
    "plot_order.txt",
    "pcawg_crlf.csv",
    "pcawg_quoted.csv",
    "two_columns.tsv",
    "one_quoted_column.csv",
    "samples_in_rows.tsv",
    "samples_in_rows_two_headers.csv",
    "signature_analyzer_arrow.tsv",
    "signature_analyzer_word.tsv",
    "semicolons_bom_lower_case.csv",
    "excel_unicode.txt",
    "old_mac.csv",
]


def number_of(label):
    """Channel number by the formula of tests/data/README.md, from the letters of the label."""
    change = ["C>A", "C>G", "C>T", "T>A", "T>C", "T>G"].index(label[2:5])
    return 16 * change + 4 * "ACGT".index(label[0]) + "ACGT".index(label[6])


def expected_counts():
    numbers = np.array([number_of(label) for label in SBS96.labels])
    return pd.DataFrame(
        np.vstack([numbers, 3 * numbers + 1, 95 - numbers]).astype(float),
        index=["S1", "S2", "S3"],
        columns=list(SBS96.labels),
    )


@pytest.mark.parametrize("name", CATALOGS)
def test_every_layout_gives_the_same_catalog(name):
    catalog = read_catalog(DATA / name)
    pd.testing.assert_frame_equal(catalog.counts, expected_counts())
    assert catalog.source == str(DATA / name)
    assert catalog.schema is SBS96


def test_the_name_of_a_gzipped_file_does_not_matter(tmp_path):
    renamed = tmp_path / "counts.tsv"
    renamed.write_bytes((DATA / "sigprofiler.SBS96.all.gz").read_bytes())
    pd.testing.assert_frame_equal(read_catalog(renamed).counts, expected_counts())


@pytest.mark.parametrize("name", ["pcawg_crlf.csv", "samples_in_rows.tsv", "plot_order.txt"])
def test_the_transposed_file_gives_the_same_catalog(name, tmp_path):
    delimiter = "," if name.endswith(".csv") else "\t"
    rows = [line.split(delimiter) for line in (DATA / name).read_text().splitlines()]
    turned = tmp_path / name
    turned.write_text("\n".join(delimiter.join(cells) for cells in zip(*rows, strict=True)))
    pd.testing.assert_frame_equal(read_catalog(turned).counts, expected_counts())


def test_rows_in_any_order_give_the_same_catalog(tmp_path):
    header, *rows = (DATA / "plot_order.txt").read_text().splitlines()
    np.random.default_rng(3).shuffle(rows)
    shuffled = tmp_path / "shuffled.txt"
    shuffled.write_text("\n".join([header, *rows]))
    pd.testing.assert_frame_equal(read_catalog(shuffled).counts, expected_counts())


def test_blank_lines_and_trailing_delimiters_are_ignored(tmp_path):
    lines = (DATA / "pcawg_crlf.csv").read_text().splitlines()
    padded = tmp_path / "padded.csv"
    padded.write_text("\n\n" + "\n".join(f"{line},,\n,,,,,," for line in lines) + "\n\n")
    pd.testing.assert_frame_equal(read_catalog(padded).counts, expected_counts())


def test_samples_keep_the_order_of_the_file(tmp_path):
    text = (DATA / "plot_order.txt").read_text().replace("S1\tS2\tS3", "z\ta\tm")
    (tmp_path / "z.txt").write_text(text)
    assert read_catalog(tmp_path / "z.txt").sample_names == ["z", "a", "m"]


@pytest.mark.parametrize("header", ["", "Type", "SBS", "Mutation Types", "anything"])
def test_any_first_header_cell_will_do(header, tmp_path):
    text = (DATA / "plot_order.txt").read_text().replace("Mutation Types", header)
    (tmp_path / "a.txt").write_text(text)
    pd.testing.assert_frame_equal(read_catalog(tmp_path / "a.txt").counts, expected_counts())


def test_counts_that_are_not_integers_are_kept_with_one_warning(tmp_path):
    text = (DATA / "plot_order.txt").read_text()
    text = text.replace("A[C>A]A\t0\t1\t95", "A[C>A]A\t0.5\t1e-3\t95")
    (tmp_path / "a.txt").write_text(text)
    with pytest.warns(DoubtfulDataWarning, match="2 of 288 counts are not integers") as caught:
        catalog = read_catalog(tmp_path / "a.txt")
    assert len(caught) == 1
    assert "0.5 for sample 'S1' in A[C>A]A" in str(caught[0].message)
    assert catalog.counts.iloc[1, 0] == 1e-3


def test_samples_without_mutations_are_kept_with_one_warning_that_names_them(tmp_path):
    names = [f"empty{number}" for number in range(7)]
    zeros = "\t".join("0" for _ in names)
    header, *rows = (DATA / "plot_order.txt").read_text().splitlines()
    lines = ["\t".join([header, *names]), *(f"{row}\t{zeros}" for row in rows)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    with pytest.warns(DoubtfulDataWarning, match="7 of 10 samples have no mutations") as caught:
        catalog = read_catalog(tmp_path / "a.txt")
    assert len(caught) == 1
    assert "'empty0', 'empty1'" in str(caught[0].message)
    assert "and 2 more" in str(caught[0].message)
    assert catalog.empty_samples == names


@pytest.mark.parametrize("name", ["signatures_cosmic.txt", "signatures_pcawg.csv"])
def test_signature_layouts(name):
    signatures = read_signatures(DATA / name)
    assert signatures.names == ["SBS1", "SBS5"]
    rising = [(number_of(label) + 1) / 4656 for label in SBS96.labels]
    assert_allclose(signatures.profiles.loc["SBS1"], rising, rtol=1e-14)
    assert_allclose(signatures.profiles.loc["SBS5"], 1 / 96, rtol=1e-14)


def test_activities_have_samples_in_rows():
    frame = read_exposures(DATA / "activities.txt")
    expected = {"SBS96A": [10.0, 5.0, 0.0], "SBS96B": [0.0, 20.0, 1.0]}
    pd.testing.assert_frame_equal(frame, pd.DataFrame(expected, index=["S1", "S2", "S3"]))


def test_pcawg_exposures_have_signatures_in_rows():
    frame = read_exposures(DATA / "exposures_pcawg.csv")
    expected = pd.DataFrame(
        {"SBS1": [10.5, 5.0, 0.0], "SBS5": [0.0, 20.25, 1.0]},
        index=["Liver-HCC::S1", "Liver-HCC::S2", "Liver-HCC::S3"],
    )
    pd.testing.assert_frame_equal(frame, expected)


def test_pcawg_tumours_lose_their_annotation_columns():
    frame = read_exposures(DATA / "exposures_tumours.csv")
    expected = {"SBS1": [10.0, 5.0, 0.0], "SBS5": [0.0, 20.0, 1.0]}
    pd.testing.assert_frame_equal(frame, pd.DataFrame(expected, index=["SP1", "SP2", "SP3"]))


@pytest.mark.parametrize("corner", ["", "x", "Samples"])
def test_names_of_signatures_tell_the_axes_apart(corner, tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(f"{corner}\tBI_COMPOSITE_SBS2_P\tSignature 3\nT-1\t1\t2\n")
    assert list(read_exposures(path).columns) == ["BI_COMPOSITE_SBS2_P", "Signature 3"]


def test_many_samples_are_converted_in_bulk(tmp_path, monkeypatch):
    """10,000 samples: no cell is looked at by itself unless a conversion failed."""
    numbers = np.random.default_rng(0).poisson(20.0, size=(96, 10_000))
    header = "\t".join(["Type", *(f"S{number}" for number in range(10_000))])
    rows = [
        "\t".join([label, *map(str, row)])
        for label, row in zip(SBS96.file_order, numbers.tolist(), strict=True)
    ]
    path = tmp_path / "many.tsv"
    path.write_text("\n".join([header, *rows]))
    monkeypatch.setattr("dnmf.signatures.table.number_problem", None)
    catalog = read_catalog(path)
    assert catalog.counts.shape == (10_000, 96)
    order = [SBS96.file_order.index(label) for label in SBS96.labels]
    assert_allclose(catalog.counts.to_numpy(), numbers[order].T)
