"""No measured figure of a page differs from its file in `benchmarks/results/`."""

import json

import pandas as pd
import pytest

from figures import form, pages, pictures
from figures.pages import PAGES, ROOT, Says, unsourced, written
from protocol import RESULTS

FILES = sorted(RESULTS.glob("*.csv"))


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_of_a_page_is_that_of_its_file(page):
    assert written(page) == (ROOT / page).read_text("utf-8"), "make figures writes them"


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_every_picture_is_drawn_from_the_files_as_they_are(name):
    files, *_ = pictures.PICTURES[name]
    assert pictures.checksum_of_picture(name) == pictures.checksum(files), "make figures draws it"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_of_results_says_where_its_numbers_are_from(file):
    record = json.loads(file.with_suffix(".json").read_text("utf-8"))
    assert {"commit", "torch", "machine"} <= record.keys()
    assert "" not in record.values()
    columns = pd.read_csv(file, nrows=0).columns
    assert all(key in columns for key, value in record.items() if "its column" in str(value))


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page whose table and sentence are of a file of two rows."""
    (tmp_path / "times.csv").write_text("tool,seconds\nours,1.25\ntheirs,2.5\n")
    monkeypatch.setattr(form, "RESULTS", tmp_path)
    form.results.cache_clear()
    yield "We took 1.25 s, they\ntook 2.5 s.\n"
    form.results.cache_clear()


def of_file() -> list[Says]:
    seconds = [form.one(form.results("times"), "seconds", tool=tool) for tool in ("ours", "theirs")]
    return [Says("We took {} s, they took {} s", form.fixed(seconds[0]), form.fixed(seconds[1], 1))]


@pytest.mark.parametrize("altered", ["1.26", "1,125", "−1.25", "1.3e-05"])
def test_a_number_that_was_altered_in_a_sentence_is_set_right(page, altered):
    assert pages.in_prose(page.replace("1.25", altered), of_file())[0] == page


def test_a_sentence_that_is_gone_or_stands_twice_is_an_error(page):
    for text in (page.replace("they", "others"), page * 2):
        with pytest.raises(LookupError, match="times instead of once"):
            pages.in_prose(text, of_file())


def test_a_row_that_is_missing_or_stands_twice_in_a_file_is_an_error(page):
    for tool in ("another", None):
        with pytest.raises(LookupError, match="0 rows instead of one"):
            form.one(form.results("times"), "seconds", tool=tool)


def faults(text: str) -> list[str]:
    return list(unsourced(text, set(), frozenset({"0.9", "90 %"})))


def test_a_decimal_number_and_one_with_a_unit_needs_a_file_or_to_be_called_unrecorded():
    assert faults(
        "Found at cosine 0.9 in COSMIC v3.4 by 1.4.1, with `tol=0.5`: 0.81 of all.\n"
    ) == ["line 1: 0.81"]
    assert faults("A 90 % interval of 3 samples took 2,004\nMB.\n") == ["line 1: 2,004 MB"]
    assert faults("In development, not\nrecorded: 0.81.\n") == []
    assert faults("Not recorded elsewhere, as is said in other words: 0.81.\n") != []


def test_a_list_is_introduced_and_a_table_also_followed_by_what_it_is():
    table = "| a |\n|---|\n| 0.81 |\n"
    assert faults(f"Once, not recorded:\n\n{table}") == []
    assert faults(f"{table}\nThese rows are not recorded.\n") == []
    assert len(faults(table)) == 1
    assert faults("Not recorded here:\n\n- one\n- two: 0.81\n") != []
    assert faults("Both not recorded:\n\n- one: 0.7\n- two: 0.81\n") == []
    assert faults("- one, not recorded: 0.7\n- two: 0.81\n") == ["line 2: 0.81"]


def test_an_altered_digit_of_a_table_is_set_right(tmp_path, monkeypatch):
    name = "docs/explanation/factorisation_measured.md"
    text = (ROOT / name).read_text("utf-8")
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(
        text.replace("| digits | 1.0008 |", "| digits | 1.0009 |"), "utf-8"
    )
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    assert written(name) == text != (tmp_path / name).read_text("utf-8")


def test_an_altered_cell_of_a_file_changes_the_page(monkeypatch):
    name = "docs/explanation/factorisation_measured.md"
    text = written(name)
    table = form.results("factorisation").copy()
    table.loc[(table["set"] == "digits") & (table["method"] == "DNMF plain"), "error"] *= 1.01
    monkeypatch.setattr(
        "figures.factorisation.results",
        lambda of: table if of == "factorisation" else form.results(of),
    )
    assert written(name) != text
