"""Signals that end a program end a command as Ctrl-C does: finished work is kept, nothing is left half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

# A batch system that runs out of time, `docker stop` and `kill` send the first, a terminal that closes the second.
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class EndingSignal(KeyboardInterrupt):
    """A signal that ends a program; ``number`` is its own."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Raise `EndingSignal` in the block where such a signal would end the program.

    A signal that is ignored, as SIGHUP is under ``nohup``, stays ignored.
    """
    came: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        came.append(number)
        for other in ours:  # one is enough: a second shall not disturb the cleaning up
            signal.signal(other, signal.SIG_IGN)
        raise EndingSignal(number)

    in_main = threading.current_thread() is threading.main_thread()
    ours = [n for n in _ENDING if in_main and signal.getsignal(n) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield
    except Exception:
        if came:  # such as of a terminal that is gone, while its progress bar is taken away
            raise EndingSignal(came[0]) from None
        raise
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
