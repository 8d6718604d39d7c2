"""Linear answers learned from known exposures: ridge regression and inverse calibration."""

import torch
from jaxtyping import Float
from torch import Tensor

# Ridge penalties that are tried, relative to the largest squared singular value of the samples.
RIDGE_PENALTIES = torch.logspace(-10, 1, 34, dtype=torch.float64)
# Singular values below this share of the largest are rounding, at worst that of data kept as float32.
RANK_TOLERANCE = 1e-6


def ridge_map(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"]
) -> tuple[Float[Tensor, "f k"], Float[Tensor, " k"]]:
    """Return the map A and the constant b of ridge regression, ``H ≈ X A + b``.

    ``min ||H - X A - b||^2 + penalty ||A||^2``, the penalty of the lowest leave-one-out error, every component in units
    of its standard deviation.

    Parameters
    ----------
    X, H : (n, f), (n, k)
        Samples and their exposures.
    """
    centre, mean = X.mean(dim=0), H.mean(dim=0)
    U, sizes, directions = torch.linalg.svd(X - centre, full_matrices=False)
    kept = sizes > RANK_TOLERANCE * sizes[0]
    if not bool(kept.any()):
        return X.new_zeros(X.shape[1], H.shape[1]), mean
    U, sizes, directions = U[:, kept], sizes[kept], directions[kept]
    deviations = H - mean
    spread = deviations.std(dim=0, correction=0)
    spread = torch.where(spread > 0, spread, torch.ones_like(spread))
    rotated = U.mT @ deviations
    lowest, best = torch.inf, torch.ones_like(sizes)
    for penalty in sizes[0].square() * RIDGE_PENALTIES.to(X):
        kept_share = sizes.square() / (sizes.square() + penalty)
        residuals = deviations - U @ (kept_share[:, None] * rotated)
        leverage = U.square() @ kept_share + 1 / len(X)
        left_out = residuals / (1 - leverage).clamp(min=RANK_TOLERANCE)[:, None] / spread
        error = left_out.square().mean().item()
        if error < lowest:
            lowest, best = error, kept_share
    A = directions.mT @ ((best / sizes)[:, None] * rotated)
    return A, mean - centre @ A


def calibrated_map(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"]
) -> tuple[Float[Tensor, "f k"], Float[Tensor, " k"]]:
    """Return the map A and the constant b of inverse calibration, ``H ≈ X A + b``.

    ``X = b' + H W'`` by least squares, then signed least squares for new samples: ``H = mean(H) + (X - mean(X)) W'^+``.
    What all exposures obey, such as a constant sum, the answers obey, too.

    Parameters
    ----------
    X, H : (n, f), (n, k)
        Samples and their exposures.
    """
    centre, mean = X.mean(dim=0), H.mean(dim=0)
    W = torch.linalg.pinv(H - mean, rtol=RANK_TOLERANCE) @ (X - centre)
    A = torch.linalg.pinv(W, rtol=RANK_TOLERANCE)
    return A, mean - centre @ A
