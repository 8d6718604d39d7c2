"""Warnings as part of a result."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def recorded_warnings() -> Iterator[list[str]]:
    """Yield a list that at the end holds each distinct warning once; then pass them on."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    seen: set[tuple[type[Warning], str]] = set()
    for item in caught:
        key = (item.category, str(item.message))
        if key in seen:
            continue
        seen.add(key)
        # Deprecations are for developers: passed on below, but no part of a result.
        if issubclass(item.category, UserWarning | RuntimeWarning):
            messages.append(str(item.message))
        warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
