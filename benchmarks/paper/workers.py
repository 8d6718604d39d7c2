"""Worker processes that are quiet at Ctrl-C and end with the process that started them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.connection import wait
from typing import Any


def finished_calls(
    function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], n_processes: int
) -> Generator[tuple[int, Any], None, None]:
    """Call a function on several processes; yield (number of the call, result) as they finish.

    Ctrl-C, an error, and closing the generator end the processes.
    """
    with ProcessPoolExecutor(
        n_processes, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare
    ) as pool:
        futures = {pool.submit(function, *call): number for number, call in enumerate(calls)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
