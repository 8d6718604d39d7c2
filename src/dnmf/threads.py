"""Same seed, same result, whatever the number of threads: estimators and workers compute on one each."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from threadpoolctl import threadpool_limits


class _Blas:
    """The limit of BLAS libraries, which is one for all threads of a process: it ends with the last that asked."""

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0

    def limit(self) -> None:
        with self.lock:
            if not self.users:
                self.limits = threadpool_limits(1, user_api="blas")
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
        with threadpool_limits(1, user_api="openmp"):
            torch.set_num_threads(1)
            try:
                yield
            finally:
                torch.set_num_threads(threads)
    finally:
        _blas.release()
