"""How alike two spectra are, which component is which, and how well a sample is reconstructed.

Rows are spectra: signatures or samples, one column per channel.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr

__all__ = ["cosine_similarity", "match_components", "reconstruction_quality"]

Floats = NDArray[np.float64]


def cosine_similarity(A: ArrayLike, B: ArrayLike) -> Floats:
    """Return the cosine of the angle between every row of ``A`` and every row of ``B``.

    ``cosine[i, j] = <A_i, B_j> / (||A_i|| ||B_j||)``, and 0 where a row is all zero.

    Parameters
    ----------
    A, B : (p, f), (q, f)
        Spectra in any unit: the cosine does not change when a row is scaled.

    Returns
    -------
    (p, q) array
        Within [-1, 1]; within [0, 1] for non-negative spectra. Never NaN for finite input.

    Raises
    ------
    ValueError
        If the two tables differ in their number of columns, or one is not a table.

    Examples
    --------
    >>> cosine_similarity([[3.0, 4.0], [0.0, 0.0]], [[1.0, 0.0]])
    array([[0.6],
           [0. ]])
    """
    left, right = _paired_tables(A, B, "A", "B")
    return np.clip(_unit_rows(left) @ _unit_rows(right).T, -1.0, 1.0)


def match_components(
    found: ArrayLike, true: ArrayLike
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Pair each found component with one true component so that the sum of cosines is largest.

    Parameters
    ----------
    found, true : (p, f), (q, f)
        Components in rows, in any unit.

    Returns
    -------
    rows, cols, cosines : three arrays of length min(p, q)
        ``found[rows[i]]`` is paired with ``true[cols[i]]``; no component is used twice. ``rows``
        ascends.

    Notes
    -----
    The assignment problem, solved exactly (``scipy.optimize.linear_sum_assignment``): taking the
    best match of each row by itself could use one true component twice.

    Examples
    --------
    >>> rows, cols, cosines = match_components([[0.0, 2.0], [5.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]])
    >>> rows.tolist(), cols.tolist(), cosines.tolist()
    ([0, 1], [1, 0], [1.0, 1.0])
    """
    similarity = cosine_similarity(found, true)
    # Loaded where it is used: it takes as long as pandas, and most commands compare nothing.
    from scipy.optimize import linear_sum_assignment

    rows, cols = linear_sum_assignment(similarity, maximize=True)
    return rows, cols, similarity[rows, cols]


def reconstruction_quality(X: ArrayLike, reconstruction: ArrayLike) -> dict[str, Floats]:
    """Compare each sample with its reconstruction ``R``.

    Parameters
    ----------
    X, reconstruction : (n, f)
        Observed and reconstructed spectra, both >= 0, in mutations.

    Returns
    -------
    dict of (n,) arrays, all without unit but the last
        ``cosine``: cosine of the angle between ``X`` and ``R``;
        ``relative_l1``: ``sum |X - R| / sum X``;
        ``relative_l2``: ``||X - R|| / ||X||``;
        ``kl_divergence``: ``sum p log(p / q)`` in nats, where ``p = X / sum X`` and
        ``q = R / sum R``. It is infinite where ``R`` gives nothing to a channel in which the sample
        has mutations.
        For a sample without mutations the cosine is 0 and the three errors are 0.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> quality = reconstruction_quality([[2.0, 2.0], [0.0, 0.0]], [[1.0, 3.0], [0.0, 0.0]])
    >>> quality["cosine"].round(3).tolist(), quality["kl_divergence"].round(3).tolist()
    ([0.894, 0.0], [0.144, 0.0])
    >>> quality["relative_l1"].tolist(), quality["relative_l2"].tolist()
    ([0.5, 0.0], [0.5, 0.0])
    """
    observed, fitted = _paired_tables(X, reconstruction, "X", "reconstruction")
    if observed.shape != fitted.shape:
        raise ValueError(
            f"X has shape {observed.shape} but its reconstruction {fitted.shape}: "
            "give one row of the reconstruction for each sample"
        )
    totals = observed.sum(axis=1)
    error = observed - fitted
    cosine = np.einsum("ij,ij->i", _unit_rows(observed), _unit_rows(fitted))
    divergence = rel_entr(_shares(observed), _shares(fitted)).sum(axis=1)
    return {
        "cosine": np.clip(cosine, -1.0, 1.0),
        "relative_l1": _ratio(np.abs(error).sum(axis=1), totals),
        "relative_l2": _ratio(np.linalg.norm(error, axis=1), np.linalg.norm(observed, axis=1)),
        # Rounding can leave a divergence of -1e-17 between equal spectra.
        "kl_divergence": np.maximum(divergence, 0.0),
    }


def _paired_tables(A: ArrayLike, B: ArrayLike, name_A: str, name_B: str) -> tuple[Floats, Floats]:
    left, right = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        raise ValueError(
            f"{name_A} and {name_B} must be tables with the same columns (channels), "
            f"got shapes {left.shape} and {right.shape}"
        )
    return left, right


def _unit_rows(table: Floats) -> Floats:
    # Dividing by the largest entry first keeps the squares of tiny or huge rows in range.
    scaled = _ratio(table, np.abs(table).max(axis=1, keepdims=True, initial=0.0))
    return _ratio(scaled, np.linalg.norm(scaled, axis=1, keepdims=True))


def _shares(table: Floats) -> Floats:
    return _ratio(table, table.sum(axis=1, keepdims=True))


def _ratio(numerator: Floats, denominator: Any) -> Floats:
    """Divide, giving 0 where the denominator is 0."""
    positive = np.broadcast_to(denominator > 0, numerator.shape)
    ratio = np.zeros_like(numerator)
    np.divide(numerator, denominator, out=ratio, where=positive)
    return ratio
