"""A lock is held by one at a time, says by whom, and ends with its process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dnmf.locks import locked


def test_a_lock_is_held_once_says_by_whom_and_vanishes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path) as sure:
        assert sure
        with pytest.raises(BlockingIOError, match=f"process {os.getpid()} on "), locked(path):
            pytest.fail("held twice")
    assert not path.exists()
    with locked(path, wait=True):
        assert path.exists()


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from dnmf.locks import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.exists()
    with locked(path) as sure:
        assert sure
    assert not path.exists()


def test_where_there_are_no_locks_the_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnmf.locks.fcntl", None)
    with locked(tmp_path / "lock") as sure:
        assert not sure
