"""Posterior of a sample's expected total, given its counted one and the totals of training samples."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

N_QUANTILES = 200  # by which the training totals are kept
# Prior probability that a total is unlike all training totals: uniform in its logarithm over so many decades. It
# dominates from about four standard deviations beyond the training totals.
P_UNSEEN, UNSEEN_DECADES = 0.01, 6.0


class TotalPrior(nn.Module):
    """The distribution of expected totals N among training samples, and its posterior given a counted total T.

    ``log T ~ Normal(log N, 1 / N)``; ``log N`` has a kernel density at the training totals (Silverman's width, so none
    where they are all the same) with weight 0.99, and is even over six decades with weight 0.01.

    When all training samples have the same total, that total is expected; when they spread widely, or T is unlike all
    of them, T itself is expected.
    """

    log_totals: Tensor
    width: Tensor
    unseen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("log_totals", torch.zeros(N_QUANTILES, dtype=torch.float64))
        self.register_buffer("width", torch.ones((), dtype=torch.float64))
        # Before learn() every total counts as unlike the training totals.
        self.register_buffer("unseen", torch.ones((), dtype=torch.float64))

    def learn(self, totals: Float[Tensor, " m"]) -> None:
        """Take the expected totals of training samples, all > 0."""
        logs = totals.to(self.log_totals).log()
        at = torch.linspace(0, 1, N_QUANTILES, dtype=logs.dtype)
        self.log_totals.copy_(torch.quantile(logs, at))
        self.width.fill_(1.06 * logs.std(correction=0).item() * len(logs) ** -0.2)
        self.unseen.fill_(P_UNSEEN)

    def forward(
        self, totals: Float[Tensor, " n"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Return the expected total for each counted one (> 0), and its probability to be like those of training."""
        noise = (-self.log_totals).exp()
        variance = self.width.square() + noise
        away = totals.log()[:, None] - self.log_totals
        density = (-0.5 * away.square() / variance).exp() / (2 * math.pi * variance).sqrt()
        density = density * (1 - self.unseen) / N_QUANTILES
        elsewhere = self.unseen / (UNSEEN_DECADES * math.log(10))
        likely = (self.log_totals + away * (self.width.square() / variance)).exp()
        evidence = density.sum(dim=1) + elsewhere
        expected = ((density * likely).sum(dim=1) + elsewhere * totals) / evidence
        return expected, density.sum(dim=1) / evidence
