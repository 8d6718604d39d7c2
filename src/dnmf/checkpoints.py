"""Folders in which finished parts of long work are kept, and from which it goes on."""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np

from dnmf.exceptions import CheckpointError
from dnmf.storage import check_identity, in_use, write_whole
from dnmf.strict_json import check_entries, read_json

RECORD: Final = "run.json"
LOCK: Final = "lock"
_DIGEST = 64  # characters of a SHA-256, the comment with which the file of a part ends


class PartsFolder:
    """A folder of finished parts; every file appears whole or not at all.

    Each part ends with a checksum of itself, its name and the identity: one that was altered, renamed or taken from
    another run is noticed.

    Parameters
    ----------
    folder : path
        Created if it is missing.
    identity : mapping
        What the work depends on: the keys of ``names`` except the format.

    Attributes
    ----------
    format : int
        Of the parts and the record, by class.
    names : mapping
        What the work depends on, and how messages name it.
    kinds : mapping
        Types of what is no string of these.
    ours : pattern
        Files that a run killed at its very first write may have left.

    Raises
    ------
    CheckpointError
        The folder holds work on something else, or is damaged; it is left as it is.
    """

    format: ClassVar[int]
    names: ClassVar[Mapping[str, str]]
    kinds: ClassVar[Mapping[str, type]] = {}
    ours: ClassVar["re.Pattern[str]"]

    def __init__(self, folder: str | os.PathLike[str], identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.identity = dict(identity)
        wanted = {"format": self.format, **identity}
        if (self.folder / RECORD).exists():
            check_identity(self.folder, self.read_record(self.folder), wanted, self.names)
            return
        # A run killed at its very first write leaves a half-written record and nothing else.
        if self.folder.exists():
            for path in self.folder.iterdir():
                if not self.ours.fullmatch(path.name):
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

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a part."""
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes the names for a flag
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.comment = bytes(_DIGEST)
        content = buffer.getvalue()[:-_DIGEST]
        self.write(name, content + self._digest(name, content))

    def read(self, name: str, wanted: tuple[str, ...]) -> dict[str, np.ndarray] | None:
        """Return arrays of a finished part, or None."""
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

    @classmethod
    def read_record(cls, folder: Path) -> dict[str, Any]:
        """Return what a checkpoint was made with."""
        record = folder / RECORD
        try:
            entries = read_json(record.read_bytes(), RECORD, CheckpointError)
            check_entries(entries, {"format": int}, RECORD, CheckpointError)
            if entries["format"] == cls.format:
                kinds = dict.fromkeys(cls.names, str) | dict(cls.kinds) | {"format": int}
                check_entries(entries, kinds, RECORD, CheckpointError)
        except (OSError, CheckpointError) as error:
            raise damaged(record, error) from None
        return dict(entries)


def damaged(path: Path, why: object) -> CheckpointError:
    """Return the error for a damaged file of a checkpoint; all others are kept."""
    return CheckpointError(
        f"{path} is damaged ({why}). Delete this one file; it will be computed again when the command is repeated."
    )
