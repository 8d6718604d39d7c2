"""Files of bgzip: gzip in blocks of up to 64 kB, so that any part can be read without the parts before it."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError

# Unpacked blocks, of 64 kB each, that are kept: a chromosome is looked at several times in a row.
_KEPT_BLOCKS = 4096


class Blocks:
    """The blocks of a bgzip file: where each begins, packed and unpacked."""

    def __init__(self, path: Path, places: list[int], sizes: list[int]) -> None:
        self._path = path
        self._places = places
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self.size = int(self._starts[-1])
        self._unpacked: dict[int, bytes] = {}  # by number, in the order in which they were unpacked

    @classmethod
    def of(cls, path: Path) -> "Blocks | None":
        """Walk over the blocks of a file; None if it is gzip without them.

        Raises
        ------
        InputDataError
            If the file ends within a block, or without the empty one that bgzip writes last.
        """
        places, sizes = [0], []
        end = path.stat().st_size
        with path.open("rb", buffering=0) as file:
            while places[-1] < end:
                file.seek(places[-1])
                head = file.read(18)
                # One extra field, BC, of two bytes: the size of the block less one.
                if head[:4] != b"\x1f\x8b\x08\x04" or head[12:16] != b"BC\x02\x00":
                    if len(places) == 1:
                        return None
                    raise _damaged(path)
                places.append(places[-1] + struct.unpack("<H", head[16:18])[0] + 1)
                file.seek(places[-1] - 4)
                size = file.read(4)
                if places[-1] > end or len(size) < 4:
                    raise _damaged(path)
                sizes.append(struct.unpack("<I", size)[0])
        if not sizes or sizes[-1]:
            raise _damaged(path)
        return cls(path, places, sizes)

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return the unpacked bytes from ``start`` up to ``stop``."""
        first = int(np.searchsorted(self._starts, start, "right")) - 1
        last = int(np.searchsorted(self._starts, stop, "left"))
        parts = []
        with self._path.open("rb") as file:
            for block in range(first, last):
                if block not in self._unpacked:
                    file.seek(self._places[block])
                    packed = file.read(self._places[block + 1] - self._places[block])
                    try:
                        self._unpacked[block] = zlib.decompress(packed, wbits=31)
                    except zlib.error:
                        raise _damaged(self._path) from None
                parts.append(self._unpacked[block])
        while len(self._unpacked) > _KEPT_BLOCKS:
            del self._unpacked[next(iter(self._unpacked))]
        here = int(self._starts[first])
        return np.frombuffer(b"".join(parts), dtype=np.uint8)[start - here : stop - here]


def _damaged(path: Path) -> InputDataError:
    return InputDataError(
        f"{path}: the bgzip file is truncated or damaged. Copy or download it again."
    )
