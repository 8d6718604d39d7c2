"""Read a genome from a FASTA file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.inputs import input_blocks
from dnmf.signatures.regions import plain_name

BASES = "ACGT"
_UNKNOWN = 4
_CODES = bytes(
    BASES.index(chr(byte).upper()) if chr(byte).upper() in BASES else _UNKNOWN
    for byte in range(256)
)
# Bases, each a byte in memory. The longest human chromosome has 249 million.
_LONGEST = 1 << 29
# Bytes of a line with a name.
_LONGEST_HEADER = 1 << 16


def read_sequences(genome: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the name (without ``chr``) and the bases of each sequence of a FASTA file, plain or gzipped.

    A base is its position in ``BASES``, 4 for an unknown one.

    Raises
    ------
    InputDataError
        If the file cannot be read, is not FASTA, or a sequence is far longer than a chromosome.
    """
    name: str | None = None
    blank = 0  # bytes before the first name
    bases = bytearray()
    rest = b"\n"
    for block in input_blocks(genome, what="a genome as FASTA"):
        text = rest + block
        first, *records = text.split(b"\n>")
        blank += 0 if records or name is not None else len(block)
        if name is None and (first.strip() or blank > _LONGEST_HEADER):
            raise InputDataError(f"{genome} is not FASTA: it does not begin with '>'.")
        # What may be the beginning of a line with a name is looked at again with the next block.
        rest = text[-1:] if text.endswith(b"\n") else b""
        if records and b"\n" not in records[-1]:
            rest = b"\n>" + records.pop()
        bases += _bases(first)
        for record in records:
            if name is not None:
                yield name, np.frombuffer(bases, dtype=np.uint8)
            header, _, body = record.partition(b"\n")
            words = header.decode("utf-8", "replace").split(maxsplit=1)
            name = plain_name(words[0] if words else "")
            bases = bytearray(_bases(body))
        if len(bases) > _LONGEST or len(rest) > _LONGEST_HEADER:
            raise InputDataError(
                f"{genome}: after the name {name!r} a line or sequence is longer than any of a human genome. Expected "
                "FASTA: lines of '>' and a name, each above the lines of its bases."
            )
    if name is None:
        raise InputDataError(f"{genome} is empty: expected the genome as FASTA.")
    yield name, np.frombuffer(bases, dtype=np.uint8)


def _bases(text: bytes) -> bytes:
    return text.translate(_CODES, b"\r\n")
