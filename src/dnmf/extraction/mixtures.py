"""Whether a signature that matches nothing is two known ones in one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Pair:
    """Two references whose mix is closest to a spectrum; ``share`` is that of the first, the larger."""

    names: tuple[str, str]
    share: float
    cosine: float


def best_pair(spectrum: pd.Series, references: pd.DataFrame) -> Pair | None:
    """Return the non-negative mix of two references with the highest cosine to a spectrum.

    For unit vectors ``u, v`` with ``g = u.v`` and a unit spectrum ``x`` with ``a = x.u, b = x.v``, the best mix in
    their plane is ``(a - g b) u + (b - g a) v`` over ``1 - g^2``, and its cosine is
    ``sqrt((a^2 + b^2 - 2 a b g) / (1 - g^2))``. All pairs are tried.

    Parameters
    ----------
    spectrum : Series (f,)
        Any scale, not all zero.
    references : DataFrame (m, f)
        Rows that sum to 1.

    Returns
    -------
    Pair or None
        None if no pair needs both of its members.

    Examples
    --------
    >>> references = pd.DataFrame([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], index=["A", "B", "C"])
    >>> pair = best_pair(pd.Series([1.0, 3.0, 0.0]), references)
    >>> pair.names, round(pair.share, 6), round(pair.cosine, 6)
    (('B', 'A'), 0.75, 1.0)
    """
    lengths = np.linalg.norm(references.to_numpy(dtype=float), axis=1)
    units = references.to_numpy(dtype=float) / lengths[:, None]
    x = spectrum.to_numpy(dtype=float)
    along = units @ (x / np.linalg.norm(x))
    gram = units @ units.T
    first = along[:, None] - gram * along[None, :]  # weight of the row's reference, times 1 - g^2
    both = np.triu((first > 0) & (first.T > 0) & (gram < 1 - 1e-9), 1)
    if not both.any():
        return None
    squared = along[:, None] ** 2 + along[None, :] ** 2 - 2 * gram * np.outer(along, along)
    cosines = np.sqrt(np.where(both, squared / np.where(both, 1 - gram**2, 1.0), 0.0))
    i, j = divmod(int(cosines.argmax()), len(units))
    weights = np.array([first[i, j] / lengths[i], first[j, i] / lengths[j]])
    names = (str(references.index[i]), str(references.index[j]))
    if weights[1] > weights[0]:
        weights, names = weights[::-1], names[::-1]
    return Pair(names, float(weights[0] / weights.sum()), float(min(cosines[i, j], 1.0)))
