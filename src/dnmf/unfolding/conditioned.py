"""Unfolded Kullback-Leibler steps to shares, conditioned on a sample's total."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

# Standardisation of the log total; beyond +-2.2 it is constant, a little outside the training range.
LOG_COUNT_CENTRE, LOG_COUNT_SCALE, LOG_COUNT_LIMIT = math.log(2000.0), 2.5, 2.2
# Smallest share of a signature: far less than one count of any training sample.
SHARE_FLOOR = 1e-8
# Added to the explained spectrum, to the multiplicative gain, and to the shares whose logarithm the prior takes.
SPECTRUM_FLOOR, GAIN_FLOOR, SEEN_FLOOR = 1e-7, 1e-6, 1e-3
# Bounds of what a layer's prior can do: an exponent of the step within exp(+-1.2), a shift of the log share within +-3,
# and shares set to zero below a threshold of at most 0.02.
EXPONENT_LIMIT, SHIFT_LIMIT, MAX_SHARE_THRESHOLD = 1.2, 3.0, 0.02


@dataclass(frozen=True, slots=True)
class ConditionedDesign:
    """Sizes of the steps.

    Attributes
    ----------
    n_layers : int
        Unfolded steps.
    context_width : int
        Width of the embedding of the total.
    prior_width : int
        Hidden width of the step-wise learned prior over co-occurring signatures.
    """

    n_layers: int = 10
    context_width: int = 24
    prior_width: int = 40


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
        kept = (moved - MAX_SHARE_THRESHOLD * switch).clamp_(min=0).add_(SHARE_FLOOR)
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
        d_moved = d_kept.mul_(moved > MAX_SHARE_THRESHOLD * switch)
        d_switch = (switch * switch).sub_(switch).mul_(d_moved).mul_(MAX_SHARE_THRESHOLD)
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


class ConditionedLayer(nn.Module):
    """The free matrices of one step, and the learned prior that sets its exponent, shift and threshold."""

    def __init__(self, W: Tensor, design: ConditionedDesign) -> None:
        super().__init__()
        k = len(W)
        # At least 1e-5, so that a step can learn to raise any channel.
        start = W.clamp(min=1e-5).log()
        self.log_ahead = nn.Parameter(start.clone())
        self.log_back = nn.Parameter(start.clone())
        self.from_shares = nn.Linear(k, design.prior_width, bias=False)
        self.to_control = nn.Linear(design.prior_width, 3 * k, bias=False)
        nn.init.zeros_(self.to_control.weight)

    def forward(
        self, log_h: Tensor, x: Tensor, hidden_context: Tensor, control_context: Tensor
    ) -> Tensor:
        """Return the logarithm of the shares after one step; the contexts are what :class:`ConditionedSteps` embeds."""
        seen = (log_h.exp() + SEEN_FLOOR).log()
        hidden = functional.silu(torch.addmm(hidden_context, seen, self.from_shares.weight.mT))
        control = torch.addmm(control_context, hidden, self.to_control.weight.mT)
        back = torch.softmax(self.log_back, dim=1)  # the step divides by the sums of the rows
        stepped: Tensor = _Step.apply(log_h, x, self.log_ahead.exp(), back, control)
        return stepped


class ConditionedSteps(nn.Module):
    """Unfolded Kullback-Leibler steps to the shares of known signatures, conditioned on the total.

    Parameters
    ----------
    W : (k, f)
        Signatures, rows sum to 1.
    design : ConditionedDesign, optional
        Sizes.
    """

    W: Tensor

    def __init__(self, W: Float[Tensor, "k f"], design: ConditionedDesign | None = None):
        super().__init__()
        design = design or ConditionedDesign()
        self.design = design
        k = len(W)
        d = design.context_width
        # Contiguous, whatever the table was: optimisers pair a parameter with its moments by place in memory.
        W = W.clone(memory_format=torch.contiguous_format)
        self.register_buffer("W", W, persistent=False)
        self.start = nn.Parameter(torch.zeros(k, dtype=W.dtype))
        # A free vector, with the name and shape that it has in saved models.
        self.cohort = nn.Embedding(1, d)
        self.count = nn.Linear(3, d)
        self.context = nn.Linear(d, d)
        self.start_context = nn.Linear(d, k, bias=False)
        self.hidden_context = nn.Linear(d, design.n_layers * design.prior_width)
        self.control_context = nn.Linear(d, design.n_layers * 3 * k)
        self.layers = nn.ModuleList(ConditionedLayer(W, design) for _ in range(design.n_layers))
        for module in (self.start_context, self.control_context):
            for weight in module.parameters():
                nn.init.zeros_(weight)
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
        self, X: Float[Tensor, "n f"], context: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n f"]]:
        """Return the logarithm of the shares, and the spectra they explain."""
        total = X.sum(dim=1, keepdim=True)
        log_h = torch.log_softmax(self.start + self.start_context(context), dim=1)
        # A sample without counts gets its expected spectrum as data, so that only the prior moves its shares.
        x = torch.where(total > 0, X / total.clamp(min=1), log_h.detach().exp() @ self.W)
        hidden = self.hidden_context(context).chunk(len(self.layers), dim=1)
        control = self.control_context(context).chunk(len(self.layers), dim=1)
        for layer, layer_hidden, layer_control in zip(self.layers, hidden, control, strict=True):
            log_h = layer(log_h, x, layer_hidden, layer_control)
        return log_h, x

    def embed(self, total: Float[Tensor, "n 1"]) -> Float[Tensor, "n d"]:
        """Return the embedding of the total."""
        z = (total.clamp(min=1).log() - LOG_COUNT_CENTRE) / LOG_COUNT_SCALE
        z = z.clamp(-LOG_COUNT_LIMIT, LOG_COUNT_LIMIT)
        counted = self.count(torch.cat([z, z * z / 2, z**3 / 4], dim=1))
        first = functional.silu(counted + self.cohort.weight[0])
        embedded: Tensor = functional.silu(self.context(first)) + first
        return embedded
