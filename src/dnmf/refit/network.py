"""The network that refits known signatures: unfolded Kullback-Leibler steps that know how many mutations there are."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from dnmf.refit.calibration import RefitCalibration
from dnmf.unfolding.conditioned import (
    GAIN_FLOOR,
    SEEN_FLOOR,
    SPECTRUM_FLOOR,
    ConditionedDesign,
    ConditionedLayer,
    ConditionedSteps,
    log_signatures,
)

# Contributions of fewer mutations do not count as present, in training as in the field's evaluations.
PRESENT_MUTATIONS = 10.0


@dataclass(frozen=True, slots=True)
class RefitOutput:
    """What the network says about a batch; all (n, k).

    Attributes
    ----------
    weights
        Shares of the signatures, rows sum to 1.
    presence
        Probability that a signature contributes at least ten mutations.
    lower, upper
        Estimated 5 % and 95 % quantiles of the shares, ``0 <= lower <= weights <= upper <= 1``.
    """

    weights: Float[Tensor, "n k"]
    presence: Float[Tensor, "n k"]
    lower: Float[Tensor, "n k"]
    upper: Float[Tensor, "n k"]


class RefitNetwork(ConditionedSteps):
    """Refit known signatures in one pass: shares, presence and intervals.

    Parameters
    ----------
    W : (k, f)
        Reference signatures, rows sum to 1.
    n_cohorts : int
        Number of tumour types; index 0 means none is given, types count from 1.
    design : ConditionedDesign, optional
        Sizes.
    """

    def __init__(
        self, W: Float[Tensor, "k f"], n_cohorts: int, design: ConditionedDesign | None = None
    ):
        super().__init__(W, n_cohorts, design)
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

        Parameters
        ----------
        W : (k2, f)
            The new reference.
        rows : (k2,)
            For each new signature the one of this network that it takes after, or -1 for one without a relative.
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
        self, X: Float[Tensor, "n f"], cohort: Int[Tensor, " n"] | None = None
    ) -> RefitOutput:
        """Return shares, presence and intervals for counts ``X``; ``cohort`` as indices, 0 or None for unknown."""
        total = X.sum(dim=1, keepdim=True)
        context = self.embed(total, cohort)
        log_h, x = self.log_shares(X, context)
        return self._heads(log_h, x, total, context)

    def _heads(self, log_h: Tensor, x: Tensor, total: Tensor, context: Tensor) -> RefitOutput:
        weights = log_h.exp()
        # The heads read the answer, they do not steer it: what is best for the shares stays best for the shares.
        h, log_h, context = weights.detach(), log_h.detach(), context.detach()
        gain = (x / (h @ self.W + SPECTRUM_FLOOR)) @ self.W.mT
        log_gain = (gain + GAIN_FLOOR).log()
        features = torch.cat([(h + SEEN_FLOOR).log(), log_gain, context], dim=1)
        out = self.head_out(functional.silu(self.head_in(features)))
        presence, low, high = out.chunk(3, dim=1)
        mutations = h * total
        presence = presence + self.presence_slope * ((mutations + 0.3) / PRESENT_MUTATIONS).log()
        # In units of the noise of a count: a head that says 0 gives the interval of a lone Poisson count.
        noise = (h / total.clamp(min=1) + total.clamp(min=1) ** -2).sqrt()
        lower = h - noise * low.clamp(-6, 6).exp()
        upper = h + noise * high.clamp(-6, 6).exp()
        return RefitOutput(weights, torch.sigmoid(presence), lower.clamp(min=0), upper.clamp(max=1))
