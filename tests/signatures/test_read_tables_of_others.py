"""Tables as other programs write them: row names, comments, columns beside the labels, rounding."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures import SBS96, read_catalog, read_exposures, read_signatures

RNG = np.random.default_rng(8)
COUNTS = RNG.integers(0, 50, (3, 96))
ROWS = [[label, *map(str, column)] for label, column in zip(SBS96.labels, COUNTS.T, strict=True)]
NAMES = ["P", "Q", "R"]
TALL = [["Type", *NAMES], *ROWS]
WIDE = [list(cells) for cells in zip(*TALL, strict=True)]


def text(rows, delimiter="\t", quote=""):
    quoted = [
        [f"{quote}{cell}{quote}" if not cell.isdigit() else cell for cell in row] for row in rows
    ]
    return "\n".join(delimiter.join(row) for row in quoted) + "\n"


@pytest.fixture
def counts(tmp_path):
    """Read a text as a catalog; return its counts, and the warnings as texts without the file's name."""

    def read(content, reader=read_catalog):
        path = tmp_path / "table.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = reader(path)
        assert all(w.category is DoubtfulDataWarning for w in caught)
        return table, [str(w.message).removeprefix(f"{path}: ") for w in caught]

    return read


def is_the_table(catalog, samples=3):
    assert catalog.sample_names == NAMES[:samples]
    assert_array_equal(catalog.counts, COUNTS[:samples])


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", " "])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("samples", [1, 3])
def test_row_names_of_r(counts, delimiter, quote, samples):
    rows = [NAMES[:samples], *(row[: samples + 1] for row in ROWS)]
    catalog, said = counts(text(rows, delimiter, quote))
    is_the_table(catalog, samples)
    assert said == []


def test_blanks_between_cells(counts):
    lines = text(TALL, " ").splitlines()
    is_the_table(counts("\n".join(f"  {line.replace(' ', '    ')}  " for line in lines))[0])
    # col.names=NA of R; a label with a comma in it
    quoted = text([["", *NAMES, "Note"], *([*row, ""] for row in ROWS)], " ", '"')
    is_the_table(counts(quoted.replace('""\n', '"x"\n', 2))[0])
    rows = [[f"{row[0][2:5]},{row[0][0]}-{row[0][6]}", *row[1:]] for row in ROWS]
    is_the_table(counts(text([["Type", *NAMES], *rows], " "))[0])
    with pytest.raises(
        InputDataError, match=r"line 5 .*found 3 cells separated by blanks, expected 4"
    ):
        counts("\n".join([*lines[:4], lines[4].rsplit(" ", 1)[0], *lines[5:]]))


def test_a_line_end_within_a_name_is_told_as_it_is_between_blanks(counts):
    with pytest.raises(InputDataError, match=r"line 2, column 1: the sample name 'P\\rQ' has"):
        counts('Samples SBS1 SBS5\r\n"P\rQ" 1 2 \r\n', read_exposures)


@pytest.mark.parametrize("delimiter", [", ", " , ", "; "])
@pytest.mark.parametrize("quote", ["", '"'])
def test_blanks_beside_other_delimiters(counts, delimiter, quote):
    catalog, said = counts(text(TALL, delimiter, quote))
    is_the_table(catalog)
    assert said == []


def test_row_names_of_r_with_samples_in_rows(counts):
    is_the_table(counts(text([WIDE[0][1:], *WIDE[1:]], ",", '"'))[0])


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("header", [[""], ["Unnamed: 0"], []], ids=["pandas", "pandas twice", "R"])
def test_numbers_of_the_rows(counts, first, header):
    rows = [[str(number), *row] for number, row in enumerate(ROWS, first)]
    catalog, said = counts(text([[*header, *TALL[0]], *rows], ","))
    is_the_table(catalog)
    name = "".join(header)
    assert said == [
        f"left out the column {name!r} (column 1), which numbers the rows. Remove what is not meant to be read."
    ]


def test_numbers_of_the_rows_beside_samples(counts):
    rows = [[str(number), *row] for number, row in enumerate(WIDE[1:])]
    catalog, said = counts(text([["", *WIDE[0]], *rows], ","))
    is_the_table(catalog)
    assert "'' (column 1)" in said[0]


def test_a_column_that_numbers_the_rows_or_is_a_sample_is_refused(counts):
    rows = [[str(number), *row] for number, row in enumerate(ROWS)]
    with pytest.raises(
        InputDataError, match=r"column 'Liver' \(column 1\).* number the rows or be a"
    ):
        counts(text([["Liver", *TALL[0]], *rows], ","))


@pytest.mark.parametrize(
    "above",
    [
        "# a cohort\n",
        "## one\n#\n  # 'two', \"three\n\n",
        "sep=,\n",
        '"sep=,"\n',
        "\ufeffsep=,\r\n# x, y, z, w\n",
        "# Type,P,Q,R\n",
        '"# x, y",,,\n',
    ],
)
def test_lines_above_the_header(counts, above):
    catalog, said = counts(above + text(TALL, ","))
    is_the_table(catalog)
    assert said == []


def test_a_line_that_tells_the_delimiter_is_believed(counts):
    rows = [["Type", *(f"{name}, {name}" for name in NAMES)], *ROWS]
    catalog, _ = counts("sep=;\n" + text(rows, ";"))
    assert catalog.sample_names == ["P, P", "Q, Q", "R, R"]


@pytest.mark.parametrize("header", ["#Type", "# Type", "#", '"#Type"'])
def test_a_header_that_begins_as_a_comment(counts, header):
    for above in ("", "# a cohort\n"):
        is_the_table(counts(above + text([[header, *NAMES], *ROWS]))[0])
    is_the_table(counts(text([[header, *WIDE[0][1:]], *WIDE[1:]]))[0])


def test_comments_between_and_below_rows(counts):
    lines = text(TALL).splitlines()
    catalog, _ = counts("\n".join([*lines[:9], "# half", *lines[9:], "# all, and more", ""]))
    is_the_table(catalog)


def test_a_sample_with_a_number_sign_is_no_comment(counts):
    rows = [[f"#{row[0]}", *row[1:]] for row in WIDE[1:]]
    assert counts(text([WIDE[0], *rows]))[0].sample_names == ["#P", "#Q", "#R"]
    assert counts(text([["#P", *NAMES[1:]], *ROWS]))[0].sample_names == ["#P", "Q", "R"]
    is_the_table(counts(text([["# P", *NAMES[1:]], *ROWS]))[0])
    with pytest.raises(InputDataError, match=r"line 3 \('#Q'\): found 96 cells"):
        counts(text([WIDE[0], rows[0], rows[1][:-1], rows[2]]))


def test_lines_are_counted_from_the_first_of_the_file(counts):
    rows = [row[:] for row in TALL]
    rows[5][2] = "-3"
    for above, line in (("", 6), ("# x\n\n", 8), ("sep=\t\n", 7)):
        with pytest.raises(InputDataError, match=rf"line {line} \(A\[C>A\]T|line {line} \(C\[C>A"):
            counts(above + text(rows))


def test_a_title_is_called_one(counts):
    for more in ("", "By hand\n", "\nTwo centres\n"):
        for delimiter in "\t,;":
            with pytest.raises(InputDataError, match=r"one cell \('My cohort'\).*titles above"):
                counts("My cohort\n" + more + text(TALL, delimiter))


def test_one_row_that_is_too_long_is_no_row_name_of_r(counts):
    with pytest.raises(
        InputDataError, match=r"line 2 \('A\[C>A\]A'\): found 5 cells.*expected 4 as in the h"
    ):
        counts(text([TALL[0], [*ROWS[0], "1"], *ROWS[1:]]))
    with pytest.raises(
        InputDataError, match=r"line 4 .*: found 5 cells.*expected 4 as in the rows"
    ):
        counts(text([NAMES, *ROWS[:2], [*ROWS[2], "1"], *ROWS[3:]]))


def test_a_line_above_the_channels(counts):
    groups = ["", *(label[2:5] for label in SBS96.labels)]
    catalog, said = counts(text([groups, *WIDE]))
    is_the_table(catalog)
    assert said == [
        "left out line 1, which stands above the channels. Remove what is not meant to be read."
    ]
    with pytest.raises(
        InputDataError, match="line 1: found numbers above the line of the channels"
    ):
        counts(text([WIDE[1], WIDE[0], *WIDE[2:]]))


def test_labels_in_the_last_column(counts):
    is_the_table(counts(text([[*row[1:], row[0]] for row in TALL]))[0])
    rows = [[*row[1:], "x", "y", row[0]] for row in TALL]
    catalog, said = counts(text([[*NAMES, "a", "b", "Type"], *rows[1:]]))
    is_the_table(catalog)
    assert "'a' (column 4)" in said[0]


@pytest.mark.parametrize("name", [None, "Sample"])
def test_two_levels_of_columns_as_pandas_writes_them(counts, name):
    levels = [(label[2:5], label[0] + label[2] + label[6]) for label in SBS96.labels]
    frame = pd.DataFrame(COUNTS, pd.Index(NAMES, name=name), pd.MultiIndex.from_tuples(levels))
    is_the_table(counts(frame.to_csv())[0])
    is_the_table(counts(frame.T.to_csv(sep="\t"))[0])


def test_a_header_that_names_the_labels_but_not_the_last_column_is_refused(counts):
    with pytest.raises(InputDataError, match=r"line 2 .*found 4 cells"):
        counts(text([["Mutation Type", "P", "Q"], *ROWS]))


BESIDE = {"Basic_types": lambda row: row[0][2:5], "Note": lambda row: "x y" if row[0] < "C" else ""}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("place", [0, 1, 3, 4])
def test_text_beside_the_labels_is_left_out(counts, name, place):
    rows = [["Type", *NAMES], *ROWS]
    extra = [name, *map(BESIDE[name], ROWS)]
    rows = [[*row[:place], cell, *row[place:]] for row, cell in zip(rows, extra, strict=True)]
    catalog, said = counts(text(rows))
    is_the_table(catalog)
    assert said == [
        f"left out the column {name!r} (column {place + 1}), which holds text. Remove what is not meant to be read."
    ]


def test_three_label_columns_of_cosmic_and_trailing_delimiters(counts):
    head = ["Substitution Type", "Trinucleotide", "Somatic Mutation Type", *NAMES, "", ""]
    labels = [[row[0][2:5], row[0][0] + row[0][2] + row[0][6], row[0]] for row in ROWS]
    rows = [[*three, *row[1:], "", ""] for three, row in zip(labels, ROWS, strict=True)]
    catalog, said = counts(text([head, *rows]))
    is_the_table(catalog)
    assert "'Substitution Type' (column 1)" in said[0]
    assert "'Trinucleotide' (column 2)" in said[0]


@pytest.mark.parametrize("cell", ["1,5", "1,5E-03", "7%", "many", "", "#REF!", "#N/A"])
def test_a_column_of_numbers_that_cannot_be_read_is_not_left_out(counts, cell):
    rows = [row[:] for row in TALL]
    for row in rows[1:] if cell not in ("many", "") else rows[5:6]:
        row[2] = cell
    with pytest.raises(InputDataError, match="column 'Q': found"):
        counts(text(rows))


def test_columns_beside_channels_with_samples_in_rows(counts):
    tumours = ["Tumour", "Skin", "Liver", "Skin"]
    ages = ["age", "61", "", "NA"]
    rows = [
        [tumour, row[0], age, *row[1:], "1"]
        for tumour, row, age in zip(tumours, WIDE, ages, strict=True)
    ]
    rows[0] = ["Tumour", "Sample ID", "age", *WIDE[0][1:], "Total"]
    catalog, said = counts(text(rows, ","))
    is_the_table(catalog)
    for column in ("'Tumour' (column 1)", "'age' (column 3)", "'Total' (column 100)"):
        assert column in said[0]


@pytest.mark.parametrize("row", [["Total", "1", "2", "3"], ["Cancer", "Skin", "Liver", "NA"]])
@pytest.mark.parametrize("place", [1, 97])
def test_a_row_of_totals_or_of_text_is_left_out(counts, row, place):
    catalog, said = counts(text([*TALL[:place], row, *TALL[place:]]))
    is_the_table(catalog)
    assert f"left out {row[0]!r} (line {place + 1}), which is no SBS96 channel" in said[0]


@pytest.mark.parametrize("row", ["Other", "N[C>A]N", "AC>CA"])
def test_a_row_that_may_hold_mutations_is_not_left_out(counts, row):
    with pytest.raises(InputDataError, match=rf"not recognised: '{re.escape(row)}' \(line 98\)"):
        counts(text([*TALL, [row, "1", "2", "3"]]))


def test_a_column_that_may_be_a_channel_is_not_left_out(counts):
    rows = [[*row, cell] for row, cell in zip(WIDE, ["N[C>A]N", "1", "2", "3"], strict=True)]
    with pytest.raises(InputDataError, match=r"not recognised: 'N\[C>A\]N' \(column 98\)"):
        counts(text(rows))


def test_rounding_errors_below_0_are_read_as_0(counts):
    rows = [row[:] for row in TALL]
    rows[3][1], rows[4][2] = "-1e-12", "-0.0"
    catalog, said = counts(text(rows))
    assert "read 1 numbers as 0 that are less by a rounding error, down to -1e-12" in said[0]
    assert catalog.counts.iloc[0, 2] == 0
    assert not np.signbit(catalog.counts).any(axis=None)
    # The sum of the sample counts, not that of the table: 1e-9 of 1e12 mutations are many.
    rows[5][3], rows[3][1] = "1e12", "-1e-3"
    with pytest.raises(InputDataError, match=r"'-1e-3', a negative number"):
        counts(text(rows))


def test_rounding_errors_in_signatures_and_exposures(counts):
    numbers = COUNTS * np.where(np.arange(96) == 7, 0, 1)
    profiles = numbers / numbers.sum(axis=1, keepdims=True)
    shares = [
        [row[0], *(f"{x:.6f}" for x in column)]
        for row, column in zip(ROWS, profiles.T, strict=True)
    ]
    shares[7][2] = "-1e-17"
    signatures, said = counts(text([TALL[0], *shares]), read_signatures)
    assert signatures.profiles.iloc[1, 7] == 0
    assert "rounding error" in said[0]
    exposures, said = counts("Samples\tSBS1\tSBS5\nA\t-1e-11\t30\n", read_exposures)
    assert exposures.to_numpy().tolist() == [[0, 30]]
    with pytest.raises(InputDataError, match="a negative number"):
        counts("Samples\tSBS1\tSBS5\nA\t-1e-7\t30\n", read_exposures)


EXPOSURES = [["Samples", "SBS1", "SBS5"], ["A", "1", "2"], ["B", "3", "4"]]


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        ("SBS1 SBS5\nA 1 2\nB 3 4\n", ""),
        ('"SBS1","SBS5"\n"A",1,2\n"B",3,4\n', ""),
        ("# run 1\n#Samples\tSBS1\tSBS5\nA\t1\t2\nB\t3\t4\n", ""),
        ("Samples,SBS1,SBS5\nCTGA,1,2\nB,3,4\n", ""),
        (",Sample,SBS1,SBS5\n0,A,1,2\n1,B,3,4\n", "'' (column 1)"),
        (",Tumor,SBS1,SBS5\n0,A,1,2\n1,B,3,4\n", "'' (column 1)"),
        ("Samples\tSex\tSBS1\tSBS5\tTotal\nA\tf\t1\t2\t3\nB\tm\t3\t4\t7\n", "'Sex' (column 2)"),
        ("Samples\tSBS1\tSBS5\tTotal\nA\t1\t2\t3\nB\t3\t4\t7\n", "'Total' (column 4)"),
        ("Signature\tAetiology\tA\tB\nSBS1\tage\t1\t3\nSBS5\tnot known\t2\t4\n", "'Aetiology'"),
    ],
)
def test_exposures(counts, content, left_out):
    frame, said = counts(content, read_exposures)
    expected = pd.DataFrame({"SBS1": [1.0, 3.0], "SBS5": [2.0, 4.0]}, index=["A", "B"])
    pd.testing.assert_frame_equal(frame.rename({"CTGA": "A"}), expected)
    assert left_out in " ".join(said)
    assert bool(said) == bool(left_out)


def test_a_table_without_exposures(counts):
    with pytest.raises(InputDataError, match=r"3 column\(s\) and 1 line"):
        counts("Samples\tCancer Types\tSBS1\n", read_exposures)
    with pytest.raises(InputDataError, match="no column of exposures"):
        counts("Samples\tSex\nA\tf\n", read_exposures)
    with pytest.raises(InputDataError, match="there is no sample in it"):
        counts(
            text(
                [
                    ["", *(label[2:5] for label in SBS96.labels)],
                    ["", *(f"{x[0]}{x[2]}{x[6]}" for x in SBS96.labels)],
                ]
            )
        )


@pytest.mark.parametrize("content", ['"', '""\n"', '\n"\n'])
def test_quotation_marks_alone_are_an_empty_file(counts, content):
    for reader in (read_catalog, read_signatures, read_exposures):
        with pytest.raises(InputDataError, match="the file is empty"):
            counts(content, reader)


@pytest.mark.parametrize("cell", ["1\x1d", "\x1c1", "1\x07", "\x1f"])
def test_a_control_character_in_a_number_is_named(counts, cell):
    with pytest.raises(InputDataError, match="line 2: found the control character"):
        counts(f"Samples\tSBS1\tSBS5\nA\t1\t{cell}\n", read_exposures)


def test_text_under_the_name_of_a_signature_is_a_fault_of_the_cell(tmp_path):
    path = tmp_path / "exposures.tsv"
    path.write_text("Samples\tSBS1\tSBS5\nP\t3\tlow\nQ\t1\thigh\n")
    with pytest.raises(InputDataError, match=r"line 2 .*column 'SBS5': found 'low'"):
        read_exposures(path)
