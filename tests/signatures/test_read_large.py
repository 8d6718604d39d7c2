"""Tables that would fill the memory are refused, whatever they are full of."""

import gzip

import pytest

from dnmf.exceptions import InputDataError
from dnmf.inputs import input_limit
from dnmf.signatures import SBS96, read_catalog, read_exposures

LIMIT = 400_000
KINDS = {
    "rows": (b"a\t1\n" * 3000, "rows of 2 columns"),
    "columns": (b"0\t" * 10_000 + b"\n", "characters or more"),
    "names": (b"abc\t" * 10_000 + b"\n", "characters or more"),
    "cells": (b"\t".join([b"0"] * 4000) + b"\n", None),
    "blank lines": (b"a\tb\n" + b"\n" * 5000, "lines, too many"),
    "blank lines above": (b"\n" * 5000 + b"a\tb\n", "lines, too many"),
    "comments": (b"a\tb\n1\t2\n" + b"#\n" * 5000, "lines, too many"),
    "comments above": (b"#\r" * 5000 + b"a\tb\n", "lines, too many"),
    "rows of nothing": (b"a\tb\n" + b"\t\n" * 5000, "lines, too many"),
    "quoted lines": (b'"a\n"\t' * 9000, "characters or more"),
    "one line": (b"x" * 20_000, "characters or more"),
    "wide characters": ("\U0001f9ec\t1\n".encode() * 40_000, "characters of all kinds"),
    "bytes": (b"a\t1\n" * 200_000, "counted unpacked"),
}


@pytest.mark.parametrize("reader", [read_catalog, read_exposures])
@pytest.mark.parametrize(("unit", "words"), KINDS.values(), ids=KINDS)
def test_much_of_anything_is_refused_with_the_limit_and_what_lifts_it(
    tmp_path, reader, unit, words
):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(unit))
    with input_limit(LIMIT), pytest.raises(InputDataError, match=words) as caught:
        reader(path)
    if words is not None:
        assert f"the limit of an input is {LIMIT:,} bytes" in str(caught.value)
        assert "--max-input" in str(caught.value)


def test_a_cell_that_is_too_long_is_called_that(tmp_path):
    path = tmp_path / "long.tsv"
    path.write_text("a\tb\n" + "x" * 140_000 + "\t1\n")
    with pytest.raises(InputDataError, match=r"after line 1.*131,072 characters.*a long cell"):
        read_catalog(path)


def test_what_fits_is_read_and_so_is_more_with_a_higher_limit(tmp_path):
    path = tmp_path / "large.tsv"
    rows = ["Samples\t" + "\t".join(SBS96.labels)]
    rows += [f"S{i}\t" + "\t".join(str(12_345 + i * j) for j in range(96)) for i in range(900)]
    path.write_text("\n".join(rows))
    with input_limit(path.stat().st_size - 1), pytest.raises(InputDataError):
        read_catalog(path)
    with input_limit(600_000):
        assert len(read_catalog(path).counts) == 900
