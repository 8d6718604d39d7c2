"""Methods side by side: what is drawn is what was given, and nothing that a log axis cannot show."""

import numpy as np
import pytest

from dnmf.plotting import figure_bytes
from paper.plots import CurvePanel, PointPanel, plot_curves, plot_points


def points(axes) -> dict[str, np.ndarray]:
    """Heights of the points of every series, by its name in the legend."""
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    return {
        name: np.asarray(line.get_ydata())
        for name, line in zip(names, axes.get_lines(), strict=True)
    }


def test_points_stand_over_their_set_and_missing_ones_are_left_out() -> None:
    panel = PointPanel(
        "Figure 0, protocol “ours”",
        "error",
        ["first", "second", "third"],
        {"one": [1.0, np.nan, 100.0], "two": [2.0, 0.0, 50.0]},
    )
    figure = plot_points([panel])
    axes = figure.axes[0]
    drawn = points(axes)
    np.testing.assert_array_equal(drawn["one"], [1.0, 100.0])
    np.testing.assert_array_equal(drawn["two"], [2.0, 50.0])
    for line in axes.get_lines():
        np.testing.assert_array_equal(np.round(np.asarray(line.get_xdata())), [0, 2])
    assert [label.get_text() for label in axes.get_xticklabels()] == panel.names
    assert axes.get_title(loc="left") == panel.title
    assert axes.get_yscale() == "log"


def test_numbers_to_be_met_are_rings_in_the_colour_of_those_that_follow() -> None:
    series = {"published": [1.0], "rerun": [1.1], "other": [2.0]}
    panel = PointPanel("t", "y", ["a"], series, frozenset({"published"}))
    rings, dots, other = plot_points([panel]).axes[0].get_lines()
    assert rings.get_markeredgecolor() == dots.get_markeredgecolor() != other.get_markeredgecolor()
    assert rings.get_markerfacecolor() == "white"
    assert dots.get_markerfacecolor() == dots.get_markeredgecolor()


def test_curves_have_one_entry_in_the_legend_each_and_one_for_all_faint_ones() -> None:
    faint = [([1, 2], [5.0, float(i)]) for i in range(1, 5)]
    panel = CurvePanel("t", "x", "y", {"a": ([1, 2], [3.0, 1.0])}, faint, "others")
    axes = plot_curves([panel]).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["others", "a"]
    assert len(axes.get_lines()) == 5
    low, high = axes.get_ylim()
    assert low < 1.0
    assert high > 5.0


@pytest.mark.parametrize("values", [[], [np.nan], [0.0]])
def test_a_panel_of_nothing_can_be_drawn(values: list[float]) -> None:
    names = ["a"] * len(values)
    empty = PointPanel("t", "y", names or [""], {"none": values or [np.nan]})
    assert figure_bytes(plot_points([empty, empty]), ".png").startswith(b"\x89PNG")
    curve = CurvePanel("t", "x", "y", {"none": (np.arange(len(values)), values)})
    assert figure_bytes(plot_curves([curve]), ".svg")
