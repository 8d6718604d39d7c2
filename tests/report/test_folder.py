"""The output folder appears whole or not at all, and nothing of the user's is ever lost."""

import os
from pathlib import Path

import pytest

from dnmf.exceptions import InputDataError, OutputExistsError
from dnmf.report import check_output_folder
from dnmf.report.folder import staged_folder


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

    monkeypatch.setattr(Path, "rename", interrupt)
    with (
        pytest.raises(KeyboardInterrupt),
        staged_folder(tmp_path / "out", overwrite=True) as folder,
    ):
        (folder / "run.json").write_text("new")
    assert content(tmp_path) == before


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
