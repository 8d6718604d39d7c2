"""Looking into the table of results: a figure of merit of some method, by set."""

import numpy as np
import pandas as pd

from paper.datasets import SIMULATED
from paper.plan import DEPTHS, LAYERS


def by_set(
    results: pd.DataFrame,
    protocol: str,
    experiment: str,
    method: str,
    inference: str,
    *,
    penalty: str = "0",
    layers: int | None = None,
    figure: str = "mean",
) -> "pd.Series[float]":
    """Return a figure of merit averaged over the folds that were run, indexed by set, in the paper's order.

    Parameters
    ----------
    results : DataFrame
        As `read_results` returns it.
    protocol, experiment, method, inference, penalty : str
        Which rows.
    layers : int, optional
        Depth; by default ten for networks.
    figure : str
        Column to average.
    """
    table = results[
        (results["protocol"] == protocol)
        & (results["experiment"] == experiment)
        & (results["method"] == method)
        & (results["inference"] == inference)
        & (results["penalty"] == penalty)
    ]
    if layers is not None:
        table = table[table["layers"] == layers]
    elif method.startswith("dnmf"):
        table = table[table["layers"] == LAYERS]
    means = table.groupby("set")[figure].mean()
    return means.reindex([*SIMULATED, *(s for s in means.index if s not in SIMULATED)])


def at_all_depths(results: pd.DataFrame) -> pd.DataFrame:
    """Keep the sets and folds of which the deepest network was trained: depths are compared on the same folds."""
    deepest = results.loc[results["layers"] == DEPTHS[-1], ["set", "fold"]]
    return results.merge(deepest.drop_duplicates(), on=["set", "fold"])


def simulated(values: "pd.Series[float]") -> np.ndarray:
    """Return the values of the twelve simulated sets, NaN where one was not run."""
    array: np.ndarray = values.reindex(SIMULATED).to_numpy(float)
    return array
