"""What computes does not change what is computed; lost workers are said, or their work is done again."""

from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import PackageNotFoundError
from threading import Event
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from dnmf.exceptions import InputDataError, WorkersLostError
from dnmf.executors import check_workers, opened
from dnmf.threads import one_thread


def scaled(factor: float, x: int) -> float:
    if x < 0:
        raise ValueError("negative")
    return factor * x


def test_threads_answer_in_order_and_share_what_they_are_given() -> None:
    with opened(None, 3) as workers:
        assert workers.n_tasks == 3
        shared = object()
        assert workers.share(shared) is shared
        assert workers.map(scaled, (2.0,), range(50)) == [2.0 * x for x in range(50)]


def test_what_a_task_raises_is_raised_and_the_rest_is_given_up() -> None:
    begun: list[int] = []
    all_given, given_up = Event(), Event()

    def task(x: int) -> None:
        begun.append(x)
        if x == 1:
            raise ValueError("one")
        (all_given if x == 0 else given_up).wait(10)

    def numbers() -> Iterator[int]:
        yield from range(10)
        all_given.set()

    def work() -> None:
        with opened(None, 1) as workers:
            give_up = workers.cancel
            workers.cancel = lambda: (give_up(), given_up.set())  # type: ignore[method-assign,assign]
            workers.map(task, (), numbers())

    with pytest.raises(ValueError, match="one"):
        work()
    assert begun in ([0, 1], [0, 1, 2])  # the third may have begun before the error was seen


def test_what_has_no_submit_is_no_executor() -> None:
    with pytest.raises(InputDataError, match="int has no method `submit`"), opened(3):  # type: ignore[arg-type]
        pass


def test_a_process_that_ends_is_said() -> None:
    class Broken:
        def submit(self, *_: object) -> None:
            raise BrokenProcessPool("A process in the process pool was terminated abruptly")

    with opened(Broken()) as workers, pytest.raises(WorkersLostError, match="out of memory"):
        workers.map(scaled, (1.0,), [1])


def blas_threads() -> dict[str, int]:
    return {
        library["filepath"]: library["num_threads"]
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }


def test_the_last_to_end_gives_the_threads_back() -> None:
    before = blas_threads()
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(blas_threads().values()) == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == before


class Cluster:
    """A client whose scheduler is gone, or whose workers answer what they are told to."""

    asynchronous = False

    def __init__(self, versions: dict[str, Any]) -> None:
        self.versions = versions

    def run(self, *_: object, **__: object) -> dict[str, Any]:
        return self.versions


def test_a_worker_without_the_package_is_named() -> None:
    with pytest.raises(InputDataError, match=r"tcp://b:1 has no package dnmf\. Install dnmf \d"):
        check_workers(Cluster({"tcp://b:1": PackageNotFoundError("dnmf")}))
    with pytest.raises(InputDataError, match=r"tcp://b:1 has dnmf 0\.0\.1, this process \d"):
        check_workers(Cluster({"tcp://b:1": "0.0.1"}))


def test_a_cancelled_task_says_that_the_scheduler_is_gone() -> None:
    class Gone:
        def submit(self, *_: object) -> "Future[None]":
            future: Future[None] = Future()
            future.cancel()
            return future

    with opened(Gone()) as workers, pytest.raises(WorkersLostError, match="scheduler"):
        workers.map(scaled, (1.0,), [1])


# ------------------------------------------------------------------------------ dask
def test_a_cluster_computes_the_same(dask_client: Any) -> None:
    values = np.arange(5.0)
    with opened(dask_client) as workers:
        assert workers.n_tasks == 2
        shared = workers.share(values)
        assert shared is not values
        found = workers.map(np.multiply, (shared,), [1.0, 3.0])
        np.testing.assert_array_equal(found, [values, 3 * values])
        with pytest.raises(ValueError, match="negative"):
            workers.map(scaled, (1.0,), [-1])
