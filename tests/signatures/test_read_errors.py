"""Bad input is refused with the file, the line, the column, what was found and what to do."""

import gzip
import os
from pathlib import Path

import pytest

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.signatures import read_catalog, read_exposures, read_signatures

DATA = Path(__file__).parents[1] / "data"
TALL = (DATA / "plot_order.txt").read_text()
WIDE = (DATA / "samples_in_rows.tsv").read_text()


@pytest.fixture
def refusal(tmp_path):
    """Write a file, read it, and return the message of the refusal."""

    def read(content, reader=read_catalog, name="bad.tsv", error=InputDataError):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(error) as caught:
            reader(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return read


def change_line(text, number, old, new):
    lines = text.split("\n")
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    return "\n".join(lines)


BAD_CELLS = [
    ("-7", "'-7', a negative number"),
    ("-0.5", "'-0.5', a negative number"),
    ("", "'', a missing value"),
    ("  ", "'  ', a missing value"),
    ("NA", "'NA', a missing value"),
    ("nan", "'nan', a missing value"),
    ("-nan", "'-nan', a missing value"),
    ("inf", "'inf', an infinite number"),
    ("-inf", "'-inf', an infinite number"),
    ("1e999", "'1e999', an infinite number"),
    ("many", "'many', text instead of a number"),
    ("1_0", "'1_0', text instead of a number"),
    ("10 _", "'10 _', text instead of a number"),
    ("1,5", "'1,5', not a number (write a point before decimals"),
]


@pytest.mark.parametrize(("cell", "found"), BAD_CELLS)
def test_a_bad_cell_in_a_tall_file(refusal, cell, found):
    # Line 5 is A[C>A]T, channel 3: S1 = 3, S2 = 10, S3 = 92.
    message = refusal(change_line(TALL, 5, "\t10\t", f"\t{cell}\t"))
    assert f"line 5 (A[C>A]T), column 'S2': found {found}" in message
    assert "Expected a count of mutations (>= 0): correct the cell" in message


@pytest.mark.parametrize(("cell", "found"), BAD_CELLS)
def test_a_bad_cell_in_a_wide_file(refusal, cell, found):
    # Line 3 is sample S2; its first cell is A[C>A]A = 1, the second A[C>A]C = 4.
    message = refusal(change_line(WIDE, 3, "\t4\t", f"\t{cell}\t"))
    assert f"line 3 (S2), column 'A[C>A]C': found {found}" in message


def test_a_bad_cell_behind_two_label_columns(refusal):
    text = (DATA / "pcawg_crlf.csv").read_text()
    message = refusal(change_line(text, 4, ",7,", ",x,"))
    assert "line 4 (C>A ACG), column 'S2': found 'x'" in message


def test_a_bad_cell_below_two_header_lines(refusal):
    text = (DATA / "samples_in_rows_two_headers.csv").read_text()
    message = refusal(change_line(text, 4, "S2,1,", "S2,x,"))
    assert "line 4 (S2), column 'C>A ACA': found 'x'" in message


def test_lines_are_counted_as_an_editor_counts_them(refusal):
    text = change_line(TALL, 5, "\t10\t", "\t-1\t").replace("\n", "\n\n")
    assert "line 9 (A[C>A]T), column 'S2'" in refusal(text)
    quoted = change_line(TALL, 5, "\t10\t", "\t-1\t").replace("Mutation Types", '"two\nlines"')
    assert "line 6 (A[C>A]T), column 'S2'" in refusal(quoted)


def test_the_first_bad_cell_is_reported(refusal):
    text = change_line(TALL, 40, "\t", "\t-")
    assert "line 7 " in refusal(change_line(text, 7, "\t", "\t-"))


def test_a_long_cell_is_cut(refusal):
    assert len(refusal(change_line(TALL, 5, "\t10\t", f"\t{'x' * 5000}\t"))) < 500


@pytest.mark.parametrize(
    ("new", "cells"), [("A[C>A]T\t3\t10", 3), ("A[C>A]T\t3\t10\t92\t1", 5), ("A[C>A]T 3 10 92", 1)]
)
def test_ragged_rows(refusal, new, cells):
    message = refusal(change_line(TALL, 5, "A[C>A]T\t3\t10\t92", new))
    assert f"line 5 ({new.split(chr(9))[0]!r}): found {cells} cells separated by tabs" in message
    assert "expected 4 as in the header" in message


def test_missing_channels_are_listed(refusal):
    lines = TALL.splitlines()
    del lines[1:9]
    message = refusal("\n".join(lines), error=ChannelMismatchError)
    assert "found 88 of the 96 SBS96 channels" in message
    assert "missing: A[C>A]A, A[C>A]C, A[C>A]G, A[C>A]T, C[C>A]A and 3 more" in message


def test_additional_channels_are_listed_with_their_place(refusal):
    message = refusal(TALL + "Other\t1\t1\t1\nN[C>A]N\t0\t0\t0\n", error=ChannelMismatchError)
    assert "not recognised: 'Other' (line 98), 'N[C>A]N' (line 99)" in message
    assert "Accepted spellings" in message
    lines = WIDE.splitlines()
    wide = "\n".join([lines[0] + "\tA[C>A]", *(line + "\t1" for line in lines[1:])])
    assert "not recognised: 'A[C>A]' (column 98)" in refusal(wide, error=ChannelMismatchError)


def test_a_misspelt_channel_is_both_missing_and_unknown(refusal):
    message = refusal(change_line(TALL, 5, "A[C>A]T", "A[C>A]X"), error=ChannelMismatchError)
    assert "found 95 of the 96" in message
    assert "missing: A[C>A]T; not recognised: 'A[C>A]X' (line 5)" in message


def test_duplicated_channels_on_either_strand(refusal):
    text = TALL + "T[G>T]T\t1\t1\t1\n"
    message = refusal(text, error=ChannelMismatchError)
    assert "A[C>A]A is given twice, as 'A[C>A]A' in line 2 and as 'T[G>T]T' in line 98" in message


def test_duplicated_sample_names_in_either_layout(refusal):
    message = refusal(change_line(TALL, 1, "S3", "S1"))
    assert "'S1' is used twice, in line 1, column 2 and line 1, column 4" in message
    message = refusal(change_line(WIDE, 4, "S3", " S1 "))
    assert "'S1' is used twice, in line 2, column 1 and line 4, column 1" in message


def test_empty_sample_names_in_either_layout(refusal):
    assert "line 1, column 3: the sample has no name" in refusal(change_line(TALL, 1, "S2", " "))
    assert "line 3, column 1: the sample has no name" in refusal(change_line(WIDE, 3, "S2", ""))
    # Trailing and without a name, but with values: not to be dropped as if it were empty.
    assert "line 1, column 4: the sample has no name" in refusal(change_line(TALL, 1, "S3", ""))


def test_a_missing_header(refusal):
    message = refusal(TALL.split("\n", 1)[1])
    assert "line 1: found the channel 'A[C>A]A', expected a header" in message
    assert "names of the samples" in message


def test_a_title_with_as_many_cells_as_the_header(refusal):
    title = "Supplementary Table 3" + "\t" * TALL.splitlines()[0].count("\t") + "\n"
    assert "line 1: names no sample. Expected the header: remove titles" in refusal(title + TALL)


@pytest.mark.parametrize("content", ["", "\n\n", " \t\n", ",,,\n,,,\n", "\ufeff"])
def test_an_empty_file(refusal, content):
    assert "the file is empty" in refusal(content)
    assert "the file is empty" in refusal(content, read_exposures)


def test_a_header_alone(refusal):
    assert "has only a header (line 1)" in refusal(TALL.split("\n", 1)[0] + "\n")
    assert "has only a header (line 1)" in refusal(WIDE.split("\n", 1)[0] + "\n")


def test_labels_alone(refusal):
    labels = "\n".join(line.split("\t")[0] for line in TALL.splitlines())
    assert "only one column" in refusal(labels)


def test_numbers_without_labels_are_not_matched_by_position(refusal):
    message = refusal((DATA / "numbers_only.csv").read_bytes(), error=ChannelMismatchError)
    assert "no channel labels, only numbers" in message
    assert "cannot be matched by position" in message
    assert "Add a first column" in message


def test_a_table_of_something_else(refusal):
    text = (DATA / "activities.txt").read_text().replace("SBS96", "gene")
    message = refusal(text, error=ChannelMismatchError)
    assert "found none of the 96 SBS96 channels" in message
    assert "'S1'" in message
    assert "'geneA'" in message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (bytes(range(256)), "binary file"),
        ("Typ\tMüller\n".encode("latin-1"), "line 1: found the byte 0xfc"),
    ],
)
def test_what_is_not_text(refusal, content, complaint):
    message = refusal(content)
    assert complaint in message
    assert "Save it as plain text" in message


def test_a_truncated_gzip_file(refusal):
    content = gzip.compress(TALL.encode())
    assert "truncated or damaged" in refusal(content[: len(content) // 2], name="a.gz")


def test_an_open_quotation_mark(refusal):
    text = TALL.replace("A[C>A]C", '"A[C>A]C', 1) + "x" * 200_000
    message = refusal(text)
    assert "quotation mark" in message
    assert "131,072 characters" in message
    assert "after line 2" in message
    assert "line 3" in refusal(TALL.replace("A[C>A]C", '"A[C>A]C', 1))


def test_a_path_that_does_not_exist(tmp_path):
    (tmp_path / "breast.tsv").touch()
    with pytest.raises(InputDataError, match=r"brest\.tsv: no such file\. Did you mean .*breast"):
        read_catalog(tmp_path / "brest.tsv")
    with pytest.raises(InputDataError, match=r"no such file. Check the path"):
        read_catalog(tmp_path / "zzz")
    with pytest.raises(InputDataError, match=r"the folder .* does not exist"):
        read_catalog(tmp_path / "nowhere" / "a.tsv")


def test_a_folder(tmp_path):
    with pytest.raises(InputDataError, match="is a folder, expected a text table"):
        read_catalog(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "a.tsv"
    path.touch(mode=0o000)
    with pytest.raises(InputDataError, match="cannot be read"):
        read_catalog(path)


def test_counts_are_not_signatures(refusal):
    message = refusal(TALL, read_signatures)
    assert "signature 'S1' sums to 4560" in message
    assert "These look like counts of mutations" in message


def test_signatures_must_sum_to_one(refusal):
    text = (DATA / "signatures_cosmic.txt").read_text()
    message = refusal(change_line(text, 2, "\t0.0104", "\t0.5104"), read_signatures)
    assert "signature 'SBS5' sums to 1.5" in message


def test_bad_probabilities_are_located(refusal):
    text = (DATA / "signatures_cosmic.txt").read_text()
    message = refusal(change_line(text, 3, "\t0.0104", "\t-0.0104"), read_signatures)
    assert "line 3 (A[C>A]C), column 'SBS5'" in message
    assert "Expected a probability" in message


@pytest.mark.parametrize(("cell", "found"), BAD_CELLS)
def test_bad_exposures_are_located(refusal, cell, found):
    text = f"Samples\tSBS1\tSBS5\nA\t1\t2\nB\t3\t{cell}\nC\t1\t1\n"
    message = refusal(text, read_exposures)
    assert f"line 3 (B), column 'SBS5': found {found}" in message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("\tA\tB\nx\t1\t2\n", "cannot tell whether rows are samples or signatures"),
        ("\tSBS1\tSBS2\nSBS3\t1\t2\n", "cannot tell"),
        ("Samples\tA\tB\nSBS1\t1\t2\nSBS5\t1\t2\n", "cannot tell"),
        ("Samples\tSBS1\tSBS1\nA\t1\t2\n", "signature name 'SBS1' is used twice, in line 1, col"),
        ("Samples\tSBS1\tSBS2\nA\t1\t2\nA\t1\t2\n", "sample name 'A' is used twice, in line 2"),
        ("Samples\tSBS1\t \nA\t1\t2\n", "line 1, column 3: the signature has no name"),
        ("Cancer Types\tAccuracy\tSBS1\nA\t1\t2\n", "of which 0 hold sample names"),
        ("Samples\tSBS1\tSBS2\n", "1 line"),
        ("Samples\nA\n", "1 column"),
        ("Samples\tSBS1\tSBS2\nA\t1\n", "line 2 ('A'): found 2 cells"),
    ],
)
def test_exposure_tables_that_are_not_clear(refusal, text, complaint):
    assert complaint in refusal(text, read_exposures)
