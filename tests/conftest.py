"""Fixtures every room's tests share."""

import importlib.util
import inspect
import os
import re
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

# Reproducible and untimed: a test run says the same on a busy machine as on an idle one.
settings.register_profile("dnmf", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("thorough", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dnmf"))

# Of Python's audit: reading and writing, and what `renameat2` is found by.
FILE_EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "ctypes.dlsym"}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of binary content by its argument: compressed bytes hold the time, and workers would disagree."""
    if isinstance(val, bytes) and not val.decode("latin-1").isprintable():
        return argname
    return None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real and simulated inputs; the test is skipped where it is absent."""
    path = Path(os.environ.get("DNMF_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"needs the input data at {path} (set DNMF_DATA to point elsewhere)")
    return path


@pytest.fixture(scope="session")
def oracles() -> ModuleType:
    """The module ``tests/oracles.py``; tests are not a package, so it cannot simply be imported."""
    path = Path(__file__).parent / "oracles.py"
    spec = importlib.util.spec_from_file_location("dnmf_test_oracles", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """``run("quickstart", N=5)``: run an example with other sizes, its capitals at the start of a line; its names."""
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)

    def run(name: str, **sizes: object) -> dict[str, Any]:
        (script,) = Path(__file__).parents[1].glob(f"examples/*/{name}.py")
        code = script.read_text("utf-8")
        for size, value in sizes.items():
            code, found = re.subn(rf"^{size} = .*$", f"{size} = {value}", code, flags=re.MULTILINE)
            assert found == 1, size
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(code, str(script), "exec"), names)
        assert plt.get_fignums() or "plot_" in code, "a page of the gallery has a picture"
        return names

    yield run
    plt.close("all")


@pytest.fixture(scope="session")
def problem() -> Callable[[int, int, int, int], Any]:
    """``problem(n, f, k, seed) -> X, H, W``: float64 tensors, X Poisson counts with mean ``H W``.

    Signatures are sparse and sum to 1, exposures are mutations of very unlike size.
    """
    import torch

    def draw(n: int, f: int, k: int, seed: int) -> Any:
        rng = np.random.default_rng(seed)
        W = rng.dirichlet(np.full(f, 0.3), size=k)
        H = rng.gamma(0.6, 2000.0, size=(n, k))
        X = rng.poisson(H @ W).astype(np.float64)
        return torch.tensor(X), torch.tensor(H), torch.tensor(W)

    return draw


@pytest.fixture
def unchecked_shapes() -> Iterator[None]:
    """As for users: the check of array shapes that test runs have would speak first."""
    from jaxtyping import config

    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", before)


@pytest.fixture
def traceable(monkeypatch: pytest.MonkeyPatch, unchecked_shapes: None) -> None:
    """Take the checks of array shapes off ``Problem``, where torch.compile cannot pass, switched off or not."""
    from dnmf.unfolding import Problem

    for name, member in list(vars(Problem).items()):
        if isinstance(member, property) and member.fget is not None:
            monkeypatch.setattr(Problem, name, property(inspect.unwrap(member.fget)))
        elif name == "__init__":
            monkeypatch.setattr(Problem, name, inspect.unwrap(member))


@pytest.fixture
def torch_threads() -> Iterator[Callable[[int], None]]:
    """Set the number of torch threads for one test; the number before is restored after it."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@contextmanager
def _unpainted() -> Iterator[None]:
    from matplotlib.figure import Figure

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda self, file, **options: file.write(b"<svg/>"))
        yield


@contextmanager
def _without_pictures() -> Iterator[None]:
    from matplotlib.figure import Figure

    from dnmf.extraction import figures, guided_figures
    from dnmf.refit import figures as refit_figures

    with _unpainted(), pytest.MonkeyPatch.context() as patch:
        for module in (figures, guided_figures, refit_figures):
            for name in filter(re.compile("plot_").match, vars(module).copy()):
                patch.setattr(module, name, lambda *_, **__: Figure())
        yield


@pytest.fixture
def unpainted() -> Iterator[None]:
    """Compose figures but do not paint them: painting takes most of a report's time, and has tests of its own."""
    with _unpainted():
        yield


@pytest.fixture
def without_pictures() -> Iterator[None]:
    """Leave the pictures of reports empty, for tests of what else a command writes and says."""
    with _without_pictures():
        yield


@pytest.fixture(scope="session")
def leave_out_pictures() -> Callable[[], AbstractContextManager[None]]:
    """``with leave_out_pictures():`` for what several tests share: that is made before ``without_pictures``."""
    return _without_pictures


@pytest.fixture(scope="module")
def quick_search() -> Iterator[None]:
    """Cut the search for signatures to a fraction of its rounds: enough for a few clean signatures."""
    from dnmf.search import gamma_poisson_search

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gamma_poisson_search, "SEARCH_ROUNDS", 40)
        patch.setattr(gamma_poisson_search, "POLISHING_ROUNDS", 40)
        patch.setattr(gamma_poisson_search, "POLISHED", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    """Small problems on many threads are slower, and several test processes share one machine."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def killed_at() -> Callable[[int, Callable[[], object]], bool]:
    """``killed_at(n, act)``: act in a process that dies at its n-th change of files; False if it ends before."""

    def run(n: int, act: Callable[[], object]) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of forking a process with threads
            child = os.fork()
        if child == 0:
            # A lock that another thread holds is never given back here: end the process, and fail below.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)
            left = iter(range(n))

            def die(event: str, arguments: object) -> None:
                if event in FILE_EVENTS and next(left, None) is None:
                    os._exit(9)

            try:
                sys.addaudithook(die)
                act()
                os._exit(0)
            except BaseException:  # noqa: BLE001  (a forked process must not go on with the tests)
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 9)
        return code == 9

    return run


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Skip fsync: it guards against a crash of the machine. That it is called is checked in test_storage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture
def ranks_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes of ``torch.distributed`` meet where the name of this machine has no address."""
    loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", loopback)


@pytest.fixture(scope="module")
def dask_client() -> Iterator[Any]:
    """A cluster of two workers in this process; they are sent their tasks as those elsewhere are.

    Its threads end with the module: other tests fork this process.
    """
    distributed = pytest.importorskip("distributed")
    # Without a limit: its workers would be judged by the memory of this whole process, and pause.
    local = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "memory_limit": 0}
    with (
        distributed.LocalCluster(dashboard_address=":0", **local) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client
