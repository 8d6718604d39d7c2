"""No output takes the place of an input, of what is no file, or of what a killed run would put back."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import dnmf as package

pytestmark = pytest.mark.usefixtures("without_pictures")

Run = Callable[..., Result]
TUMOURS = "Cancer Types,Sample Names,SBS1,SBS5\nBreast,a,10,20\n"


@pytest.fixture
def files(
    tmp_path: Path, extraction: tuple[Path, Path, Result], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder to work in with a catalog, signatures, exposures of tumours and the model of a run."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(extraction[0], "catalog.tsv")
    shutil.copy(extraction[1] / "signatures.tsv", "signatures.tsv")
    shutil.copytree(extraction[1], "run")
    Path("tumours.csv").write_text(TUMOURS)
    return tmp_path


def state(folder: Path) -> dict[str, object]:
    """Return kind, inode and content of everything in a folder."""
    entries = [path for path in folder.rglob("*") if not path.name.startswith(".numba")]
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_ino)
        + ((path.read_bytes(),) if path.is_file() else ())
        for path in entries
    }


def refused(dnmf: Run, *command: object) -> str:
    before = state(Path.cwd())
    result = dnmf(*command, "--overwrite")
    assert result.exit_code == 2
    assert "Nothing was written" in result.stderr
    assert state(Path.cwd()) == before
    return result.stderr


FILE_COMMANDS = {
    "match": ("match", "signatures.tsv", "-o"),
    "plot": ("plot", "signatures.tsv", "-o"),
    "transform": ("transform", "run", "catalog.tsv", "-o"),
}
FOLDER_COMMANDS = {
    "extract": ("extract", "catalog.tsv", "-k", 2, "-o"),
    "extract, guided": ("extract", "catalog.tsv", "-o"),
    "refit": ("refit", "catalog.tsv", "-o"),
    "simulate": ("simulate", "--samples", 2, "--cohort", "tumours.csv", "-o"),
    "demo": ("demo", "-o"),
    "report": ("report",),
}


@pytest.mark.parametrize("kind", ["FIFO", "link", "dangling link", "link to a device"])
@pytest.mark.parametrize("command", [*FILE_COMMANDS, *FOLDER_COMMANDS])
def test_what_is_no_file_is_never_replaced(dnmf: Run, files: Path, command: str, kind: str) -> None:
    name = {"plot": "a.png"}.get(command, "a")
    if kind == "FIFO":
        os.mkfifo(name)
    else:
        Path("target").write_text("mine")
        Path(name).symlink_to({"link": "target", "dangling link": "none"}.get(kind, "/dev/null"))
    if command == "report":
        result = dnmf("report", name)
        assert result.exit_code == 2
        return
    refused(dnmf, *(FILE_COMMANDS | FOLDER_COMMANDS)[command], name)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/stdout", "/dev/full", "/dev/fd/1"])
@pytest.mark.parametrize("command", ["match", "transform", *FOLDER_COMMANDS])
def test_a_device_is_never_replaced(dnmf: Run, files: Path, command: str, device: str) -> None:
    if not os.path.lexists(device):
        pytest.skip(f"there is no {device} here")
    before = os.lstat(device)
    if command == "report":
        assert dnmf("report", device).exit_code == 2
    else:
        refused(dnmf, *(FILE_COMMANDS | FOLDER_COMMANDS)[command], device)
    assert os.lstat(device).st_mode == before.st_mode


@pytest.mark.parametrize(
    "spelling", ["same", "./same", "absolute", "hard link", "link", "folder link"]
)
@pytest.mark.parametrize(
    ("command", "given"),
    [
        (("match", "{}"), "signatures.tsv"),
        (("match", "run/signatures.tsv", "--reference", "{}"), "signatures.tsv"),
        (("transform", "run", "{}"), "catalog.tsv"),
        (("transform", "run", "catalog.tsv"), "run/model.json"),
        (("transform", "run/model.json", "catalog.tsv"), "run/model.safetensors"),
    ],
)  # fmt: skip
def test_an_input_is_never_replaced_by_whatever_name(
    dnmf: Run, files: Path, command: tuple[str, ...], given: str, spelling: str
) -> None:
    path = Path(given)
    Path("places").symlink_to(path.parent)
    other = path.with_name(f"other{path.suffix}")
    if spelling == "hard link":
        other.hardlink_to(path)
    if spelling == "link":
        other.symlink_to(path.name)
    output = {
        "./same": f"./{given}",
        "absolute": path.absolute(),
        "hard link": other,
        "link": other,
        "folder link": Path("places", path.name),
    }.get(spelling, given)
    message = refused(dnmf, *(part.format(given) for part in command), "-o", output)
    assert "is an input of this command" in message or "is a link" in message


@pytest.mark.parametrize("command", ["match", "transform"])
def test_a_dash_sends_the_table_alone_to_standard_output(
    dnmf: Run, files: Path, command: str
) -> None:
    assert dnmf(*FILE_COMMANDS[command], "table.tsv").exit_code == 0
    table = Path("table.tsv").read_text(encoding="utf-8")
    before = state(files)
    shown = dnmf(*FILE_COMMANDS[command], "-")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout == table
    assert state(files) == before


@pytest.mark.parametrize("command", ["plot", *FOLDER_COMMANDS])
def test_what_is_no_table_cannot_go_to_standard_output(
    dnmf: Run, files: Path, command: str
) -> None:
    before = state(files)
    result = dnmf(*(FILE_COMMANDS | FOLDER_COMMANDS)[command], "-")
    assert result.exit_code == 2
    assert state(files) == before
    assert "cannot go to standard output. Give the name of a f" in result.stderr
    assert "Nothing was written." in result.stderr


@pytest.mark.parametrize("command", list(FILE_COMMANDS))
def test_a_file_of_the_results_of_a_run_is_never_replaced(
    dnmf: Run, files: Path, command: str
) -> None:
    Path("places").symlink_to("run")
    picture = next(Path("run/plots").iterdir()).name if command == "plot" else ""
    for name in (f"plots/{picture}", f"plots/../plots/{picture}") if picture else ("fit.tsv",):
        for folder in ("run", "places"):
            message = refused(dnmf, *FILE_COMMANDS[command], f"{folder}/{name}")
            assert "will not be replaced: it is part of the results in" in message
    # One's own file there is one's own.
    own = f"run/mine{Path(picture).suffix or '.tsv'}"
    Path(own).write_text("mine")
    replaced = dnmf(*FILE_COMMANDS[command], own, "--overwrite")
    assert replaced.exit_code == 0, replaced.stderr
    assert Path(own).read_bytes() != b"mine"


def test_a_picture_never_replaces_what_it_shows(dnmf: Run, files: Path) -> None:
    shown = Path("signatures.tsv").rename("signatures.png")
    before = shown.read_bytes()
    refused(dnmf, "plot", "signatures.png")
    assert shown.read_bytes() == before


def test_a_folder_with_an_input_is_recognised_through_links(dnmf: Run, files: Path) -> None:
    Path("alias").symlink_to("run")
    message = refused(dnmf, "refit", "run/exposures.tsv", "-o", "alias")
    assert "will not be replaced: run/exposures.tsv is inside it" in message


@pytest.mark.parametrize(
    ("source", "image"),
    [
        ("run/signatures.tsv", "run-signatures.png"),
        ("run/solutions/k003/exposures.tsv", "run-solutions-k003-exposures.png"),
        ("signatures.tsv", "signatures.png"),
    ],
)
def test_a_picture_of_results_goes_beside_their_folder(
    dnmf: Run, files: Path, source: str, image: str
) -> None:
    if "solutions" in source:
        Path(source).parent.mkdir(parents=True)
        shutil.copy(f"run/{Path(source).name}", source)
    before = package.report.folder.files_in(Path("run"))
    result = dnmf("plot", source)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.rstrip().endswith(f": {image}")
    assert Path(image).is_file()
    assert package.report.folder.files_in(Path("run")) == before


def test_a_run_can_be_repeated_after_its_results_were_drawn(
    dnmf: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("run")
    drawn = dnmf("plot", "signatures.tsv")
    assert drawn.exit_code == 0, drawn.stderr
    monkeypatch.chdir(files)
    command = ("extract", "catalog.tsv", "-k", 2, "--restarts", 0, "--epochs", 2, "-q", "-o", "run")
    repeated = dnmf(*command, "--overwrite")
    assert repeated.exit_code == 0, repeated.stderr
    assert Path("run-signatures.png").is_file()
    # A picture that was put there by name is neither lost nor a riddle.
    shutil.copy("run-signatures.png", "run/mine.png")
    message = refused(dnmf, *command)
    assert "it also holds 'mine.png'" in message
    assert "Move that elsewhere" in message


def test_the_run_record_of_another_program_is_no_results_folder(dnmf: Run, files: Path) -> None:
    Path("run.json").write_text(json.dumps({"files": []}))
    assert dnmf("plot", "signatures.tsv").exit_code == 0
    assert Path("signatures.png").is_file()


@pytest.mark.parametrize(
    "command",
    [
        ("match", "run/signatures.tsv"),
        ("plot", "run/signatures.tsv", "-o", "new.png"),
        ("transform", "run", "catalog.tsv", "-o", "new.tsv"),
        ("transform", "run/model.json", "catalog.tsv", "-o", "new.tsv"),
    ],
)
def test_commands_that_read_find_what_a_killed_run_had_moved_aside(
    dnmf: Run, files: Path, command: tuple[str, ...]
) -> None:
    Path("run").rename(".run.0123abcd.old")
    result = dnmf(*command)
    assert result.exit_code == 0, result.stderr
    assert Path("run/report.html").is_file()
    assert not list(files.glob(".run.*"))


def test_messages_speak_of_options(dnmf: Run, files: Path) -> None:
    for command in (("extract", "catalog.tsv", "-k", 2, "-o", "run"), ("demo", "-o", "run")):
        message = dnmf(*command).stderr
        assert "replace it with --overwrite." in message
        assert "overwrite=True" not in message
    with pytest.raises(package.exceptions.OutputExistsError, match="with overwrite=True"):
        package.report.check_output_folder("run", overwrite=False)
