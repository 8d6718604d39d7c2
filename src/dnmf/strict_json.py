"""JSON that somebody may have changed since it was written: read strictly, checked entry by entry, with a checksum."""

import hashlib
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from reprlib import repr as shortened
from types import NoneType
from typing import Any, Literal, get_args, get_origin

# More nesting than any card has; a thousand levels would be too many for Python's own functions.
MOST_LEVELS = 50
CHECKSUM = "entries_sha256"
"""The entry that holds the SHA-256 of all other entries."""

_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a group of entries",
    NoneType: "null",
}


def read_json(content: bytes, source: object, error: type[ValueError]) -> Any:
    """Return what JSON in UTF-8 holds.

    Raises
    ------
    ValueError
        Of the type ``error``; the message names ``source``. The content is not UTF-8 or not JSON, or holds a name
        twice, a number that is not finite, half a character or more than fifty levels.
    """
    try:
        entries = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_each_name_once,
            parse_float=_finite,
            parse_constant=_finite,
        )
        _check_levels(entries)
        json.dumps(entries, ensure_ascii=False).encode()
    except RecursionError:
        raise error(f"{source} has far more than {MOST_LEVELS} levels of nesting") from None
    except ValueError as problem:
        raise error(f"{source} is truncated or not JSON: {problem}") from None
    return entries


def check_entries(
    entries: Any,
    kinds: Mapping[str, Any],
    source: object,
    error: type[ValueError],
) -> None:
    """Raise ``error``, naming ``source`` and the entry, unless all of ``kinds`` are there and are what they should be.

    A kind is written as in an annotation: ``str``, ``list[str]``, ``tuple[float, float]``, ``int | None``, ``Any`` ...
    A ``float`` may be a whole number; no number is true or false, infinite, or of more than 64 bits.
    """
    if not isinstance(entries, dict):
        raise error(f"{source} holds {_described(entries)}, not a group of entries")
    for name, kind in kinds.items():
        if name not in entries:
            raise error(f"{source} lacks the entry {name!r}")
        if not _is_a(entries[name], kind):
            raise error(
                f"{source}: the entry {name!r} is {_described(entries[name])}, not {_in_words(kind)}"
            )


def entries_checksum(entries: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all entries but the checksum itself, whatever their order and layout."""
    others = {name: value for name, value in entries.items() if name != CHECKSUM}
    text = json.dumps(json.loads(json.dumps(others)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_unchanged(entries: Mapping[str, Any]) -> bool:
    """Whether entries are those that were written; those without a checksum, of former versions, count as such."""
    return CHECKSUM not in entries or entries[CHECKSUM] == entries_checksum(entries)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the entry {shortened(name)} is there twice")
    return entries


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is not finite")
    return number


def _check_levels(value: Any, left: int = MOST_LEVELS) -> None:
    if left == 0:
        raise ValueError(f"more than {MOST_LEVELS} levels of nesting")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_levels(inner, left - 1)


def _is_a(value: Any, kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    checks: dict[Any, Callable[[], bool]] = {
        list: lambda: isinstance(value, list) and all(_is_a(item, *inner) for item in value),
        tuple: lambda: (
            isinstance(value, list) and len(value) == len(inner) and all(map(_is_a, value, inner))
        ),
        dict: lambda: (
            isinstance(value, dict) and all(_is_a(item, inner[1]) for item in value.values())
        ),
        Literal: lambda: isinstance(value, str) and value in inner,
    }
    if kind is Any:
        return True
    if origin in checks:
        return checks[origin]()
    if inner:  # one of several kinds
        return any(_is_a(value, one) for one in inner)
    if kind is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max
    if kind is int:
        return type(value) is int and -(2**63) <= value < 2**63
    return type(value) is kind


def _in_words(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (list, dict):
        each = "" if inner[-1] is Any else f", each {_in_words(inner[-1])}"
        return _WORDS[origin] + each
    if origin is tuple:
        return f"a list of {len(inner)} numbers"
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if inner:
        return " or ".join(map(_in_words, inner))
    return _WORDS.get(kind, "anything")


def _described(value: Any) -> str:
    """Return the value as JSON has it where it is short, else what it is."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return _WORDS[type(value)] if isinstance(value, dict | list) and value else shortened(value)
