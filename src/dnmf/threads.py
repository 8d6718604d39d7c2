"""Same seed, same result, whatever the number of threads: estimators and workers compute on one each."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the body on one BLAS and one torch thread, then restore the caller's settings.

    The order in which several threads add up a product changes its last bits, and an iteration that runs to convergence
    can make a visible difference of that. Matrices of this field are small: more threads would not be faster.
    """
    threads = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
