"""The network that refits known signatures: unfolded Kullback-Leibler steps that know how many mutations there are."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from dnmf.nn.refit_calibration import RefitCalibration

# Counts at which the conditioning on the number of mutations saturates: a little beyond what training shows.
LOG_COUNT_CENTRE, LOG_COUNT_SCALE, LOG_COUNT_LIMIT = math.log(2000.0), 2.5, 2.2
# Shares below the floor are indistinguishable from absence at any count a network is trained on.
SHARE_FLOOR = 1e-8
SPECTRUM_FLOOR, GAIN_FLOOR, SEEN_FLOOR = 1e-7, 1e-6, 1e-3
# Bounds of what a layer's prior may do: the step's exponent within exp(+-1.2), a shift of the log share within 3,
# shares below a hundredth switched off.
EXPONENT_LIMIT, SHIFT_LIMIT, MOST_THRESHOLD = 1.2, 3.0, 0.02
# Contributions of fewer mutations do not count as present, in training as in the field's evaluations.
PRESENT_MUTATIONS = 10.0


@dataclass(frozen=True, slots=True)
class RefitDesign:
    """Sizes of a refit network.

    Attributes
    ----------
    n_layers : int
        Unfolded steps.
    context_width : int
        Width of the embedding of count and cohort.
    prior_width : int
        Hidden width of the step-wise learned prior over co-occurring signatures.
    head_width : int
        Hidden width of the head for presence and intervals.
    """

    n_layers: int = 10
    context_width: int = 24
    prior_width: int = 40
    head_width: int = 64


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


class _Step(torch.autograd.Function):
    """One Kullback-Leibler step with free matrices, a learned exponent, shift and threshold, back to the simplex.

    Written with its own gradient: the step is a few dozen small operations, and their bookkeeping would take most of
    the training time. Bounded by construction, so neither a ratio near 0 nor a long training can overflow.
    """

    @staticmethod
    def forward(
        ctx: Any, log_h: Tensor, x: Tensor, ahead: Tensor, back: Tensor, control: Tensor
    ) -> Tensor:
        k = log_h.shape[1]
        h = log_h.exp()
        spectrum = (h @ ahead).add_(SPECTRUM_FLOOR)
        ratio = x / spectrum
        gain = (ratio @ back.mT).add_(GAIN_FLOOR)
        log_gain = gain.log()
        tanh_exponent = torch.tanh(control[:, :k] / EXPONENT_LIMIT)
        exponent = (EXPONENT_LIMIT * tanh_exponent).exp_()
        tanh_shift = torch.tanh(control[:, k : 2 * k] * (1 / SHIFT_LIMIT))
        moved = torch.softmax(
            (exponent * log_gain).add_(log_h).add_(tanh_shift, alpha=SHIFT_LIMIT), dim=1
        )
        switch = torch.sigmoid(control[:, 2 * k :] - 3)
        kept = (moved - MOST_THRESHOLD * switch).clamp_(min=0).add_(SHARE_FLOOR)
        total = kept.sum(dim=1, keepdim=True)
        result = kept.div_(total)
        ctx.save_for_backward(
            h, ratio, gain, log_gain, spectrum, ahead, back, tanh_exponent, exponent, tanh_shift, moved, switch,
            result, total,
        )  # fmt: skip
        return result.log()

    @staticmethod
    def backward(ctx: Any, d_log: Tensor) -> tuple[Tensor, None, Tensor, Tensor, Tensor]:
        (
            h, ratio, gain, log_gain, spectrum, ahead, back, tanh_exponent, exponent, tanh_shift, moved, switch,
            result, total,
        ) = ctx.saved_tensors  # fmt: skip
        # log(kept / sum(kept)): the floor keeps the division finite.
        d_kept = d_log / result
        d_kept = d_kept.sub_(d_log.sum(dim=1, keepdim=True)).div_(total)
        d_moved = d_kept.mul_(moved > MOST_THRESHOLD * switch)
        d_switch = (switch * switch).sub_(switch).mul_(d_moved).mul_(MOST_THRESHOLD)
        d_in = moved * (d_moved - (d_moved * moved).sum(dim=1, keepdim=True))
        d_exponent = (
            (tanh_exponent * tanh_exponent).neg_().add_(1).mul_(exponent).mul_(log_gain).mul_(d_in)
        )
        d_shift = (tanh_shift * tanh_shift).neg_().add_(1).mul_(d_in)
        d_gain = (d_in * exponent).div_(gain)
        d_back = d_gain.mT @ ratio
        d_spectrum = (d_gain @ back).mul_(ratio).div_(spectrum).neg_()
        d_ahead = h.mT @ d_spectrum
        d_log_h = (d_spectrum @ ahead.mT).mul_(h).add_(d_in)
        return d_log_h, None, d_ahead, d_back, torch.cat([d_exponent, d_shift, d_switch], dim=1)


class _RefitLayer(nn.Module):
    """The free matrices of one step, and the learned prior that steers it: it sees all shares at once."""

    def __init__(self, W: Tensor, design: RefitDesign) -> None:
        super().__init__()
        k = len(W)
        start = _log_signatures(W)
        self.log_ahead = nn.Parameter(start.clone())
        self.log_back = nn.Parameter(start.clone())
        self.from_shares = nn.Linear(k, design.prior_width, bias=False)
        self.to_control = nn.Linear(design.prior_width, 3 * k, bias=False)
        nn.init.zeros_(self.to_control.weight)

    def forward(
        self, log_h: Tensor, x: Tensor, hidden_context: Tensor, control_context: Tensor
    ) -> Tensor:
        seen = (log_h.exp() + SEEN_FLOOR).log()
        hidden = functional.silu(torch.addmm(hidden_context, seen, self.from_shares.weight.mT))
        control = torch.addmm(control_context, hidden, self.to_control.weight.mT)
        back = torch.softmax(self.log_back, dim=1)  # the step divides by the sums of the rows
        stepped: Tensor = _Step.apply(log_h, x, self.log_ahead.exp(), back, control)
        return stepped


def _log_signatures(W: Tensor) -> Tensor:
    """Logarithm of the signatures, lifted off zero so that a step can learn to raise any channel."""
    return W.clamp(min=1e-5).log()


class ConditionedSteps(nn.Module):
    """Unfolded Kullback-Leibler steps to the shares of known signatures, steered by how many mutations there are.

    Parameters
    ----------
    W : (k, f)
        Signatures, rows sum to 1.
    n_cohorts : int
        Number of tumour types; index 0 means none is given, types count from 1.
    design : RefitDesign, optional
        Sizes; those of the head are not used here.
    """

    W: Tensor

    def __init__(
        self, W: Float[Tensor, "k f"], n_cohorts: int = 0, design: RefitDesign | None = None
    ):
        super().__init__()
        design = design or RefitDesign()
        self.design = design
        k = len(W)
        d = design.context_width
        # In rows, whatever the table was: optimisers pair a parameter with its moments by place in memory.
        W = W.clone(memory_format=torch.contiguous_format)
        self.register_buffer("W", W, persistent=False)
        self.start = nn.Parameter(torch.zeros(k, dtype=W.dtype))
        self.cohort = nn.Embedding(n_cohorts + 1, d)
        self.count = nn.Linear(3, d)
        self.context = nn.Linear(d, d)
        self.start_context = nn.Linear(d, k, bias=False)
        self.hidden_context = nn.Linear(d, design.n_layers * design.prior_width)
        self.control_context = nn.Linear(d, design.n_layers * 3 * k)
        self.layers = nn.ModuleList(_RefitLayer(W, design) for _ in range(design.n_layers))
        with torch.no_grad():
            for module in (self.start_context, self.control_context):
                for weight in module.parameters():
                    weight.zero_()
        self.to(W.dtype)

    def initialise(self, mean_shares: Float[Tensor, " k"], generator: torch.Generator) -> None:
        """Start at the mean training exposures, all other weights drawn from the generator."""
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Linear) and bool(module.weight.any()):
                    bound = 1 / math.sqrt(module.in_features)
                    module.weight.uniform_(-bound, bound, generator=generator)
                    if module.bias is not None:
                        module.bias.uniform_(-bound, bound, generator=generator)
            self.cohort.weight.normal_(0, 0.3, generator=generator)
            self.start.copy_((mean_shares + 1e-3).log())

    def log_shares(
        self,
        X: Float[Tensor, "n f"],
        context: Float[Tensor, "n d"],
        start: Float[Tensor, "n k"] | None = None,
    ) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n f"]]:
        """Return the logarithm of the shares, and the spectra they explain; ``start`` as logarithm, default learned."""
        total = X.sum(dim=1, keepdim=True)
        start = self.start if start is None else start
        log_h = torch.log_softmax(start + self.start_context(context), dim=1)
        # A sample without mutations says nothing: with its expected spectrum every step leaves it to the prior.
        x = torch.where(total > 0, X / total.clamp(min=1), log_h.detach().exp() @ self.W)
        hidden = self.hidden_context(context).chunk(len(self.layers), dim=1)
        control = self.control_context(context).chunk(len(self.layers), dim=1)
        for layer, own_hidden, own_control in zip(self.layers, hidden, control, strict=True):
            log_h = layer(log_h, x, own_hidden, own_control)
        return log_h, x

    def embed(
        self, total: Float[Tensor, "n 1"], cohort: Int[Tensor, " n"] | None = None
    ) -> Float[Tensor, "n d"]:
        """Return what steers the steps: the number of mutations, and the tumour type where one is given."""
        if cohort is None:
            cohort = torch.zeros(len(total), dtype=torch.long, device=total.device)
        z = (total.clamp(min=1).log() - LOG_COUNT_CENTRE) / LOG_COUNT_SCALE
        z = z.clamp(-LOG_COUNT_LIMIT, LOG_COUNT_LIMIT)
        first = functional.silu(
            self.count(torch.cat([z, z * z / 2, z**3 / 4], dim=1)) + self.cohort(cohort)
        )
        embedded: Tensor = functional.silu(self.context(first)) + first
        return embedded


class RefitNetwork(ConditionedSteps):
    """Refit known signatures in one pass: shares, presence and intervals.

    Parameters
    ----------
    W : (k, f)
        Reference signatures, rows sum to 1.
    n_cohorts : int
        Number of tumour types; index 0 means none is given, types count from 1.
    design : RefitDesign, optional
        Sizes.
    """

    def __init__(self, W: Float[Tensor, "k f"], n_cohorts: int, design: RefitDesign | None = None):
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
                assert isinstance(ours, _RefitLayer)  # what a ModuleList cannot say
                assert isinstance(theirs, _RefitLayer)
                theirs.from_shares.weight.copy_(take(ours.from_shares.weight.mT, 1).mT)
                theirs.to_control.weight.copy_(take(ours.to_control.weight, 3))
                for name in ("log_ahead", "log_back"):
                    learned = getattr(ours, name) - _log_signatures(self.W)
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
