"""Cost curves, the fit of samples, and what holds for every picture."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from dnmf.plotting import (
    figure_bytes,
    plot_catalog,
    plot_exposures,
    plot_fit,
    plot_history,
    plot_signatures,
    save_figure,
)
from dnmf.signatures import SBS96, MutationCatalog, SignatureSet


def fit_table(mutations, cosines) -> pd.DataFrame:
    names = [f"s{i}" for i in range(len(mutations))]
    columns = {"mutations": np.asarray(mutations, float), "cosine": np.asarray(cosines, float)}
    return pd.DataFrame(columns, index=names)


def test_each_phase_has_its_curve_and_its_own_scale():
    history = {"dictionary": [1000.0, 10.0, 1.0], "network": [3.0, 2.5]}
    first, second = plot_history(history).axes
    np.testing.assert_allclose(first.lines[0].get_xydata(), [[1, 1000], [2, 10], [3, 1]])
    assert (first.get_yscale(), second.get_yscale()) == ("log", "linear")
    assert first.get_title(loc="left") == "Dictionary"
    assert "2.5 after 2 steps" in [text.get_text() for text in second.texts]


@pytest.mark.parametrize(
    "history",
    [{}, {"a": []}, {"a": [5.0]}, {"a": [np.nan, 2.0, 1.0]}, {"a": [np.nan]}, {"a": [0.0, 0.0]},
     {"a": [-1.0, 100.0]}, {"a": [1e100, 1e-100]}],
)  # fmt: skip
def test_unusual_histories_are_drawn(history):
    figure_bytes(plot_history(history), ".png")


def test_a_cost_that_is_negative_stays_linear():
    assert plot_history({"a": [-1.0, 100.0]}).axes[0].get_yscale() == "linear"


def test_samples_below_the_bound_are_counted_marked_and_named():
    figure = plot_fit(fit_table([100, 200, 5000], [0.95, 0.5, 0.89]))
    left, right = figure.axes
    assert right.get_title(loc="left") == "2 samples below 0.9"
    assert {text.get_text() for text in right.texts} == {"s1", "s2"}
    good, marked = (points.get_offsets().data for points in right.collections)
    np.testing.assert_allclose(good, [[100, 0.95]])
    np.testing.assert_allclose(marked, [[200, 0.5], [5000, 0.89]])
    assert left.get_title(loc="left") == "Median cosine 0.890"
    assert sum(bar.get_height() for bar in left.patches) == 3


def test_of_very_many_samples_evenly_spaced_ones_are_drawn_and_all_are_counted(monkeypatch):
    monkeypatch.setattr("dnmf.plotting.fit._MAX_DRAWN_SAMPLES", 5)
    cosines = np.linspace(0.8, 1.0, 41)
    left, right = plot_fit(fit_table(np.arange(1, 42), cosines)).axes
    drawn = np.concatenate([points.get_offsets().data[:, 1] for points in right.collections])
    np.testing.assert_allclose(np.sort(drawn), [0.8, 0.85, 0.9, 0.95, 1.0])
    assert right.get_title(loc="left") == "20 samples below 0.9"
    assert "5 of 41 samples" in right.get_xlabel()
    assert sum(bar.get_height() for bar in left.patches) == 41


def test_empty_samples_are_left_out_and_counted():
    right = plot_fit(fit_table([0, 100], [0.0, 0.99])).axes[1]
    assert right.get_title(loc="left") == "No sample below 0.9"
    assert "1 sample without any not shown" in right.get_xlabel()


@pytest.mark.parametrize(
    ("mutations", "cosines"),
    [([], []), ([0], [0]), ([7], [1.0]), ([5, 5], [0.99999, 1.0]), ([1, 1e6], [0.0, 1.0])],
)
def test_unusual_fits_are_drawn(mutations, cosines):
    figure_bytes(plot_fit(fit_table(mutations, cosines)), ".png")


def _labels() -> list[str]:
    return list(SBS96.labels)


PICTURES: dict[str, Callable[[], object]] = {
    "signatures": lambda: plot_signatures(
        SignatureSet(pd.DataFrame(np.full((2, 96), 1 / 96), ["A", "B"], _labels()))
    ),
    "catalog": lambda: plot_catalog(
        MutationCatalog(pd.DataFrame(np.ones((2, 96)), ["a", "b"], _labels()))
    ),
    "exposures": lambda: plot_exposures(pd.DataFrame({"A": [1.0, 2e4], "B": [3.0, 0.0]})),
    "history": lambda: plot_history({"training": [100.0, 1.0]}),
    "fit": lambda: plot_fit(fit_table([10, 200], [0.5, 0.99])),
}


# That a PNG is the same each time is seen below; ids and dates are those of a format, not of a picture.
@pytest.mark.parametrize(
    ("picture", "kind"), [*((picture, ".svg") for picture in PICTURES), ("fit", ".pdf")]
)
def test_the_same_picture_is_the_same_bytes(picture, kind):
    draw = PICTURES[picture]
    assert figure_bytes(draw(), kind) == figure_bytes(draw(), kind)


@pytest.mark.parametrize("picture", PICTURES)
def test_a_users_style_sheet_neither_changes_a_picture_nor_is_changed(picture):
    import matplotlib as mpl
    import matplotlib.style

    draw = PICTURES[picture]
    expected = figure_bytes(draw(), ".png")
    with mpl.rc_context():
        mpl.rcParams.update(mpl.style.library["dark_background"])
        loud = {"font.size": 20, "axes.grid": True, "figure.autolayout": True, "xtick.top": True}
        mpl.rcParams.update(loud)
        before = dict(mpl.rcParams)
        assert figure_bytes(draw(), ".png") == expected
        assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("picture", PICTURES)
def test_pyplot_knows_of_no_picture(picture):
    PICTURES[picture]()
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_pictures_can_be_made_from_threads():
    draw = PICTURES["exposures"]
    expected = figure_bytes(draw(), ".svg")
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda _: figure_bytes(draw(), ".svg"), range(8)))
    assert set(drawn) == {expected}


def test_a_figure_of_the_users_is_drawn_into():
    from matplotlib.figure import Figure

    mine = Figure(figsize=(9, 6))
    table = pd.DataFrame({"A": [1.0, 2.0]})
    assert plot_exposures(table, figure=mine) is mine
    assert len(mine.axes) == 2


def test_text_in_svg_stays_text(tmp_path):
    path = save_figure(plot_history({"training": [2.0, 1.0]}), tmp_path / "cost.svg")
    assert b"2 steps" in path.read_bytes()


@pytest.mark.parametrize("name", ["cost.jpeg", "cost"])
def test_another_format_is_refused_by_name(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.png, \.svg or \.pdf"):
        save_figure(plot_history({}), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
