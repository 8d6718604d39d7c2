"""Locks that end with the process that holds them, however it ends."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_MOST_READ = 200  # bytes of what the holder of a lock wrote about itself


def open_locked(path: Path, *, wait: bool, new: bool = False) -> tuple[int, bool]:
    """Return a descriptor of a file, created if need be (``new``: always), and whether it is locked.

    It is not where the system or the file system knows no locks.

    Raises
    ------
    BlockingIOError
        Another descriptor holds the lock, and ``wait`` is false; the error says what its holder wrote into the file.
    OSError
        The file cannot be opened.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if new else 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            if fcntl is None:
                return descriptor, False
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # Whoever held it before may have removed the file: then it is nobody's lock any more.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor, True
        except BlockingIOError as error:
            holder = os.read(descriptor, _MOST_READ).decode("utf-8", errors="replace").strip()
            os.close(descriptor)
            raise BlockingIOError(error.errno, holder, str(path)) from None
        except OSError:
            return descriptor, False
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextmanager
def locked(path: str | os.PathLike[str], *, wait: bool = False) -> Iterator[bool]:
    """Hold the lock that a file stands for; it says who holds it, and is removed at the end.

    Yields whether the lock is held; raises what `open_locked` does.
    """
    path = Path(path)
    descriptor, sure = open_locked(path, wait=wait)
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder = f"process {os.getpid()} on {socket.gethostname()} since {since}"
        with suppress(OSError):  # a full disk
            os.ftruncate(descriptor, 0)
            os.write(descriptor, holder.encode())
        yield sure
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)
