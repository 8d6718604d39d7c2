"""``--workers`` and ``--scheduler``: what computes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from dnmf.cli.console import UserError, available_cores

if TYPE_CHECKING:
    from dnmf.executors import Executor

# Seconds until a scheduler has answered, and until it has a worker.
_SECONDS_TO_ANSWER, _SECONDS_TO_WORKERS = 10, 60

NWorkers = Annotated[
    int | None,
    typer.Option("--workers", min=1, metavar="N", help="Threads.", show_default="all cores"),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Compute on the workers of a running Dask cluster, such as tcp://10.0.0.1:8786.",
        show_default="threads of this machine",
    ),
]


class Computing(TypedDict):
    """Arguments of what computes."""

    workers: int
    executor: "Executor | None"


@contextmanager
def connected(scheduler: str | None, workers: int | None) -> Iterator["Computing"]:
    """Yield threads, or the cluster that computes in their place."""
    if scheduler is None:
        yield {"workers": workers or available_cores(), "executor": None}
        return
    if workers is not None:
        raise UserError(
            "--workers is for threads of this machine: the cluster of --scheduler has its own."
        )
    try:
        distributed: Any = import_module("distributed")  # it ships no types of these
    except ImportError:
        raise UserError(
            "--scheduler needs the package distributed: pip install distributed"
        ) from None
    # Its own messages of lost connections and workers would stand beside ours.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(scheduler, timeout=_SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"--scheduler {scheduler}: no Dask scheduler answers there. Give the address that `dask scheduler` "
            "printed, such as tcp://10.0.0.1:8786."
        ) from error
    try:
        client.wait_for_workers(1, timeout=_SECONDS_TO_WORKERS)
        yield {"workers": 1, "executor": client}
    except TimeoutError:
        raise UserError(
            f"--scheduler {scheduler}: the cluster has no worker. Start some with `dask worker {scheduler}`."
        ) from None
    finally:
        client.close()
