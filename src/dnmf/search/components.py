"""Steps on single components: which are used, where one is added, and how far signatures can be moved apart."""

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.nnls import exact_exposures

# Signatures limit how far the others can move. Each moves a tenth of its way in turn, so that none blocks the others.
ROUNDS = 10


def used_components(H: Float[Tensor, "n k"], W: Float[Tensor, "k f"]) -> Tensor:
    """Return the indices of the components that some sample uses."""
    return ((H.sum(dim=0) > 0) & (W.sum(dim=1) > 0)).nonzero().flatten()


def add_components(
    X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], count: int
) -> Float[Tensor, "k_more f"]:
    """Add the spectra that the dictionary explains worst.

    ``(x - h W)_+`` of the sample where it is largest, scaled to sum 1; exposures ``h`` are exact for the dictionary so
    far, and found anew after every addition.

    Parameters
    ----------
    X, W : (n, f), (k, f)
        Counts (weighted, where some samples are noisier) and signatures; k may be 0.
    count : int
        How many to add. Where the residual is zero they become the mean spectrum.

    Returns
    -------
    (k + count, f) tensor
        The signatures, and below them the spectra, each with sum 1.
    """
    for _ in range(count):
        residual = (X - exact_exposures(X, W) @ W if len(W) else X).clamp(min=0)
        spectrum = residual[residual.square().sum(dim=1).argmax()]
        total = spectrum.sum()
        spectrum = spectrum / total if total > 0 else X.sum(dim=0) / X.sum()
        W = torch.cat([W, spectrum[None]])
    return W


def move_apart(W: Float[Tensor, "k f"], share: float) -> Float[Tensor, "k f"]:
    """Take out of every signature a small share of each other one, as far as it contains it.

    ``W_i <- (W_i - sum_j d_ij W_j) / (1 - sum_j d_ij)``, ``0 <= d_ij <= share``, all entries staying non-negative

    Whatever the old signatures explain the new ones explain as well: ``h_i W_i = h_i (1 - d) W_i' + h_i d W_j``, with
    non-negative exposures. So the fit does not change, and new samples a little beyond those of the training are
    explained, too.

    Parameters
    ----------
    W : (k, f)
        Signatures, rows summing to 1.
    share : float
        The most of one signature that is taken out of another; together the k - 1 others may be taken k - 1 times as
        much.

    Returns
    -------
    (k, f) tensor
        Rows sum to 1.

    Examples
    --------
    >>> W = torch.tensor([[0.9, 0.1], [0.5, 0.5]], dtype=torch.float64)
    >>> move_apart(W, 0.1).round(decimals=3)
    tensor([[0.9440, 0.0560],
            [0.4560, 0.5440]], dtype=torch.float64)
    """
    moved = W.clone()
    for _ in range(ROUNDS):
        for j, signature in enumerate(W):
            present = signature > 0
            if not present.any():
                continue
            room = (moved[:, present] / signature[present]).amin(dim=1).clamp(max=share / ROUNDS)
            room[j] = 0
            moved = (moved - room[:, None] * signature).clamp(min=0)
    sums = moved.sum(dim=1, keepdim=True)
    return moved / torch.where(sums > 0, sums, torch.ones_like(sums))
