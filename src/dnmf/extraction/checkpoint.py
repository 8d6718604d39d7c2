"""Finished restarts and candidates on disk, from which an interrupted selection goes on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import numpy as np

from dnmf.checkpoints import LOCK, PartsFolder
from dnmf.selection.candidate import Candidate

CATALOG, OPTIONS = "catalog.tsv", "options.json"


class Checkpoint(PartsFolder):
    """A folder of finished restarts and candidates; see :class:`dnmf.checkpoints.PartsFolder`."""

    format = 4
    names = {  # noqa: RUF012
        "format": "the format of checkpoints",
        "dnmf": "the version of dnmf",
        "catalog_sha256": "the catalog",
        "seed": "--seed",
        "restarts": "--restarts",
    }
    kinds = {"seed": int, "restarts": int}  # noqa: RUF012
    ours = re.compile(
        rf"k\d{{3}}(-restart\d{{3,}})?\.npz|{CATALOG}|{OPTIONS}|{LOCK}|.*\.part", re.DOTALL
    )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process compute for this checkpoint; remove what killed ones left, and what is not needed."""
        with super().locked():
            for k in self.finished():
                self._remove_restarts(k)
            yield

    def restart(self, k: int, index: int) -> np.ndarray | None:
        """Return the signatures of a finished restart, or None."""
        found = self.read(_name(k, index), ("signatures",))
        return None if found is None else found["signatures"]

    def save_restart(self, k: int, index: int, signatures: np.ndarray) -> None:
        """Keep the signatures of a restart."""
        self.save(_name(k, index), {"signatures": signatures})

    def candidate(self, k: int) -> Candidate | None:
        """Return a finished number of signatures, or None."""
        found = self.read(_name(k), tuple(field.name for field in fields(Candidate)))
        return None if found is None else Candidate(**found)

    def save_candidate(self, candidate: Candidate) -> None:
        """Keep a finished number of signatures; its restarts are part of it and no longer needed."""
        arrays = {field.name: getattr(candidate, field.name) for field in fields(candidate)}
        self.save(_name(candidate.n_components), arrays)
        self._remove_restarts(candidate.n_components)

    def finished(self) -> list[int]:
        """Return the numbers of signatures that are finished, in order."""
        return sorted(int(path.stem[1:]) for path in self.folder.glob("k[0-9][0-9][0-9].npz"))

    def _remove_restarts(self, k: int) -> None:
        for path in self.folder.glob(f"k{k:03d}-restart*.npz"):
            path.unlink(missing_ok=True)


def _name(k: int, restart: int | None = None) -> str:
    return f"k{k:03d}.npz" if restart is None else f"k{k:03d}-restart{restart:03d}.npz"
