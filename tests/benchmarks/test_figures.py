"""No measured figure of a page differs from its file in `benchmarks/results/`."""

import json
import re
import subprocess

import pandas as pd
import pytest

from figures import form, pages, pictures, readme
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


def is_here(commit: str) -> bool:
    """Whether this history has the commit; true where the history is not at hand."""
    git = ["git", "-C", str(ROOT)]
    shallow = subprocess.run(
        [*git, "rev-parse", "--is-shallow-repository"], capture_output=True, text=True, check=False
    )
    if shallow.stdout.strip() != "false" or not (ROOT / ".git").exists():
        return True
    known = [*git, "merge-base", "--is-ancestor", commit, "HEAD"]
    return subprocess.run(known, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", readme.FILES)
def test_what_readme_quotes_is_of_a_known_commit_machine_and_versions(name):
    record = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    table = pd.read_csv(RESULTS / f"{name}.csv", low_memory=False)
    commits = set(table["commit"] if "commit" in table else [record["commit"]])
    assert "dirty" not in " ".join(commits)
    found = {hash for text in commits for hash in re.findall(r"\b[0-9a-f]{7,}\b", text)}
    assert found
    assert all(map(is_here, found))
    versions = table if "torch" in table else pd.DataFrame([record])
    assert not versions[["torch", "numpy"]].isna().any(axis=None)
    assert not versions[["torch", "numpy"]].isin(["not recorded"]).any(axis=None)
    if "cores" not in record["machine"]:
        words = (ROOT / pages.EXPLANATION / f"{readme.FILES[name]}.md").read_text("utf-8").split()
        assert "machine of these runs is not recorded" in " ".join(words)


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
    assert faults("Recorded elsewhere: 0.81.\n") != []


@pytest.mark.parametrize(
    "figure",
    ["9 of 234", "372 of the 505", "85,509", "1,500,000 times", "16 times", "39 %", "22 s", "7 dB"],
)
def test_counts_of_a_total_multiples_and_large_numbers_are_figures(figure):
    assert faults(f"It was {figure} there.\n") == [f"line 1: {figure}"]
    assert faults(f"It was {figure} there (not recorded).\n") == []
    assert faults(f"It was {figure} there. The other is not recorded.\n") != []


def test_words_before_a_colon_hold_for_the_rest_of_a_paragraph_and_its_list():
    assert faults("In development, not recorded: 0.81 of all. Then 0.82.\n") == []
    assert faults("0.81 of all. In development, not recorded: 0.82.\n") == ["line 1: 0.81"]
    assert faults("Not recorded:\n\n- one. 0.7\n- two: 0.81\n\nAfter it 0.9 and 0.91.\n") == [
        "line 6: 0.91"
    ]


def test_a_list_is_introduced_and_a_table_also_followed_by_what_it_is():
    table = "| a |\n|---|\n| 0.81 |\n"
    assert faults(f"Once, not recorded:\n\n{table}") == []
    assert faults(f"{table}\nThese rows are not recorded.\n") == []
    assert len(faults(table)) == 1
    assert faults("Recorded here:\n\n- one\n- two: 0.81\n") != []
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
