"""Checks of output paths, made before the long work so that it is never lost to a typing error."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from dnmf.cli.console import STDOUT, UserError
from dnmf.exceptions import OutputExistsError
from dnmf.report.folder import RUN_RECORD, check_output_folder, restore_folder, run_files
from dnmf.storage import check_replaceable


def check_result_folder(folder: Path, *, overwrite: bool, inputs: tuple[Path, ...] = ()) -> None:
    """Raise unless ``folder`` can be created, or replaced without losing anything else.

    Never replaced is a folder with something in it that no run of dnmf wrote, or that holds an input of this run or the
    current folder.
    """
    restore(*inputs)
    if folder == STDOUT:
        raise UserError(
            f"{folder}: the results are a folder, which cannot go to standard output. Give the name of a folder."
        )
    _check_parent(folder)
    check_output_folder(folder, overwrite=overwrite)
    for path in (Path.cwd(), *inputs):
        real = Path(os.path.realpath(path))  # resolve() fails where links lead in a circle
        if any(_same(folder, place) for place in (real, *real.parents)):
            raise OutputExistsError(
                f"{folder} will not be replaced: {path} is inside it. Choose another output folder."
            )


def check_output_file(
    path: Path, *, overwrite: bool, suffixes: tuple[str, ...] = (), inputs: tuple[Path, ...] = ()
) -> None:
    """Raise unless the file can be written; ``suffixes`` are the endings that are understood.

    Never replaced is an input of this command, by whatever name, a file of the results of a run, or something that is
    not a file. A table, which has no ``suffixes``, may go to standard output: ``-``.
    """
    restore(*inputs)
    if path == STDOUT:
        if not suffixes:
            return
        raise UserError(
            f"{path}: a picture cannot go to standard output. Give the name of a file that ends in "
            f"{', '.join(suffixes)}."
        )
    if suffixes and path.suffix.lower() not in suffixes:
        raise UserError(
            f"{path}: the ending says the format; it must be one of {', '.join(suffixes)}."
        )
    _check_parent(path)
    if path.is_dir():
        raise OutputExistsError(f"{path} is a folder. Give the name of a file to write.")
    check_replaceable(path)
    for given in inputs:
        if _same(path, given):
            raise OutputExistsError(
                f"{path} will not be replaced: it is an input of this command ({given}). Choose another name."
            )
    if not path.exists():
        return
    real = Path(os.path.realpath(path.parent), path.name)
    folder = results_folder(real)
    if folder is not None and real.relative_to(folder).as_posix() in run_files(folder):
        raise OutputExistsError(
            f"{path} will not be replaced: it is part of the results in {folder}. Choose another name."
        )
    if not overwrite:
        raise OutputExistsError(
            f"{path} exists. Choose another name, or replace it with --overwrite."
        )


def restore(*inputs: Path) -> None:
    """Put a folder of results back from which an input comes, if a killed run had just moved it aside."""
    for path in inputs:
        for place in (path, *path.parents):
            if not os.path.lexists(place):
                with suppress(OSError):  # a list of references may be longer than any file name
                    restore_folder(place)


def model_files(model: str | Path) -> tuple[Path, ...]:
    """Return what may be the files of a model that is given as a folder, a file or a name."""
    given = Path(model)
    if given.is_dir():
        return given / "model.json", given / "model.safetensors"
    stem = str(model).removesuffix(".json").removesuffix(".safetensors")
    return given, Path(f"{stem}.json"), Path(f"{stem}.safetensors")


def results_folder(path: Path) -> Path | None:
    """Return the folder of a run that a file lies in, however deep; None if it lies in none."""
    for place in path.absolute().parents:
        with suppress(OSError, ValueError, TypeError):
            if "dnmf" in json.loads((place / RUN_RECORD).read_text(encoding="utf-8")):
                return place
    return None


def _same(path: Path, other: Path) -> bool:
    """Whether both exist and are the same file or folder, whatever links or spellings lead to it."""
    with suppress(OSError, ValueError):
        return path.samefile(other)
    return False


def _check_parent(path: Path) -> None:
    parent = path.absolute().parent
    if not parent.exists():
        raise FileNotFoundError(
            f"{path} cannot be written: the folder {parent} does not exist. Create it first."
        )
    if not parent.is_dir():
        raise NotADirectoryError(
            f"{path} cannot be written: {parent} is not a folder. Choose another place."
        )
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
