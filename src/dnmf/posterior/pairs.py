"""Training samples drawn from known exposures: crossed between similar pairs, jittered, with Poisson counts."""

import torch
from jaxtyping import Float
from torch import Tensor

# Exposures are crossed with those of one of the most similar tenth of the pairs, at most 200.
NEAREST_SHARE, MAX_NEIGHBOURS = 0.1, 200
CROSSED_SHARE = 0.5
LOG_JITTER_SD = 0.3  # of the logarithm of an exposure
CHUNK_ROWS = 1024


class PairSource:
    """Draws counts and the shares behind them from known exposures and their signatures.

    A profile p of the pairs; in half of the samples each of its entries is, by a coin, that of another profile among
    the nearest tenth; times ``exp(0.3 N(0, 1))``, rows to sum 1; counts ``Poisson(N p W)``, N the profile's own total.

    Parameters
    ----------
    exposures : (m, k)
        Known exposures, in counts.
    W : (k, f)
        Signatures, rows sum to 1; their dtype is that of the samples.

    Notes
    -----
    Similar means a large Bhattacharyya coefficient ``sum sqrt(p q)``. Crossing assumes that similar samples can have
    each other's exposures, signature by signature; without it the network memorises the training profiles.
    """

    def __init__(self, exposures: Float[Tensor, "m k"], W: Float[Tensor, "k f"]) -> None:
        totals = exposures.sum(dim=1)
        occupied = totals > 0
        self.W = W
        self.totals = totals[occupied].to(W)
        self.shares = (exposures[occupied] / totals[occupied, None]).to(W)
        self.neighbours = _nearest(self.shares)

    def draw(
        self, n: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "n f"], Float[Tensor, "n k"], Float[Tensor, " n"]]:
        """Return counts, shares and expected totals of ``n`` new samples."""
        rows = torch.randint(len(self.shares), (n,), generator=generator)
        choice = torch.randint(self.neighbours.shape[1], (n,), generator=generator)
        own, other = self.shares[rows], self.shares[self.neighbours[rows, choice]]
        coins = torch.rand(n, 1 + own.shape[1], generator=generator)
        crossed = (coins[:, :1] < CROSSED_SHARE) & (coins[:, 1:] < 0.5)
        shares = jittered(torch.where(crossed, other, own), own, LOG_JITTER_SD, generator)
        totals = self.totals[rows]
        counts = torch.poisson(totals[:, None] * (shares @ self.W), generator=generator)
        return counts, shares, totals


def jittered(
    shares: Float[Tensor, "n k"],
    own: Float[Tensor, "n k"],
    log_sd: float,
    generator: torch.Generator,
) -> Float[Tensor, "n k"]:
    """Return shares that crossing has made from ``own``, each times ``exp(log_sd N(0, 1))``, rows to sum 1."""
    noise = torch.randn(shares.shape, generator=generator, dtype=shares.dtype)
    # A little of its own keeps the sum positive when crossing removes every share.
    shares = (shares + 1e-6 * own) * (log_sd * noise).exp()
    return shares / shares.sum(dim=1, keepdim=True)


def _nearest(shares: Float[Tensor, "m k"]) -> Tensor:
    m = len(shares)
    wanted = min(max(int(NEAREST_SHARE * m), 1), MAX_NEIGHBOURS, m)
    roots = shares.sqrt()
    return torch.cat(
        [(rows @ roots.mT).topk(wanted, dim=1).indices for rows in roots.split(CHUNK_ROWS)]
    )
