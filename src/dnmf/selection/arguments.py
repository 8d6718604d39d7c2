"""Which matrices and numbers of components a selection allows."""

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
import torch
from torch import Tensor

from dnmf.criteria import MIN_SAMPLES_TO_CHOOSE
from dnmf.exceptions import InputDataError


@dataclass(frozen=True)
class Words:
    """What messages call the data and their parts.

    Attributes
    ----------
    data, components, samples, features : str
        The words for the matrix, for what is counted, and for its rows and columns.
    otherwise : str
        What a message says last: what to do instead.
    """

    data: str = "X"
    components: str = "components"
    samples: str = "samples that are not all 0"
    features: str = "features"
    otherwise: str = ""


def check_numbers(
    numbers: object, n_samples: int, n_features: int, words: Words = Words()
) -> list[int]:
    """Return the numbers of components in order, or say why they are not possible for data of this shape.

    Parameters
    ----------
    numbers : int or iterable of int
        What was asked for.
    n_samples, n_features : int
        Shape of the data; samples that are all 0 do not count.
    words : Words
        For the message.

    Raises
    ------
    InputDataError
        A number is not one, or is beyond the data; or there are several for fewer than ``MIN_SAMPLES_TO_CHOOSE``
        samples.
    """
    given: list[Any] = list(numbers) if isinstance(numbers, Iterable) else [numbers]
    if not given:
        raise InputDataError(f"no number of {words.components} was given: name at least one.")
    for number in given:
        if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
            raise InputDataError(
                f"the number of {words.components} must be a whole number, 1 or more; got {number!r}."
            )
    most = min(n_samples, n_features)
    if max(given) > most:
        raise InputDataError(
            f"{words.data}: {max(given)} {words.components} were asked for, but {n_samples} {words.samples} and "
            f"{n_features} {words.features} allow at most {most}. Ask for fewer {words.components}."
        )
    found = sorted({int(number) for number in given})
    if len(found) > 1 and n_samples < MIN_SAMPLES_TO_CHOOSE:
        raise InputDataError(
            f"{words.data}: {n_samples} {words.samples} are too few to tell how many {words.components} there are: at "
            f"least {MIN_SAMPLES_TO_CHOOSE} are needed, better 20 or more. Give one number{words.otherwise}."
        )
    return found


def filled_rows(X: Any) -> Tensor:
    """Return the samples of a matrix that are not all 0, dense and in double precision.

    Raises
    ------
    InputDataError
        It is no matrix of numbers, an entry is negative or missing, or all are 0.
    """
    index = X.index if isinstance(X, pd.DataFrame) else None
    columns = X.columns if isinstance(X, pd.DataFrame) else None
    try:
        dense = X.toarray() if scipy.sparse.issparse(X) else np.asarray(X)
        array = np.ascontiguousarray(dense, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputDataError(f"X is no matrix of numbers: {error}") from error
    if array.ndim != 2:
        raise InputDataError(
            f"X must have samples in rows and features in columns; it has {array.ndim} dimensions."
        )
    wrong = ~((array >= 0) & np.isfinite(array))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        names = (
            row if index is None else repr(index[row]),
            column if columns is None else repr(columns[column]),
        )
        raise InputDataError(
            f"X holds {array[row, column]:g} in row {names[0]}, column {names[1]}: all entries must be numbers, 0 or "
            "more."
        )
    filled = array[array.any(axis=1)]
    if not len(filled):
        raise InputDataError("X is all zero: there is nothing to factorise.")
    return torch.from_numpy(filled)
