"""Stacked exposures: what is stacked, in which order, on which scale."""

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import InputDataError
from dnmf.plotting import figure_bytes, plot_exposures, signature_colours


def table(values, prefix="s") -> pd.DataFrame:
    values = np.asarray(values, dtype=float)
    names = [f"{prefix}{i}" for i in range(len(values))]
    return pd.DataFrame(values, names, [f"SBS{j + 1}" for j in range(values.shape[1])])


def names_below(figure):
    return [tick.get_text() for tick in figure.axes[1].get_xticklabels()]


def test_samples_are_grouped_by_dominant_signature_and_empty_ones_are_last():
    exposures = table([[0, 0], [10, 90], [60, 40], [95, 5], [30, 70]])
    assert names_below(plot_exposures(exposures)) == ["s3", "s2", "s1", "s4", "s0"]


def test_heights_are_mutations_above_and_proportions_below():
    upper, lower = plot_exposures(table([[30, 10], [60, 20]])).axes
    tops = {
        ax: [path.vertices[:, 1].max() for path in ax.collections[1].get_paths()]
        for ax in (upper, lower)
    }
    np.testing.assert_allclose(sorted(tops[upper]), [40, 80])
    np.testing.assert_allclose(tops[lower], [1, 1])
    firsts = [path.vertices[:, 1].max() for path in lower.collections[0].get_paths()]
    np.testing.assert_allclose(firsts, [0.75, 0.75])


def test_one_hypermutated_sample_makes_totals_logarithmic():
    ordinary = np.random.default_rng(0).uniform(50, 100, (20, 3))
    assert plot_exposures(table(ordinary)).axes[0].get_yscale() == "linear"
    ordinary[0] *= 200
    upper, lower = plot_exposures(table(ordinary)).axes
    assert upper.get_yscale() == "log"
    assert "log" in upper.get_ylabel()
    assert lower.get_yscale() == "linear"


def test_names_are_shown_while_they_can_be_read():
    assert len(names_below(plot_exposures(table(np.ones((60, 2)))))) == 60
    figure = plot_exposures(table(np.ones((61, 2))))
    assert names_below(figure) == []
    assert figure.axes[1].get_xlabel().startswith("61 samples")


def test_of_very_many_samples_evenly_spaced_ones_are_drawn_and_the_legend_counts_all(monkeypatch):
    monkeypatch.setattr("dnmf.plotting.exposures._MAX_DRAWN_SAMPLES", 3)
    many = table([[10, 0]] * 3 + [[0, 10]] * 2)
    upper, lower = plot_exposures(many).axes
    assert lower.get_xlabel().startswith("3 of 5 samples, evenly spaced")
    assert upper.get_xlim() == lower.get_xlim() == (-0.53, 2.53)
    shares = [text.get_text() for text in upper.figure.legends[0].get_texts()]
    assert [share.split()[-1] for share in shares] == ["60.0%", "40.0%"]


def test_the_legend_names_every_signature_outside_the_axes_and_inside_the_page():
    exposures = table(np.random.default_rng(0).gamma(0.5, 100, (30, 40)))
    figure = plot_exposures(exposures)
    figure_bytes(figure, ".png")  # places the legend
    legend = figure.legends[0]
    assert [text.get_text().split()[0] for text in legend.get_texts()] == list(exposures.columns)
    box = legend.get_window_extent().transformed(figure.transFigure.inverted())
    assert box.x0 > figure.axes[0].get_position().x1
    assert box.x1 <= 1
    assert box.y0 >= 0


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 40), (61, 45), (3000, 12)])
def test_any_size_is_drawn(n, k):
    exposures = table(np.random.default_rng(0).gamma(0.3, 500, (n, k)))
    content = figure_bytes(plot_exposures(exposures), ".svg")
    assert len(content) < 2_000_000


def test_a_table_without_any_mutation_is_drawn():
    figure = plot_exposures(table(np.zeros((3, 2))))
    figure_bytes(figure, ".png")
    assert names_below(figure) == ["s0", "s1", "s2"]


def test_signature_names_that_matplotlib_would_hide_are_shown():
    exposures = table([[1, 2]]).rename(columns={"SBS1": "_private", "SBS2": "$x$"})
    legend = plot_exposures(exposures).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["_private  33.3%", "$x$  66.7%"]


@pytest.mark.parametrize(("n", "k"), [(2, 1), (300, 24), (2, 40), (300, 41), (2, 65), (2, 100)])
def test_no_two_signatures_of_a_picture_look_the_same(n, k):
    exposures = table(np.random.default_rng(k).gamma(0.3, 100, (n, k)) + 1)
    figure = plot_exposures(exposures)
    layers = [tuple(layer.get_facecolor()[0]) for layer in figure.axes[1].collections]
    keys = [patch.get_facecolor() for patch in figure.legends[0].get_patches()]
    assert len(set(layers)) == len(layers) == min(k, 40)
    assert keys == layers


def test_of_more_signatures_than_colours_the_largest_are_drawn_most_first():
    exposures = table(np.outer([1.0, 2.0], np.roll(np.arange(66), 5)))
    figure = plot_exposures(exposures)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [word.split()[0] for word in words[:2]] == ["SBS5", "SBS4"]
    assert words[-1].startswith("other signatures (26)  16.4%")


@pytest.mark.parametrize("k", [3, 60])
def test_signatures_without_mutations_are_not_listed(k):
    exposures = table(np.zeros((2, k)))
    exposures["SBS2"] = [5.0, 1e6]
    exposures["SBS3"] = [1.0, 0.0]
    words = [text.get_text() for text in plot_exposures(exposures).legends[0].get_texts()]
    assert words == ["SBS2  100.0%", "SBS3  <0.1%"]


def test_colours_of_signatures_are_all_different():
    assert len(set(signature_colours(120))) == 120


def test_what_is_no_signature_is_grey_on_top_however_many_signatures_there_are():
    drawn = []
    for n in (2, 5):
        values = table(np.ones((3, n))).assign(**{"other signatures": 1.0, "unassigned": 2.0})
        layers = plot_exposures(values).axes[1].collections
        drawn.append([layer.get_facecolor()[0, :3] for layer in layers[-2:]])
        assert layers[-1].get_paths()[0].vertices[:, 1].max() == pytest.approx(1)
    np.testing.assert_array_equal(*drawn)
    assert np.ptp(drawn[0], axis=1).max() < 0.1


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_value_that_is_no_exposure_is_named(bad):
    with pytest.raises(InputDataError, match="sample 's1' to 'SBS2'"):
        plot_exposures(table([[1, 2], [3, bad]]))


def test_an_empty_table_is_refused():
    with pytest.raises(InputDataError, match="0 samples"):
        plot_exposures(pd.DataFrame(columns=["SBS1"]))


# Machado, Oliveira and Fernandes 2009, severity 1: linear RGB as each kind of eye sees it.
EYES = {
    "normal": np.eye(3),
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


def lab(colours: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB colours."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.clip(colours, 0, 1) @ np.transpose(to_xyz) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize(("n", "least"), [(8, 9.0), (40, 3.5)])
def test_colours_are_told_apart_by_every_eye(eye, n, least):
    from matplotlib.colors import to_rgb

    srgb = np.array([to_rgb(colour) for colour in signature_colours(n)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = lab(linear @ np.transpose(EYES[eye]))
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(n, 1)]
    assert distances.min() > least  # 2.3 is a just noticeable difference


def test_exposures_of_another_unit_are_not_called_mutations():
    upper, _ = plot_exposures(pd.DataFrame({"SBS1": [0.3], "SBS5": [0.7]}), unit="total").axes
    assert (upper.get_ylabel(), upper.get_title(loc="left")) == ("Total", "Total per sample")
