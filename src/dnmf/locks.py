"""Locks on work in progress: they end with the process that holds them, however it ends."""

import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_MOST_TOLD = 200  # bytes of what a lock says about its holder


@contextmanager
def locked(lock: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold a lock while the block runs; yield whether it is held.

    ``lock`` is a small file that says who holds it. The system frees the lock when its process ends, however it ends;
    a file that a killed process has left is taken over, and removed when the block ends. Where there are no locks
    (Windows, some network drives) nothing is held.

    Raises
    ------
    BlockingIOError
        If another process, or another thread, holds it, unless ``wait``; the message says which and since when.
    OSError
        If the file cannot be created.
    """
    descriptor, held = open_locked(lock, wait=wait)
    if not held and fcntl is not None:
        warnings.warn(
            f"{lock} cannot be locked here: do not run the same command twice at a time",
            stacklevel=3,
        )
    try:
        now = datetime.now().astimezone().isoformat(" ", "seconds")
        holder = f"process {os.getpid()} on {socket.gethostname()} since {now}\n"
        with suppress(OSError):  # a full disk
            os.ftruncate(descriptor, 0)
            os.write(descriptor, holder.encode())
        yield held
    finally:
        # Removed while it is held: a process that has opened it meanwhile then finds that the name has gone.
        with suppress(OSError):
            lock.unlink()
        os.close(descriptor)


def open_locked(path: Path, *, wait: bool, new: bool = False) -> tuple[int, bool]:
    """Return a descriptor of a file, created if need be (``new``: always), and whether it is locked.

    Errors are those of `locked`.
    """
    flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if new else 0)
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            if fcntl is None:
                return descriptor, False
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor, True
        except FileNotFoundError:
            pass  # its holder has ended and removed it: once more
        except BlockingIOError:
            holder = os.read(descriptor, _MOST_TOLD).decode("utf-8", errors="replace").strip()
            os.close(descriptor)
            raise BlockingIOError(holder or "a process that has just begun") from None
        except OSError:
            return descriptor, False
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
