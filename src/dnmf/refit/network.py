"""The network that refits known signatures: unfolded Kullback-Leibler steps whose weights belong to no signature."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from dnmf.refit.evidence import N_CANDIDATES, N_FEATURES, N_SCALARS, Evidence

# Added to shares and spectra before a logarithm or a division.
SHARE_FLOOR, SPECTRUM_FLOOR = 1e-6, 1e-9
# Largest exponent of a multiplicative step.
MOST_STEP = 3.3
# What a layer can subtract from every share at most: how exact zeros appear.
MOST_SHRINKAGE = 0.02
N_LIVE, N_MESSAGES, N_HEADS, N_SHORTCUTS = 4, 4, 3, 2


class RefitOutput(NamedTuple):
    """The network's output for the seen signatures of each sample; see :class:`Evidence`.

    Attributes
    ----------
    shares : (n, K)
        Rows sum to 1.
    presence : (n, K)
        Log odds that a signature is present.
    lower, upper : (n, K)
        Estimated 5 % and 95 % quantiles of the shares.
    foreign : (n,)
        Log odds that the sample holds a signature that the reference lacks.
    """

    shares: Float[Tensor, "n K"]
    presence: Float[Tensor, "n K"]
    lower: Float[Tensor, "n K"]
    upper: Float[Tensor, "n K"]
    foreign: Float[Tensor, " n"]


class RefitLayer(nn.Module):
    """One unfolded Kullback-Leibler step with gates.

    With gains ``g = ((x / hW) W^T)`` of the shares h and a state s of every signature::

        s <- s + silu(C [s, live, messages, pooled])
        (a, b, t) = D s
        h <- relu(softmax(log h + min(exp(3 tanh(a / 3)), 3.3) log g + 3 tanh(b / 3)) - 0.02 sigmoid(t - 1)), normalised

    ``a = b = 0`` and ``t`` far below 0 is the classic multiplicative step.
    """

    def __init__(self, width: int):
        super().__init__()
        self.message = nn.Linear(width, N_MESSAGES, bias=False)
        self.update = nn.Linear(2 * width + N_LIVE + N_MESSAGES, width)
        self.gates = nn.Linear(width, 3)

    def forward(
        self, h: Float[Tensor, "n K"], s: Float[Tensor, "n K d"], data: Evidence
    ) -> tuple[Float[Tensor, "n K"], Float[Tensor, "n K d"]]:
        """Return shares and states after the step."""
        live = live_features(h, data)
        messages = data.similarity @ (self.message(s) * (h + 1e-8).sqrt()[:, :, None])
        pooled = (h[:, None, :] @ s).expand(-1, s.shape[1], -1)
        s = s + functional.silu(self.update(torch.cat([s, live, messages, pooled], dim=2)))
        a, b, t = self.gates(s).unbind(dim=2)
        power = (3 * (a / 3).tanh()).exp().clamp(max=MOST_STEP)
        log_gain = 4 * live[:, :, 1]
        h = torch.softmax((h + SHARE_FLOOR).log() + power * log_gain + 3 * (b / 3).tanh(), dim=1)
        h = functional.relu(h - MOST_SHRINKAGE * torch.sigmoid(t - 1))
        return h / (h.sum(dim=1, keepdim=True) + 1e-9), s


def live_features(h: Float[Tensor, "n K"], data: Evidence) -> Float[Tensor, "n K 4"]:
    """Return log share, log gain, log mutations and the gain in standard deviations, scaled to about 1."""
    whole = h.new_zeros(len(h), len(data.W)).scatter(1, data.seen, h)
    ratio = data.X / data.total.clamp(min=1e-6)[:, None] / (whole @ data.W + SPECTRUM_FLOOR)
    gain = (ratio @ data.W.mT).gather(1, data.seen)
    mutations = h * data.total[:, None]
    z = torch.asinh((gain - 1) * (mutations + 1e-6).sqrt() / 2)
    return torch.stack(
        [
            (h + SHARE_FLOOR).log() / 4,
            (gain + 1e-4).log() / 4,
            (mutations + 0.1).log() / 4,
            z,
        ],
        dim=2,
    )


class RefitNetwork(nn.Module):
    """Refit known signatures from the evidence of a sample: shares, presence, intervals, and whether one is missing.

    Its weights belong to no signature: reference (any number of signatures and channels) and prior are inputs.

    Parameters
    ----------
    n_layers, width : int
        Unfolded steps, and the length of a signature's state.
    """

    def __init__(self, n_layers: int = 5, width: int = 32):
        super().__init__()
        self.embed = nn.Linear(N_FEATURES + N_SCALARS, width)
        self.embed_more = nn.Linear(width, width)
        self.choose = nn.Linear(width, N_CANDIDATES)
        self.layers = nn.ModuleList(RefitLayer(width) for _ in range(n_layers))
        self.heads = nn.Sequential(
            nn.Linear(width + N_LIVE + N_SHORTCUTS, width), nn.SiLU(), nn.Linear(width, N_HEADS)
        )
        self.foreign = nn.Sequential(
            nn.Linear(2 * width + N_SCALARS, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from which training starts: steps that nearly keep a mixture of the candidates."""
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    bound = module.in_features**-0.5
                    module.weight.uniform_(-bound, bound, generator=generator)
                    if module.bias is not None:
                        module.bias.uniform_(-bound, bound, generator=generator)
            for module in self.layers:
                assert isinstance(module, RefitLayer)
                module.gates.weight.mul_(0.1)
                module.gates.bias.copy_(torch.tensor([-3.0, 0.0, -4.0]))
            self.choose.weight.mul_(0.1)
            self.choose.bias.copy_(torch.tensor([2.0, 0.0, 0.0, -2.0]))

    def forward(self, data: Evidence) -> RefitOutput:
        """Return shares, presence and intervals of the seen signatures."""
        n, K, _ = data.features.shape
        scalars = data.scalars[:, None, :].expand(n, K, -1)
        e = functional.silu(self.embed(torch.cat([data.features, scalars], dim=2)))
        s = e + functional.silu(self.embed_more(e))
        weights = torch.softmax(self.choose(s), dim=2)
        h = (weights * data.candidates.mT).sum(dim=2)
        h = h / (h.sum(dim=1, keepdim=True) + 1e-9)
        for layer in self.layers:
            h, s = layer(h, s, data)
        live = live_features(h.detach(), data)
        shortcuts = data.features[:, :, [1, 4]]
        heads = self.heads(torch.cat([s, live, shortcuts], dim=2))
        presence, low, high = heads.unbind(dim=2)
        presence = presence + 2 * (shortcuts[:, :, 0] + shortcuts[:, :, 1])
        at = h.detach()
        unit = interval_unit(at, data)
        lower = (at - unit * low.clamp(-6, 4).exp()).clamp(min=0)
        upper = (at + unit * high.clamp(-6, 4).exp()).clamp(max=1)
        pooled = torch.cat([(at[:, :, None] * s).sum(dim=1), s.amax(dim=1), data.scalars], dim=1)
        return RefitOutput(h, presence, lower, upper, self.foreign(pooled)[:, 0])


def interval_unit(h: Float[Tensor, "n K"], data: Evidence) -> Float[Tensor, "n K"]:
    """Return the length in which the network measures intervals: posterior deviation and half the counting noise."""
    total = data.total.clamp(min=1)[:, None]
    return (data.known[:, 1].square() + 0.25 * h / total + 0.25 / total**2).sqrt()
