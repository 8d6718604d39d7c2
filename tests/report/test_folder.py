"""The output folder appears whole or not at all, and nothing of the user's is ever lost."""

import os
import shutil
from pathlib import Path

import pytest

from dnmf.exceptions import InputDataError, OutputExistsError
from dnmf.locks import locked
from dnmf.report import check_output_folder
from dnmf.report import folder as folder_module
from dnmf.report.folder import restore_folder, staged_folder
from dnmf.report.records import write_run


def earlier_run(folder: Path) -> None:
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    (folder / "fit.tsv").write_text("old")
    (folder / "plots").mkdir()
    (folder / "plots" / "old.png").write_text("old")


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def test_a_new_folder_appears_at_the_end_only(tmp_path):
    out = tmp_path / "deep" / "out"
    with staged_folder(out, overwrite=False) as folder:
        (folder / "a").write_text("1")
        assert not out.exists()
    assert content(tmp_path / "deep") == {"out": "", "out/a": "1"}


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "out").mkdir()
    with staged_folder(tmp_path / "out", overwrite=False) as folder:
        (folder / "a").write_text("1")
    assert content(tmp_path) == {"out": "", "out/a": "1"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_breaks_inside_leaves_everything_as_it_was(tmp_path, error, overwrite):
    out = tmp_path / "new" / "out"
    if overwrite:
        out.parent.mkdir()
        earlier_run(out)
    before = content(tmp_path)

    def write(folder: Path) -> None:
        (folder / "plots").mkdir()
        (folder / "fit.tsv").write_text("half")
        raise error

    with pytest.raises(error), staged_folder(out, overwrite=overwrite) as folder:
        write(folder)
    assert content(tmp_path) == before


def test_overwriting_swaps_the_folder_as_a_whole(tmp_path):
    earlier_run(tmp_path / "out")
    with staged_folder(tmp_path / "out", overwrite=True) as folder:
        (folder / "run.json").write_text("new")
    assert content(tmp_path) == {"out": "", "out/run.json": "new"}


@pytest.mark.parametrize("interrupted", [0, 1])
def test_an_interrupted_swap_puts_the_old_folder_back(tmp_path, monkeypatch, interrupted):
    earlier_run(tmp_path / "out")
    before = content(tmp_path)
    rename, calls = Path.rename, []

    def interrupt(self, target):
        calls.append(self)
        if len(calls) - 1 == interrupted:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(folder_module, "_swapped", lambda *_: False)
    monkeypatch.setattr(Path, "rename", interrupt)
    with (
        pytest.raises(KeyboardInterrupt),
        staged_folder(tmp_path / "out", overwrite=True) as folder,
    ):
        (folder / "run.json").write_text("new")
    assert content(tmp_path) == before


@pytest.mark.parametrize("swaps", [True, False])
@pytest.mark.parametrize("overwrite", [True, False])
def test_killed_at_any_change_the_folder_is_old_or_new_and_the_next_run_tidies_up(
    tmp_path, monkeypatch, killed_at, swaps, overwrite
):
    out = tmp_path / "out"
    if not swaps:
        monkeypatch.setattr(folder_module, "_swapped", lambda *_: False)

    def write() -> None:
        with staged_folder(out, overwrite=overwrite) as folder:
            (folder / "run.json").write_text("new")

    old = {"run.json": "{}", "fit.tsv": "old", "plots": "", "plots/old.png": "old"}
    n = 0
    while True:
        if overwrite:
            earlier_run(out)
        killed = killed_at(n, write)
        assert out.exists() or not (overwrite and swaps)
        restore_folder(out)
        assert [entry.name for entry in tmp_path.iterdir()] in ([[], ["out"]][overwrite:])
        there = content(out)
        assert there == {"run.json": "new"} or (killed and there == (old if overwrite else {}))
        shutil.rmtree(out, ignore_errors=True)
        if not killed:
            break
        n += 1
    assert n > 4


def test_no_folder_that_is_half_removed_is_put_back(tmp_path, monkeypatch, killed_at):
    out = tmp_path / "out"
    monkeypatch.setattr(folder_module, "_swapped", lambda *_: False)

    def write() -> None:
        with staged_folder(out, overwrite=True) as folder:
            (folder / "run.json").write_text("new")

    n = killed = 1
    while killed:
        shutil.rmtree(out, ignore_errors=True)
        earlier_run(out)
        old = content(out)
        killed = killed_at(n, write)
        shutil.rmtree(out, ignore_errors=True)  # the user takes the results away
        restore_folder(out)
        assert content(out) in ({}, old)
        n += 1
    assert n > 6


def test_what_a_killed_run_left_is_put_in_order_before_any_work(tmp_path):
    earlier_run(tmp_path / ".out.0123abcd.old")
    for name in (".out.89abcdef.part", ".out.backup.part", ".other.89abcdef.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("")
    with pytest.raises(OutputExistsError, match="earlier run"):
        check_output_folder(tmp_path / "out", overwrite=False)
    names = {entry.name for entry in tmp_path.iterdir()}
    assert names == {"out", ".out.backup.part", ".other.89abcdef.part"}
    assert (tmp_path / "out" / "fit.tsv").read_text() == "old"


def test_what_was_moved_aside_is_removed_once_there_is_a_new_folder(tmp_path):
    earlier_run(tmp_path / "out")
    earlier_run(tmp_path / ".out.0123abcd.old")
    (tmp_path / ".out.0123abcd.old" / "fit.tsv").write_text("older")
    check_output_folder(tmp_path / "out", overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "fit.tsv").read_text() == "old"


def test_the_folder_of_a_run_that_lives_is_left_to_it(tmp_path):
    (tmp_path / ".out.0123abcd.part").mkdir()
    with locked(tmp_path / ".out.lock"):
        check_output_folder(tmp_path / "out", overwrite=True)
        assert (tmp_path / ".out.0123abcd.part").exists()
    check_output_folder(tmp_path / "out", overwrite=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["mine.png", "plots/mine.png", "solutions/k002/mine.png"])
def test_a_file_that_the_run_did_not_write_is_not_lost_wherever_it_lies(tmp_path, place):
    out = tmp_path / "out"
    write_run(out, overwrite=False, record={}, tables={"fit.tsv": lambda path: path.touch()})
    check_output_folder(out, overwrite=True)
    (out / ".DS_Store").touch()  # of the system, not of the user
    check_output_folder(out, overwrite=True)
    (out / place).parent.mkdir(parents=True, exist_ok=True)
    (out / place).touch()
    with pytest.raises(OutputExistsError, match=f"{place}'.* Move that elsewhere"):
        check_output_folder(out, overwrite=True)


def test_an_existing_folder_is_refused_before_any_work(tmp_path):
    earlier_run(tmp_path / "out")
    with (
        pytest.raises(OutputExistsError, match="earlier run"),
        staged_folder(tmp_path / "out", overwrite=False),
    ):
        pytest.fail("the work was begun")


def test_a_folder_with_anything_else_is_never_overwritten(tmp_path):
    out = tmp_path / "out"
    earlier_run(out)
    (out / "thesis.docx").write_text("years of work")
    with pytest.raises(OutputExistsError, match=r"thesis\.docx"):
        check_output_folder(out, overwrite=True)
    (out / "thesis.docx").unlink()
    (out / "run.json").unlink()
    with pytest.raises(OutputExistsError, match=r"no run\.json"):
        check_output_folder(out, overwrite=True)


def test_a_file_is_never_overwritten(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputExistsError, match="not a folder"):
        check_output_folder(tmp_path / "out", overwrite=True)


@pytest.mark.skipif(os.name == "nt", reason="disks have letters")
def test_where_a_disk_is_mounted_is_told_before_any_work():
    with pytest.raises(OutputExistsError, match=r"is where a disk is mounted.*/results\."):
        check_output_folder("/", overwrite=True)


def test_a_folder_that_another_process_filled_meanwhile_is_kept(tmp_path):
    out = tmp_path / "out"

    def both_write(folder: Path) -> None:
        (folder / "a").write_text("mine")
        out.mkdir()
        (out / "a").write_text("theirs")

    with pytest.raises(OutputExistsError), staged_folder(out, overwrite=False) as folder:
        both_write(folder)
    assert content(tmp_path) == {"out": "", "out/a": "theirs"}


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    earlier_run(tmp_path / "real")
    (tmp_path / "out").symlink_to("real")
    with staged_folder(tmp_path / "out", overwrite=True) as folder:
        (folder / "run.json").write_text("new")
    assert (tmp_path / "out").is_symlink()
    assert content(tmp_path / "real") == {"run.json": "new"}


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_full_disk_is_told_with_the_name_the_user_gave(tmp_path, wrapped):
    out = tmp_path / "out"
    full = OSError(28, "No space left on device", "/hidden/.part/fit.tsv")

    def write() -> None:
        if wrapped:
            raise InputDataError("/hidden/.part/fit.tsv: cannot be written") from full
        raise full

    message = r"out: no space left on device\."
    with pytest.raises(OSError, match=message) as caught, staged_folder(out, overwrite=False):
        write()
    assert ".part" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with (
            pytest.raises(PermissionError, match="cannot be written"),
            staged_folder(tmp_path / "out", overwrite=False),
        ):
            pytest.fail("the work was begun")
    finally:
        tmp_path.chmod(0o700)
