"""Compiled code is kept for the next process where that is possible; where not, it is compiled again."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import dnmf
from dnmf import compilation

PACKAGE = Path(dnmf.__file__).parent
ROOM = PACKAGE / "kernels"
SOURCE = """
from dnmf.compilation import compiled

@compiled(slow=True)
def doubled(x):
    return 2 * x
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "doubling.py"
    path.write_text(SOURCE, encoding="ascii")
    return path


def loaded(source: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("doubling", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hits(source: Path) -> int:
    """Return how often a new process would find the compiled code; the code must work in any case."""
    doubled = loaded(source).doubled
    assert doubled(4) == 8
    return sum(doubled.stats.cache_hits.values())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compilation, "_folder", lambda _: str(tmp_path))
    return tmp_path


def test_damaged_files_are_made_again(source: Path, folder: Path) -> None:
    assert [hits(source), hits(source)] == [0, 1]
    for ending in ("nbi", "nbc"):
        for path in folder.rglob(f"*.{ending}"):
            path.write_bytes(path.read_bytes()[:-20] if ending == "nbc" else b"")
        assert [hits(source), hits(source)] == [0, 1], ending


def test_the_user_is_told_once_and_only_where_something_is_compiled(
    source: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for told in (1, 0):
        compilation._tell_of_compilation.cache_clear()
        caplog.clear()
        hits(source)
        hits(source)
        assert len(caplog.records) == told


def test_a_full_disk_costs_no_result(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    assert [hits(source), hits(source)] == [0, 0]


@pytest.mark.parametrize("chosen", [None, "refused"])
def test_without_a_folder_each_process_compiles(
    chosen: str | None, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(compilation, "_folder", lambda _: chosen)
    if chosen is not None:
        monkeypatch.setattr(compilation, "_Cache", refused)
    assert [hits(source), hits(source)] == [0, 0]


def test_the_folder_that_was_named_comes_first_then_the_package_then_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, beside = tmp_path / "named", ROOM / "__pycache__"
    writable = {named, beside}
    monkeypatch.setattr(compilation, "can_be_written", lambda folder: folder in writable)
    monkeypatch.setattr(compilation, "cache_folder", lambda: tmp_path / "users")
    monkeypatch.setattr(compilation.config, "CACHE_DIR", str(named))
    for expected in (named, beside, tmp_path / "users" / "numba"):
        assert Path(compilation._folder.__wrapped__(ROOM)).parent == expected
        writable.discard(expected)
    monkeypatch.setattr(compilation, "cache_folder", lambda: None)
    assert compilation._folder.__wrapped__(ROOM) is None


def test_what_was_compiled_beside_a_package_that_cannot_be_written_is_used(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, users = source.parent, tmp_path / "users"
    monkeypatch.setattr(compilation.config, "CACHE_DIR", "")
    monkeypatch.setattr(compilation, "_folder", compilation._folder.__wrapped__)
    assert [hits(source), hits(source)] == [0, 1]
    for folder in (room / "__pycache__").rglob("*/"):
        folder.chmod(0o500)
    monkeypatch.setattr(compilation, "can_be_written", lambda _: False)
    monkeypatch.setattr(compilation, "cache_folder", lambda: users)
    assert [hits(source), hits(source)] == [1, 1]
    (room / "__pycache__").rename(room / "elsewhere")
    assert hits(source) == 1
    assert [len(list(path.iterdir())) for path in (users, users / "numba")] == [1, 1]
    assert {oct(path.stat().st_mode)[-3:] for path in (users / "numba").rglob("*/")} == {"700"}


def test_a_change_of_one_file_makes_all_compile_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numba itself would keep what it has compiled from another file into a function."""
    found = set()
    for source in ("a", "b"):
        (tmp_path / "_one_numba.py").write_text(source, encoding="ascii")
        found.add(compilation._folder.__wrapped__(tmp_path))
    assert len(found) == 2


def test_all_compiled_functions_are_kept_in_this_way() -> None:
    users = [path.name for path in PACKAGE.rglob("*.py") if "njit" in path.read_text("utf-8")]
    assert users == ["compilation.py"]


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
ENVIRONMENT = {
    "HOME": "/proc/none",
    "XDG_CACHE_HOME": "",
    "MPLCONFIGDIR": "",
    "NUMBA_CACHE_DIR": "",
}
PROGRAM = """
import dnmf.plotting, matplotlib
from dnmf import compilation
from dnmf.kernels import _selection_numba
from pathlib import Path
room = Path(_selection_numba.__file__).parent
print(compilation._folder(room), matplotlib.get_configdir(), matplotlib.get_cachedir(), sep="\\n")
"""


def test_a_package_and_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    unshare = [shutil.which("unshare") or "unshare", "--mount", "sh", "-c"]
    try:
        trial = subprocess.run([*unshare, READ_ONLY, tmp_path, "true"], capture_output=True)
    except OSError as error:
        pytest.skip(f"needs unshare: {error}")
    if trial.returncode:
        pytest.skip("needs the right to mount folders read-only")
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir(mode=0o700)
    done = subprocess.run(
        [*unshare, READ_ONLY, PACKAGE, sys.executable, "-c", PROGRAM],
        env=os.environ | ENVIRONMENT | {"TMPDIR": str(temporary)},
        cwd=work,
        capture_output=True,
        text=True,
        check=True,
    )
    own = temporary / f"dnmf-{os.geteuid()}"
    numba, *matplotlib = done.stdout.splitlines()
    assert Path(numba).parent == own / "numba"
    assert matplotlib == [f"{own}/matplotlib"] * 2
    assert done.stderr.count("\n") == 1
    assert str(own) in done.stderr
    assert not list(work.iterdir())
