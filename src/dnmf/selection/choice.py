"""The rule that picks the number of components, and how clear its choice is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dnmf.criteria import CHOICE_STANDARD_ERRORS, TIED_STANDARD_ERRORS
from dnmf.selection.candidate import Candidate

# A sample predicted exactly would otherwise dominate the mean of logarithms.
MIN_HELD_OUT = 1e-9


def standard_errors(number: float) -> str:
    """Return ``1 standard error``, ``2 standard errors``."""
    return f"{number:g} standard error{'' if number == 1 else 's'}"


def rule_in_words(stable_from: float) -> str:
    """Return the rule; ``stable_from`` is the mean silhouette from which a number is stable."""
    return (
        f"the smallest stable number (mean silhouette of at least {stable_from:g}; all numbers if none is stable) "
        "whose held-out log-deviance (bi-cross-validation) is within "
        f"{standard_errors(CHOICE_STANDARD_ERRORS)} of the best stable one's"
    )


@dataclass(frozen=True)
class Choice:
    """The number of components that the rule picks.

    Attributes
    ----------
    n_components : int
        The chosen number.
    tied : tuple of int
        Other numbers whose held-out error is within ``TIED_STANDARD_ERRORS`` of the best.
    at_boundary : "low", "high" or ""
        Whether the choice is the smallest or the largest number that was tried, so that the best may lie beyond it.
    stable : bool
        Whether its components come back in restarts.
    """

    n_components: int
    tied: tuple[int, ...]
    at_boundary: str
    stable: bool


def paired_differences(log_error: np.ndarray, best: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean difference of each row of ``log_error (m, n)`` to row ``best``, and its standard error.

    Paired over the ``n`` samples; the standard error of one sample is NaN.
    """
    differences = log_error - log_error[best]
    n = differences.shape[1]
    errors = np.full(len(differences), np.nan)
    if n > 1:
        errors = differences.std(axis=1, ddof=1) / np.sqrt(n)
    return differences.mean(axis=1), errors


def selection_table(candidates: Mapping[int, Candidate], stable_from: float) -> pd.DataFrame:
    """Return one row per number of components, in order.

    Columns: ``held_out`` (mean over samples of the logarithm of the held-out error), ``difference`` to the best
    stable number and its ``standard_error`` (paired over samples), ``stable``, ``silhouette`` and ``least_silhouette``,
    ``halves`` and ``least_halves`` (cosines between halves of the samples), ``cosine`` (median over samples), ``cost``.

    Parameters
    ----------
    candidates : mapping
        What was found with each number of components.
    stable_from : float
        Least mean silhouette of a stable number.
    """
    ks = sorted(candidates)
    found = [candidates[k] for k in ks]
    logs = np.stack([np.log(np.maximum(candidate.held_out, MIN_HELD_OUT)) for candidate in found])
    silhouette = [float(candidate.silhouette.mean()) for candidate in found]
    # A comparison with NaN is false: a silhouette that is not known does not make a number unstable.
    stable = [not value < stable_from for value in silhouette]
    means = logs.mean(axis=1)
    pool = [index for index in range(len(ks)) if stable[index]] or list(range(len(ks)))
    difference, error = paired_differences(logs, min(pool, key=lambda index: means[index]))
    return pd.DataFrame(
        {
            "held_out": means,
            "difference": difference,
            "standard_error": error,
            "stable": stable,
            "silhouette": silhouette,
            "least_silhouette": [float(candidate.silhouette.min()) for candidate in found],
            "halves": [float(candidate.split_half_cosine.mean()) for candidate in found],
            "least_halves": [float(candidate.split_half_cosine.min()) for candidate in found],
            "cosine": [float(np.median(candidate.cosine)) for candidate in found],
            "cost": [float(candidate.costs.min()) for candidate in found],
        },
        index=pd.Index(ks, name="n_components"),
    )


def choose(table: pd.DataFrame) -> Choice:
    """Pick the smallest number of components that predicts unseen entries as well as the best stable one.

    If no number is stable, all are compared. "As well" is a mean paired difference of the logarithms within
    ``CHOICE_STANDARD_ERRORS`` (Breiman et al. 1984).

    Parameters
    ----------
    table : DataFrame
        Of :func:`selection_table`. Where no error is known (NaN) it must have one row.

    Returns
    -------
    Choice
        The number, and the others that predict as well.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"difference": [0.5, 0.01, 0.0, -0.01], "standard_error": [0.1, 0.02, 0.0, 0.01],
    ...      "stable": [True, True, True, False]}, index=[2, 3, 4, 5]
    ... )  # fmt: skip
    >>> choose(table)
    Choice(n_components=3, tied=(4, 5), at_boundary='', stable=True)
    """
    pool = table[table["stable"]] if table["stable"].any() else table
    as_well = pool["difference"] <= CHOICE_STANDARD_ERRORS * pool["standard_error"]
    chosen = int(pool.index[as_well.to_numpy()].min()) if len(pool) > 1 else int(pool.index[0])
    near = table["difference"] <= TIED_STANDARD_ERRORS * table["standard_error"]
    tied = tuple(int(k) for k in table.index[near.to_numpy()] if k != chosen)
    boundaries = {int(table.index.max()): "high", int(table.index.min()): "low"}
    # One component is no boundary: there is nothing below it to try.
    at_boundary = boundaries.get(chosen, "") if len(table) > 1 and chosen != 1 else ""
    return Choice(chosen, tied, at_boundary, bool(table["stable"][chosen]))
