"""How many components a matrix has: fits of every number from resampled data, judged by stability and prediction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from dnmf.exceptions import InputDataError
from dnmf.executors import Executor, opened
from dnmf.progress import Progress
from dnmf.search.count_noise import estimate_count_noise
from dnmf.selection.arguments import check_numbers, filled_rows
from dnmf.selection.candidate import Candidate
from dnmf.selection.choice import Choice, choose, selection_table
from dnmf.selection.counts import CountModel
from dnmf.selection.fits import Fits
from dnmf.selection.gaussian import GaussianModel
from dnmf.selection.model import DataModel
from dnmf.threads import one_thread

DEFAULT_RESTARTS = 20
"""Restarts for every number of components, unless another number is asked for."""


@dataclass(frozen=True)
class ComponentSelection:
    """What was found for every number of components.

    Attributes
    ----------
    candidates : dict
        By number of components, see :class:`dnmf.selection.Candidate`.
    table : DataFrame
        One row per number, see :func:`dnmf.selection.selection_table`; `dnmf.plotting.plot_selection` draws it.
    choice : Choice
        The rule's, or the only number there is; which other numbers predict as well.
    """

    candidates: dict[int, Candidate]
    table: pd.DataFrame
    choice: Choice

    @classmethod
    def of(cls, candidates: Mapping[int, Candidate], model: DataModel) -> Self:
        """Tabulate the candidates and choose among them."""
        table = selection_table(candidates, model.stable_silhouette)
        return cls(dict(candidates), table, choose(table))

    @property
    def suggested(self) -> int:
        """The chosen number of components."""
        return self.choice.n_components

    @property
    def chosen(self) -> Candidate:
        """The candidate with the chosen number of components."""
        return self.candidates[self.suggested]


def select_n_components(
    X: Any,
    n_components: Sequence[int],
    *,
    n_restarts: int = DEFAULT_RESTARTS,
    noise: Literal["counts", "gaussian"],
    random_state: int | None = 0,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> ComponentSelection:
    """Factorise a matrix with every number of components, from many restarts, and suggest a number.

    ``X (n, f) ~ exposures (n, k) @ components (k, f)``, all non-negative. For every ``k`` the data are fitted once as
    they are and ``n_restarts`` times resampled. The suggestion is the smallest ``k`` whose components come back in the
    restarts (mean silhouette) and which predicts held-out entries within one standard error of the best such:
    features of samples that had no part in the fit are predicted from their other features (bi-cross-validation).

    Parameters
    ----------
    X : array, DataFrame or scipy.sparse matrix of shape (n, f)
        Samples in rows, >= 0, none missing. Samples that are all 0 are left out. A sparse matrix is made dense: it
        takes 8 n f bytes.
    n_components : sequence of int
        The numbers to try, such as ``range(2, 16)``; at most the smaller of f and the samples that are not all 0.
    n_restarts : int
        Restarts from resampled data for each number, 2 or more.
    noise : "counts" or "gaussian"
        ``"counts"`` for whole numbers with the noise of counting: Gamma-Poisson fits, counts drawn anew, held-out
        Poisson deviance; more noise than counting, or hardly any, is noticed. ``"gaussian"`` for measurements of any
        unit with equal noise in all entries: least squares, samples drawn with replacement, held-out squared error.
    random_state : int, optional
        The same value gives the same result, whatever ``workers`` or ``executor``.
    workers : int
        Threads; each computes one fit at a time.
    executor : Executor, optional
        Computes in place of threads: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
    progress : callable, optional
        Called as ``progress("fits", done, total, nan)`` after every fit. What it raises ends the work.

    Returns
    -------
    ComponentSelection
        ``suggested``, ``table``, and for every number its components, their stability and their restarts.

    Raises
    ------
    InputDataError
        A number is not possible for the data; there are fewer than 5 samples; an entry is negative or missing.

    Notes
    -----
    Owen and Perry 2009 (bi-cross-validation); Rousseeuw 1987 (silhouettes); Breiman et al. 1984 (one standard error).

    Examples
    --------
    >>> import numpy as np
    >>> from dnmf import select_n_components
    >>> rng = np.random.default_rng(0)
    >>> X = rng.gamma(0.3, size=(40, 3)) @ rng.gamma(0.5, size=(3, 12))
    >>> X = (X + rng.normal(scale=0.01, size=X.shape)).clip(0)
    >>> select_n_components(X, [2, 3, 4], n_restarts=2, noise="gaussian").suggested
    3
    """
    if noise not in ("counts", "gaussian"):
        raise InputDataError(f'noise must be "counts" or "gaussian"; got {noise!r}.')
    if not isinstance(n_restarts, Integral) or n_restarts < 2:
        raise InputDataError(
            f"the number of restarts must be 2 or more, to be compared; got {n_restarts!r}."
        )
    rows = filled_rows(X)
    numbers = check_numbers(n_components, *rows.shape)
    seed = int(np.random.default_rng().integers(2**32)) if random_state is None else random_state
    with one_thread(), opened(executor, workers) as pool:
        model: DataModel = GaussianModel()
        if noise == "counts":
            model = CountModel(estimate_count_noise(rows))
        fits = Fits(rows, model, int(n_restarts), seed)
        candidates = fits.run(numbers, pool, progress=progress)
    return ComponentSelection.of(candidates, model)
