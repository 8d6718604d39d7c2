"""What kind of variant file a file is, by its content, and which files of a folder hold variants."""

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures.channels import few
from dnmf.variants import maf, text
from dnmf.variants.columns import has_columns
from dnmf.variants.maf import MafReader
from dnmf.variants.stream import WHAT, RowStream
from dnmf.variants.text import TextReader
from dnmf.variants.vcf import VcfReader

VariantReader = VcfReader | MafReader | TextReader

# Columns of which one alone may be in other tables.
_TELLING = 2
_ALLELE = re.compile(r"(?i)[acgtn.*,-]+|<.*>|[acgtn]*[][].*")
_CHANNEL = re.compile(
    r'"?([ACGT]\[[CT]>[ACGT]\][ACGT]|[ACGT]{2}>[ACGT]{2}|[1-5]:(Del|Ins):[CTRM]:[0-5])"?[\t,;]'
)
_CHANNEL_IN_HEADER = re.compile(
    r"[\t,;]\"?([ACGT]\[[CT]>[ACGT]\][ACGT]|[ACGT]{2}>[ACGT]{2})\"?[\t,;]"
)
_FIRST_BYTES = 1 << 16
_SHOULD_BE_VARIANTS = re.compile(r"(?i)\.(vcf|maf|bcf)(\.b?gz)?$")
_INDEXES = {".tbi", ".csi", ".idx"}


def reader_of(stream: RowStream) -> type[VariantReader]:
    """Return what reads a file, by its first lines.

    Parameters
    ----------
    stream : RowStream
        At its beginning, where it stays.

    Raises
    ------
    InputDataError
        It is no file of variants, or cannot be read.
    """
    line = _telling_line(stream)
    if line.startswith("##") or re.match(r"(?i)#chrom\s+pos\b", line):
        return VcfReader
    if has_columns(line, maf.NEEDED, _TELLING):
        return MafReader
    if has_columns(line, text.NEEDED, _TELLING) and "pos_start" in line.lower():
        return TextReader
    cells = [cell.strip() for cell in line.split("\t")]
    if (
        len(cells) >= 5
        and re.fullmatch("[0-9]+", cells[1])
        and all(_ALLELE.fullmatch(cell) for cell in cells[3:5])
    ):
        return VcfReader
    raise InputDataError(f"{stream.name}: {_what_else(stream, line)}")


def _telling_line(stream: RowStream) -> str:
    """Return the first line that is no comment; the first of all if it, or no other, tells that the file is a VCF."""
    if stream.peek_line().startswith("##fileformat=VCF"):
        return stream.peek_line()
    size = _FIRST_BYTES
    while True:
        head = stream.peek(size)
        lines = re.split(r"\r\n|\r|\n", head.decode("utf-8", "replace"))
        whole = lines[:-1] if len(head) >= size else lines
        for line in whole:
            if line.strip() and not line.startswith("##") and (line[0] != "#" or "\t" in line):
                return line
        if len(head) < size:
            return lines[0]
        size *= 4


def _what_else(stream: RowStream, line: str) -> str:
    head = re.split(r"\r\n|\r|\n", stream.peek(_FIRST_BYTES).decode("utf-8", "replace"))[:3]
    if not any(other.strip() for other in head):
        return f"is empty, expected {WHAT}. Check the path."
    if any(_CHANNEL.match(other) for other in head) or _CHANNEL_IN_HEADER.search(head[0]):
        return "is a catalog, whose mutations are counted already. Give it to dnmf refit or dnmf extract as it is."
    if has_columns(line.replace(",", "\t"), maf.NEEDED, _TELLING):
        return "is a MAF separated by commas. Save it with tabs."
    if re.match(r"\S+ +[0-9]+ +\S+ +[A-Za-z]+ +\S+", line):
        return "has its columns separated by blanks. Save it with tabs."
    return (
        "is no file of variants; expected a VCF (a line #CHROM, or rows of chromosome, position, ID, REF and ALT), a "
        f"MAF (the columns {', '.join(maf.NEEDED.values())}) or SigProfiler's text (the columns "
        f"{', '.join(text.NEEDED.values())}), separated by tabs. Its first row is {line[:60]!r}."
    )


def variant_files(
    paths: Sequence[str | os.PathLike[str]],
) -> dict[str, type[VariantReader] | None]:
    """Return the files of variants that paths name, each once, in order: a file itself, of a folder all files in it.

    Each comes with what reads it, a pipe without, as it can be read only once. Files of a folder that hold no variants
    are skipped, with a warning that names them.

    Raises
    ------
    InputDataError
        A file cannot be read or is no file of variants, or a folder has none.
    """
    found: dict[str, tuple[str, type[VariantReader] | None]] = {}
    for path in [os.fspath(path) for path in paths]:
        if not path:
            raise InputDataError("a path is empty. Name files or folders.")
        inside = _in_folder(path) if Path(path).is_dir() else [(path, _reader_of_file(path))]
        for file, reader in inside:
            found.setdefault(os.path.realpath(file), (file, reader))
    if not found:
        raise InputDataError("no file of variants was named. Name files or folders.")
    return dict(found.values())


def holds_variants(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder, or a file of variants by its content; a pipe, which can be read only once, is not.

    Raises
    ------
    InputDataError
        By its name it is a file of variants, but not by its content.
    """
    if Path(path).is_dir():
        return True
    try:
        return Path(path).is_file() and _reader_of_file(os.fspath(path)) is not None
    except InputDataError:
        if _SHOULD_BE_VARIANTS.search(os.fspath(path)):
            raise
        return False


def _reader_of_file(path: str) -> type[VariantReader] | None:
    if Path(path).is_fifo():
        return None
    stream = RowStream(path)
    try:
        return reader_of(stream)
    finally:
        stream.close()


def _in_folder(folder: str) -> Iterator[tuple[str, type[VariantReader] | None]]:
    try:
        entries = sorted(
            entry for entry in Path(folder).iterdir() if not entry.name.startswith(".")
        )
    except OSError as error:
        raise InputDataError(
            f"{folder}: cannot be listed ({error.strerror}). Check its permissions."
        ) from None
    skipped, found = [], 0
    for entry in entries:
        try:
            if entry.is_dir():
                raise InputDataError(f"{entry}: is a folder.")
            reader = _reader_of_file(str(entry))
        except InputDataError:
            # By its name it should be one: to skip it would lose its variants.
            if _SHOULD_BE_VARIANTS.search(entry.name):
                raise
            if entry.suffix not in _INDEXES:
                skipped.append(entry.name)
            continue
        found += 1
        yield str(entry), reader
    if not found:
        inside = f", only {few(skipped)}" if skipped else ""
        raise InputDataError(
            f"{folder}: this folder has no file of variants{inside}. Give a folder of VCF or MAF files, or the files."
        )
    if skipped:
        warnings.warn(
            f"{folder}: skipped what holds no variants: {few(skipped)}.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
