"""Files are whole or absent, models are what their card says, checkpoints are used for their own work only."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dnmf.exceptions import CheckpointError, ModelFileError, OutputExistsError
from dnmf.locks import open_locked
from dnmf.storage import ModelFormat, check_identity, write_whole

FORMAT = ModelFormat("test-model", "a test model", (1, 3), indent=1, sort_keys=False)


@pytest.mark.parametrize(
    ("content", "there"),
    [
        ("é\n", b"\xc3\xa9\n"),
        (b"\0\r\n", b"\0\r\n"),
        # Names of files as Python has them where the locale is not UTF-8, and where the name is not.
        ("\udcc3\udca9 \udce9 é", "é \ufffd é".encode()),
        ("\ud800", b"?"),
    ],
)
def test_what_is_written_is_what_is_there(tmp_path, content, there):
    path = tmp_path / "a"
    for _ in range(2):
        write_whole(path, content)
        assert path.read_bytes() == there
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_text_in_pieces_is_written_as_a_whole_or_not_at_all(tmp_path):
    write_whole(tmp_path / "a", (letter for letter in "abc"))
    assert (tmp_path / "a").read_text() == "abc"

    def interrupted():
        yield "new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a", interrupted())
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("a", "abc")]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", [None, "old"])
def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(
    tmp_path, monkeypatch, step, failure, old
):
    path = tmp_path / "a"
    if old is not None:
        path.write_text(old)
    before = [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()]

    def fail(*_):
        raise failure

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(failure)) as caught:
        write_whole(path, "new")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == before
    if isinstance(caught.value, OSError):
        assert str(caught.value) == f"[Errno 28] No space left on device: '{path}'"


def test_content_is_on_the_disk_before_the_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace

    def seen_fsync(handle):
        target = Path(os.readlink(f"/proc/self/fd/{handle}"))  # noqa: PTH115  (reads better so)
        events.append(("fsync", target == tmp_path))
        if target != tmp_path:
            assert target.read_text() == "content"  # nothing is left in a buffer
        fsync(handle)

    def seen_replace(*arguments):
        events.append(("replace", True))
        replace(*arguments)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "replace", seen_replace)
    write_whole(tmp_path / "a", "content")
    assert events == [("fsync", False), ("replace", True), ("fsync", True)]


def special_file(kind: str, path: Path) -> None:
    """Put something at a path that is no file, or a link to one."""
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    elif kind == "device":
        path.symlink_to("/dev/null")
    else:
        path.symlink_to("target")
        if kind == "link":
            (path.parent / "target").write_text("old")


@pytest.mark.parametrize("kind", ["FIFO", "socket", "link", "dangling link", "device"])
def test_what_is_no_file_is_never_replaced(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    special_file(kind, Path("a"))
    before = [(entry.name, entry.lstat().st_ino) for entry in tmp_path.iterdir()]
    for write in (
        lambda: write_whole("a", "new"),
        lambda: FORMAT.write(Path("a"), Path("b"), {}, b""),
        lambda: FORMAT.write(Path("b"), Path("a"), {}, b""),
    ):
        with pytest.raises(OutputExistsError, match=r"a is a .*never replaced"):
            write()
    assert [(entry.name, entry.lstat().st_ino) for entry in tmp_path.iterdir()] == before


def test_a_device_is_never_replaced():
    before = Path("/dev/null").stat()
    with pytest.raises(OutputExistsError, match="is a device"):
        write_whole("/dev/null", "new")
    assert Path("/dev/null").stat().st_rdev == before.st_rdev


def test_killed_at_any_change_a_file_is_old_or_new_and_the_next_writing_tidies_up(
    tmp_path, killed_at
):
    path, n = tmp_path / "a", 0
    path.write_text("old")
    while killed_at(n, lambda: write_whole(path, "new")):
        assert path.read_text() in ("old", "new")
        write_whole(path, "old")
        assert [entry.name for entry in tmp_path.iterdir()] == ["a"]
        n += 1
    assert n > 3


@pytest.mark.parametrize("there", [False, True])
def test_killed_at_any_change_a_model_is_the_old_or_the_new_one(tmp_path, killed_at, there):
    files = tmp_path / "m.json", tmp_path / "m.safetensors"

    def write(name: str) -> None:
        FORMAT.write(*files, {"name": name}, name.encode())

    n = 0
    while True:
        if there:
            write("old")
        killed = killed_at(n, lambda: write("new"))
        if there or files[0].exists():
            card, weights = FORMAT.read(*files)
            assert card["name"] == weights.decode() in (("old", "new") if killed else ("new",))
        write("next")
        assert FORMAT.read(*files)[1] == b"next"
        assert {entry.name for entry in tmp_path.iterdir()} == {"m.json", "m.safetensors"}
        if not killed:
            break
        n += 1
        for file in files:
            file.unlink()
    assert n > 6


def test_a_model_that_a_killed_writing_left_without_its_name_survives_the_next_kill(
    tmp_path, killed_at
):
    files = tmp_path / "m.json", tmp_path / "m.safetensors"
    hidden = tmp_path / ".m.safetensors.0123abcd.part"
    n = killed = 1
    while killed:
        written(tmp_path, a="old")
        weights = b"of the card"
        FORMAT.write(*files, {"a": "middle"}, weights)
        files[1].rename(hidden)
        files[1].write_bytes(b"older")
        killed = killed_at(n, lambda: FORMAT.write(*files, {"a": "new"}, b"new"))
        assert FORMAT.read(*files)[1] in (weights, b"new")
        n += 1
    assert n > 6


def test_an_interrupted_writing_of_a_model_ends_with_a_pair(tmp_path, monkeypatch):
    written(tmp_path, a="old")
    replace = Path.replace

    def interrupt(self, target):
        replace(self, target)
        if Path(target).suffix == ".json":
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        FORMAT.write(tmp_path / "m.json", tmp_path / "m.safetensors", {"a": "new"}, b"other")
    card, data = FORMAT.read(tmp_path / "m.json", tmp_path / "m.safetensors")
    assert (card["a"], data) == ("new", b"other")
    assert len(list(tmp_path.iterdir())) == 2


def test_files_that_a_living_process_writes_are_left_to_it(tmp_path):
    theirs, dead = tmp_path / ".a.0123abcd.part", tmp_path / ".a.89abcdef.part"
    mine = tmp_path / ".a.backup.part"
    for file in (theirs, dead, mine):
        file.write_text("half")
    descriptor, _ = open_locked(theirs, wait=False)
    write_whole(tmp_path / "a", "new")
    assert {entry.name for entry in tmp_path.iterdir()} == {"a", theirs.name, mine.name}
    os.close(descriptor)
    write_whole(tmp_path / "a", "new")
    assert {entry.name for entry in tmp_path.iterdir()} == {"a", mine.name}


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_files_get_the_permissions_of_any_new_file(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("target", ["nowhere/a", "file/a", "."])
def test_a_place_that_cannot_be_written_is_named(tmp_path, target):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Errno") as caught:
        write_whole(tmp_path / target, "")
    assert caught.value.filename == str(tmp_path / target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def written(folder: Path, **content: object) -> tuple[Path, Path]:
    files = folder / "m.json", folder / "m.safetensors"
    FORMAT.write(*files, content, b"weights")
    return files


def test_a_model_may_quote_a_file_whose_name_is_not_in_the_locale(tmp_path):
    card, _ = FORMAT.read(*written(tmp_path, reference="\udcc3\udca9.tsv", made_for=["\udce9"]))
    assert (card["reference"], card["made_for"]) == ("é.tsv", ["\ufffd"])


def test_a_model_comes_back_and_its_card_begins_with_what_it_is(tmp_path):
    files = written(tmp_path, b=2, a=[1])
    card, data = FORMAT.read(*files)
    assert data == b"weights"
    assert list(card)[:2] == ["format", "format_version"]
    assert list(card)[-2:] == ["b", "a"]
    assert card["format_version"] == 3


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_a_card_that_json_cannot_hold_leaves_no_weights(tmp_path, value):
    with pytest.raises((ValueError, TypeError)):
        written(tmp_path, a=value)
    assert list(tmp_path.iterdir()) == []


def test_the_weights_of_another_model_are_refused(tmp_path):
    card, weights = written(tmp_path)
    weights.write_bytes(b"weighte")
    with pytest.raises(ModelFileError, match=r"m\.safetensors is .*not the one in m\.json"):
        FORMAT.read(card, weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "m.json is not the card of a test model"),
        ({"format_version": 2}, "version 2, written by dnmf .* reads versions 1 and 3"),
        ({"weights_sha256": None}, "checksum"),
    ],
)
def test_another_card_is_refused_by_what_is_wrong_with_it(tmp_path, change, message):
    card, weights = written(tmp_path)
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(ModelFileError, match=message):
        FORMAT.read(card, weights)


@pytest.mark.parametrize("missing", ["m.json", "m.safetensors"])
def test_half_a_model_is_refused_and_the_missing_half_named(tmp_path, missing):
    files = written(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f"{missing} is missing"):
        FORMAT.read(*files)


def test_the_same_work_is_recognised_whatever_else_was_recorded():
    check_identity("here", {"seed": "1", "date": "today"}, {"seed": 1})


def test_all_that_differs_is_named_and_nothing_else():
    found = {"seed": 1, "sha": "a" * 64, "settings": "x" * 65, "same": 0}
    wanted = {"seed": 2, "sha": "b" * 64, "settings": "y" * 65, "same": 0, "new": "z"}
    with pytest.raises(CheckpointError) as caught:
        check_identity("here", found, wanted, {"sha": "the catalog"})
    told = (
        "differs in: seed (1 there, 2 now), the catalog (aaaaaaaaaaaa there, bbbbbbbbbbbb now), settings, "
        "new (None there, z now)."
    )
    assert told in str(caught.value)
    assert "same" not in str(caught.value).partition("Nothing")[0]


def test_writing_files_loads_neither_torch_nor_pandas():
    program = "import sys, dnmf.storage; sys.exit(bool({'torch', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
