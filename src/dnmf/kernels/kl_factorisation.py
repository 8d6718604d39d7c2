"""Factorisation of Poisson counts: alternating multiplicative updates for the Kullback-Leibler cost."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.alternating import AlternatingResult
from dnmf.kernels.costs import kl_cost
from dnmf.kernels.kl import kl_exposures, kl_step
from dnmf.kernels.scaling import scale_signatures_to_unit_sum

# Share of the mean spectrum in the starting signatures, and of even exposures: multiplicative updates never leave zero.
MEAN_SPECTRUM_SHARE = 1e-3
STEPS_PER_BLOCK = 2


def nmf_kl(
    X: Float[Tensor, "n f"],
    W0: Float[Tensor, "k f"],
    *,
    max_iter: int = 300,
    callback: Callable[[int, float], None] | None = None,
) -> AlternatingResult:
    """Factorise counts by alternating multiplicative updates of ``kl_cost``, which never rises.

    Parameters
    ----------
    X, W0 : (n, f), (k, f)
        Counts and the starting signatures.
    max_iter : int
        Most iterations, each of two steps for either factor.
    callback : callable(iteration, cost), optional
        Called after every iteration.

    Returns
    -------
    AlternatingResult
        Exposures of highest likelihood for these signatures, whose rows sum to 1.

    Notes
    -----
    Lee and Seung 2001. For Poisson counts this is maximum likelihood.
    """
    mean = X.sum(dim=0) / X.sum()
    _, W = scale_signatures_to_unit_sum(X.new_ones(1, len(W0)), W0)
    W = (1 - MEAN_SPECTRUM_SHARE) * W + MEAN_SPECTRUM_SHARE * mean
    H = kl_exposures(X, W).H
    H = H + MEAN_SPECTRUM_SHARE * X.sum(dim=1, keepdim=True) / len(W)
    cost: list[float] = []
    for iteration in range(1, max_iter + 1):
        for _ in range(STEPS_PER_BLOCK):
            H = kl_step(X, H, W)
        for _ in range(STEPS_PER_BLOCK):
            W = kl_step(X.mT, W.mT, H.mT).mT
        cost.append(kl_cost(X, H, W).item())
        if callback is not None:
            callback(iteration, cost[-1])
    H, W = scale_signatures_to_unit_sum(H, W)
    return AlternatingResult(H=kl_exposures(X, W, start=H).H, W=W, cost=cost)
