"""Checks of output paths, made before the long work so that it is never lost to a typing error."""

import tempfile
from pathlib import Path

from dnmf.cli.console import UserError
from dnmf.exceptions import OutputExistsError
from dnmf.report.folder import check_output_folder


def check_result_folder(folder: Path, *, overwrite: bool, inputs: tuple[Path, ...] = ()) -> None:
    """Raise unless ``folder`` can be created, or replaced without losing anything else.

    Never replaced is a folder with something in it that no run of dnmf wrote, or that holds an input of this run or the
    current folder.
    """
    _check_parent(folder)
    check_output_folder(folder, overwrite=overwrite)
    for path in (Path.cwd(), *inputs):
        if path.resolve().is_relative_to(folder.resolve()):
            raise OutputExistsError(
                f"{folder} will not be replaced: {path} is inside it. Choose another output folder."
            )


def check_output_file(path: Path, *, overwrite: bool, suffixes: tuple[str, ...] = ()) -> None:
    """Raise unless the file can be written; ``suffixes`` are the endings that are understood."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise UserError(
            f"{path}: the ending says the format; it must be one of {', '.join(suffixes)}."
        )
    _check_parent(path)
    if path.is_dir():
        raise OutputExistsError(f"{path} is a folder. Give the name of a file to write.")
    if path.exists() and not overwrite:
        raise OutputExistsError(
            f"{path} exists. Choose another name, or replace it with --overwrite."
        )


def _check_parent(path: Path) -> None:
    parent = path.absolute().parent
    if not parent.exists():
        raise FileNotFoundError(
            f"{path} cannot be written: the folder {parent} does not exist. Create it first."
        )
    if not parent.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {parent} is not a folder.")
    try:
        # Asking the system is the only sure test: permission bits say little about roots, mounts
        # and quotas.
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise PermissionError(
            f"{path} cannot be written: no file can be created in {parent} ({error.strerror}). "
            "Choose another place."
        ) from None
