"""What a factorisation minimises, as a value: its cost, classic step, exact solution and certificate."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.costs import kl_costs
from dnmf.kernels.kl import kl_exposures, kl_gap, kl_step
from dnmf.kernels.multiplicative import update_exposures
from dnmf.kernels.nnls import exact_exposures, exposure_moments, nnls_kkt_residual

Samples: TypeAlias = Float[Tensor, "n f"]
Signatures: TypeAlias = Float[Tensor, "k f"]
Exposures: TypeAlias = Float[Tensor, "n k"]
PerSample: TypeAlias = Float[Tensor, " n"]
# Share of a sample's mutations below which an exposure of a warm start counts as zero.
NEGLIGIBLE_SHARE = 1e-7


@dataclass(frozen=True)
class Objective:
    """A cost of exposures ``H (n, k)`` for samples ``X (n, f)`` and signatures ``W (k, f)``, one number per sample.

    Attributes
    ----------
    l1_reg, l2_reg : float or tensor
        Penalties on the exposures: scalars, or (n, k) for the linear and (k,) for the quadratic one.
    degree : int
        Without penalties ``cost(s X, s H, W) = s^degree cost(X, H, W)`` for every s > 0.
    """

    l1_reg: float | Tensor = 0.0
    l2_reg: float | Tensor = 0.0
    degree: ClassVar[int]

    def cost(self, X: Samples, H: Exposures, W: Signatures) -> PerSample:
        """Return the cost, penalties included."""
        raise NotImplementedError

    def step(self, X: Samples, H: Exposures, W: Signatures) -> Exposures:
        """Return the exposures after one multiplicative update, which never raises the cost."""
        raise NotImplementedError

    def exposures(self, X: Samples, W: Signatures, *, start: Exposures | None = None) -> Exposures:
        """Return ``argmin_{H >= 0} cost(X, H, W)``; a ``start`` saves time and does not change the answer."""
        raise NotImplementedError

    def certificate(self, X: Samples, H: Exposures, W: Signatures) -> PerSample:
        """Return how far exposures are from exact: 0 at the minimum."""
        raise NotImplementedError

    def minimum(self, X: Samples, exact: Exposures, W: Signatures) -> PerSample:
        """Return the cost at the exact solution."""
        return self.cost(X, exact, W)

    def excess(self, X: Samples, H: Exposures, W: Signatures, *, exact: Exposures) -> PerSample:
        """Return ``cost(X, H, W) - cost(X, exact, W) >= 0``; gradients flow to H."""
        return (self.cost(X, H, W) - self.cost(X, exact, W)).clamp(min=0)


@dataclass(frozen=True)
class Frobenius(Objective):
    """Least squares: ``1/2 ||x - h W||^2 + l1_reg sum(h) + 1/2 l2_reg sum(h^2)``, in mutations squared.

    The certificate is :func:`dnmf.kernels.nnls_kkt_residual`, relative and without unit.

    Examples
    --------
    >>> X, W = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> Frobenius(l1_reg=0.5).exposures(X, W)
    tensor([[2.5000, 0.5000]])
    """

    degree: ClassVar[int] = 2

    def cost(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """Return the squared error with its penalties."""
        penalty = self.l1_reg * H + 0.5 * self.l2_reg * H.square()
        return 0.5 * (X - H @ W).square().sum(dim=1) + penalty.sum(dim=1)

    def step(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """One update of Lee and Seung, with penalties."""
        return update_exposures(X, H, W, l1_reg=self.l1_reg, l2_reg=self.l2_reg)

    def exposures(self, X: Tensor, W: Tensor, *, start: Tensor | None = None) -> Tensor:
        """Solve non-negative least squares exactly."""
        if start is not None:
            start = start - NEGLIGIBLE_SHARE * X.sum(dim=1, keepdim=True)
        return exact_exposures(X, W, l1_reg=self.l1_reg, l2_reg=self.l2_reg, start=start)

    def certificate(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """Return the relative KKT residual."""
        return nnls_kkt_residual(*self._moments(X, W), H)

    def minimum(self, X: Tensor, exact: Tensor, W: Tensor) -> Tensor:
        """From complementarity: at the optimum the gradient times the exposures is zero, so h G h = c h."""
        _, moments = self._moments(X, W)
        return 0.5 * (X.square().sum(dim=1) - (exact * moments).sum(dim=1))

    def excess(self, X: Tensor, H: Tensor, W: Tensor, *, exact: Tensor) -> Tensor:
        """By the second-order expansion, which is exact: the digits of a difference of costs would cancel."""
        gram, moments = self._moments(X, W)
        difference = H - exact
        quadratic = 0.5 * ((difference @ gram) * difference).sum(dim=1)
        slope = (exact @ gram - moments).clamp(min=0)
        return quadratic + (slope * H).sum(dim=1)

    def _moments(self, X: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
        return exposure_moments(X, W, l1_reg=self.l1_reg, l2_reg=self.l2_reg)


@dataclass(frozen=True)
class Poisson(Objective):
    """Maximum likelihood of Poisson counts: ``sum x log(x / h W) - x + h W``, in nats. It takes no penalties.

    The certificate is :func:`dnmf.kernels.kl_gap`: a bound on the log-likelihood still to be gained, in nats.

    Examples
    --------
    >>> X, W = torch.tensor([[3.0, 1.0]]), torch.tensor([[0.5, 0.5]])
    >>> Poisson().exposures(X, W)
    tensor([[4.]])
    """

    degree: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if any(bool(torch.as_tensor(penalty).any()) for penalty in (self.l1_reg, self.l2_reg)):
            raise ValueError(
                "the Poisson likelihood takes no penalties: with signatures that sum to 1 an L1 penalty on its "
                "exposures only divides them all by 1 + l1_reg"
            )

    def cost(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence."""
        return kl_costs(X, H, W)

    def step(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """One update of Lee and Seung: an expectation-maximisation step."""
        return kl_step(X, H, W)

    def exposures(self, X: Tensor, W: Tensor, *, start: Tensor | None = None) -> Tensor:
        """Exposures of highest likelihood."""
        return kl_exposures(X, W, start=start).H

    def certificate(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """Return a bound on the gain still possible, in nats."""
        return kl_gap(X, H, W)
