"""Options that are a number or something else: ``-k 2:15``, ``--l1 auto``, ``--max-input 2GB``."""

import math
import re
from typing import Literal

import typer

_RANGE = re.compile(r"(\d+):(\d+)")
_LIST = re.compile(r"\d+(,\d+)*")
_SIZE = re.compile(r"([1-9]\d{0,14}) ?([kMG]?)B?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
# No catalog has that many channels; a range without end would fill the memory before a catalog is read.
_MOST_NUMBERS = 10_000


def parse_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of ``12``, ``2:15`` (both ends included) or ``3,5,8``, in order.

    Examples
    --------
    >>> parse_numbers("2:5"), parse_numbers("8,3,5"), parse_numbers("12")
    ((2, 3, 4, 5), (3, 5, 8), (12,))
    """
    span = _RANGE.fullmatch(text.strip())
    if span:
        low, high = int(span[1]), int(span[2])
        if low > high:
            raise typer.BadParameter(f"{text} ends before it begins. Did you mean {high}:{low}?")
        if high - low > _MOST_NUMBERS:
            raise typer.BadParameter(f"{text} is longer than any catalog allows.")
        numbers: tuple[int, ...] = tuple(range(low, high + 1))
    elif _LIST.fullmatch(text.strip()):
        numbers = tuple(sorted({int(part) for part in text.split(",")}))
    else:
        raise typer.BadParameter(
            f"{text!r} is no number of signatures. Give one (12), a range with both its ends (2:15), or a list (3,5,8)."
        )
    if numbers[0] < 1:
        raise typer.BadParameter(f"{text}: the number of signatures is at least 1.")
    return numbers


def parse_size(text: str) -> int:
    """Return a number of bytes.

    Examples
    --------
    >>> parse_size("2GB"), parse_size("500M"), parse_size("70000")
    (2000000000, 500000000, 70000)
    """
    size = _SIZE.fullmatch(text.strip())
    if size is None:
        raise typer.BadParameter(f"{text!r} is no size. Give one such as 500MB or 2GB.")
    return int(size[1]) * _UNITS[size[2].lower()]


def parse_penalty(text: str) -> float | Literal["auto"]:
    """Return a penalty >= 0, or "auto"."""
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        raise typer.BadParameter(f"must be a number, 0 or more, or auto; got {text!r}.") from None
    if not math.isfinite(value) or value < 0:
        raise typer.BadParameter(f"must be a finite number, 0 or more; got {value}.")
    return value
