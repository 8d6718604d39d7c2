"""An output folder that appears whole or not at all."""

import ctypes
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dnmf.exceptions import InputDataError, OutputExistsError
from dnmf.locks import locked
from dnmf.storage import hidden_name, leftovers, sync_folder

RUN_RECORD = "run.json"
# fmt: off
OURS = frozenset({
    "catalog.tsv", "signatures.tsv", "exposures.tsv", "fit.tsv", "matches.tsv", "intervals.tsv", "presence.tsv",
    "selection.tsv", "penalties.tsv", "solutions", "signature_intervals.tsv", "exposure_lower.tsv",
    "exposure_upper.tsv", "verdicts.tsv", "evidence.tsv", "equivalents.tsv", "decomposed",
    "model.safetensors", "model.json", "plots", "report.html", RUN_RECORD,
    "SBS96.tsv", "DBS78.tsv", "ID83.tsv", "CN48.tsv", "SBS288.tsv", "SBS384.tsv", "SBS1536.tsv",
    "exposures.tsv.gz", "fit.tsv.gz", "intervals.tsv.gz", "presence.tsv.gz",
    "variants.tsv.gz", "discarded.tsv", "count.json", "annotated",
})
# fmt: on
"""What a run may write into its folder: a folder that holds anything else is never overwritten."""
# What systems put into folders that they show.
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux' renameat2


def checkpoint_folder(output: str | os.PathLike[str]) -> Path:
    """Return the folder beside an output in which finished work is kept: ``OUT.checkpoint``."""
    return Path(f"{os.fspath(output)}.checkpoint")


def check_output_folder(out_dir: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Raise unless the output of a run may take the place of ``out_dir``.

    It may if there is nothing, or an empty folder, or, with ``overwrite``, a folder that holds the output of an
    earlier run and nothing else. Called before the long work, too. What a killed run has left is put in order first.

    Parameters
    ----------
    out_dir : path
        The folder.
    overwrite : bool
        Whether the output of an earlier run may be replaced.

    Raises
    ------
    OutputExistsError
        It may not; the message says why, and what to do.
    """
    out = Path(out_dir)
    restore_folder(out)
    _check(out, overwrite=overwrite)


def restore_folder(out_dir: str | os.PathLike[str]) -> None:
    """Put back what a killed run had moved aside, and remove what it had not finished.

    Nothing happens while a run writes to this folder, or where it cannot be known whether one does.
    """
    target = _real(Path(out_dir))
    if _left(target) or os.path.lexists(_lock(target)):
        with suppress(OSError), locked(_lock(target)) as sure:
            if sure:
                _tidy(target, _left(target))


def files_in(folder: Path) -> list[str]:
    """Return all that is in a folder and is no folder itself, by its path within it, sorted."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def run_files(folder: Path) -> set[str]:
    """Return the files that a run wrote into its folder, by their paths within it: those that its record lists."""
    try:
        record = json.loads((folder / RUN_RECORD).read_text(encoding="utf-8"))
        return {RUN_RECORD, *record["files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        # The record of a former version lists none: then the names on the top decide.
        return {name for name in files_in(folder) if name.split("/")[0] in OURS}


@contextmanager
def staged_folder(out_dir: str | os.PathLike[str], *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder beside ``out_dir`` that takes its place when the block ends well.

    If the block raises, Ctrl-C included, the new folder is removed and ``out_dir`` is as it was before. After a kill
    the next run sees to that (`restore_folder`). Where the system can swap two folders at once, ``out_dir`` is never
    absent.

    Whether the folder may be taken is checked before the block and, since another process may have been faster, after
    it; see `check_output_folder`. If it cannot be written, the `OSError` names it and the reason.
    """
    out = Path(out_dir)
    target = _real(out)
    missing = [folder for folder in target.parents if not folder.exists()]
    stage, old = hidden_name(target, "part"), hidden_name(target, "old")
    try:
        with _errors_name(out):
            target.parent.mkdir(parents=True, exist_ok=True)
            # Runs into one folder write it one after the other; what others have left is of killed ones.
            with locked(_lock(target), wait=True) as sure:
                try:
                    _tidy(target, _left(target) if sure else [])
                    _check(out, overwrite=overwrite)
                    stage.mkdir()
                    yield stage
                    _check(out, overwrite=overwrite)
                    _put_in_place(stage, target, old)
                finally:
                    _tidy(target, [old, stage])
    except BaseException:
        for folder in missing:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _check(out: Path, *, overwrite: bool) -> None:
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise OutputExistsError(f"{out} exists and is not a folder. Choose another output folder.")
    if out.is_mount():  # as a container's
        raise OutputExistsError(
            f"{out} is where a disk is mounted, so it cannot be replaced as a whole. Give a folder in it, such as "
            f"{out / 'results'}."
        )
    present = {path.name for path in out.iterdir()}
    if not present:
        return
    foreign = _foreign(out)
    if foreign or RUN_RECORD not in present:
        # An overwritten folder is deleted as a whole: never one that may hold the user's own work.
        what = f"it also holds {foreign[0]!r}" if foreign else f"it holds no {RUN_RECORD}"
        cure = "Move that elsewhere, or choose" if foreign else "Choose"
        raise OutputExistsError(
            f"{out} will not be overwritten: {what}, so it is not (only) the output of an earlier run. "
            f"{cure} another output folder."
        )
    if not overwrite:
        raise OutputExistsError(
            f"{out} holds the output of an earlier run. Choose another output folder, or replace it with "
            "overwrite=True."
        )


def _foreign(out: Path) -> list[str]:
    """Return the files in a folder that no run wrote."""
    ours = run_files(out)
    return [name for name in files_in(out) if name not in ours and Path(name).name not in _LITTER]


def _real(out: Path) -> Path:
    """Return where a link to a folder points to: that is replaced, not the link."""
    return Path(os.path.realpath(out)) if out.is_symlink() else out.absolute()


def _lock(target: Path) -> Path:
    return target.parent / f".{target.name}.lock"


def _left(target: Path) -> list[Path]:
    return leftovers(target, "(old|part)")


def _tidy(target: Path, left: list[Path]) -> None:
    """Put the newest folder that was moved aside back if there is none, and remove the others."""
    for path in [p for p in reversed(left) if os.path.lexists(p)]:
        unfinished = path
        if path.suffix == ".old":
            if not os.path.lexists(target):
                path.rename(target)
                continue
            # Half removed it must not be put back.
            unfinished = path.rename(path.with_suffix(".part"))
        if unfinished.is_dir() and not unfinished.is_symlink():
            shutil.rmtree(unfinished, ignore_errors=True)
        else:
            unfinished.unlink(missing_ok=True)


def _put_in_place(stage: Path, target: Path, old: Path) -> None:
    """Rename ``stage`` to ``target``; what was there is at ``stage`` or ``old`` afterwards."""
    if not target.exists():
        stage.rename(target)
    elif not _swapped(stage, target):
        target.rename(old)
        stage.rename(target)
    sync_folder(target.parent)


def _swapped(first: Path, second: Path) -> bool:
    """Let two folders change places in one step, where the system can: Linux, on most local file systems."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    names = os.fsencode(first), os.fsencode(second)
    done: int = renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    return done == 0


@contextmanager
def _errors_name(out: Path) -> Iterator[None]:
    """Say the name the user gave, not that of a temporary file, when writing fails."""
    try:
        yield
    except OutputExistsError:
        raise
    except (OSError, InputDataError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        raise type(cause)(
            f"the report cannot be written to {out}: {(cause.strerror or str(cause)).lower()}. "
            "Nothing was left there; make room or choose another output folder."
        ) from error
