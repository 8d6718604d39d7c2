"""The two ways in which DNMF looks for a dictionary: plain alternating updates, and the search for signatures."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import torch
from sklearn.exceptions import ConvergenceWarning

from dnmf.engine import kullback_leibler, least_squares
from dnmf.engine.chunks import Chunks
from dnmf.engine.race import factorise_from_best
from dnmf.engine.samples import Samples
from dnmf.exceptions import InputDataError
from dnmf.kernels.kl_factorisation import nmf_kl
from dnmf.kernels.objectives import Objective, Poisson
from dnmf.progress import Progress
from dnmf.search.dictionary import SEARCH, find_dictionary

SEARCHES = ("plain", "signatures")
# Iterations of maximum likelihood that follow the search for signatures with layer="kl".
LIKELIHOOD_ITERATIONS = 300


@dataclass(frozen=True)
class Found:
    """A dictionary, the costs on the way by phase, and the iterations done."""

    W: torch.Tensor
    history: dict[str, list[float]]
    n_iter: int


def search_plain(
    chunks: Chunks,
    starts: Sequence[torch.Tensor],
    objective: Objective,
    *,
    max_iter: int,
    tol: float,
    progress: Progress,
) -> Found:
    """Lower the objective from the best of the starts until its cost no longer falls by ``tol``."""
    engine: ModuleType = kullback_leibler if isinstance(objective, Poisson) else least_squares
    found = factorise_from_best(
        engine.factorise,
        chunks,
        starts,
        objective=objective,
        max_iter=max_iter,
        tol=tol,
        callback=lambda i, cost: progress("dictionary", i, max_iter, cost),
    )
    if not found.converged and tol > 0:
        warnings.warn(
            f"the cost still fell by more than tol={tol:g} of it after {max_iter} iterations: raise max_iter, or tol "
            "if the result is good enough",
            ConvergenceWarning,
            stacklevel=4,
        )
    return Found(found.W, {"dictionary": found.cost}, found.n_iter)


def search_signatures(
    X: torch.Tensor,
    W0: torch.Tensor,
    objective: Objective,
    *,
    min_volume: float,
    progress: Progress,
) -> Found:
    """Look for sparse exposures to wide signatures; Kullback-Leibler updates follow where that is the objective."""
    poisson = isinstance(objective, Poisson)
    iterations = SEARCH.iterations(len(W0))
    found = find_dictionary(
        X,
        W0,
        l1_reg=float(objective.l1_reg),
        l2_reg=float(objective.l2_reg),
        min_volume=min_volume,
        callback=_report(progress, "dictionary", iterations),
    )
    history = {"dictionary": found.cost}
    if poisson:
        found = nmf_kl(
            X,
            found.W,
            max_iter=LIKELIHOOD_ITERATIONS,
            callback=_report(progress, "likelihood", LIKELIHOOD_ITERATIONS),
        )
        history["likelihood"] = found.cost
        iterations += LIKELIHOOD_ITERATIONS
    return Found(found.W, history, iterations)


def _report(progress: Progress, phase: str, steps: int) -> Callable[[int, float], None]:
    return lambda step, cost: progress(phase, step, steps, cost)


def whole(samples: Samples) -> torch.Tensor:
    """Return all samples as one dense tensor, or an error where the search for signatures cannot use them."""
    parts: list[torch.Tensor] = []
    for index in range(len(samples.bounds)):
        chunk = samples.chunk(index)
        if not isinstance(chunk.X, torch.Tensor) or chunk.weights is not None:
            wrong = "sample weights" if chunk.weights is not None else "sparse data"
            raise InputDataError(f"search='signatures' takes no {wrong}: use search='plain'")
        if chunk.observed is not None:
            raise InputDataError(
                "search='signatures' takes no missing entries: use search='plain', or fill them in"
            )
        parts.append(chunk.X)
    X = torch.cat(parts)
    if not bool(X.any()):
        raise InputDataError("X is all zero: there is nothing to factorise")
    return X
