"""Where files are kept that can be made again: they save time, and no result needs them."""

import hashlib
import logging
import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

# Linux's files in memory: often all that can be written in a read-only container.
_MEMORY = Path("/dev/shm")


@cache
def cache_folder() -> Path | None:
    """Return a folder of the user's own: in the system's folder for caches, else among temporary files, else None.

    Code in it will be run, so it is used only if no other user can have written to it. A temporary one has the same
    name in every process: they share what is in it. That it is temporary, or that there is none, is logged.
    """
    folder = None
    with suppress(OSError, RuntimeError):  # a user without a name or a home
        folder = user_cache_path("dnmf", appauthor=False)
        # Without a home it may be relative: a folder among the user's own files, wherever the command is run.
        if folder.is_absolute() and _is_private(folder):
            return folder
    temporary = _temporary_folder()
    logging.getLogger(__name__).warning(
        "%s cannot be written: %s. XDG_CACHE_HOME may name another folder.",
        folder or "The folder for caches",
        "nothing is kept for the next run, which takes as long to start"
        if temporary is None
        else f"what is kept for the next run is in {temporary}",
    )
    return temporary


def kept_file(kind: str, source: Path, *what: str) -> Path | None:
    """Return where that is kept which was made of a file: its path, size, time and ``what`` else are in the name.

    None where nothing can be kept, and for a pipe, which has no state to find it by.
    """
    folder = cache_folder()
    try:
        state = source.stat()
    except (OSError, ValueError):
        return None
    if folder is None or not stat.S_ISREG(state.st_mode):
        return None
    key = (str(source.resolve()), state.st_size, state.st_mtime_ns, *what)
    return folder / f"{kind}-{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.json"


def can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Asking the system is the only sure test: permission bits say little about roots, mounts and quotas.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _temporary_folder() -> Path | None:
    places = [_MEMORY]
    with suppress(OSError):
        places.insert(0, Path(tempfile.gettempdir()))
    for place in places:
        with suppress(OSError):
            name = f"dnmf-{os.geteuid()}" if hasattr(os, "geteuid") else "dnmf"
            if _is_safe(place) and _is_private(place / name):
                return place / name
    return None


def _is_safe(place: Path) -> bool:
    """Whether a place is for temporary files, and no other user can put a folder in place of one of ours."""
    # Where no temporary file can be made, Python proposes the current folder.
    if place.resolve() == Path.cwd():
        return False
    state = place.stat()
    # In a folder that users share, the sticky bit keeps them from renaming each other's files.
    return bool(state.st_mode & stat.S_ISVTX) or (_is_own(state) and not state.st_mode & 0o022)


def _is_private(folder: Path) -> bool:
    """Whether this user owns a folder and can write to it; others are kept out from now on."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True)
    if not can_be_written(folder):
        return False
    state = folder.lstat()  # of a link, not of where it leads
    if not stat.S_ISDIR(state.st_mode) or not _is_own(state):
        return False
    folder.chmod(0o700)
    return True


def _is_own(state: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or state.st_uid == os.geteuid()
