"""The dictionary of samples with known exposures: Poisson regression, and the variance of its residuals."""

from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.kl import kl_step

# After 300 steps the likelihood hardly changes. Stopping there leaves signatures that the pairs hardly determine near
# the mean spectrum from which they start.
MAX_ITERATIONS = 300


def kl_signatures(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], *, max_iter: int = MAX_ITERATIONS
) -> Float[Tensor, "k f"]:
    """Return ``argmin_{W >= 0} kl_cost(X, H, W)``: Poisson regression of counts on known exposures.

    Parameters
    ----------
    X, H : (n, f), (n, k)
        Counts and exposures, all >= 0.
    max_iter : int
        Multiplicative steps, from the mean spectrum.

    Returns
    -------
    (k, f) tensor
        Signatures in the unit of the exposures. A component without any exposure keeps the mean spectrum.

    Examples
    --------
    >>> import torch
    >>> H = torch.tensor([[4.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> W = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    >>> kl_signatures(H @ W, H).round(decimals=3)
    tensor([[0.5000, 0.5000, 0.0000],
            [0.0000, 0.5000, 0.5000]])
    """
    mean = X.sum(dim=0) / X.sum()
    W = mean.expand(H.shape[1], -1)
    for _ in range(max_iter):
        # By symmetry: the step of the exposures, on the transposed problem.
        W = kl_step(X.mT, W.mT, H.mT).mT
    return W.contiguous()


def dispersion(X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], W: Float[Tensor, "k f"]) -> float:
    """Return the variance-to-mean ratio of the residuals: 1 for Poisson counts, near 0 without noise.

    Median over samples of ``sum_f (x - r)^2 / sum_f r``, ``r = H W``, times ``n / (n - k)`` for the fit of W.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Samples, known exposures, and the dictionary fitted to both.

    Notes
    -----
    Rounding to integers has the variance 1/12: a dispersion below 1/4 as soon as a channel holds one count in three.
    With no more samples than components there is no residual, and the ratio is 0.

    Examples
    --------
    >>> import torch
    >>> X, H, W = torch.tensor([[3.0, 1.0], [1.0, 3.0]]), torch.full((2, 1), 4.0), torch.tensor([[0.5, 0.5]])
    >>> dispersion(X, H, W)
    1.0
    """
    n, k = H.shape
    expected = H @ W
    mass = expected.sum(dim=1)
    filled = mass > 0
    if n <= k or not bool(filled.any()):
        return 0.0
    ratio = (X - expected).square().sum(dim=1)[filled] / mass[filled]
    return ratio.median().item() * n / (n - k)


def variance_exponent(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], W: Float[Tensor, "k f"]
) -> float:
    """Return the power p with which the variance of residuals grows with the mean: 1 for Poisson counts, 0 for sensors.

    ``log(v_2 / v_1) / log(m_2 / m_1)``, m and v the means of ``r = H W`` and of ``(x - r)^2`` over the smaller and the
    larger half of the positive entries of r. 1 where all of them are alike, or a half has no residual.

    Parameters
    ----------
    X, H, W : (n, f), (n, k), (k, f)
        Samples, known exposures, and the dictionary fitted to both.

    Examples
    --------
    >>> import torch
    >>> H, W = torch.tensor([[1.0], [4.0]]), torch.tensor([[1.0, 1.0]])
    >>> variance_exponent(torch.tensor([[2.0, 0.0], [6.0, 2.0]]), H, W)
    1.0
    """
    expected = H @ W
    filled = expected > 0
    means, squares = expected[filled], (X - expected)[filled].square()
    larger = means > means.median()
    if not 0 < int(larger.sum()) < len(means):
        return 1.0
    grown = (means[larger].mean() / means[~larger].mean()).log()
    variances = squares[larger].mean() / squares[~larger].mean()
    if not 0 < variances.item() < float("inf"):
        return 1.0
    return (variances.log() / grown).item()
