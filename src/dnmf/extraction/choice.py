"""The rule that picks the number of signatures, and how clear its choice is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dnmf.extraction.candidate import Candidate

# A sample predicted exactly would otherwise rule the mean of logarithms.
LEAST_DEVIANCE = 1e-9
# Standard errors that a larger number of signatures must be better by.
STANDARD_ERRORS = 1.0
# Mean silhouette from which the signatures of restarts count as the same: the field's usual bound.
STABLE = 0.8


@dataclass(frozen=True)
class Choice:
    """The number of signatures that the rule picks.

    Attributes
    ----------
    n_signatures : int
        The chosen number.
    as_good : tuple of int
        Other numbers whose held-out deviance is within two standard errors of the best.
    at_end : "low", "high" or ""
        Whether the choice is the end of the range, so that the best may lie beyond it.
    stable : bool
        Whether its signatures come back in restarts.
    """

    n_signatures: int
    as_good: tuple[int, ...]
    at_end: str
    stable: bool


def selection_table(candidates: Mapping[int, Candidate]) -> pd.DataFrame:
    """Return one row per number of signatures, in order.

    Columns: ``held_out`` (mean over samples of the logarithm of the held-out deviance), ``difference`` to the best
    stable number and its ``standard_error`` (paired over samples), ``stable``, ``silhouette`` and ``least_silhouette``,
    ``halves`` and ``least_halves`` (cosines between halves of the samples), ``cosine`` (median over samples), ``cost``.
    """
    ks = sorted(candidates)
    logs = {k: np.log(np.maximum(candidates[k].held_out, LEAST_DEVIANCE)) for k in ks}
    means = {k: float(logs[k].mean()) for k in ks}
    # Without restarts (NaN) nothing speaks against a number.
    stable = {k: not candidates[k].silhouette.mean() < STABLE for k in ks}
    pool = [k for k in ks if stable[k]] or ks
    best = min(pool, key=lambda k: means[k])
    rows = []
    for k in ks:
        candidate, difference = candidates[k], logs[k] - logs[best]
        rows.append(
            {
                "n_signatures": k,
                "held_out": means[k],
                "difference": float(difference.mean()),
                "standard_error": float(difference.std(ddof=1) / np.sqrt(len(difference)))
                if len(difference) > 1
                else np.nan,
                "stable": stable[k],
                "silhouette": float(candidate.silhouette.mean()),
                "least_silhouette": float(candidate.silhouette.min()),
                "halves": float(candidate.halves.mean()),
                "least_halves": float(candidate.halves.min()),
                "cosine": float(np.median(candidate.cosine)),
                "cost": float(candidate.costs.min()),
            }
        )
    return pd.DataFrame(rows).set_index("n_signatures")


def choose(table: pd.DataFrame) -> Choice:
    """Pick the smallest number of signatures that predicts unseen counts as well as the best stable one.

    Stable is a number whose mean silhouette is at least 0.8; if there is none, all are taken. "As well" is a mean
    paired difference of the log-deviance within one standard error (Breiman et al. 1984).

    Parameters
    ----------
    table : DataFrame
        Of :func:`selection_table`. Where no deviance is known (NaN) it must have one row.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"difference": [0.5, 0.01, 0.0, -0.01], "standard_error": [0.1, 0.02, 0.0, 0.01],
    ...      "stable": [True, True, True, False]}, index=[2, 3, 4, 5]
    ... )  # fmt: skip
    >>> choose(table)
    Choice(n_signatures=3, as_good=(4, 5), at_end='', stable=True)
    """
    pool = table[table["stable"]] if table["stable"].any() else table
    as_well = pool["difference"] <= STANDARD_ERRORS * pool["standard_error"]
    chosen = int(pool.index[as_well.to_numpy()].min()) if len(pool) > 1 else int(pool.index[0])
    near = table["difference"] <= 2 * table["standard_error"]
    as_good = tuple(int(k) for k in table.index[near.to_numpy()] if k != chosen)
    ends = {int(table.index.max()): "high", int(table.index.min()): "low"}
    at_end = ends.get(chosen, "") if len(table) > 1 and chosen != 1 else ""
    return Choice(chosen, as_good, at_end, bool(table["stable"][chosen]))
