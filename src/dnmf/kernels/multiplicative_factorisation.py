"""Factorisation by alternating multiplicative updates, for any beta-divergence from 0 to 2."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.finite import finite
from dnmf.kernels.objectives import objective_of


@dataclass(frozen=True, slots=True)
class MUResult:
    """What the multiplicative solver found.

    Attributes
    ----------
    H, W : (n, k), (k, f)
        Exposures and dictionary.
    cost : list of float
        The regularised cost before the first and after every iteration; it never rises.
    n_iter : int
        Iterations done.
    converged : bool
        Whether the relative decrease fell below the tolerance.
    """

    H: Tensor
    W: Tensor
    cost: list[float]
    n_iter: int
    converged: bool


def nmf_mu(
    X: Float[Tensor, "n f"],
    H0: Float[Tensor, "n k"],
    W0: Float[Tensor, "k f"],
    *,
    beta: float = 2.0,
    l1_reg: float = 0.0,
    l2_reg: float = 0.0,
    max_iter: int = 500,
    tol: float = 1e-6,
    update_W: bool = True,
    callback: Callable[[int, float], None] | None = None,
) -> MUResult:
    """Factorise by alternating multiplicative updates, of the exposures, then of the dictionary (paper eq. 4, then 2).

    Parameters
    ----------
    X, H0, W0 : (n, f), (n, k), (k, f)
        Data and the starting factors. Zeros in a factor never recover.
    beta : float
        The divergence, from 0 to 2: :func:`dnmf.kernels.beta_costs`. 2 is least squares, 1 Kullback-Leibler, 0
        Itakura-Saito, which needs entries > 0.
    l1_reg, l2_reg : float
        Penalties on the exposures; the quadratic one for least squares only.
    max_iter : int
        Most iterations.
    tol : float
        Stop when one iteration lowers the cost by less than ``tol`` times the starting cost; 0 never stops early.
    update_W : bool
        False keeps the dictionary: inference of exposures.
    callback : callable(iteration, cost), optional
        Called after every iteration.

    Returns
    -------
    MUResult

    Raises
    ------
    ValueError
        If the starting cost is not finite, or the divergence does not take these penalties.
    """
    of_exposures, of_dictionary = objective_of(beta, l1_reg, l2_reg), objective_of(beta)
    H, W = H0, W0
    cost = [finite("nmf_mu", of_exposures.cost(X, H, W).sum()).item()]
    converged = False
    for iteration in range(1, max_iter + 1):
        H = of_exposures.step(X, H, W)
        if update_W:
            W = of_dictionary.step(X.mT, W.mT, H.mT).mT
        cost.append(of_exposures.cost(X, H, W).sum().item())
        if callback is not None:
            callback(iteration, cost[-1])
        if cost[-2] - cost[-1] < tol * cost[0]:
            converged = True
            break
    return MUResult(H=H, W=W, cost=cost, n_iter=len(cost) - 1, converged=converged)
