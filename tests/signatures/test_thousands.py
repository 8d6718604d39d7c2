"""Numbers of other locales are refused with the number that was meant, never read with another meaning."""

import pytest

from dnmf.exceptions import InputDataError
from dnmf.signatures import SBS96, read_catalog, read_exposures, read_signatures


def table(*cells, delimiter="\t", others="7"):
    """Return a table of one sample whose first channels have these cells, and two more samples."""
    rows = [
        delimiter.join([label, cells[row] if row < len(cells) else others, "12", "0"])
        for row, label in enumerate(SBS96.labels)
    ]
    return "\n".join([delimiter.join(["Type", "a", "b", "c"]), *rows])


def refusal(tmp_path, text, reader=read_catalog):
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputDataError) as caught:
        reader(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize(
    "cells", [["2.360", "999", "12.000"], ["5", "1.000"], ["123.456", "1.001"]]
)
def test_points_between_thousands(tmp_path, cells, delimiter):
    message = refusal(tmp_path, table(*cells, delimiter=delimiter))
    at = next(row for row, cell in enumerate(cells) if "." in cell)
    assert f"line {at + 2} ({SBS96.labels[at]}), column 'a': found '{cells[at]}'" in message
    assert "a point between thousands? " in message
    assert f"Write {cells[at].replace('.', '')}, or {cells[at]}0 if" in message


def test_points_between_the_thousands_of_some_numbers_only(tmp_path):
    """Samples put together from two sources: many such numbers, or a name, make it sure."""
    assert "found '2.360'" in refusal(tmp_path, table("4711", *["2.360"] * 20))
    few = table("4711", *["2.360"] * 3)
    assert "found '2.360'" in refusal(tmp_path, few.replace("Type\ta", "Type\tCounts of a"))
    (tmp_path / "mutation_counts.tsv").write_text(few)
    with pytest.raises(InputDataError, match="between thousands"):
        read_catalog(tmp_path / "mutation_counts.tsv")


@pytest.mark.parametrize(
    "cells",
    [
        ["2.360", "1.5"],
        ["4711", *["2.360"] * 3],
        ["2.360", "0.250"],
        ["2.360", "0.000"],
        ["2.360", "4711"],
        ["2.360", "4711.250"],
        ["2.3605"],
        ["2.0", "3.0"],
    ],
)
@pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
def test_decimals_of_counts_are_decimals(tmp_path, cells):
    (tmp_path / "x.tsv").write_text(table(*cells))
    read = read_catalog(tmp_path / "x.tsv").counts.iloc[0, : len(cells)]
    assert read.tolist() == [float(cell) for cell in cells]


def test_three_decimals_of_a_signature_are_decimals(tmp_path):
    rows = [f"{label}\t{'1.000' if row == 3 else '0'}" for row, label in enumerate(SBS96.labels)]
    (tmp_path / "x.tsv").write_text("\n".join(["Type\tSBS1", *rows]))
    assert read_signatures(tmp_path / "x.tsv").profiles.iloc[0, 3] == 1


def test_points_between_thousands_of_exposures(tmp_path):
    text = "Samples\tSBS1\tSBS5\na\t12\t2.360\nb\t0\t310\n"
    message = refusal(tmp_path, text, read_exposures)
    assert "line 2 (a), column 'SBS5': found '2.360', a point between thousands? " in message
    (tmp_path / "y.tsv").write_text(text.replace("310", "310.5"))
    assert read_exposures(tmp_path / "y.tsv").loc["a", "SBS5"] == 2.36


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("1.234.567", "write 1234567"),
        ("1 234", "write 1234"),
        ("1\u00a0234", "write 1234"),
        ("1\u202f234\u202f567", "write 1234567"),
        ("1'234", "write 1234"),
        ("1’234", "write 1234"),
        ("1.234,5", "write 1234.5"),
        ("1,5", "write 1.5"),
        ("0,25", "write 0.25"),
        ("1,234", "write 1234 or 1.234"),
        ("1,234.5", "write 1234.5"),
        ("1,234,567", "write 1234567"),
    ],
)
def test_other_notations_are_named(tmp_path, cell, meant):
    message = refusal(tmp_path, table("3", cell))
    assert f"found {cell!r}, not a number (" in message
    assert f"nothing between thousands: {meant})" in message
