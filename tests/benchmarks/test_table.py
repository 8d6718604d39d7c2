"""Finished cells are kept, whatever ended the run; half-written ones are computed again."""

from pathlib import Path

import pytest

from paper.table import ROWS_OF_CELL, Table

KEYS, VALUES = ("set", "fold"), ("inference", "cost", ROWS_OF_CELL)


def cell(name: str, *costs: float) -> list[dict[str, object]]:
    return [
        {"set": name, "fold": 0, "inference": i, "cost": cost, ROWS_OF_CELL: len(costs)}
        for i, cost in enumerate(costs)
    ]


def test_what_was_added_is_there_when_the_table_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "results" / "table.csv"
    table = Table(path, KEYS, VALUES)
    table.add(*cell("a", 1.0, 2.0))
    assert table.has("a", 0)
    before = path.read_text()
    again = Table(path, KEYS, VALUES)
    assert again.has("a", 0)
    assert not again.has("a", 1)
    assert path.read_text() == before


def test_text_with_commas_quotes_and_newlines_survives(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = cell('network, "held out"\n', 1.0)
    Table(path, KEYS, VALUES).add(*rows)
    assert Table(path, KEYS, VALUES).has(rows[0]["set"], 0)


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_cell_that_was_cut_short_is_not_done_and_its_rest_is_removed(
    tmp_path: Path, cut: int
) -> None:
    """Whatever number of bytes of the last cell reached the disk."""
    path = tmp_path / "table.csv"
    table = Table(path, KEYS, VALUES)
    table.add(*cell("whole", 1.0, 2.0))
    whole = path.read_bytes()
    table.add(*cell("half", 3.25, 4.25))
    every = path.read_bytes()
    path.write_bytes(every[: max(len(whole), len(every) - cut)])
    opened = Table(path, KEYS, VALUES)
    assert opened.has("whole", 0)
    assert not opened.has("half", 0)
    assert path.read_bytes() == whole
    opened.add(*cell("half", 3.25, 4.25))
    assert path.read_bytes() == every
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_line_cut_within_its_header_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("set,fo")
    table = Table(path, KEYS, VALUES)
    assert not table.done
    table.add(*cell("a", 1.0))
    assert Table(path, KEYS, VALUES).has("a", 0)


def test_a_table_of_another_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("set,fold,cost\na,0,1\n")
    with pytest.raises(ValueError, match=r"table\.csv has other columns"):
        Table(path, KEYS, VALUES)
    assert path.read_text() == "set,fold,cost\na,0,1\n"
