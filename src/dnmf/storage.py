"""Files that appear whole or not at all, models as a card with its weights, and what a checkpoint belongs to."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from dnmf import __version__
from dnmf.exceptions import CheckpointError, ModelFileError
from dnmf.locks import locked
from dnmf.strict_json import CHECKSUM, check_entries, entries_checksum, is_unchanged, read_json

_MOST_SHOWN = 64  # characters of a value that a message shows: as many as a SHA-256 has
# Bytes of a card, and of its weights. Ten thousand times those of a large reference; more would be another file.
_MOST_CARD_BYTES, _MOST_WEIGHTS_BYTES = 16_000_000, 2_000_000_000


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write bytes, or text as UTF-8, into a file that appears, or is replaced, only when all is on the disk.

    Whatever fails or interrupts the writing, an old file stays as it was, and no temporary file is left. The file has
    the permissions of any new file of the user's. The ``filename`` of an ``OSError`` is ``path``.
    """
    path = Path(path)
    # Not tempfile: its files are private to their owner, and stay so after the renaming.
    partial = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        with partial.open("xb") as file:
            file.write(_utf8(content) if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        # Of the file that was asked for: the user knows no temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    # The new name is on the disk once the folder is; not every file system knows how.
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


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
        """Write ``data`` as the weights and ``content`` as the card; nothing if JSON cannot hold the content."""
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
        write_whole(weights, data)
        write_whole(card, text + "\n")

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
            if not file.is_file():
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
        if not is_unchanged(entries):
            raise ModelFileError(
                f"{card} was altered after it was written: its checksum {CHECKSUM} differs. Take the card as it was "
                "written; if it was changed on purpose, remove that entry"
            )
        data = _bytes_of(weights, _MOST_WEIGHTS_BYTES)
        if hashlib.sha256(data).hexdigest() != entries.get("weights_sha256"):
            raise ModelFileError(
                f"{weights} is truncated, altered or belongs to another model: its checksum is not the one in "
                f"{card.name}"
            )
        return entries, data


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
