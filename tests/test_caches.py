"""Files that save time have a place of the user's own, or none."""

import logging
import os
import tempfile
from pathlib import Path

import pytest

from dnmf import caches

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
USERS = f"dnmf-{os.geteuid()}" if hasattr(os, "geteuid") else "dnmf"


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No folder can be made for caches, and one for temporary files is there; the folder with both."""
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "temporary").mkdir(mode=0o700)
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(caches, "_MEMORY", tmp_path / "file")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def found() -> Path | None:
    return caches.cache_folder.__wrapped__()


def test_the_systems_folder_is_taken_and_kept_from_others(
    places: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(caches, "user_cache_path", lambda *_, **__: places / "new" / "dnmf")
    for _ in range(2):
        assert found() == places / "new" / "dnmf"
        assert (places / "new" / "dnmf").stat().st_mode & 0o777 == 0o700
        (places / "new" / "dnmf").chmod(0o775)
    assert not caplog.records


@pytest.mark.parametrize("relative", [False, True])
def test_a_temporary_folder_stands_in_and_is_said_once(
    relative: bool, places: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if relative:  # of a user without a home
        monkeypatch.setattr(caches, "user_cache_path", lambda *_, **__: Path("~/.cache/dnmf"))
    assert found() == places / "temporary" / USERS
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(places / "temporary" / USERS) in record.getMessage()
    assert "\n" not in record.getMessage()
    assert found() == places / "temporary" / USERS, "each process has its own"
    assert not list((places / "work").iterdir())


@pytest.mark.parametrize("case", ["link", "foreign", "open", "current", "none"])
def test_code_is_kept_nowhere_if_others_could_change_it(
    case: str, places: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    temporary = places / "temporary"
    if case == "link":
        (temporary / USERS).symlink_to(places / "work")
    elif case == "foreign":
        temporary.chmod(0o1777)
        monkeypatch.setattr(caches, "_is_own", lambda _: False)
    elif case == "open":
        temporary.chmod(0o777)
    elif case == "current":
        monkeypatch.chdir(temporary)
    else:
        monkeypatch.setattr(tempfile, "tempdir", str(places / "file"))
    assert found() is None
    assert "nothing is kept" in caplog.text
    assert not list((places / "work").iterdir())


def test_files_in_memory_are_the_last_place(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (places / "memory").mkdir()
    (places / "memory").chmod(0o1777)
    monkeypatch.setattr(caches, "_MEMORY", places / "memory")
    monkeypatch.setattr(tempfile, "tempdir", str(places / "file"))
    assert found() == places / "memory" / USERS
