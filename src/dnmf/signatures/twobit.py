"""Genomes in UCSC's 2bit format: four bases a byte, runs of unknown bases beside them."""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError

_SIGNATURE = 0x1A412743
MAGIC = (struct.pack("<I", _SIGNATURE), struct.pack(">I", _SIGNATURE))
"""How a file begins that was written in the byte order of either kind of computer."""


@dataclass(frozen=True)
class _Record:
    """A sequence: bases, runs of unknown bases (from, up to), and where the packed bases begin."""

    length: int
    unknown: tuple[NDArray[np.int64], NDArray[np.int64]]
    packed: int


class TwoBit:
    """A 2bit file of either byte order, version 0 or 1 (places of 64 bits); lower case is not told apart.

    Attributes
    ----------
    lengths : dict of int
        Bases of each sequence, by name, in the order of the file.

    Raises
    ------
    InputDataError
        If it is truncated or none of these.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._order = "<" if self._map[:4] == MAGIC[0] else ">"
        _, version, count, _ = self._numbers(0, 4)
        if version > 1:
            raise InputDataError(
                f"{path}: is 2bit of version {version}, known are 0 and 1. Make it again with faToTwoBit."
            )
        self._places: dict[str, int] = {}
        self.lengths: dict[str, int] = {}
        here, place_bytes = 16, 8 if version else 4
        for _ in range(count):
            size = self._map[here] if here < len(self._map) else 0
            name = self._map[here + 1 : here + 1 + size].decode("utf-8", "replace")
            here += 1 + size
            place = self._bytes(here, place_bytes)
            here += place_bytes
            if name in self._places:
                raise InputDataError(f"{path}: has two sequences {name!r}. Rename one.")
            self._places[name] = struct.unpack(self._order + ("Q" if version else "I"), place)[0]
            self.lengths[name] = self._numbers(self._places[name], 1)[0]
        for name in list(self._places)[-1:]:  # a file that was cut ends too early for the last
            self._record(name)

    def windows(self, name: str, starts: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        """Return the codes of ``width`` bases from each start on, (n, width); see `Genome.windows`."""
        from dnmf.signatures._genome_numba import packed_windows

        record = self._record(name)
        out = np.empty((len(starts), width), dtype=np.uint8)
        # Mapped for this call alone: pages of all contigs together would count as this process's memory.
        packed = (
            np.memmap(self._path, np.uint8, "r", record.packed, (record.length + 3) // 4)
            if record.length
            else np.empty(0, np.uint8)
        )
        packed_windows(packed, record.length, *record.unknown, starts, out)
        return out

    def _record(self, name: str) -> _Record:
        here = self._places[name]
        length, runs = self._numbers(here, 2)
        here += 8
        starts = np.array(self._numbers(here, runs), dtype=np.int64)
        sizes = np.array(self._numbers(here + 4 * runs, runs), dtype=np.int64)
        here += 8 * runs
        (masked,) = self._numbers(here, 1)
        packed = here + 4 + 8 * masked + 4  # the runs in lower case, and a word without meaning
        self._check(packed + (length + 3) // 4)
        order = np.argsort(starts, kind="stable")
        return _Record(length, (starts[order], (starts + sizes)[order]), packed)

    def _numbers(self, place: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"{self._order}{count}I", self._bytes(place, 4 * count))

    def _bytes(self, place: int, size: int) -> bytes:
        self._check(place + size)
        return self._map[place : place + size]

    def _check(self, end: int) -> None:
        if end > len(self._map):
            raise InputDataError(
                f"{self._path}: the 2bit file is truncated or damaged: it ends at byte {len(self._map):,}, before "
                f"{end:,}. Copy or download it again."
            )
