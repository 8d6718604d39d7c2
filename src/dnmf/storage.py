"""Files that appear whole or not at all, models as a card with its weights, and what a checkpoint belongs to."""

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from dnmf import __version__
from dnmf.exceptions import CheckpointError, ModelFileError, OutputExistsError
from dnmf.locks import locked, open_locked
from dnmf.strict_json import CHECKSUM, check_entries, entries_checksum, is_unchanged, read_json

_MOST_SHOWN = 64  # characters of a value that a message shows: as many as a SHA-256 has
# Bytes of a card, and of its weights. Ten thousand times those of a large reference; more would be another file.
_MOST_CARD_BYTES, _MOST_WEIGHTS_BYTES = 16_000_000, 2_000_000_000
_NEVER_REPLACED = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_replaceable(path: str | os.PathLike[str]) -> None:
    """Raise OutputExistsError if something is at a path that no file may replace: a device, a FIFO, a socket, a link.

    A folder is none of them: the system refuses to replace it by a file.
    """
    try:
        mode = os.lstat(path).st_mode
        to = f" to {Path(path).readlink()}" if stat.S_ISLNK(mode) else ""
    except OSError:
        return
    for is_kind, kind in _NEVER_REPLACED:
        if is_kind(mode):
            raise OutputExistsError(
                f"{path} is {kind}{to}, which is never replaced. Give the name of a file."
            )


def hidden_name(path: Path, ending: str) -> Path:
    """Return a new name beside ``path`` for something that is not finished: ``.NAME.<8 hex digits>.ending``."""
    return path.parent / f".{path.name}.{secrets.token_hex(4)}.{ending}"


def leftovers(path: Path, ending: str) -> list[Path]:
    """Return what has a `hidden_name` of this path, the newest last: of processes that live, or were killed."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.{ending}")
    try:
        found = [entry for entry in path.parent.iterdir() if pattern.fullmatch(entry.name)]
        return sorted(found, key=lambda entry: entry.lstat().st_ctime_ns)
    except OSError:
        return []


def _remove_leftovers(path: Path) -> None:
    """Remove the parts of a file that killed processes have left: nobody holds their locks."""
    for part in leftovers(path, "part"):
        with suppress(OSError):
            if not part.is_file() or part.is_symlink():
                continue
            descriptor, sure = open_locked(part, wait=False)
            try:
                if sure:
                    part.unlink()
            finally:
                os.close(descriptor)


@contextmanager
def _part(path: Path, content: bytes | str | Iterable[str | bytes]) -> Iterator[Path]:
    """Yield a file beside ``path`` with all of the content on the disk; removed at the end, if it is still there."""
    check_replaceable(path)
    _remove_leftovers(path)
    # Not tempfile: its files are private to their owner, and stay so after the renaming.
    part = hidden_name(path, "part")
    try:
        # Locked until it has its name: that tells it from what a killed process has left.
        descriptor, sure = open_locked(part, wait=True, new=True)
        with os.fdopen(descriptor, "wb") as file:
            for piece in [content] if isinstance(content, bytes | str) else content:
                file.write(_utf8(piece) if isinstance(piece, str) else piece)
            file.flush()
            os.fsync(file.fileno())
            if not sure:
                file.close()  # Windows renames no open file
            yield part
    except OSError as error:
        if isinstance(error, OutputExistsError):
            raise
        # Of the file that was asked for: the user knows no temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            part.unlink()


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk; not every file system knows how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(path: str | os.PathLike[str], content: bytes | str | Iterable[str | bytes]) -> None:
    """Write bytes, or text as UTF-8, into a file that appears, or is replaced, only when all is on the disk.

    The content may come in pieces, so that not all of it is in memory. Whatever fails or interrupts the writing, an
    old file stays as it was, and no temporary file is left; what a killed process had left is removed. The file has
    the permissions of any new file of the user's.

    Raises
    ------
    OutputExistsError
        There is something that is no file, such as a device or a link; see `check_replaceable`.
    OSError
        The file cannot be written; its ``filename`` is ``path``.
    """
    path = Path(path)
    with _part(path, content) as part:
        part.replace(path)
    sync_folder(path.parent)


def _utf8(text: str) -> bytes:
    """Return text as UTF-8, also where it quotes the name of a file whose bytes the locale cannot read.

    Python holds such bytes as surrogates. Those that are UTF-8 are written as they are, others as U+FFFD.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()
    except UnicodeEncodeError:  # surrogates that are no bytes
        return text.encode("utf-8", "replace")


@dataclass(frozen=True)
class ModelFormat:
    """A model as two files: weights (bytes of safetensors), and a card (JSON) with their SHA-256 and its own.

    ``name`` is the card's entry ``format``, ``what`` the words for it in messages. All ``versions`` can be read; the
    last one is written. ``indent`` and ``sort_keys`` lay out the card.
    """

    name: str
    what: str
    versions: tuple[int, ...]
    indent: int
    sort_keys: bool

    def write(self, card: Path, weights: Path, content: Mapping[str, Any], data: bytes) -> None:
        """Write ``data`` as the weights and ``content`` as the card; nothing if JSON cannot hold the content.

        An earlier pair is replaced at the moment in which the card is: before it the old model is read, after it the
        new one. Until the new weights have their name, `read` finds them under their hidden one.
        """
        entries = {
            "format": self.name,
            "format_version": self.versions[-1],
            "written_by": f"dnmf {__version__}",
            "weights_sha256": hashlib.sha256(data).hexdigest(),
            CHECKSUM: "",
            # A name of a file in it becomes text, as JSON in UTF-8 has to be.
            **json.loads(_utf8(json.dumps(content, ensure_ascii=False))),
        }
        entries[CHECKSUM] = entries_checksum(entries)
        text = json.dumps(entries, indent=self.indent, sort_keys=self.sort_keys, allow_nan=False)
        for path in (card, weights):
            check_replaceable(path)
        with locked(card.with_name(f".{card.name}.lock"), wait=True):
            _name_weights(card, weights)  # of a writing that was killed
            with _part(weights, data):
                try:
                    write_whole(card, text + "\n")
                finally:
                    _name_weights(card, weights)

    def read(self, card: Traversable, weights: Traversable) -> tuple[dict[str, Any], bytes]:
        """Return the entries of the card and the bytes of the weights.

        Raises
        ------
        ModelFileError
            A file is truncated, altered, not of this format, or of a version that cannot be read.
        FileNotFoundError
            One of them is missing.
        """
        for file in (card, weights):
            if not file.is_file() and not (file is weights and _unnamed(weights)):
                raise FileNotFoundError(
                    f"{file} is missing: a model is a pair of files, {card.name} and {weights.name}"
                )
        entries = read_json(_bytes_of(card, _MOST_CARD_BYTES), card, ModelFileError)
        if not isinstance(entries, dict) or entries.get("format") != self.name:
            raise ModelFileError(
                f'{card} is not the card of {self.what} (no "format": "{self.name}")'
            )
        check_entries(entries, {"format_version": int, "written_by": str}, card, ModelFileError)
        if entries["format_version"] not in self.versions:
            raise ModelFileError(
                f"{card} has format version {entries['format_version']}, written by {entries['written_by'][:80]}; "
                f"dnmf {__version__} reads versions {' and '.join(map(str, self.versions))}"
            )
        for file in (weights, *_unnamed(weights)):
            data = _bytes_of(file, _MOST_WEIGHTS_BYTES) if file.is_file() else b""
            if hashlib.sha256(data).hexdigest() == entries.get("weights_sha256"):
                return entries, data
        raise ModelFileError(
            f"{weights} is truncated, altered or belongs to another model: its checksum is not the one in "
            f"{card.name}"
        )

    @staticmethod
    def check_unchanged(entries: Mapping[str, Any], card: Traversable) -> None:
        """Raise ModelFileError if entries were altered after they were written.

        Called when everything else is known to fit: until then an error can say which entry is wrong.
        """
        if not is_unchanged(entries):
            raise ModelFileError(
                f"{card} was altered after it was written: its checksum {CHECKSUM} differs. Take the card as it was "
                "written; if it was changed on purpose, remove that entry"
            )


def _unnamed(weights: Traversable) -> list[Path]:
    """Return the weights that a process killed while it wrote a pair may have left under a hidden name."""
    return leftovers(weights, "part") if isinstance(weights, Path) else []


def _name_weights(card: Path, weights: Path) -> None:
    """Give the weights that a card names by their checksum, and that are under a hidden name, their own."""
    for part in _unnamed(weights):
        with suppress(OSError, ValueError, AttributeError, RecursionError):
            wanted = json.loads(card.read_bytes()).get("weights_sha256")
            if hashlib.sha256(part.read_bytes()).hexdigest() == wanted:
                part.replace(weights)
                sync_folder(weights.parent)


def _bytes_of(file: Traversable, most: int) -> bytes:
    with file.open("rb") as opened:
        if opened.seek(0, os.SEEK_END) > most:
            raise ModelFileError(f"{file} has more than {most:,} bytes: it is no part of a model")
        opened.seek(0)
        return opened.read()


def below(prefix: str, entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries whose names begin with a prefix, named without it."""
    return {n.removeprefix(prefix): e for n, e in entries.items() if n.startswith(prefix)}


@contextmanager
def in_use(checkpoint: Path, lock: Path | None = None) -> Iterator[None]:
    """Let no other process work with a checkpoint while the block runs.

    ``lock`` is the file that says so, by default ``CHECKPOINT.lock``.

    Raises
    ------
    CheckpointError
        If another process does; the message says which.
    """
    with ExitStack() as held:
        try:
            held.enter_context(locked(lock or checkpoint.with_name(f"{checkpoint.name}.lock")))
        except BlockingIOError as error:
            raise CheckpointError(
                f"{checkpoint} is in use by another run: {error}. Wait until it ends, or choose another output."
            ) from None
        yield


def check_identity(
    checkpoint: str | os.PathLike[str],
    found: Mapping[str, Any],
    wanted: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> None:
    """Raise CheckpointError, naming all that differs, unless ``found`` has the values of ``wanted``.

    ``found`` is what a checkpoint was made with, ``wanted`` what the work is done with now. ``names`` are what the
    message calls a key, where that is not the key itself.
    """
    different = []
    for key, value in wanted.items():
        there, now = (str(entry) for entry in (found.get(key), value))
        if there != now:
            short = max(len(there), len(now)) <= _MOST_SHOWN
            values = f" ({there[:12]} there, {now[:12]} now)" if short else ""
            different.append((names or {}).get(key, key) + values)
    if different:
        raise CheckpointError(
            f"{checkpoint} is the checkpoint of other work, which differs in: {', '.join(different)}. Nothing was "
            "changed: repeat the command that it was made with, choose another output, or delete it."
        )
