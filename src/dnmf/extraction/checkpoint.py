"""Finished restarts and candidates on disk, from which an interrupted selection goes on."""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from dnmf.exceptions import CheckpointError
from dnmf.extraction.candidate import Candidate
from dnmf.storage import check_identity, write_whole

FORMAT_VERSION = 2
RECORD = "run.json"
# What finished work depends on, and how messages name it.
IDENTITY = {
    "format": "the format of checkpoints",
    "dnmf": "the version of dnmf",
    "catalog_sha256": "the catalog",
    "seed": "--seed",
    "restarts": "--restarts",
}


class Checkpoint:
    """A folder of finished restarts and candidates; every file appears whole or not at all.

    Parameters
    ----------
    folder : path
        Created if it is missing.
    identity : mapping
        What the work depends on: the keys of ``IDENTITY`` except the format.

    Raises
    ------
    CheckpointError
        The folder holds work on something else; it is left as it is.
    """

    def __init__(self, folder: str | os.PathLike[str], identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.identity = dict(identity)
        wanted = {"format": FORMAT_VERSION, **identity}
        record = self.folder / RECORD
        if record.exists():
            try:
                found = dict(json.loads(record.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError) as error:
                raise CheckpointError(
                    f"{record} cannot be read: {error}. Choose another output."
                ) from error
            check_identity(self.folder, found, wanted, IDENTITY)
        else:
            # A run killed at its very first write leaves a half-written record and nothing else.
            if self.folder.exists() and any(p.suffix != ".part" for p in self.folder.iterdir()):
                raise CheckpointError(
                    f"{self.folder} is not empty and holds no {RECORD}, so it is no checkpoint. Choose another output."
                )
            self.folder.mkdir(parents=True, exist_ok=True)
            self.write(RECORD, json.dumps(wanted, indent=2) + "\n")

    def write(self, name: str, content: bytes | str) -> None:
        """Write a file of the folder; what was finished before stays, whatever happens."""
        try:
            write_whole(self.folder / name, content)
        except OSError as error:
            raise type(error)(
                f"{error.filename} cannot be written: {str(error.strerror).lower()}. What was finished before is kept "
                f"in {self.folder}: make room and repeat the command."
            ) from error

    def restart(self, k: int, index: int) -> np.ndarray | None:
        """Return the signatures of a finished restart, or None."""
        found = _read(self.folder / _name(k, index))
        return None if found is None else found["signatures"]

    def save_restart(self, k: int, index: int, signatures: np.ndarray) -> None:
        """Keep the signatures of a restart."""
        self.write(_name(k, index), _npz({"signatures": signatures}))

    def candidate(self, k: int) -> Candidate | None:
        """Return a finished number of signatures, or None."""
        found = _read(self.folder / _name(k))
        return None if found is None else Candidate(**found)

    def save_candidate(self, candidate: Candidate) -> None:
        """Keep a finished number of signatures; its restarts are part of it and no longer needed."""
        arrays = {field.name: getattr(candidate, field.name) for field in fields(candidate)}
        self.write(_name(candidate.n_signatures), _npz(arrays))
        for path in self.folder.glob(f"k{candidate.n_signatures:03d}-restart*.npz"):
            path.unlink()

    def finished(self) -> list[int]:
        """Return the numbers of signatures that are finished, in order."""
        return sorted(int(path.stem[1:]) for path in self.folder.glob("k[0-9][0-9][0-9].npz"))


def _name(k: int, restart: int | None = None) -> str:
    return f"k{k:03d}.npz" if restart is None else f"k{k:03d}-restart{restart:03d}.npz"


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes the names for a flag
    return buffer.getvalue()


def _read(path: Path) -> dict[str, np.ndarray] | None:
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}). Delete this one file; it will be computed again."
        ) from error
