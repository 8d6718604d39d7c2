"""Where tasks run: threads of this process, a pool of ``concurrent.futures``, or the workers of a Dask cluster."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol, TypeVar, runtime_checkable
from weakref import WeakSet

from dnmf.exceptions import InputDataError, WorkersLostError
from dnmf.threads import one_thread

T = TypeVar("T")


@runtime_checkable
class Executor(Protocol):
    """What runs tasks: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any:
        """Run ``fn(*args)`` somewhere and return its future."""


class Workers:
    """Runs functions on one thread each, wherever the workers are.

    What a worker of another process shall run must be importable there: a function of a module, or a method of a class
    of a module.

    Attributes
    ----------
    n_tasks : int
        Tasks that run at the same time, as far as it is known when the work begins.
    """

    def __init__(self, executor: Executor, n_tasks: int, client: Any = None) -> None:
        self._executor, self.n_tasks, self._client = executor, n_tasks, client
        self._futures: WeakSet[Future[Any]] = WeakSet()

    def share(self, value: T) -> T:
        """Return what stands for a value among the arguments of tasks: a cluster is sent it once."""
        return value if self._client is None else kept(self._client, value)

    def submit(self, function: Callable[..., T], *args: Any) -> "Future[T]":
        """Run ``function(*args)``; the future's result is read with :meth:`result`."""
        with workers_found():
            future: Future[T] = self._executor.submit(run_on_one_thread, function, *args)
        self._futures.add(future)
        return future

    def result(self, future: "Future[T]") -> T:
        """Return what a function returned, or raise what it raised.

        Raises
        ------
        WorkersLostError
            A process of the pool, the workers of the cluster or its scheduler are gone.
        """
        with workers_found():
            return future.result()

    def map(
        self, function: Callable[..., T], shared: Sequence[Any], values: Iterable[Any]
    ) -> list[T]:
        """Return ``function(*shared, value)`` of every value, in order."""
        futures = [self.submit(function, *shared, value) for value in values]
        return [self.result(future) for future in futures]

    def cancel(self) -> None:
        """Give up what has not begun."""
        for future in list(self._futures):
            future.cancel()


@contextmanager
def opened(executor: Executor | None, workers: int = 1) -> Iterator[Workers]:
    """Yield the workers of an executor, or so many threads of this process; what is left is cancelled at an error.

    Raises
    ------
    InputDataError
        ``executor`` is none, or a worker of the cluster has no dnmf, or another version of it.
    """
    pool = None
    if executor is None:
        pool = ThreadPoolExecutor(workers)
        found = Workers(pool, workers)
    elif is_dask_client(executor):
        client: Any = executor
        check_workers(client)
        n_tasks = sum(client.nthreads().values())
        found = Workers(client.get_executor(pure=False), max(n_tasks, 1), client)
    elif callable(getattr(executor, "submit", None)):
        found = Workers(executor, getattr(executor, "_max_workers", workers))
    else:
        raise InputDataError(
            f"executor: a {type(executor).__name__} has no method `submit`. Give a pool of concurrent.futures, or a "
            "dask.distributed.Client."
        )
    try:
        yield found
    except BaseException:
        found.cancel()
        raise
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def run_on_one_thread(function: Callable[..., T], *args: Any) -> T:
    """Return ``function(*args)``, computed on one thread: the same bits everywhere."""
    with one_thread():
        return function(*args)


# ------------------------------------------------------------------------------ dask
def is_dask_client(executor: object) -> bool:
    """Whether an executor is a client of ``dask.distributed``, which is not imported to know that."""
    return hasattr(executor, "get_executor") and hasattr(executor, "scheduler_info")


def check_workers(client: Any) -> None:
    """Raise InputDataError unless every worker of a Dask cluster has this version of dnmf."""
    if client.asynchronous:
        raise InputDataError("executor: the Dask client is asynchronous; give one that is not.")
    here = version("dnmf")
    # A function of the standard library: it can be sent to a worker without dnmf.
    with workers_found():
        there = client.run(version, "dnmf", on_error="return")
    for address, found in there.items():
        if isinstance(found, PackageNotFoundError | ImportError):
            raise InputDataError(
                f"the Dask worker {address} has no package dnmf. Install dnmf {here} for every worker."
            )
        if found != here:
            raise InputDataError(
                f"the Dask worker {address} has dnmf {found}, this process {here}. Install the same version for every "
                "worker."
            )


def kept(client: Any, value: T) -> T:
    """Return a Dask future of a value, which the scheduler can give to another worker if one is lost."""
    import dask

    # Not client.scatter: what is scattered is lost with its worker.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
        future: T = client.submit(_itself, value, pure=False)
    return future


def _itself(value: T) -> T:
    return value


@contextmanager
def workers_found() -> Iterator[None]:
    """Say in one sentence that workers, or those who manage them, are gone."""
    try:
        yield
    except (CancelledError, BrokenExecutor, OSError, RuntimeError) as error:
        name, room = type(error).__name__, type(error).__module__.partition(".")[0]
        if isinstance(error, BrokenExecutor):
            what = "a process of the pool ended before its task, as one does that is out of memory"
        elif name == "KilledWorker":
            what = f"workers of the Dask cluster ended at the same task again and again ({error})"
        elif isinstance(error, CancelledError) or room in ("distributed", "tornado"):
            what = "the scheduler of the Dask cluster is gone, or has cancelled the tasks"
        else:
            raise
        raise WorkersLostError(f"The work stopped: {what}.") from error
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "dnmf":
            raise
        raise InputDataError(
            "a Dask worker that joined later has no package dnmf. Install it for every worker."
        ) from error
