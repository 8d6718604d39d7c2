"""The one shape of a progress callback."""

from collections.abc import Callable

__all__ = ["Progress"]

Progress = Callable[[str, int, int, float], None]
"""``progress(phase, step, steps, cost)`` is called after every step of long work.

``phase`` names the part of the work, ``step`` counts up to ``steps`` (0 where their number is not known beforehand),
``cost`` is what the phase lowers (NaN where it has none). A phase that goes on from a checkpoint begins with the steps
that were done before. What the callback raises ends the work.
"""
