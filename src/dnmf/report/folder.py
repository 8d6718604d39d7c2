"""An output folder that appears whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dnmf.exceptions import InputDataError, OutputExistsError

RUN_RECORD = "run.json"
# fmt: off
OURS = frozenset({
    "catalog.tsv", "signatures.tsv", "exposures.tsv", "fit.tsv", "matches.tsv", "intervals.tsv", "presence.tsv",
    "selection.tsv", "penalties.tsv", "solutions", "signature_intervals.tsv", "exposure_lower.tsv",
    "exposure_upper.tsv", "verdicts.tsv", "model.safetensors", "model.json", "plots", "report.html", RUN_RECORD,
})
# fmt: on
"""What a run may write into its folder: a folder that holds anything else is never overwritten."""


def checkpoint_folder(output: str | os.PathLike[str]) -> Path:
    """Return the folder beside an output in which finished work is kept: ``OUT.checkpoint``."""
    return Path(f"{os.fspath(output)}.checkpoint")


def check_output_folder(out_dir: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Raise unless the output of a run may take the place of ``out_dir``.

    It may if there is nothing, or an empty folder, or, with ``overwrite``, a folder that holds the output of an
    earlier run and nothing else. Otherwise the error is an `OutputExistsError`. Called before the long work, too.
    """
    out = Path(out_dir)
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise OutputExistsError(f"{out} exists and is not a folder. Choose another output folder.")
    present = {path.name for path in out.iterdir()}
    if not present:
        return
    foreign = sorted(present - OURS)
    if foreign or RUN_RECORD not in present:
        # An overwritten folder is deleted as a whole: never one that may hold the user's own work.
        what = f"it also holds {foreign[0]!r}" if foreign else f"it holds no {RUN_RECORD}"
        raise OutputExistsError(
            f"{out} will not be overwritten: {what}, so it is not (only) the output of an earlier run. "
            "Choose another output folder."
        )
    if not overwrite:
        raise OutputExistsError(
            f"{out} holds the output of an earlier run. Choose another output folder, or replace it with --overwrite "
            "(in Python overwrite=True)."
        )


@contextmanager
def staged_folder(out_dir: str | os.PathLike[str], *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder beside ``out_dir`` that takes its place when the block ends well.

    If the block raises, Ctrl-C included, the new folder is removed and ``out_dir`` is as it was before.

    `check_output_folder` is called before the block and, since another process may have been faster, after it. If the
    folder cannot be written, the `OSError` names it and the reason.
    """
    out = Path(out_dir)
    check_output_folder(out, overwrite=overwrite)
    # Where a link points to is replaced, not the link.
    target = out.resolve() if out.is_symlink() else out.absolute()
    missing = [folder for folder in target.parents if not folder.exists()]
    stage = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with _errors_name(out):
            stage.mkdir(parents=True)
            yield stage
            check_output_folder(out, overwrite=overwrite)
            _put_in_place(stage, target)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        for folder in missing:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _put_in_place(stage: Path, target: Path) -> None:
    """Rename ``stage`` to ``target``; what was there is moved aside, and back if that fails."""
    old = target.with_name(f".{target.name}.{secrets.token_hex(4)}.old")
    try:
        if target.exists():
            target.rename(old)
        stage.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    finally:
        if old.exists() and target.exists():
            shutil.rmtree(old, ignore_errors=True)


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
