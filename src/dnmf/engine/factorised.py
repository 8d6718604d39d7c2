"""What a factorisation in passes returns, and when it ends."""

from dataclasses import dataclass

from torch import Tensor

# Iterations over which the decrease of the cost is judged: after a rise the extrapolation starts small again, so that
# one small decrease says little.
WINDOW = 10
# Part of the cost by which so many iterations lower it at least. A smaller one changes the error of the six sets of
# benchmarks/general_data.py by less than 0.1 %, but for patches of photographs, where 1 % takes 4 times as long.
TOL = 1e-3


@dataclass(frozen=True)
class Factorised:
    """A dictionary and how it was found.

    Attributes
    ----------
    W : (k, f)
        Components; rows sum to 1.
    cost : list of float
        The cost of the best point after every iteration, which never rises.
    n_iter : int
        Iterations done, each one pass over the data.
    converged : bool
        Whether the cost fell by less than the tolerance before ``max_iter``.
    """

    W: Tensor
    cost: list[float]
    n_iter: int
    converged: bool


def has_converged(cost: list[float], tol: float, rounding: float) -> bool:
    """Whether the last 10 iterations lowered the cost by at most ``tol`` of it, or by no more than rounding."""
    if len(cost) <= WINDOW:
        return False
    return cost[-1 - WINDOW] - cost[-1] <= max(tol * cost[-1], rounding)
