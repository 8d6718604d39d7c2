"""What held-out tumours say about a refit network: how wide its intervals must be, and what a bad fit is."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

# Numbers of mutations at which a network is calibrated; in between, linear in the logarithm.
CALIBRATION_COUNTS = (20, 50, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000)
# Probabilities of the null distribution that are kept: dense where tests are decided.
NULL_LEVELS = (*(i / 20 for i in range(1, 18)), 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)


class RefitCalibration(nn.Module):
    """Tables over the number of mutations; neutral until :func:`dnmf.refit.calibrate.calibrate` fills them.

    Attributes
    ----------
    log_counts : (g,)
        Logarithms of the numbers of mutations.
    likelihood_share : (g,)
        How much of the likelihood's answer goes into the weights.
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
        # Chi-squared by its normal approximation, as good as any before something is measured.
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
