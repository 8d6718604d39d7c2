"""Import paths that the documents of version 0.1 named; they work until version 0.3, with a warning."""

from collections.abc import Callable
from importlib import import_module
from typing import Any
from warnings import warn


def former_names(old: str, new: str) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for the module ``old``, whose public names are now those of ``new``."""

    def __getattr__(name: str) -> Any:
        if name.startswith("_") or not hasattr(home := import_module(new), name):
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        warn(
            f"{old}.{name} is now {new}.{name}; the former name goes with version 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(home, name)

    return __getattr__
