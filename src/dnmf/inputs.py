"""Every input file: opened with care, unpacked and limited while it is read once, known by size and checksum."""

import hashlib
import os
import re
import select
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dnmf.exceptions import InputDataError

__all__ = ["input_limit"]

# Of one input, unpacked. 100,000 samples of 96 channels take 30 MB as counts, 180 MB as numbers with all their digits.
_most_bytes: ContextVar[int] = ContextVar("input_limit", default=1 << 28)
# A program that writes into a named pipe has usually opened it before; a forgotten one never does.
_WRITER_SECONDS = 10.0
# Bytes that are read or unpacked at a time.
_BLOCK = 1 << 20
# Bytes of memory for a row of a table beside its numbers: its place, its labels, their bookkeeping.
_ROW_BYTES = 512
_NUMBER_BYTES = 8
# How files begin that must be unpacked first.
_PACKED = {
    b"\x1f\x8b": "compressed with gzip once more",
    b"\xfd7zXZ\x00": "compressed with xz",
    **{b"BZh%d1AY&SY" % level: "compressed with bzip2" for level in range(1, 10)},
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"\x1f\x9d": "compressed with compress (.Z)",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"PK\x03\x04": "a zip archive (or an Excel or OpenOffice file)",
    b"PK\x05\x06": "an empty zip archive",
}
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_UTF32, _UTF16 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"), (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


@dataclass(frozen=True, repr=False)
class InputFile:
    """An input that was read.

    Attributes
    ----------
    path : str
        As it was given.
    content : bytes
        Unpacked.
    record : dict
        ``name`` (of a pipe its path), ``bytes`` and ``sha256`` of what was read, as it was before it was unpacked.
    """

    path: str
    content: bytes
    record: dict[str, Any]


@contextmanager
def input_limit(most_bytes: int) -> Iterator[None]:
    """Set how many bytes an input may have, unpacked; 268 million without it.

    In memory a table may take twice as many: 8 bytes for each number, and 512 for each row. One row of it may have a
    32nd of them as characters.

    Parameters
    ----------
    most_bytes : int
        For every input that is read while the block runs, in this thread.

    Raises
    ------
    InputDataError
        In the block, for a larger input; it says how to allow it.

    Examples
    --------
    >>> with input_limit(2_000_000_000):
    ...     pass  # dnmf.read_catalog("large.tsv.gz")
    """
    before = _most_bytes.set(most_bytes)
    try:
        yield
    finally:
        _most_bytes.reset(before)


def read_input(
    path: str | os.PathLike[str] | InputFile,
    *,
    what: str = "a text file",
    most_bytes: int | None = None,
) -> InputFile:
    """Read a file or pipe once, to its end, and unpack it if it is gzipped. An input that was read is returned.

    Parameters
    ----------
    path : path or InputFile
        Told to be gzipped by its content, not by its name.
    what : str
        What is expected, for messages.
    most_bytes : int, optional
        Limit that no option lifts, for files that are never large.

    Raises
    ------
    InputDataError
        It is absent, a folder, a device, a pipe into which nothing writes, not readable, a damaged gzip file, packed in
        another way, or larger than the limit.
    """
    if isinstance(path, InputFile):
        return path
    source = InputStream(path, what)
    blocks, size = [], 0
    for block in source.blocks():
        blocks.append(block)
        size += len(block)
        if most_bytes is not None and size > most_bytes:
            raise InputDataError(
                f"{path}: has more than {most_bytes:,} bytes, too many for {what}. Check the path."
            )
        if size > _most_bytes.get():
            raise _too_large(source.name, "has too many bytes, counted unpacked")
    return InputFile(source.name, b"".join(blocks), source.record())


def input_blocks(path: str | os.PathLike[str], *, what: str) -> Iterator[bytes]:
    """Yield the content of a file or pipe, unpacked, in blocks; the errors of `read_input` without its limits."""
    return InputStream(path, what).blocks()


def check_table_size(source: str, rows: int, width: int) -> None:
    """Raise InputDataError if a table would take more memory than the limit for inputs allows."""
    if rows * (_ROW_BYTES + _NUMBER_BYTES * width) > 2 * _most_bytes.get():
        kind = f"rows of {width:,} columns" if width else "lines"
        raise _too_large(source, f"has more than {rows - 1:,} {kind}, too many")


def check_row_size(source: str, line: int, characters: int) -> None:
    """Raise InputDataError if a row, which begins in a line, is longer than the limit for inputs allows."""
    if characters > _most_bytes.get() // 32:
        raise _too_large(
            source, f"the row from line {line} on has {characters:,} characters or more, too many"
        )


def decode(content: bytes, source: str, *, what: str = "a text table") -> str:
    """Return UTF-8 text, or UTF-16 and UTF-32 text with a byte order mark.

    Raises
    ------
    InputDataError
        It is not text, or has control characters other than tabs and line ends in it; the message names the line.
    """
    remedy = "Save it as plain text (UTF-8; a table separated by tabs or commas)."
    if content.startswith(_OLD_EXCEL):
        raise InputDataError(f"{source}: is an Excel file, expected {what}. {remedy}")
    encoding = "utf-8-sig"
    if content.startswith(_UTF32):
        encoding = "utf-32"
    elif content.startswith(_UTF16):  # Excel's "Unicode text"
        encoding = "utf-16"
    elif (nul := content.find(0)) >= 0:
        raise InputDataError(
            f"{source}, line {count_lines(content[:nul].decode('latin-1'))}: found a NUL byte: this is a binary file, "
            f"or UTF-16 text without its byte order mark; expected {what}. {remedy}"
        )
    # One character beyond 16 bits, and Python keeps the whole text with four bytes for each.
    if len(content) > _most_bytes.get() / 2 and re.search(rb"[\xf0-\xf4]", content):
        raise _too_large(source, "has too many characters of all kinds")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "ignore")
        # What was meant, as most such files come from Windows; letters around it, to find it by.
        around = re.split(rb"[\r\n]", content[max(error.start - 10, 0) : error.start + 10])
        words = max(around, key=len).decode("cp1252", "replace")
        readable = encoding == "utf-8-sig" and words.isprintable()
        hint = f" (as Windows or Latin-1 text: {words!r})" if readable else ""
        raise InputDataError(
            f"{source}, line {count_lines(before)}: found the byte 0x{content[error.start]:02x}, which is not "
            f"{encoding.removesuffix('-sig').upper()} text{hint}. {remedy}"
        ) from None
    if control := _CONTROL.search(text):
        raise InputDataError(
            f"{source}, line {count_lines(text[: control.start()])}: found the control character "
            f"{control.group()!r}. Remove it."
        )
    return text


def text_lines(text: str, start: int = 0) -> Iterator[str]:
    """Yield the lines of a text from a place on, with their ends: LF, CR or CRLF, and nothing else, end a line."""
    # Not str.splitlines, which splits at more characters; not StringIO, which takes four bytes for each.
    return (match.group() for match in _LINE.finditer(text, start) if match.group())


def count_lines(before: str) -> int:
    """Return the 1-based number of the line that begins or goes on after a text."""
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")


def _too_large(source: str, problem: str) -> InputDataError:
    return InputDataError(
        f"{source}: {problem}: the limit of an input is {_most_bytes.get():,} bytes. If the file "
        "is what you meant, raise the limit: `dnmf --max-input 2GB COMMAND ...`, or in Python "
        "`with dnmf.inputs.input_limit(2_000_000_000):`."
    )


class InputStream:
    """A file or pipe that is read once, unpacked, counted and hashed; the errors of `read_input` without its limits.

    Parameters
    ----------
    path : path
        Of the file or pipe.
    what : str
        What is expected, for messages.
    """

    def __init__(self, path: str | os.PathLike[str], what: str) -> None:
        self.name, self._what = os.fspath(path), what
        self._path = Path(path)
        self._size, self._digest = 0, hashlib.sha256()
        self._piped, self._begun = False, b""

    def record(self) -> dict[str, Any]:
        """Return ``name`` (of a pipe its path), ``bytes`` and ``sha256`` of what was read, once all of it has been."""
        name = self.name if self._piped else self._path.name
        return {"name": name, "bytes": self._size, "sha256": self._digest.hexdigest()}

    def blocks(self) -> Iterator[bytes]:
        """Yield the content, unpacked."""
        raw = self._raw()
        first = next(raw, b"")
        if not first.startswith(b"\x1f\x8b"):
            self._refuse_packed(first)
            yield first
            yield from raw
            return
        try:
            unpacked = _gunzip(first, raw)
            first = next(unpacked, b"")
            self._refuse_packed(first)
            yield first
            yield from unpacked
        except (zlib.error, EOFError) as error:
            raise InputDataError(
                f"{self.name}: the gzip file is truncated or damaged ({error}). Copy or download it again."
            ) from None

    def _raw(self) -> Iterator[bytes]:
        try:
            self._check_kind()
            # Opening a pipe in the ordinary way waits for a writer, for ever if there is none.
            with open(self._path, "rb", opener=_without_waiting) as file:
                if self._piped:
                    self._begun = self._first_byte(file.fileno())
                    os.set_blocking(file.fileno(), True)
                while block := self._begun + file.read(_BLOCK):
                    self._begun = b""
                    self._size += len(block)
                    self._digest.update(block)
                    yield block
        except FileNotFoundError:
            raise InputDataError(_absent(self._path)) from None
        except IsADirectoryError:
            raise InputDataError(
                f"{self.name}: is a folder, expected {self._what}. Name a file in it."
            ) from None
        except OSError as error:
            raise InputDataError(
                f"{self.name}: cannot be read ({error.strerror}). Check the path and its permissions."
            ) from None

    def _check_kind(self) -> None:
        try:
            mode = self._path.stat().st_mode
        except ValueError as error:
            raise InputDataError(f"{self.name!r} is no path: {error}.") from None
        self._piped = stat.S_ISFIFO(mode)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not (stat.S_ISREG(mode) or self._piped):
            raise InputDataError(
                f"{self.name}: is a device, a terminal or a socket, expected {self._what}. Files and pipes are read."
            )

    def _first_byte(self, descriptor: int) -> bytes:
        """Wait for what is written into a pipe, but not for a writer to come; return what had to be read for it."""
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        if waiting.poll(1000 * _WRITER_SECONDS):
            return b""
        try:
            begun = os.read(descriptor, 1)
        except BlockingIOError:  # there is a writer, a slow one
            return b""
        if not begun:
            raise InputDataError(
                f"{self.name}: is a pipe, and for {_WRITER_SECONDS:g} seconds no program has written into it. "
                "Start the program that writes into it first."
            )
        return begun

    def _refuse_packed(self, start: bytes) -> None:
        kind = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), None)
        if start[257:262] == b"ustar":
            kind = "a tar archive"
        if kind is not None:
            raise InputDataError(
                f"{self.name}: is {kind}, expected {self._what}, gzipped or not. Unpack it first, or save it as text."
            )


def _gunzip(block: bytes, raw: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of all members of a gzip file, of which ``block`` is the beginning and ``raw`` the rest."""
    # bgzip, unlike gzip, ends a file with an empty member: without it the file was cut between two others.
    ends_empty = block[12:16] == b"BC\x02\x00"
    unpacker, size = zlib.decompressobj(31), 0
    while True:
        content = unpacker.decompress(block, _BLOCK)
        size += len(content)
        if content:
            yield content
        block = unpacker.unconsumed_tail
        if not unpacker.eof:
            # With nothing left to unpack, as much as was asked for may come before still more.
            if not block and len(content) < _BLOCK and not (block := next(raw, b"")):
                break
            continue
        block = unpacker.unused_data.lstrip(b"\0")
        while not block and (more := next(raw, b"")):
            block = more.lstrip(b"\0")
        if not block:
            break
        unpacker, size = zlib.decompressobj(31), 0
    if not unpacker.eof or (ends_empty and size):
        raise EOFError("it ends too early")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no named pipes


def _absent(path: Path) -> str:
    if path.is_symlink():
        return f"{path}: is a link to {path.readlink()}, which does not exist. Check the path."
    if str(path) == "-":
        return f"{path}: no such file. For standard input give /dev/stdin."
    if not path.parent.is_dir():
        return f"{path}: no such file: the folder {path.parent} does not exist. Check the path."
    try:
        near = get_close_matches(path.name, [other.name for other in path.parent.iterdir()], n=1)
    except OSError:
        near = []
    hint = f" Did you mean {path.parent / near[0]}?" if near else " Check the path."
    return f"{path}: no such file.{hint}"
