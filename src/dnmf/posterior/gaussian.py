"""The network of SupervisedDNMF for noise that is no counting noise: a learned correction of linear answers."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from dnmf.kernels.linear_maps import RANK_TOLERANCE
from dnmf.kernels.nnls import exact_exposures, exact_signatures
from dnmf.kernels.simplex import project_to_simplex, simplex_exposures
from dnmf.unfolding.layered import rows_of, shaped_like

PRIOR_WIDTH = 24
CHUNK_ROWS = 2048


class LearnedStep(nn.Module):
    """One unfolded proximal gradient step on the statistics u of a sample, with a learned prior.

    ``h <- prox(h + (u - m - h M) S + V silu(U [u, h] + c) + d)``

    u = m + h M is what exposures h should give; prox clamps at zero, or projects to a given sum. ``S = V = d = 0``
    leaves the exposures as they are.
    """

    def __init__(self, n_components: int, n_statistics: int) -> None:
        super().__init__()
        k, q = n_components, n_statistics
        self.gradient = nn.Parameter(torch.zeros(q, k, dtype=torch.float64))
        self.to_hidden = nn.Linear(q + k, PRIOR_WIDTH, dtype=torch.float64)
        self.to_step = nn.Linear(PRIOR_WIDTH, k, dtype=torch.float64)
        nn.init.zeros_(self.to_step.weight)
        nn.init.zeros_(self.to_step.bias)

    def forward(self, h: Tensor, u: Tensor, missing: Tensor) -> Tensor:
        """Return the exposures before ``prox``; ``missing`` is ``u - m - h M``."""
        hidden = functional.silu(self.to_hidden(torch.cat([u, h], dim=1)))
        moved: Tensor = h + missing @ self.gradient + self.to_step(hidden)
        return moved


class GaussianNetwork(nn.Module):
    """Exposures of samples without counting noise, learned from pairs by :class:`dnmf.SupervisedDNMF`.

    ``exposures = w(x) network(x) + (1 - w(x)) (v linear(x) + (1 - v) least_squares(x))``

    ``linear``: ridge regression or inverse calibration of the exposures; ``least_squares``: exact non-negative least
    squares for the regressed dictionary; ``network``: L learned proximal gradient steps from the linear answer. The
    weights are those that served pairs best which the answers had not seen; w falls to 0 where x is beyond the training
    pairs. Samples and exposures are in units of the training pairs' size, so the unit of the data changes nothing.

    Parameters
    ----------
    n_features, n_components, n_layers : int
        f, k and L.
    sum_to_one : bool
        Whether exposures sum to the training pairs' sum.
    intercept : bool
        Whether the linear answer may have a constant. Without one all is learned from samples and exposures divided by
        the samples' totals: twice the sample gives twice the answer.

    Attributes
    ----------
    signatures : buffer (k, f)
        The regressed dictionary, in features per unit of exposure.
    trust, linear_share : buffers
        w among the training pairs, and v.
    """

    nonnegative: ClassVar[tuple[str, ...]] = (
        "signatures",
        "trust",
        "linear_share",
        "sample_unit",
        "exposure_units",
        "exposure_total",
    )
    signatures: Tensor
    sample_unit: Tensor
    exposure_units: Tensor
    exposure_total: Tensor
    start_map: Tensor
    start_constant: Tensor
    span: Tensor
    centre: Tensor
    spread: Tensor
    reach: Tensor
    expected_map: Tensor
    expected_constant: Tensor
    trust: Tensor
    linear_share: Tensor

    def __init__(
        self,
        n_features: int,
        n_components: int,
        n_layers: int,
        *,
        sum_to_one: bool = False,
        intercept: bool = True,
    ) -> None:
        super().__init__()
        f, k = n_features, n_components
        q = (k + 1) + k
        self.sum_to_one, self.intercept = sum_to_one, intercept
        shapes = {
            "signatures": (k, f),
            "sample_unit": (),
            "exposure_units": (k,),
            "exposure_total": (),
            "start_map": (f, k),
            "start_constant": (k,),
            "span": (f, k + 1),
            "centre": (q,),
            "spread": (q,),
            "reach": (2, q),
            "expected_map": (k, q),
            "expected_constant": (q,),
            "trust": (),
            "linear_share": (),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))
        self.layers = nn.ModuleList(LearnedStep(k, q) for _ in range(n_layers))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights of the hidden units; the steps still leave exposures as they are."""
        with torch.no_grad():
            for layer in self.layers:
                assert isinstance(layer, LearnedStep)
                bound = layer.to_hidden.in_features**-0.5
                layer.to_hidden.weight.uniform_(-bound, bound, generator=generator)
                layer.to_hidden.bias.uniform_(-bound, bound, generator=generator)

    def learn_units(
        self, X: Float[Tensor, "n f"], H: Float[Tensor, "n k"]
    ) -> tuple[Float[Tensor, "n f"], Float[Tensor, "n k"]]:
        """Take the dictionary and the units (root mean squares) of pairs; return the pairs in these units.

        They are rounded to float32: pairs in another unit then train the same network, to the last bit.
        """
        self.signatures.copy_(exact_signatures(X, H))
        totals = self._totals(X)
        X, H = X / totals, H / totals
        self.sample_unit.copy_(root_mean_square(X.reshape(-1, 1))[0])
        # With a sum to keep, one unit for all components.
        self.exposure_units.copy_(root_mean_square(H.reshape(-1, 1) if self.sum_to_one else H))
        X, H = (X / self.sample_unit).float().double(), (H / self.exposure_units).float().double()
        self.exposure_total.copy_(H.sum(dim=1).mean())
        return X, H

    def learn_statistics(
        self, X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], starts: Float[Tensor, "n k"]
    ) -> Float[Tensor, "n q"]:
        """Set what the steps see of scaled samples, given pairs and their linear answers; return that of the pairs."""
        found = spanned(X, H)
        self.span.zero_()
        self.span[:, : found.shape[1]] = found
        raw = torch.cat([X @ self.span, starts], dim=1)
        self.centre.copy_(raw.mean(dim=0))
        spread = raw.std(dim=0, correction=0)
        self.spread.copy_(torch.where(spread > 0, spread, 1.0))
        u = (raw - self.centre) / self.spread
        # In standard deviations; a sample further than one beyond them is not given to the network.
        self.reach.copy_(torch.stack([u.amin(dim=0), u.amax(dim=0)]))
        mean = H.mean(dim=0)
        self.expected_map.copy_(torch.linalg.pinv(H - mean, rtol=RANK_TOLERANCE) @ u)
        self.expected_constant.copy_(-mean @ self.expected_map)  # the mean of u is 0
        return u

    def start_of(self, u: Float[Tensor, "n q"]) -> Float[Tensor, "n k"]:
        """Return the linear answer among the statistics."""
        k = len(self.exposure_units)
        return u[:, -k:] * self.spread[-k:] + self.centre[-k:]

    def allowed(self, h: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """Return the nearest exposures, in the network's units, that can be an answer."""
        if self.sum_to_one:
            return project_to_simplex(h / self.exposure_total) * self.exposure_total
        return h.clamp(min=0)

    def refined(self, u: Float[Tensor, "n q"]) -> Float[Tensor, "n k"]:
        """Return the exposures after the learned steps, in the network's units."""
        h = self.allowed(self.start_of(u))
        for layer in self.layers:
            missing = u - self.expected_constant - h @ self.expected_map
            h = self.allowed(layer(h, u, missing))
        return h

    def fitted(self, X: Float[Tensor, "n f"], W: Float[Tensor, "k f"]) -> Float[Tensor, "n k"]:
        """Return the least-squares exposures of scaled samples for a dictionary in the network's units."""
        if self.sum_to_one:
            return simplex_exposures(X, W, self.exposure_total.item())
        return exact_exposures(X, W)

    def least_squares(self, X: Float[Tensor, "n f"]) -> Float[Tensor, "n k"]:
        """Return the least-squares exposures of samples for the dictionary."""
        W = self.signatures * (self.exposure_units[:, None] / self.sample_unit)
        return self.fitted(X / self.sample_unit, W) * self.exposure_units

    def forward(self, X: Float[Tensor, "*batch f"]) -> Float[Tensor, "*batch k"]:
        """Return the exposures of one sample or a batch of them."""
        rows = rows_of(X.double(), self.signatures.shape[1])
        exposures = torch.cat([self._answer(part) for part in rows.split(CHUNK_ROWS)])
        return shaped_like(X, exposures).to(X)

    def _answer(self, X: Tensor) -> Tensor:
        trust, linear = self.trust.item(), self.linear_share.item()
        answer = self.least_squares(X) if linear < 1 else X.new_zeros(len(X), len(self.signatures))
        if trust == linear == 0:
            return answer
        totals = self._totals(X)
        scaled = X / (totals * self.sample_unit)
        unit = self.exposure_units * totals
        start = scaled @ self.start_map + self.start_constant
        answer = torch.lerp(answer, self.allowed(start) * unit, linear)
        if trust == 0:
            return answer
        u = (torch.cat([scaled @ self.span, start], dim=1) - self.centre) / self.spread
        near = u.clamp(*self.reach)
        inside = (1 - (u - near).abs().amax(dim=1, keepdim=True)).clamp(min=0)
        return torch.lerp(answer, self.refined(near) * unit, trust * inside)

    def _totals(self, X: Tensor) -> Tensor:
        """Return what samples and exposures are divided by: the samples' totals without an intercept, else 1."""
        if self.intercept:
            return X.new_ones(len(X), 1)
        totals = X.sum(dim=1, keepdim=True)
        return torch.where(totals > 0, totals, torch.ones_like(totals))


def root_mean_square(X: Float[Tensor, "n f"]) -> Float[Tensor, " f"]:
    """Return that of each column, 1 for columns of zeros."""
    largest = X.abs().amax(dim=0)
    safe = torch.where(largest > 0, largest, torch.ones_like(largest))
    size = safe * (X / safe).square().mean(dim=0).sqrt()
    return torch.where(largest > 0, size, torch.ones_like(size))


def spanned(X: Float[Tensor, "n f"], H: Float[Tensor, "n k"]) -> Float[Tensor, "f r"]:
    """Return an orthonormal base of what a constant and the exposures explain of samples: r <= k + 1."""
    known = torch.cat([H.new_ones(len(H), 1), H], dim=1)
    fitted = torch.linalg.pinv(known, rtol=RANK_TOLERANCE) @ X
    _, sizes, directions = torch.linalg.svd(fitted, full_matrices=False)
    return directions[sizes > RANK_TOLERANCE * sizes[0]].mT
