"""A folder for matplotlib's own files, which it needs to start."""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_config_path

from dnmf.caches import cache_folder, can_be_written


def find_settings_folder() -> None:
    """Name a folder in ``MPLCONFIGDIR`` where matplotlib could not write to its own.

    It would make one for each process, list all fonts in it anew and log several lines.
    """
    if "matplotlib" in sys.modules or _has_folder():
        return
    folder = cache_folder()
    if folder is None:
        # It finds another place or stops; what it would log has been said.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
    else:
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
