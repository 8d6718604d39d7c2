"""Compilation by numba, the result of which is kept for the next process wherever that is possible."""

import hashlib
import logging
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache

from dnmf.caches import cache_folder, can_be_written

config: Any = numba.config

# Arithmetic is named: numba gives a function without it that of the caller that is compiled first.
_DEFAULTS: dict[str, Any] = {
    "nogil": True,
    "fastmath": False,
    "error_model": "python",
    "no_cfunc_wrapper": True,
}


def compiled(
    *, slow: bool = False, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that compiles a function, with the options of ``numba.njit``, and releases the GIL.

    ``njit(cache=True)`` raises an error where nothing can be written, and where a file of its cache is damaged; this
    compiles again instead. The user is told before the first function that is ``slow`` to compile.
    """

    def compile_function(function: Callable[..., Any]) -> Callable[..., Any]:
        dispatcher: Callable[..., Any] = numba.njit(**(_DEFAULTS | options))(function)
        folder = _folder(Path(function.__code__.co_filename).parent)
        if folder is not None and hasattr(dispatcher, "_cache"):  # no cache with NUMBA_DISABLE_JIT
            before, config.CACHE_DIR = config.CACHE_DIR, folder
            try:
                dispatcher._cache = _Cache(function)
                dispatcher._cache.slow = slow
            except (RuntimeError, OSError):
                pass  # numba has found no place for it
            finally:
                config.CACHE_DIR = before
        return dispatcher

    return compile_function


class _Cache(FunctionCache):
    """The files that numba keeps of a function; what cannot be read or written costs time, no result."""

    slow = False

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        with suppress(Exception):  # a damaged file may raise anything
            found = super().load_overload(sig, target_context)
            if found is None and self.slow:
                _tell_of_compilation()
            return found
        with suppress(OSError):
            self.flush()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):  # a full disk
            super().save_overload(sig, data)


@cache
def _tell_of_compilation() -> None:
    """Say it once, and not in every worker."""
    if multiprocessing.parent_process() is None:
        logging.getLogger(__name__).warning(
            "Compiling for this processor, the first time only: up to half a minute."
        )


@cache
def _folder(room: Path) -> str | None:
    """Return where numba shall keep files: where the user says, beside the source, the folder for caches, or None.

    ``room`` is the folder of the source. What has been compiled beside it is taken over to the folder for caches.
    """
    # Numba compares one file only, and compiles into a function those of other files that it calls.
    sources = b"".join(path.read_bytes() for path in sorted(room.glob("*_numba.py")))
    version = hashlib.sha256(sources).hexdigest()[:16]
    beside = room / "__pycache__"
    places = [Path(config.CACHE_DIR)] if config.CACHE_DIR else []
    place = next(filter(can_be_written, [*places, beside]), None)
    if place is None and (users := cache_folder()) is not None:
        place = users / "numba"
        _copy_folder(beside / version, place / version)
    return None if place is None else str(place / version)


def _copy_folder(source: Path, target: Path) -> None:
    """Copy what whoever installed the package has compiled beside it: once, whole or not at all."""
    if target.exists() or not source.is_dir():
        return
    with suppress(OSError):  # a full disk, or another process was first
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, ignore_cleanup_errors=True) as folder:
            copy = shutil.copytree(source, Path(folder) / "copy")
            for part in (copy, *copy.iterdir()):
                part.chmod(0o700)  # others may have made them read-only
            copy.rename(target)
