"""Locks on work in progress: two processes never change the same files at a time."""

import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_MOST_TOLD = 200  # characters of what a lock says about its holder


@contextmanager
def locked(lock: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock while the block runs.

    ``lock`` is a small file that says who holds it. The system frees the lock when its process ends, however it ends;
    a file that a killed process has left is taken over, and removed when the block ends. Where there are no locks
    (Windows, some network drives) nothing is held.

    Raises
    ------
    BlockingIOError
        If another process, or another thread, holds it, unless ``wait``; the message says which and since when.
    """
    file = _acquire(lock, wait)
    try:
        yield
    finally:
        # Removed while it is held: a process that has opened it meanwhile then finds that the name has gone.
        lock.unlink(missing_ok=True)
        file.close()


def _acquire(lock: Path, wait: bool) -> TextIOWrapper:
    while True:
        file = lock.open("a+", encoding="utf-8", errors="replace")
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                break
        except BlockingIOError:
            file.seek(0)
            holder = file.read(_MOST_TOLD).strip() or "a process that has just begun"
            file.close()
            raise BlockingIOError(holder) from None
        except FileNotFoundError:
            pass  # its holder has ended and removed it: once more
        except OSError as error:
            reason = str(error.strerror).lower()
            warnings.warn(
                f"{lock} cannot be locked ({reason}): do not run the same command twice at a time",
                stacklevel=4,
            )
            break
        file.close()
    file.truncate(0)
    now = datetime.now().astimezone().isoformat(" ", "seconds")
    file.write(f"process {os.getpid()} on {socket.gethostname()} since {now}\n")
    file.flush()
    return file
