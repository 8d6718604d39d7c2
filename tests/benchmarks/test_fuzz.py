"""The fuzzing finds what is wrong with a reader, goes on where it was stopped, and survives a reader that does not."""

import os
import time
import warnings
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from dnmf.exceptions import InputDataError
from reliability import fuzz, trial
from reliability.parser import EQUAL, SUBSTITUTIONS, UNKNOWN, compare, grid_of, text_of
from reliability.trial import OTHER, PLACED, UNPLACED, Case, Subject, attempt

DATA = Path(__file__).parents[1] / "data"
# Channel number = 16 change + 4 five + three, as tests/data/README.md says.
LABELS = [
    f"{five}[{change}]{three}"
    for change in ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
    for five in "ACGT"
    for three in "ACGT"
]
TRUTH = pd.DataFrame(
    [range(96), [3 * c + 1 for c in range(96)], [95 - c for c in range(96)]],
    ["S1", "S2", "S3"],
    LABELS,
)
LAYOUTS = [
    *(
        "plot_order.txt",
        "pcawg_quoted.csv",
        "one_quoted_column.csv",
        "samples_in_rows.tsv",
        "old_mac.csv",
    ),
    *("samples_in_rows_two_headers.csv", "signature_analyzer_word.tsv", "sigprofiler.SBS96.all.gz"),
    *("semicolons_bom_lower_case.csv", "excel_unicode.txt"),
]


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_independent_parser_knows_the_layouts(name):
    content = (DATA / name).read_bytes()
    assert compare(TRUTH, content, [], SUBSTITUTIONS) == EQUAL
    altered = TRUTH.copy()
    altered.iloc[1, 5] += 1
    assert "was read as" in compare(altered, content, [], SUBSTITUTIONS)


def test_what_is_left_out_must_have_been_said():
    content = (DATA / "plot_order.txt").read_bytes()
    without = TRUTH.drop(index="S2")
    assert compare(without, content, [], SUBSTITUTIONS) == "left out unsaid: 'S2'"
    assert compare(without, content, ["the column S2 is left out"], SUBSTITUTIONS) == EQUAL
    assert compare(TRUTH.iloc[::-1], content, [], SUBSTITUTIONS) == "the order of the items changed"
    assert compare(TRUTH.rename(index={"S1": "other"}), content, [], SUBSTITUTIONS) == UNKNOWN


def test_cells_are_cut_as_quotes_say():
    assert grid_of('a,"b,""c""\n",d"\r\n"e"f', ",") == [["a", 'b,"c"\n', 'd"'], ["ef"]]
    assert text_of(b"\x1f\x8b damaged") is None
    assert text_of("é".encode("utf-16")) == "é"


def read(text: str) -> str:
    if text == "slow":
        time.sleep(60)
    if text == "dies":
        os._exit(7)
    if text == "warns":
        warnings.warn("overflow", RuntimeWarning, stacklevel=2)
    errors = {
        "key": KeyError("x"),
        "placed": InputDataError("a.txt, line 3: no"),
        "unplaced": InputDataError("a.txt: no"),
        "nameless": InputDataError("no"),
    }
    if text in errors:
        raise errors[text]
    return text


def case(text: str, whole: bool = False) -> Case:
    def check(answer: str, files: trial.Files, _: object) -> str:
        return EQUAL if answer == files["a.txt"].decode() != "wrong" else "another text"

    return Case({"a.txt": text.encode()}, lambda at: read((at / "a.txt").read_text()), check, whole)


@pytest.mark.parametrize(
    ("text", "verdict", "fault"),
    [
        ("right", EQUAL, ""),
        ("wrong", OTHER, "wrong answer: another text"),
        ("placed", PLACED, ""),
        ("unplaced", UNPLACED, ""),
        ("nameless", OTHER, "names no file: no"),
        ("key", OTHER, "KeyError in test_fuzz.py:read"),
        ("warns", OTHER, "RuntimeWarning: overflow"),
        ("slow", OTHER, "slow in test_fuzz.py:read"),
    ],
)
def test_each_outcome_has_its_name(text, verdict, fault, tmp_path):
    outcome = attempt(case(text), tmp_path, most_seconds=0.05 if text == "slow" else 60)
    assert (outcome.verdict, outcome.fault) == (verdict, fault)


def test_a_whole_file_must_be_accepted(tmp_path):
    assert attempt(case("placed", whole=True), tmp_path).fault.startswith("whole but refused")


def test_too_much_memory_is_a_fault(tmp_path):
    assert attempt(case("right"), tmp_path, most_bytes=1).fault == trial.MEMORY


def drawn(rng: Random) -> Case:
    return case(rng.choice(["right"] * 8 + ["placed", "key padded", "dies"][: rng.randint(1, 3)]))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_campaign_goes_on_survives_and_keeps_the_faults(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fuzz, "BLOCK", 20)
    monkeypatch.setattr(fuzz, "SUBJECTS", {"texts": Subject("texts", 1, drawn)})
    monkeypatch.setattr(fuzz, "_prepare", lambda names: None)
    command = ["-o", str(tmp_path), "--workers", "1", "--readers", "texts"]
    assert fuzz.main([*command, "--inputs", "20"]) in (0, fuzz.EXIT_FAULTS)
    before = (tmp_path / "blocks.jsonl").read_text()
    assert fuzz.main([*command, "--inputs", "100"]) == fuzz.EXIT_FAULTS
    assert (tmp_path / "blocks.jsonl").read_text().startswith(before)
    shown = capsys.readouterr().out
    assert "| texts | 100 |" in shown
    assert "died with 7" in shown
    kept = [folder for folder in (tmp_path / "faults").iterdir() if (folder / "a.txt").exists()]
    assert [(folder / "a.txt").read_text() for folder in kept] == ["dies"]
    assert fuzz.main([*command, "--seed", "1"]) == fuzz.EXIT_BAD_INPUT
    assert "another --output" in capsys.readouterr().err
