"""A folder for matplotlib's own files, which it needs to start."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_config_path

from dnmf.caches import cache_folder, can_be_written


def find_settings_folder() -> None:
    """Name a folder in ``MPLCONFIGDIR`` where matplotlib could write to none of its own.

    It would make one for each process, list all fonts in it anew and say so, and fail where there is no place for
    temporary files.
    """
    if "matplotlib" in sys.modules or _has_folder():
        return
    folder = cache_folder()
    if folder is not None:
        os.environ["MPLCONFIGDIR"] = str(folder / "matplotlib")


def _has_folder() -> bool:
    with suppress(RuntimeError):  # there is no home
        if chosen := os.environ.get("MPLCONFIGDIR"):
            return can_be_written(Path(chosen))
        if sys.platform.startswith("linux"):
            folders = [user_config_path("matplotlib"), user_cache_path("matplotlib")]
        else:
            folders = [Path.home()]
        return all(folder.is_absolute() and can_be_written(folder) for folder in folders)
    return False
