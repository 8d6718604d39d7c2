"""Finished restarts and candidates on disk, from which an interrupted selection goes on."""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from dnmf.exceptions import CheckpointError
from dnmf.selection.candidate import Candidate
from dnmf.storage import check_identity, in_use, write_whole
from dnmf.strict_json import check_entries, read_json

FORMAT_VERSION = 4
RECORD, CATALOG, OPTIONS, LOCK = "run.json", "catalog.tsv", "options.json", "lock"
# What finished work depends on, and how messages name it.
IDENTITY = {
    "format": "the format of checkpoints",
    "dnmf": "the version of dnmf",
    "catalog_sha256": "the catalog",
    "seed": "--seed",
    "restarts": "--restarts",
}
_OURS = re.compile(
    rf"k\d{{3}}(-restart\d{{3,}})?\.npz|{CATALOG}|{OPTIONS}|{LOCK}|.*\.part", re.DOTALL
)
_DIGEST = 64  # characters of a SHA-256, the comment with which the file of a part ends


class Checkpoint:
    """A folder of finished restarts and candidates; every file appears whole or not at all.

    Each part ends with a checksum of itself, its name and the identity: one that was altered, renamed or taken from
    another run is noticed.

    Parameters
    ----------
    folder : path
        Created if it is missing.
    identity : mapping
        What the work depends on: the keys of ``IDENTITY`` except the format.

    Raises
    ------
    CheckpointError
        The folder holds work on something else, or is damaged; it is left as it is.
    """

    def __init__(self, folder: str | os.PathLike[str], identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.identity = dict(identity)
        wanted = {"format": FORMAT_VERSION, **identity}
        if (self.folder / RECORD).exists():
            check_identity(self.folder, read_record(self.folder), wanted, IDENTITY)
            return
        # A run killed at its very first write leaves a half-written record and nothing else.
        if self.folder.exists():
            for path in self.folder.iterdir():
                if not _OURS.fullmatch(path.name):
                    raise CheckpointError(
                        f"{self.folder} is not empty and holds {path.name!r}, so it is no checkpoint. "
                        "Choose another output."
                    )
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write(RECORD, json.dumps(wanted, indent=2) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process compute for this checkpoint while the block runs; remove what killed ones left.

        Raises
        ------
        CheckpointError
            If another process does; the message says which.
        """
        with in_use(self.folder, self.folder / LOCK):
            for path in self.folder.glob("*.part"):
                path.unlink(missing_ok=True)
            for k in self.finished():
                self._remove_restarts(k)
            yield

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
        found = self._read(_name(k, index), ("signatures",))
        return None if found is None else found["signatures"]

    def save_restart(self, k: int, index: int, signatures: np.ndarray) -> None:
        """Keep the signatures of a restart."""
        self._save(_name(k, index), {"signatures": signatures})

    def candidate(self, k: int) -> Candidate | None:
        """Return a finished number of signatures, or None."""
        found = self._read(_name(k), tuple(field.name for field in fields(Candidate)))
        return None if found is None else Candidate(**found)

    def save_candidate(self, candidate: Candidate) -> None:
        """Keep a finished number of signatures; its restarts are part of it and no longer needed."""
        arrays = {field.name: getattr(candidate, field.name) for field in fields(candidate)}
        self._save(_name(candidate.n_components), arrays)
        self._remove_restarts(candidate.n_components)

    def finished(self) -> list[int]:
        """Return the numbers of signatures that are finished, in order."""
        return sorted(int(path.stem[1:]) for path in self.folder.glob("k[0-9][0-9][0-9].npz"))

    def _remove_restarts(self, k: int) -> None:
        for path in self.folder.glob(f"k{k:03d}-restart*.npz"):
            path.unlink(missing_ok=True)

    def _save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes the names for a flag
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.comment = bytes(_DIGEST)
        content = buffer.getvalue()[:-_DIGEST]
        self.write(name, content + self._digest(name, content))

    def _read(self, name: str, wanted: tuple[str, ...]) -> dict[str, np.ndarray] | None:
        path = self.folder / name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise damaged(path, str(error.strerror).lower()) from error
        if content[-_DIGEST:] != self._digest(name, content[:-_DIGEST]):
            raise damaged(path, "it was altered, or is of another run or number of signatures")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {array: arrays[array] for array in wanted}

    def _digest(self, name: str, content: bytes) -> bytes:
        digest = hashlib.sha256(json.dumps([name, self.identity], sort_keys=True).encode())
        digest.update(content)
        return digest.hexdigest().encode()


def damaged(path: Path, why: object) -> CheckpointError:
    """Return the error for a damaged file of a checkpoint; all others are kept."""
    return CheckpointError(
        f"{path} is damaged ({why}). Delete this one file; it will be computed again by the command of the extraction."
    )


def read_record(folder: Path) -> dict[str, Any]:
    """Return what a checkpoint was made with."""
    record = folder / RECORD
    try:
        entries = read_json(record.read_bytes(), RECORD, CheckpointError)
        check_entries(entries, {"format": int}, RECORD, CheckpointError)
        if entries["format"] == FORMAT_VERSION:
            kinds = {"dnmf": str, "catalog_sha256": str, "seed": int, "restarts": int}
            check_entries(entries, kinds, RECORD, CheckpointError)
    except (OSError, CheckpointError) as error:
        raise damaged(record, error) from None
    return dict(entries)


def _name(k: int, restart: int | None = None) -> str:
    return f"k{k:03d}.npz" if restart is None else f"k{k:03d}-restart{restart:03d}.npz"
