"""The network that refits known signatures: unfolded Kullback-Leibler steps that know how many mutations there are."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from dnmf.criteria import PRESENT_MUTATIONS
from dnmf.unfolding.conditioned import (
    GAIN_FLOOR,
    SEEN_FLOOR,
    SPECTRUM_FLOOR,
    ConditionedDesign,
    ConditionedLayer,
    ConditionedSteps,
    log_signatures,
)

# Numbers of mutations at which a network is calibrated; in between, linear in the logarithm.
CALIBRATION_COUNTS = (20, 50, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000)
# Probabilities of the null distribution that are kept: dense where tests are decided.
NULL_LEVELS = (*(i / 20 for i in range(1, 18)), 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)


class RefitOutput(NamedTuple):
    """The network's output for a batch; all (n, k).

    Attributes
    ----------
    shares
        Shares of the signatures, rows sum to 1.
    presence
        Probability that a signature contributes at least ten mutations.
    lower, upper
        Estimated 5 % and 95 % quantiles of the shares, ``0 <= lower <= shares <= upper <= 1``.
    """

    shares: Float[Tensor, "n k"]
    presence: Float[Tensor, "n k"]
    lower: Float[Tensor, "n k"]
    upper: Float[Tensor, "n k"]


class RefitNetwork(ConditionedSteps):
    """Refit known signatures in one pass: shares, presence and intervals.

    Parameters
    ----------
    W : (k, f)
        Reference signatures, rows sum to 1.
    n_types : int
        Number of tumour types; index 0 means none is given, types count from 1.
    design : ConditionedDesign, optional
        Sizes.
    """

    def __init__(
        self, W: Float[Tensor, "k f"], n_types: int, design: ConditionedDesign | None = None
    ):
        super().__init__(W, n_types, design)
        k = len(W)
        self.head_in = nn.Linear(2 * k + self.design.context_width, self.design.head_width)
        self.head_out = nn.Linear(self.design.head_width, 3 * k)
        self.calibration = RefitCalibration(W.shape[1], W.dtype)
        self.presence_slope = nn.Parameter(torch.ones(k, dtype=W.dtype))
        with torch.no_grad():
            self.head_out.weight.zero_()
            self.head_out.bias.zero_()
        self.to(W.dtype)

    def for_reference(self, W: Float[Tensor, "k2 f"], rows: Int[Tensor, " k2"]) -> "RefitNetwork":
        """Return this network for other signatures: where training for another reference starts.

        ``rows`` holds for each new signature the index of the one in this network whose weights it takes, or -1.
        """
        new = RefitNetwork(W, self.cohort.num_embeddings - 1, self.design)
        k, k2 = len(self.W), len(W)

        def take(values: Tensor, groups: int, otherwise: Tensor | None = None) -> Tensor:
            """Reorder the rows of ``groups`` stacked blocks, one row a signature."""
            blocks = values.reshape(groups, k, -1)[:, rows.clamp(min=0)]
            other = torch.zeros_like(blocks) if otherwise is None else otherwise.expand_as(blocks)
            chosen = torch.where((rows >= 0)[None, :, None], blocks, other)
            return chosen.reshape(groups * k2, *values.shape[1:])

        with torch.no_grad():
            new.start.copy_(take(self.start, 1, self.start.min()))
            new.presence_slope.copy_(take(self.presence_slope, 1, self.presence_slope.new_ones(())))
            new.start_context.weight.copy_(take(self.start_context.weight, 1))
            for name in ("cohort", "count", "context", "hidden_context"):
                getattr(new, name).load_state_dict(getattr(self, name).state_dict())
            blocks = 3 * self.design.n_layers
            new.control_context.weight.copy_(take(self.control_context.weight, blocks))
            new.control_context.bias.copy_(take(self.control_context.bias, blocks))
            new.head_in.weight[:, : 2 * k2] = take(self.head_in.weight[:, : 2 * k].mT, 2).mT
            new.head_in.weight[:, 2 * k2 :] = self.head_in.weight[:, 2 * k :]
            new.head_in.bias.copy_(self.head_in.bias)
            new.head_out.weight.copy_(take(self.head_out.weight, 3))
            new.head_out.bias.copy_(take(self.head_out.bias, 3))
            for ours, theirs in zip(self.layers, new.layers, strict=True):
                assert isinstance(ours, ConditionedLayer)  # what a ModuleList cannot say
                assert isinstance(theirs, ConditionedLayer)
                theirs.from_shares.weight.copy_(take(ours.from_shares.weight.mT, 1).mT)
                theirs.to_control.weight.copy_(take(ours.to_control.weight, 3))
                for name in ("log_ahead", "log_back"):
                    learned = getattr(ours, name) - log_signatures(self.W)
                    getattr(theirs, name).add_(take(learned, 1))
        return new

    def forward(
        self, X: Float[Tensor, "n f"], tumour_types: Int[Tensor, " n"] | None = None
    ) -> RefitOutput:
        """Return shares, presence and intervals for counts ``X``; tumour types as indices, 0 or None: unknown."""
        total = X.sum(dim=1, keepdim=True)
        context = self.embed(total, tumour_types)
        log_h, x = self.log_shares(X, context)
        shares = log_h.exp()
        # Detached: the losses of presence and intervals must not change the shares.
        h, log_h, context = shares.detach(), log_h.detach(), context.detach()
        gain = (x / (h @ self.W + SPECTRUM_FLOOR)) @ self.W.mT
        log_gain = (gain + GAIN_FLOOR).log()
        features = torch.cat([(h + SEEN_FLOOR).log(), log_gain, context], dim=1)
        out = self.head_out(functional.silu(self.head_in(features)))
        presence, low, high = out.chunk(3, dim=1)
        mutations = h * total
        presence = presence + self.presence_slope * ((mutations + 0.3) / PRESENT_MUTATIONS).log()
        # A head of 0 is one standard deviation of a Poisson count that belongs to this signature alone.
        noise = (h / total.clamp(min=1) + total.clamp(min=1) ** -2).sqrt()
        lower = h - noise * low.clamp(-6, 6).exp()
        upper = h + noise * high.clamp(-6, 6).exp()
        return RefitOutput(shares, torch.sigmoid(presence), lower.clamp(min=0), upper.clamp(max=1))


class RefitCalibration(nn.Module):
    """Tables over the number of mutations; without effect until :func:`dnmf.refit.calibration.calibrate` fills them.

    Attributes
    ----------
    log_counts : (g,)
        Logarithms of the numbers of mutations.
    likelihood_share : (g,)
        Weight, from 0 to 1, of the shares of highest likelihood in the final shares.
    lower_scale, upper_scale, absent_scale : (g,)
        Factors on the distances to the ends of the network's intervals: for signatures called present, and for the
        upper end of those that are not.
    null_misfit : (g, q)
        Quantiles of the misfit of samples that the reference does explain.
    """

    log_counts: Tensor
    likelihood_share: Tensor
    lower_scale: Tensor
    upper_scale: Tensor
    absent_scale: Tensor
    null_misfit: Tensor

    def __init__(self, n_features: int, dtype: torch.dtype) -> None:
        super().__init__()
        counts = torch.tensor(CALIBRATION_COUNTS, dtype=dtype)
        levels = torch.tensor(NULL_LEVELS, dtype=dtype)
        self.register_buffer("log_counts", counts.log())
        self.register_buffer("likelihood_share", torch.zeros_like(counts))
        for name in ("lower_scale", "upper_scale", "absent_scale"):
            self.register_buffer(name, torch.ones_like(counts))
        # Before calibration: the quantiles of chi-squared, by its normal approximation.
        chi = n_features + (2 * n_features) ** 0.5 * torch.special.ndtri(levels)
        self.register_buffer("null_misfit", chi.expand(len(counts), -1).clone())

    def at(self, table: Float[Tensor, "g *rest"], total: Float[Tensor, " n"]) -> Tensor:
        """Interpolate a table at the samples' numbers of mutations; constant beyond its ends."""
        position = total.clamp(min=1).log().clamp(self.log_counts[0], self.log_counts[-1])
        right = torch.searchsorted(self.log_counts, position).clamp(1, len(self.log_counts) - 1)
        left = right - 1
        width = self.log_counts[right] - self.log_counts[left]
        fraction = (position - self.log_counts[left]) / width
        fraction = fraction.reshape(-1, *[1] * (table.ndim - 1))
        return (1 - fraction) * table[left] + fraction * table[right]

    def p_value(
        self, misfit: Float[Tensor, " n"], total: Float[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        """Return how often the null distribution at this number of mutations is exceeded.

        Beyond the last quantile its tail is exponential, with the decay of the last twentieth; 1 for an empty sample.
        """
        null = self.at(self.null_misfit, total)
        levels = torch.tensor(NULL_LEVELS, dtype=null.dtype)
        right = torch.searchsorted(null, misfit[:, None]).flatten()
        inner = right.clamp(1, len(levels) - 1)
        a, b = _pick(null, inner - 1), _pick(null, inner)
        fraction = ((misfit - a) / (b - a).clamp(min=1e-12)).clamp(0, 1)
        p = 1 - (levels[inner - 1] + fraction * (levels[inner] - levels[inner - 1]))
        start = NULL_LEVELS.index(0.95)
        decay = (null[:, -1] - null[:, start]) / (
            levels.new_tensor(0.05 / (1 - NULL_LEVELS[-1]))
        ).log()
        tail = (1 - levels[-1]) * (-(misfit - null[:, -1]) / decay.clamp(min=1e-6)).exp()
        p = torch.where(right >= len(levels), tail, p)
        p = torch.where(right == 0, torch.ones_like(p), p)
        return torch.where(total > 0, p, torch.ones_like(p))


def _pick(rows: Float[Tensor, "n q"], index: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
    return rows.gather(1, index[:, None]).flatten()
