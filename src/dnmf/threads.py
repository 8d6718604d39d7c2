"""Same seed, same result, whatever the number of threads: estimators and workers compute on one each."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch
from threadpoolctl import ThreadpoolController


class _Libraries:
    """The thread pools of this process; finding them takes milliseconds, and only an import can add one."""

    def __init__(self) -> None:
        self.modules, self.controller = 0, ThreadpoolController()

    def limit(self, user_api: str) -> Any:
        """Limit the pools to one thread until the returned limits are taken back."""
        if self.modules != len(sys.modules):
            self.modules, self.controller = len(sys.modules), ThreadpoolController()
        return self.controller.limit(limits=1, user_api=user_api)


_libraries = _Libraries()


class _Blas:
    """The limit of BLAS libraries, which is one for all threads of a process: it ends with the last that asked."""

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0

    def limit(self) -> None:
        with self.lock:
            if not self.users:
                self.limits = _libraries.limit("blas")
            self.users += 1

    def release(self) -> None:
        with self.lock:
            self.users -= 1
            if not self.users:
                self.limits.restore_original_limits()


_blas = _Blas()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the body on one BLAS, one OpenMP and one torch thread, then restore the caller's settings.

    The order in which several threads add up a product changes its last bits, and an iteration that runs to convergence
    can make a visible difference of that. Matrices of this field are small: more threads would not be faster. Several
    threads of a process may run such bodies at the same time.
    """
    threads = torch.get_num_threads()
    _blas.limit()
    try:
        with _libraries.limit("openmp"):
            torch.set_num_threads(1)
            try:
                yield
            finally:
                torch.set_num_threads(threads)
    finally:
        _blas.release()
