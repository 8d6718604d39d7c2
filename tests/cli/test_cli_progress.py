import io

import pytest
from rich.console import Console

from dnmf.cli.progress import TrainingProgress


def lines_of(*calls: tuple[str, int, int, float], quiet: bool = False) -> list[str]:
    """Return what is printed where there is no terminal."""
    stream = io.StringIO()
    with TrainingProgress(Console(file=stream), quiet=quiet) as progress:
        for call in calls:
            progress(*call)
    return stream.getvalue().splitlines()


def test_without_a_terminal_each_phase_has_its_first_and_last_line() -> None:
    steps = [("dictionary", step, 500, 10.0 / step) for step in range(1, 501)]
    assert lines_of(*steps) == [
        "dictionary: step 1 of 500, cost 10",
        "dictionary: step 500 of 500, cost 0.02",
    ]


def test_a_phase_that_stops_early_is_told_as_done() -> None:
    lines = lines_of(("one", 1, 9, 5.0), ("one", 4, 9, 3.0), ("two", 1, 9, 2.0), ("two", 2, 9, 1.0))
    assert lines == [
        "one: step 1 of 9, cost 5",
        "one: done after step 4 of 9, cost 3",
        "two: step 1 of 9, cost 2",
        "two: done after step 2 of 9, cost 1",
    ]


def test_steps_without_a_cost_are_counted_from_where_an_earlier_run_ended() -> None:
    fits = [("fits", done, 9, float("nan")) for done in range(6, 10)]
    assert lines_of(*fits) == ["fits: 6 of 9", "fits: 9 of 9"]


def test_of_a_phase_without_a_known_end_the_steps_are_counted_alone() -> None:
    nan = float("nan")
    assert lines_of(*[("known signatures", done, 0, nan) for done in (0, 1, 2)]) == [
        "known signatures: begun"
    ]


def test_quiet_prints_nothing() -> None:
    assert lines_of(("one", 1, 2, 5.0), ("one", 2, 2, 1.0), quiet=True) == []


def test_on_a_terminal_the_bars_end_full() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    with TrainingProgress(console) as progress:
        progress("network", 1, 300, 5.0)
        progress("network", 25, 300, 1.0)
    assert "25/25" in stream.getvalue()
    assert "left" in stream.getvalue()


def test_an_interruption_does_not_look_like_an_end() -> None:
    stream = io.StringIO()

    def interrupted() -> None:
        with TrainingProgress(Console(file=stream)) as progress:
            progress("network", 1, 300, 5.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "done" not in stream.getvalue()
