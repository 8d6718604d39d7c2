"""Bad input: one clear message on stderr, exit code 2, and nothing written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Rows = list[list[str]]


def with_cell(rows: Rows, line: int, column: int, text: str) -> Rows:
    """Return a copy whose cell at this 1-based line and 0-based column holds ``text``."""
    changed = [list(row) for row in rows]
    changed[line - 1][column] = text
    return changed


@pytest.mark.parametrize("text", ["-3", "nan", "inf", "-inf", "many", ""])
def test_a_bad_cell_is_named_by_file_line_and_column(
    dnmf: Callable[..., Result],
    write_rows: Callable[..., Path],
    catalog_rows: Rows,
    tmp_path: Path,
    text: str,
) -> None:
    catalog = write_rows(with_cell(catalog_rows, 38, 5, text))
    result = dnmf("extract", catalog, "-k", 2, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert str(catalog) in result.stderr
    assert "line 38" in result.stderr
    assert "S04" in result.stderr
    if text:
        assert text in result.stderr
    assert not (tmp_path / "out").exists()


def dropped_channel(rows: Rows) -> Rows:
    return rows[:40] + rows[41:]


def unknown_channel(rows: Rows) -> Rows:
    return with_cell(rows, 41, 0, "A[C>X]A")


def additional_channel(rows: Rows) -> Rows:
    return [*rows, ["AA[C>A]A", *rows[-1][1:]]]


def duplicated_channel(rows: Rows) -> Rows:
    return with_cell(rows, 41, 0, rows[10][0])


def duplicated_sample(rows: Rows) -> Rows:
    return with_cell(rows, 1, 3, "S00")


def row_too_short(rows: Rows) -> Rows:
    return [*rows[:30], rows[30][:-1], *rows[31:]]


def only_a_header(rows: Rows) -> Rows:
    return rows[:1]


def only_labels(rows: Rows) -> Rows:
    return [row[:1] for row in rows]


def no_mutations_at_all(rows: Rows) -> Rows:
    return [rows[0], *([row[0], *("0" for _ in row[1:])] for row in rows[1:])]


@pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (dropped_channel, "95 of the 96"),
        (unknown_channel, "A[C>X]A"),
        (additional_channel, "AA[C>A]A"),
        (duplicated_channel, "twice"),
        (duplicated_sample, "S00"),
        (row_too_short, "line 31"),
        (only_a_header, "catalog.tsv"),
        (only_labels, "catalog.tsv"),
        (no_mutations_at_all, "catalog.tsv"),
    ],
)
def test_a_bad_table_is_refused(
    dnmf: Callable[..., Result],
    write_rows: Callable[..., Path],
    catalog_rows: Rows,
    tmp_path: Path,
    damage: Callable[[Rows], Rows],
    told: str,
) -> None:
    catalog = write_rows(damage(catalog_rows))
    result = dnmf("extract", catalog, "-k", 2, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "catalog.tsv" in result.stderr
    assert told in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"catalog.tsv"}


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\xff\xfe\x80", b"\x1f\x8b truncated"])
def test_a_file_that_is_no_table_is_refused(
    dnmf: Callable[..., Result], tmp_path: Path, content: bytes
) -> None:
    catalog = tmp_path / "catalog.tsv"
    catalog.write_bytes(content)
    result = dnmf("extract", catalog, "-k", 2, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "catalog.tsv" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_truncated_gz_file_is_refused(dnmf: Callable[..., Result], tmp_path: Path) -> None:
    import gzip

    catalog = tmp_path / "catalog.tsv.gz"
    catalog.write_bytes(gzip.compress(b"MutationType\tS1\n" * 1000)[:-20])
    result = dnmf("extract", catalog, "-k", 2, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "catalog.tsv.gz" in result.stderr


@pytest.mark.parametrize("command", ["extract", "match", "plot", "transform"])
@pytest.mark.parametrize("name", ["absent.tsv", "absent/deeper.tsv", "."])
def test_a_path_that_is_no_file_is_named(
    dnmf: Callable[..., Result],
    extraction: tuple[Path, Path, Result],
    tmp_path: Path,
    command: str,
    name: str,
) -> None:
    path = tmp_path / name
    args: dict[str, list[object]] = {
        "extract": [path, "-k", 2, "-o", tmp_path / "out"],
        "match": [path],
        "plot": [path, "-o", tmp_path / "out.png"],
        "transform": [extraction[1], path, "-o", tmp_path / "out.tsv"],
    }
    result = dnmf(command, *args[command])
    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "given", "told"),
    [
        ("count", "absent.vcf", "absent.vcf: no such file"),
        ("count", "empty.vcf", "empty.vcf: is empty"),
        ("count", "catalog.tsv", "is a catalog, whose mutations are counted already"),
        ("count", ".", "this folder has no file of variants, only catalog.tsv"),
        ("refit", ".", "this folder has no file of variants, only catalog.tsv"),
        ("refit", "-", "-: no such file. For standard input give /dev/stdin."),
    ],
)
def test_what_holds_no_variants_is_told_before_the_genome_is_asked_for(
    dnmf: Callable[..., Result],
    catalog_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    given: str,
    told: str,
) -> None:
    monkeypatch.chdir(catalog_file.parent)
    if given == "empty.vcf":
        Path(given).touch()
    result = dnmf(command, given, "-o", "out")
    assert result.exit_code == 2
    assert told in result.stderr
    assert "--genome" not in result.stderr
    assert not Path("out").exists()


def test_a_file_that_is_no_model_is_told_with_what_to_give(
    dnmf: Callable[..., Result], catalog_file: Path
) -> None:
    for name, told in ((catalog_file, "is no model"), (f"{catalog_file}x", "no such model")):
        result = dnmf("transform", name, catalog_file, "-o", f"{catalog_file}.new")
        assert result.exit_code == 2
        assert f"{name}: {told}. Give the folder" in result.stderr


@pytest.mark.parametrize("k", [13, 97, 10**6])
def test_too_many_signatures_for_the_catalog(
    dnmf: Callable[..., Result], catalog_file: Path, tmp_path: Path, k: int
) -> None:
    result = dnmf("extract", catalog_file, "-k", k, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert str(k) in result.stderr
    assert "at most 12" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("output", ["absent/out", "catalog.tsv", "catalog.tsv/out"])
def test_an_output_that_cannot_be_made_is_told_before_the_input_is_read(
    dnmf: Callable[..., Result], catalog_file: Path, tmp_path: Path, output: str
) -> None:
    before = catalog_file.read_bytes()
    result = dnmf("extract", tmp_path / "not read.tsv", "-k", 2, "-o", tmp_path / output)
    assert result.exit_code == 2
    assert str(tmp_path / output) in result.stderr
    assert "not read" not in result.stderr
    assert catalog_file.read_bytes() == before


def test_an_output_where_no_file_can_be_created(
    dnmf: Callable[..., Result], catalog_file: Path
) -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs a folder in which nobody, not even root, can create files: /proc")
    result = dnmf("extract", catalog_file, "-k", 2, "-o", "/proc/self/out")
    assert result.exit_code == 2
    assert "/proc/self/out" in result.stderr


def test_an_input_inside_the_output_is_not_replaced(
    dnmf: Callable[..., Result], extraction: tuple[Path, Path, Result], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(extraction[1], out)
    shutil.copy(extraction[0], out / "exposures.tsv")
    result = dnmf("extract", out / "exposures.tsv", "-k", 2, "-o", out, "--overwrite")
    assert result.exit_code == 2
    assert (out / "exposures.tsv").read_bytes() == extraction[0].read_bytes()


def test_the_current_folder_is_not_replaced(
    dnmf: Callable[..., Result],
    extraction: tuple[Path, Path, Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(extraction[1], tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out" / "plots")
    result = dnmf("extract", extraction[0], "-k", 2, "-o", "..", "--overwrite")
    assert result.exit_code == 2
    assert (tmp_path / "out" / "run.json").exists()


@pytest.mark.parametrize("reference", ["cosmic-v9", "SBS1,SBSfive", "absent.tsv", ""])
def test_an_unknown_reference(
    dnmf: Callable[..., Result], catalog_file: Path, tmp_path: Path, reference: str
) -> None:
    result = dnmf(
        "extract", catalog_file, "-k", 2, "-o", tmp_path / "out", "--reference", reference
    )
    assert result.exit_code == 2
    assert reference.rsplit(",", 1)[-1] in result.stderr
    assert not (tmp_path / "out").exists()


def test_counts_are_not_signatures(dnmf: Callable[..., Result], catalog_file: Path) -> None:
    result = dnmf("match", catalog_file)
    assert result.exit_code == 2
    assert str(catalog_file) in result.stderr


@pytest.fixture
def broken_model(
    request: pytest.FixtureRequest, extraction: tuple[Path, Path, Result], tmp_path: Path
) -> Path:
    """A copy of the model in which one thing is wrong, named by the test's parameter."""
    folder = tmp_path / "model"
    shutil.copytree(extraction[1], folder)
    weights, description = folder / "model.safetensors", folder / "model.json"
    match request.param:
        case "truncated weights":
            weights.write_bytes(weights.read_bytes()[:-100])
        case "no weights":
            weights.unlink()
        case "foreign weights":
            weights.write_bytes(b"PK\x03\x04 not a model")
        case "no description":
            description.unlink()
        case "foreign description":
            description.write_text('{"hello": "world"}')
        case "broken description":
            description.write_text(description.read_text()[:-5])
        case "no signature names":
            text = json.loads(description.read_text())
            text["metadata"]["signatures"] = ["SBS96A"]
            del text["entries_sha256"]
            description.write_text(json.dumps(text))
    return folder


@pytest.mark.parametrize(
    "broken_model",
    [
        "truncated weights",
        "no weights",
        "foreign weights",
        "no description",
        "foreign description",
        "broken description",
        "no signature names",
    ],
    indirect=True,
)
def test_a_broken_model_is_refused(
    dnmf: Callable[..., Result], broken_model: Path, catalog_file: Path, tmp_path: Path
) -> None:
    result = dnmf("transform", broken_model, catalog_file, "-o", tmp_path / "exposures.tsv")
    assert result.exit_code == 2
    assert f"Error: {broken_model}" in result.stderr
    assert not (tmp_path / "exposures.tsv").exists()


def test_unknown_image_format(
    dnmf: Callable[..., Result], catalog_file: Path, tmp_path: Path
) -> None:
    result = dnmf("plot", catalog_file, "-o", tmp_path / "figure.bmp")
    assert result.exit_code == 2
    assert ".svg" in result.stderr
    assert not (tmp_path / "figure.bmp").exists()
