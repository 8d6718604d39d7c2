"""Refit without a prior: likelihood, least squares, selection of signatures."""

import numpy as np
import torch
from numpy.typing import NDArray

from dnmf.criteria import P_UNASSIGNED
from dnmf.kernels import exact_exposures, kl_exposures
from dnmf.kernels.goodness_of_fit import deviance_p_value, poisson_deviance, unexplained_share
from dnmf.kernels.likelihood_intervals import exposure_intervals
from dnmf.kernels.selection import selected_exposures
from dnmf.progress import Progress
from dnmf.refit.estimate import RefitEstimate

Array = NDArray[np.float64]

# How far below the highest log-likelihood the solver may stop.
TOLERANCE_NATS = 1e-4
# Smaller exposures do not count as fitted parameters of the goodness of fit.
MIN_FITTED_MUTATIONS = 0.5
# Samples that are refitted between two reports of progress.
CHUNK_SAMPLES = 1024


def classic_exposures(
    counts: Array, W: Array, method: str, *, progress: Progress | None = None
) -> RefitEstimate:
    """Refit all samples by a classic method.

    Parameters
    ----------
    counts, W : (n, f), (k, f)
        Mutations and signatures; every sample has mutations.
    method : str
        ``"kl"``: Poisson maximum likelihood over all signatures. ``"nnls"``: non-negative least squares.
        ``"sparse"``: backward elimination and forward selection of signatures, then likelihood over the selected ones.
    progress : callable, optional
        Called with the number of samples that are done.

    Notes
    -----
    The published selection ends with least squares. Likelihood over the same signatures is as good for tumours and
    better for evenly drawn mixtures (error at 100 mutations 0.25 instead of 0.28).
    """
    estimate = RefitEstimate.empty(len(counts), len(W))
    signatures = torch.tensor(W)
    for start in range(0, len(counts), CHUNK_SAMPLES):
        rows = slice(start, start + CHUNK_SAMPLES)
        estimate.put(rows, _refitted(torch.tensor(counts[rows]), signatures, method))
        if progress is not None:
            progress(
                "refitting", min(start + CHUNK_SAMPLES, len(counts)), len(counts), float("nan")
            )
    return estimate


def _refitted(X: torch.Tensor, signatures: torch.Tensor, method: str) -> RefitEstimate:
    total = X.sum(dim=1, keepdim=True)
    best = kl_exposures(X, signatures, tol=TOLERANCE_NATS)
    if method == "kl":
        found = best.H
    elif method == "nnls":
        found = exact_exposures(X, signatures)
    elif method == "sparse":
        found = _selected_exposures(X, signatures)
    else:
        raise ValueError(f"{method!r} is not a classic method: kl, nnls, sparse")
    lower, upper = exposure_intervals(X, found, signatures, least_squares=method == "nnls")
    mass = found.sum(dim=1, keepdim=True)
    # Least squares need not explain as many mutations as there are.
    divisor = torch.where(mass > 0, mass, 1.0)
    shares = torch.where(mass > 0, found / divisor, 1 / len(signatures))
    scale = torch.where(mass > 0, 1 / divisor, 0.0)
    expected, explained = shares @ signatures * total, best.H @ signatures
    p_reference = deviance_p_value(X, explained, _fitted(best.H))
    excess = poisson_deviance(X, expected) - poisson_deviance(X, explained)
    estimate = RefitEstimate.empty(len(X), len(signatures), method)
    estimate.shares[:] = shares
    estimate.lower[:] = torch.minimum(lower * scale, shares)
    estimate.upper[:] = torch.maximum((upper * scale).clamp(max=1), shares)
    left_over = unexplained_share(X, expected)
    estimate.unassigned[:] = torch.where(p_reference < P_UNASSIGNED, left_over, 0.0)
    estimate.p_reference[:] = p_reference
    estimate.p_answer[:] = deviance_p_value(X, expected, _fitted(shares * total))
    estimate.certificate[:] = best.gap if method == "kl" else excess.clamp(min=0) / 2 + best.gap
    return estimate


def _fitted(exposures: torch.Tensor) -> torch.Tensor:
    """Return how many exposures of each sample count as fitted."""
    return (exposures > MIN_FITTED_MUTATIONS).to(exposures).sum(dim=1)


def _selected_exposures(X: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    return kl_exposures(X, W, support=selected_exposures(X, W) > 0, tol=TOLERANCE_NATS).H
