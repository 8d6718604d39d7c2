"""A factorisation from the best of several starts: which local minimum is found depends on the start."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from torch import Tensor

from dnmf.engine.chunks import Chunks
from dnmf.engine.factorised import TOL, Factorised
from dnmf.kernels.objectives import Objective

# Part of the cost by which 10 iterations lower it at least while starts are compared.
COMPARED_TOL = 1e-2


class Factorise(Protocol):
    """:func:`dnmf.engine.least_squares.factorise` or :func:`dnmf.engine.kullback_leibler.factorise`."""

    def __call__(
        self,
        chunks: Chunks,
        W0: Tensor,
        *,
        objective: Objective,
        max_iter: int,
        tol: float,
        callback: Callable[[int, float], None] | None = None,
    ) -> Factorised:
        """Lower the objective from a dictionary."""


def factorise_from_best(
    factorise: Factorise,
    chunks: Chunks,
    starts: Sequence[Tensor],
    *,
    objective: Objective,
    max_iter: int = 250,
    tol: float = TOL,
    callback: Callable[[int, float], None] | None = None,
) -> Factorised:
    """Factorise from every start up to a loose tolerance, and from the one of lowest cost to the end.

    ``max_iter`` bounds the iterations of all together, and half of it those of the comparison; a smaller one than two
    for each start takes the first. ``n_iter`` counts the iterations from all starts. ``cost`` is that from the best.
    """
    done = 0

    def report(iteration: int, cost: float) -> None:
        if callback is not None:
            callback(done + iteration, cost)

    best: Factorised | None = None
    each = max_iter // (2 * len(starts))
    for W0 in starts if len(starts) > 1 and each else []:
        loose = max(tol, COMPARED_TOL)
        found = factorise(
            chunks, W0, objective=objective, max_iter=each, tol=loose, callback=report
        )
        done += found.n_iter
        if best is None or found.cost[-1] < best.cost[-1]:
            best = found
    W0 = starts[0] if best is None else best.W
    last = factorise(
        chunks, W0, objective=objective, max_iter=max_iter - done, tol=tol, callback=report
    )
    before = [] if best is None else best.cost
    return replace(last, cost=[*before, *last.cost], n_iter=done + last.n_iter)
