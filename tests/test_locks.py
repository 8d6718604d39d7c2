"""One process at a time: the second is told who is first, and a killed one leaves nothing in the way."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dnmf import locks
from dnmf.exceptions import CheckpointError
from dnmf.locks import locked
from dnmf.storage import in_use

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no locks on Windows")

HOLDER = (
    "import sys, time, pathlib\n"
    "from dnmf.locks import locked\n"
    "with locked(pathlib.Path(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


def test_another_process_is_named_and_a_killed_one_is_not_in_the_way(tmp_path: Path) -> None:
    lock, work = tmp_path / "work.lock", tmp_path / "work"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told = rf"work is in use by another run: process {holder.pid} on .* since 20\d\d-"
        with pytest.raises(CheckpointError, match=told), in_use(work):
            pass
        holder.kill()
    assert lock.exists()
    with in_use(work):
        assert f"process {os.getpid()} " in lock.read_text()
    assert not lock.exists()


def test_an_error_frees_the_lock_and_is_not_taken_for_another_holder(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(BlockingIOError, match="a full pipe"), in_use(tmp_path / "work"):
            raise BlockingIOError("a full pipe")
    assert list(tmp_path.iterdir()) == []


def test_threads_exclude_each_other_and_may_wait(tmp_path: Path) -> None:
    lock, order = tmp_path / "lock", []

    def second() -> None:
        with locked(lock, wait=True):
            order.append("second")

    with locked(lock):
        with pytest.raises(BlockingIOError, match="process"), locked(lock):
            pass
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join(timeout=30)
    assert order == ["first", "second"]
    assert not lock.exists()


def test_where_there_are_no_locks_the_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr(locks.fcntl, "flock", refuse)
        with pytest.warns(UserWarning, match="cannot be locked here"), locked(tmp_path / "lock"):
            pass
    monkeypatch.setattr(locks, "fcntl", None)
    with locked(tmp_path / "lock") as held, locked(tmp_path / "lock"):
        assert not held
    assert list(tmp_path.iterdir()) == []
