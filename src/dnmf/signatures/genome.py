"""Read a genome from a FASTA file."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.signatures.regions import plain_name

BASES = "ACGT"
_UNKNOWN = 4
_CODES = bytes(
    BASES.index(chr(byte).upper()) if chr(byte).upper() in BASES else _UNKNOWN
    for byte in range(256)
)
# Bytes that are read at a time.
_BLOCK = 1 << 24


def read_sequences(genome: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the name (without ``chr``) and the bases of each sequence of a FASTA file, plain or gzipped.

    A base is its position in ``BASES``, 4 for an unknown one.

    Raises
    ------
    InputDataError
        If the file is not FASTA, or is truncated.
    """
    opener = gzip.open if genome.suffix == ".gz" else open
    name: str | None = None
    parts: list[bytes] = []
    try:
        with cast("BinaryIO", opener(genome, "rb")) as file:
            while block := file.read(_BLOCK):
                # To the end of a line, so that every header is whole.
                first, *records = (b"\n" + block + file.readline()).split(b"\n>")
                if name is None and first.strip():
                    raise InputDataError(f"{genome} is not FASTA: it does not begin with '>'.")
                parts.append(_bases(first))
                for record in records:
                    if name is not None:
                        yield name, _joined(parts)
                    header, _, body = record.partition(b"\n")
                    words = header.decode("utf-8", "replace").split(maxsplit=1)
                    name = plain_name(words[0] if words else "")
                    parts = [_bases(body)]
    except (gzip.BadGzipFile, EOFError) as error:
        raise InputDataError(f"{genome} is not gzipped FASTA, or truncated: {error}.") from None
    if name is None:
        raise InputDataError(f"{genome} is empty: expected the genome as FASTA.")
    yield name, _joined(parts)


def _bases(text: bytes) -> bytes:
    return text.translate(_CODES, b"\r\n")


def _joined(parts: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(parts), dtype=np.uint8)
