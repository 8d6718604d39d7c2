import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import InputDataError
from dnmf.plotting import plot_selection, plot_signatures
from dnmf.signatures import load_reference


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "difference": [3.0, 0.4, 0.01, 0.0],
            "standard_error": [0.1, 0.05, 0.02, 0.0],
            "stable": [True, True, True, False],
            "silhouette": [1.0, 0.98, 0.9, 0.4],
            "least_silhouette": [1.0, 0.9, 0.7, -0.6],
            "halves": [1.0, 0.9, np.nan, np.nan],
        },
        index=[2, 3, 4, 5],
    )


def test_every_number_is_drawn_and_the_chosen_one_marked(table: pd.DataFrame) -> None:
    prediction, stability = plot_selection(table, 4).axes
    assert "4 chosen" in prediction.get_title(loc="left")
    assert any("not stable" in text.get_text() for text in prediction.texts)
    np.testing.assert_array_equal(prediction.lines[1].get_xdata(), [2, 3, 4, 5])
    assert stability.get_ylim()[0] < -0.6
    assert stability.get_legend().get_texts()[0].get_text() == "silhouette, mean"


def test_without_held_out_deviance_that_is_said(table: pd.DataFrame) -> None:
    unknown = table.assign(difference=np.nan, standard_error=np.nan)
    prediction = plot_selection(unknown, 2).axes[0]
    assert any("too few samples" in text.get_text() for text in prediction.texts)


def test_a_number_that_is_not_in_the_table(table: pd.DataFrame) -> None:
    with pytest.raises(InputDataError, match="7"):
        plot_selection(table, 7)
    with pytest.raises(InputDataError, match="halves"):
        plot_selection(table.drop(columns="halves"), 4)


def test_intervals_are_drawn_through_the_bars_and_fit_into_the_panel() -> None:
    signatures = load_reference("SBS1,SBS5")
    profiles = signatures.profiles
    ax = plot_signatures(signatures, intervals=(0.5 * profiles, 2 * profiles)).axes[0]
    assert ax.get_ylim()[1] > 2 * profiles.to_numpy()[0].max()
    assert len(ax.collections) == 1 + len(plot_signatures(signatures).axes[0].collections)


def test_a_signature_without_an_interval_has_no_line() -> None:
    signatures = load_reference("SBS1,SBS5")
    profiles = signatures.profiles.loc[["SBS5"]]
    first, second = plot_signatures(signatures, intervals=(0.5 * profiles, 2 * profiles)).axes
    assert len(second.collections) == 1 + len(first.collections)
