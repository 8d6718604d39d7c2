"""Tables of a run as files."""

import pandas as pd
import pytest

from dnmf.report.records import write_fit


def test_columns_in_percent_are_hundred_times_their_fractions(tmp_path):
    fit = pd.DataFrame(
        {
            "mutations": [20.0, 2.5],
            "cosine": [0.5, 1.0],
            "relative_l1": [0.25, 0.0],
            "relative_l2": [0.125, 0.5],
            "unassigned": [0.03, 0.0],
            "not a column of the file": [1.0, 2.0],
        },
        index=["first", "second"],
    )
    write_fit(fit, tmp_path / "fit.tsv")
    written = pd.read_table(tmp_path / "fit.tsv", index_col="Sample Names", dtype=str)
    assert list(written.columns) == [
        "Total Mutations",
        "Cosine Similarity",
        "L1_Norm_%",
        "L2_Norm_%",
        "Unassigned_%",
    ]
    assert list(written.loc["first"]) == ["20", "0.5", "25", "12.5", "3"]
    assert [float(text) for text in written.loc["second"]] == pytest.approx([2.5, 1, 0, 50, 0])
