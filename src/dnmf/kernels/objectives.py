"""What a factorisation minimises, as a value: its cost, classic step, exact solution and certificate."""

from dataclasses import KW_ONLY, dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.beta import beta_step, check_beta, gains
from dnmf.kernels.costs import beta_costs, kl_costs
from dnmf.kernels.kl import kl_exposures, kl_gap, kl_step
from dnmf.kernels.multiplicative import update_exposures
from dnmf.kernels.nnls import exact_exposures, exposure_moments, nnls_kkt_residual

Samples: TypeAlias = Float[Tensor, "n f"]
Dictionary: TypeAlias = Float[Tensor, "k f"]
Exposures: TypeAlias = Float[Tensor, "n k"]
PerSample: TypeAlias = Float[Tensor, " n"]
# Share of a sample's total below which an exposure of a warm start counts as zero.
NEGLIGIBLE_SHARE = 1e-7


@dataclass(frozen=True)
class Objective:
    """A cost of exposures ``H (n, k)`` for samples ``X (n, f)`` and a dictionary ``W (k, f)``, one number per sample.

    Attributes
    ----------
    l1_reg, l2_reg : float or tensor
        Penalties on the exposures: scalars, or (n, k) for the linear and (k,) for the quadratic one.
    """

    l1_reg: float | Tensor = 0.0
    l2_reg: float | Tensor = 0.0

    @property
    def degree(self) -> float:
        """Without penalties ``cost(s X, s H, W) = s^degree cost(X, H, W)`` for every s > 0."""
        raise NotImplementedError

    def cost(self, X: Samples, H: Exposures, W: Dictionary) -> PerSample:
        """Return the cost, penalties included."""
        raise NotImplementedError

    def step(self, X: Samples, H: Exposures, W: Dictionary) -> Exposures:
        """Return the exposures after one multiplicative update, which never raises the cost."""
        raise NotImplementedError

    def exposures(self, X: Samples, W: Dictionary, *, start: Exposures | None = None) -> Exposures:
        """Return ``argmin_{H >= 0} cost(X, H, W)``; a ``start`` saves time and does not change the answer."""
        raise NotImplementedError

    def certificate(self, X: Samples, H: Exposures, W: Dictionary) -> PerSample:
        """Return how far exposures are from exact: 0 at the minimum."""
        raise NotImplementedError

    def minimum(self, X: Samples, exact: Exposures, W: Dictionary) -> PerSample:
        """Return the cost at the exact solution."""
        return self.cost(X, exact, W)

    def excess(self, X: Samples, H: Exposures, W: Dictionary, *, exact: Exposures) -> PerSample:
        """Return ``cost(X, H, W) - cost(X, exact, W) >= 0``; gradients flow to H."""
        return (self.cost(X, H, W) - self.cost(X, exact, W)).clamp(min=0)


@dataclass(frozen=True)
class Frobenius(Objective):
    """Least squares: ``1/2 ||x - h W||^2 + l1_reg sum(h) + 1/2 l2_reg sum(h^2)``, in the unit of X squared.

    The certificate is :func:`dnmf.kernels.nnls_kkt_residual`, relative and without unit.

    Examples
    --------
    >>> X, W = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> Frobenius(l1_reg=0.5).exposures(X, W)
    tensor([[2.5000, 0.5000]])
    """

    @property
    def degree(self) -> float:
        """It grows with the square of the samples."""
        return 2.0

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

    @property
    def degree(self) -> float:
        """It grows like the samples."""
        return 1.0

    def __post_init__(self) -> None:
        if any(bool(torch.as_tensor(penalty).any()) for penalty in (self.l1_reg, self.l2_reg)):
            raise ValueError(
                "the Poisson likelihood takes no penalties: with components that sum to 1 an L1 penalty on its "
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


@dataclass(frozen=True)
class BetaDivergence(Objective):
    """The beta-divergence for ``0 <= beta <= 2``: Itakura-Saito (0), Kullback-Leibler (1), least squares (2).

    ``beta_costs(X, H, W) + l1_reg sum(h)``; there is no quadratic penalty. Exact solvers are known for 2, and for 1
    without penalty; ``exposures`` refuses others.

    The gradient is ``m (1 - g)``, with m what asks for less of a component and ``m g`` what asks for more of it. The
    certificate is the larger of two numbers without unit: by how much the largest g exceeds 1, and the mean of
    ``|1 - g|`` over components, weighted by ``h m``. It is 0 where the cost is stationary; from 1 to 2 the cost is
    convex, and that is the minimum.

    Attributes
    ----------
    beta : float
        From 0 to 2.

    Examples
    --------
    >>> X, W = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> BetaDivergence(beta=0.5).certificate(X, X, W)
    tensor([0.])
    """

    _: KW_ONLY
    beta: float

    def __post_init__(self) -> None:
        check_beta(self.beta)
        if torch.as_tensor(self.l2_reg).any():
            raise ValueError(
                "a beta-divergence takes no quadratic penalty: below 2 the step that is known for it may raise the "
                "cost; least squares takes one as Frobenius(l2_reg=...)"
            )

    @property
    def degree(self) -> float:
        """It grows with this power of the samples."""
        return self.beta

    def cost(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """Return the divergence with its penalty."""
        return beta_costs(X, H, W, self.beta) + (self.l1_reg * H).sum(dim=1)

    def step(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """One update of Févotte and Idier."""
        return beta_step(X, H, W, self.beta, l1_reg=self.l1_reg)

    def exposures(self, X: Tensor, W: Tensor, *, start: Tensor | None = None) -> Tensor:
        """Exact exposures where a solver is known; else a ValueError."""
        if self.beta == 2:
            return Frobenius(self.l1_reg).exposures(X, W, start=start)
        if self.beta == 1 and not torch.as_tensor(self.l1_reg).any():
            return Poisson().exposures(X, W, start=start)
        raise ValueError(
            f"no exact solver is known for the divergence of beta = {self.beta:g} with l1_reg = {self.l1_reg}: iterate "
            "its step"
        )

    def certificate(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        """Return how far exposures are from a stationary point."""
        gain, mass = gains(X, H, W, self.beta, backward=W, l1_reg=self.l1_reg)
        largest = torch.where(mass > 0, gain, 0.0).amax(dim=1)
        weight = H * mass
        total = weight.sum(dim=1)
        away = ((1 - gain).abs() * weight).sum(dim=1) / torch.where(total > 0, total, 1.0)
        return torch.maximum((largest - 1).clamp(min=0), away)


def objective_of(
    beta: float, l1_reg: float | Tensor = 0.0, l2_reg: float | Tensor = 0.0
) -> Objective:
    """Return the objective of a divergence: least squares for 2, which alone takes both penalties."""
    return Frobenius(l1_reg, l2_reg) if beta == 2 else BetaDivergence(l1_reg, l2_reg, beta=beta)
