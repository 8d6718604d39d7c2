"""The network of SupervisedDNMF: a learned posterior mean of the exposures, blended with maximum likelihood."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.kl import kl_exposures
from dnmf.kernels.known_exposures import dispersion, kl_signatures
from dnmf.kernels.nnls import exact_exposures, exact_signatures
from dnmf.posterior.totals import TotalPrior
from dnmf.search.count_noise import COUNTING_DISPERSION
from dnmf.unfolding.conditioned import ConditionedDesign, ConditionedSteps
from dnmf.unfolding.layered import rows_of, shaped_like

CONTEXT_WIDTH, PRIOR_WIDTH = 16, 24
TRUST_KNOTS = 16
TRUST_LOG_SD = 0.5  # of the Gaussian over the logarithm of the total by which trust is averaged
CHUNK_ROWS = 2048


class SupervisedNetwork(nn.Module):
    """Exposures of samples, learned from pairs of samples and exposures by :class:`dnmf.SupervisedDNMF`.

    For counts, with T the total of a sample::

        exposures = E[N | T] (w(T) network(x) + (1 - w(T)) likelihood(x) / T)

    ``network``: unfolded Kullback-Leibler steps to shares, conditioned on T; ``likelihood``: Poisson maximum likelihood
    for the regressed signatures; ``w``: the weight of the network that was best on held-out pairs of similar totals,
    times the probability that T is like the training totals. Without noise: exact non-negative least squares.

    Parameters
    ----------
    n_features, n_components, n_layers : int
        f, k and L.

    Attributes
    ----------
    signatures : buffer (k, f)
        The regressed dictionary; for counts its rows sum to 1.
    units : buffer (k,)
        Counts per unit of exposure.
    dispersion : buffer
        Residual variance of the pairs, in that of a Poisson count; above 1/4 the samples are counts.
    """

    nonnegative: ClassVar[tuple[str, ...]] = ("signatures", "units", "dispersion", "trust")
    signatures: Tensor
    units: Tensor
    dispersion: Tensor
    trust_at: Tensor
    trust: Tensor

    def __init__(self, n_features: int, n_components: int, n_layers: int) -> None:
        super().__init__()
        flat = torch.full((n_components, n_features), 1 / n_features, dtype=torch.float64)
        self.register_buffer("signatures", flat)
        self.register_buffer("units", flat.new_ones(n_components))
        self.register_buffer("dispersion", flat.new_zeros(()))
        self.register_buffer("trust_at", torch.arange(TRUST_KNOTS, dtype=torch.float64))
        self.register_buffer("trust", flat.new_zeros(TRUST_KNOTS))
        self.totals = TotalPrior()
        design = ConditionedDesign(n_layers, CONTEXT_WIDTH, PRIOR_WIDTH)
        self.steps = ConditionedSteps(flat, design=design)

    @property
    def counting(self) -> bool:
        """Whether the samples have counting noise."""
        return self.dispersion.item() >= COUNTING_DISPERSION

    def learn_dictionary(self, X: Float[Tensor, "n f"], H: Float[Tensor, "n k"]) -> None:
        """Regress a new network's dictionary on pairs; for counts the steps are built anew from it."""
        W = exact_signatures(X, H)
        self.dispersion.fill_(dispersion(X, H, W))
        if not self.counting:
            self.signatures.copy_(W)
            return
        W = kl_signatures(X, H)
        self.units.copy_(W.sum(dim=1))
        self.signatures.copy_(W / torch.where(self.units > 0, self.units, 1.0)[:, None])
        self.steps = ConditionedSteps(self.signatures, design=self.steps.design)

    @property
    def dictionary(self) -> Float[Tensor, "k f"]:
        """The regressed dictionary in counts per unit of exposure."""
        return self.signatures * self.units[:, None]

    def shares(self, X: Float[Tensor, "n f"]) -> Float[Tensor, "n k"]:
        """Return the network's shares of a sample's total, in the dtype of the steps."""
        X = X.to(self.steps.start)
        context = self.steps.embed(X.sum(dim=1, keepdim=True))
        return self.steps.log_shares(X, context)[0].exp()

    def likelihood(self, X: Float[Tensor, "n f"]) -> Float[Tensor, "n k"]:
        """Return the exposures of highest likelihood, in counts."""
        return kl_exposures(X, self.signatures).H

    def learn_trust(self, X: Float[Tensor, "n f"], counted: Float[Tensor, "n k"]) -> None:
        """Set w(T) by held-out samples: least squares at every knot, samples weighted by the closeness of their totals.

        ``w = sum K e . d / sum K |d|^2``, clipped to [0, 1], d from the likelihood's answer to the network's, e to the
        truth, both over the root of the total; K a Gaussian of the log of the total.
        """
        occupied = X.sum(dim=1) > 0
        X, counted = X[occupied], counted[occupied]
        totals = X.sum(dim=1)
        expected, _ = self.totals(totals)
        scale = expected / totals.sqrt()
        likely = self.likelihood(X) / totals[:, None]
        step = (self.shares(X).double() - likely) * scale[:, None]
        error = counted / totals.sqrt()[:, None] - likely * scale[:, None]
        logs = totals.log()
        self.trust_at.copy_(torch.linspace(logs.min().item(), logs.max().item(), TRUST_KNOTS))
        kernel = (-0.5 * ((self.trust_at[:, None] - logs) / TRUST_LOG_SD).square()).exp()
        gain, size = kernel @ (step * error).sum(dim=1), kernel @ step.square().sum(dim=1)
        self.trust.copy_((gain / size.clamp(min=1e-300)).clamp(0, 1))

    def weight(self, totals: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Return w(T): linear between the knots, constant beyond them, 0 where T is unlike all training totals."""
        _, belongs = self.totals(totals)
        logs = totals.log()
        low, high = self.trust_at[0], self.trust_at[-1]
        place = (logs - low) / (high - low).clamp(min=1e-9) * (TRUST_KNOTS - 1)
        place = place.clamp(0, TRUST_KNOTS - 1)
        left = place.floor().long().clamp(max=TRUST_KNOTS - 2)
        trust = torch.lerp(self.trust[left], self.trust[left + 1], place - left)
        return trust * belongs

    def forward(self, X: Float[Tensor, "*batch f"]) -> Float[Tensor, "*batch k"]:
        """Return the exposures of one sample or a batch of them; empty samples get 0."""
        rows = rows_of(X.double(), self.signatures.shape[1])
        exposures = torch.cat([self._answer(part) for part in rows.split(CHUNK_ROWS)])
        return shaped_like(X, exposures).to(X)

    def _answer(self, X: Tensor) -> Tensor:
        if not self.counting:
            return exact_exposures(X, self.signatures)
        result = X.new_zeros(len(X), len(self.units))
        occupied = X.sum(dim=1) > 0
        X = X[occupied]
        totals = X.sum(dim=1)
        likely = self.likelihood(X) / totals[:, None]
        w = self.weight(totals)[:, None]
        shares = torch.lerp(likely, self.shares(X).double(), w) if bool((w > 0).any()) else likely
        counted = self.totals(totals)[0][:, None] * shares
        result[occupied] = counted / torch.where(self.units > 0, self.units, torch.inf)
        return result
