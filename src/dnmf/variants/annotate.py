"""Copies of VCF files with the channel and the most likely signature of every variant in INFO."""

import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath

import numpy as np
import pandas as pd

from dnmf.exceptions import DoubtfulDataWarning
from dnmf.inputs import InputStream
from dnmf.storage import write_whole
from dnmf.variants.detect import variant_files
from dnmf.variants.vcf import VcfReader

_HEADER = (
    b'##INFO=<ID=DNMF_CH,Number=A,Type=String,Description="Class and channel of the mutation, as SBS96:A[C>A]A; '
    b'several events of an allele are separated by |">',
    b'##INFO=<ID=DNMF_SIG,Number=A,Type=String,Description="Signature that most likely made the mutation; several '
    b'events of an allele are separated by |">',
    b'##INFO=<ID=DNMF_P,Number=A,Type=Float,Description="Probability of DNMF_SIG, given that a signature of the '
    b'reference made the mutation: unassigned mutations are left out">',
    b'##INFO=<ID=DNMF_LOWER,Number=A,Type=Float,Description="5th percentile of DNMF_P">',
    b'##INFO=<ID=DNMF_UPPER,Number=A,Type=Float,Description="95th percentile of DNMF_P">',
)
_TAGS = ("CH", "SIG", "P", "LOWER", "UPPER")
_OWN_HEADER = re.compile(rf"##INFO=<ID=DNMF_({'|'.join(_TAGS)}),".encode())
_OWN_INFO = re.compile(rf"DNMF_({'|'.join(_TAGS)})=".encode())
_RESERVED = re.compile(r"[\s;,=|]")  # in INFO
_Values = tuple[str, ...]  # of the tags
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ALT, _INFO = 4, 7
# A block of bgzip: what goes in, its header, and the empty block that ends a file.
_BLOCK_BYTES = 65280
_BLOCK_HEADER = struct.Struct("<4BI2BH2BHH")
_END_OF_FILE = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


@dataclass(frozen=True, eq=False)
class AnnotatedVcf:
    """A VCF file of one sample, and what is written into its rows.

    Attributes
    ----------
    source : str
        Path of the file.
    variants : DataFrame
        ``line``, ``alt``, ``class``, ``channel``, ``signature``, ``probability``, ``lower``, ``upper`` of its variants.
    """

    source: str
    variants: pd.DataFrame

    def write(self, path: Path) -> None:
        """Write the copy: all is as in the file but INFO of rows with a mutation that was counted; packed if it is."""
        pieces = self._lines()
        write_whole(path, _bgzipped(pieces) if path.suffix in (".gz", ".bgz") else pieces)

    def _lines(self) -> Iterator[bytes]:
        found = _values(self.variants)
        for number, (line, end) in enumerate(_lines(InputStream(self.source, "VCF").blocks()), 1):
            if line.startswith(b"#"):
                if _OWN_HEADER.match(line):
                    continue
                if line[:6].upper() == b"#CHROM":
                    yield b"".join(entry + end for entry in _HEADER)
            else:
                line = _annotated(line, number, found)
            yield line + end


def _annotated(line: bytes, number: int, found: dict[tuple[int, str], _Values]) -> bytes:
    cells = line.split(b"\t")
    if len(cells) <= _INFO:
        return line
    alts = cells[_ALT].decode("utf-8", "replace").upper().split(",")
    own = [found.get((number, alt.strip())) for alt in alts]
    if not any(own):
        return line
    columns = zip(*(values or (".",) * len(_TAGS) for values in own), strict=True)
    entries = zip(_TAGS, map(",".join, columns), strict=True)
    kept = [
        entry
        for entry in cells[_INFO].split(b";")
        if entry.strip() not in (b"", b".") and not _OWN_INFO.match(entry)
    ]
    new = [f"DNMF_{name}={text}".encode() for name, text in entries]
    cells[_INFO] = b";".join([*kept, *new])
    return b"\t".join(cells)


def annotated_vcfs(variants: pd.DataFrame) -> dict[str, AnnotatedVcf]:
    """Return the annotated copy of every VCF file of one sample, by the name that it gets.

    Parameters
    ----------
    variants : DataFrame
        ``file`` and ``sample`` of each variant, and what `AnnotatedVcf` has of it; those without a channel are left as
        they are.

    Warns
    -----
    DoubtfulDataWarning
        If a VCF has several samples, no line #CHROM, or was a pipe: it gets no copy.
    """
    copies: dict[str, AnnotatedVcf] = {}
    refused: dict[str, list[str]] = {}
    for source, rows in variants.groupby("file", observed=True, sort=False):
        path = str(source)
        why = _why_not(path, rows)
        if why is None:
            copies[_free_name(path, copies)] = AnnotatedVcf(path, rows)
        elif why:
            refused.setdefault(why, []).append(path)
    for why, paths in refused.items():
        warnings.warn(
            f"{', '.join(paths[:3])}{f' and {len(paths) - 3} more' if len(paths) > 3 else ''}: not annotated, {why}. "
            "The signatures of the variants are in variants.tsv.gz.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
    return copies


def _why_not(path: str, rows: pd.DataFrame) -> str | None:
    """Return why a file gets no copy: empty if it is no VCF, None if it gets one."""
    if not Path(path).is_file():
        return "as a pipe can be read only once"
    if variant_files([path])[path] is not VcfReader:
        return ""
    if rows["sample"].astype(str).nunique() > 1:
        return "as it has several samples, whose signatures differ"
    return None if _has_header(path) else "as it has no line #CHROM"


def _has_header(path: str) -> bool:
    for line, _ in _lines(InputStream(path, "VCF").blocks()):
        if not line.startswith(b"#") and line:
            return False
        if line[:6].upper() == b"#CHROM":
            return True
    return False


def _free_name(path: str, taken: Iterable[str]) -> str:
    """Return the name of a file, with those of its folders before it where another has the name."""
    parts = list(PurePath(path).parts)
    name = parts.pop()
    while name in taken:
        name = f"{parts.pop()}-{name}" if parts else f"_{name}"
    return name.replace("/", "_")


def _values(rows: pd.DataFrame) -> dict[tuple[int, str], _Values]:
    """Return what is written for each line (from 1) and ALT in capitals that was counted."""
    counted = rows[rows["channel"].notna()]
    cells = counted[["class", "channel", "signature", "probability", "lower", "upper"]]
    keys = zip(counted["line"].tolist(), counted["alt"].astype(str), strict=True)
    texts = map(_texts, *(cells[name].tolist() for name in cells))
    return {(line, alt or "-"): values for (line, alt), values in zip(keys, texts, strict=True)}


@lru_cache(maxsize=65536)
def _texts(kind: str, channel: str, signature: str, *shares: float) -> _Values:
    events = zip(kind.split(";"), channel.split(";"), strict=True)
    named = "|".join(_RESERVED.sub("_", name) or "." for name in signature.split(";"))
    numbers = ("." if np.isnan(share) else f"{share:.4g}" for share in shares)
    return "|".join(map(":".join, events)), named, *numbers


def _lines(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield lines and their ends: LF, CRLF or CR."""
    rest = b""
    for block in blocks:
        rest += block
        start = 0
        for match in _LINE_END.finditer(rest):
            if match.group() == b"\r" and match.end() == len(rest):
                break  # a LF may follow
            yield rest[start : match.start()], match.group()
            start = match.end()
        rest = rest[start:]
    if rest:
        body = rest.removesuffix(b"\r")
        yield body, rest[len(body) :]


def _bgzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces packed as bgzip does: tabix can index the file."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        while len(kept) >= _BLOCK_BYTES:
            yield _block(bytes(kept[:_BLOCK_BYTES]))
            del kept[:_BLOCK_BYTES]
    if kept:
        yield _block(bytes(kept))
    yield _END_OF_FILE


def _block(content: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush()
    size = _BLOCK_HEADER.size + len(packed) + 8
    header = _BLOCK_HEADER.pack(31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, size - 1)
    return header + packed + struct.pack("<II", zlib.crc32(content), len(content))
