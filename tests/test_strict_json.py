"""JSON is read as it was written, or refused with what is wrong with it and where."""

import json
from typing import Any, Literal

import pytest

from dnmf.exceptions import CheckpointError
from dnmf.strict_json import check_entries, entries_checksum, is_unchanged, read_json


def read(content: bytes) -> Any:
    return read_json(content, "a.json", CheckpointError)


@pytest.mark.parametrize(
    "value", [{"a": [1, -0.0, 1e308, None, True, "é \U0001f9ec"], "b": {}}, [], 3, "text", None]
)
def test_what_was_written_is_what_is_read(value):
    assert read(json.dumps(value).encode()) == value
    assert read(json.dumps(value, ensure_ascii=False).encode("utf-8-sig")) == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": "\xfc"}', "utf-8"),
        ('{"a": 1}'.encode("utf-16"), "utf-8"),
        (b"\x1f\x8b\x08", "utf-8"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a' is there twice"),
        (b'{"a": [NaN]}', "NaN is not finite"),
        (b'{"a": -Infinity}', "-Infinity is not finite"),
        (b'{"a": 1e400}', "1e400 is not finite"),
        (b"1" * 5000, "not JSON"),
        (b'"\\ud800"', "surrogates"),
        (b"[" * 60 + b"]" * 60, "50 levels"),
        (b"[" * 100_000, "50 levels"),
        (b'{"a":' * 100_000, "50 levels"),
    ],
)
def test_what_is_no_plain_json_is_refused_by_name(content, message):
    with pytest.raises(CheckpointError, match=rf"a\.json.*{message}"):
        read(content)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (str, ["", "a"], [1, None, [], {}]),
        (int, [0, -1, 2**63 - 1], [True, 1.0, "1", None, 2**63]),
        (float, [0, 1.5, -2], [True, "1", None, 10**400]),
        (int | None, [1, None], [False, "1", 1.5]),
        (list[str], [[], ["a"]], ["a", {"a": "b"}, ["a", 1], [None]]),
        (tuple[float, float], [[1, 2.5]], [[1], [1, 2, 3], 1, [1, "2"], {"1": 2}]),
        (dict[str, int], [{}, {"a": 1}], [[], {"a": 1.5}, {"a": True}]),
        (dict[str, Any], [{"a": [None]}], [[], None, "a"]),
        (list[list[float]] | None, [None, [[1.0]]], [[1.0], [["1"]]]),
        (Literal["x", "y"], ["x"], ["z", 1, None, ["x"]]),
    ],
)
def test_entries_are_of_their_kind_or_named(kind, good, bad):
    for value in good:
        check_entries({"a": value}, {"a": kind}, "a.json", CheckpointError)
    for value in bad:
        with pytest.raises(CheckpointError, match=r"a\.json: the entry 'a' is .*, not "):
            check_entries({"a": value}, {"a": kind}, "a.json", CheckpointError)


def test_a_missing_entry_is_named_and_a_long_one_not_repeated():
    with pytest.raises(CheckpointError, match=r"a\.json lacks the entry 'b'"):
        check_entries({"a": 1}, {"b": int}, "a.json", CheckpointError)
    with pytest.raises(CheckpointError, match=r"holds \[\], not a group of entries"):
        check_entries([], {"b": int}, "a.json", CheckpointError)
    with pytest.raises(CheckpointError) as caught:
        check_entries({"b": "x" * 1_000_000}, {"b": int}, "a.json", CheckpointError)
    assert len(str(caught.value)) < 200


def test_a_checksum_is_of_the_values_whatever_the_layout():
    entries = {"b": [1, 2.5, (3, 4)], "a": {"é": None}}
    entries["entries_sha256"] = entries_checksum(entries)
    again = json.loads(json.dumps(entries, indent=3, sort_keys=True, ensure_ascii=False))
    assert is_unchanged(again)
    assert is_unchanged({"b": 1})
    again["a"]["é"] = 0
    assert not is_unchanged(again)
