"""Moving the scale of components from signatures to exposures, which leaves the product as it is."""

import torch
from jaxtyping import Float
from torch import Tensor


def scale_signatures_to_unit_sum(
    H: Float[Tensor, "n k"], W: Float[Tensor, "k f"]
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "k f"]]:
    """Move the scale of every component from its signature into its exposures.

    ``H_i <- H_i s_i``, ``W_i <- W_i / s_i`` with ``s_i = sum(W_i)``; the product ``H W`` stays the same.

    Afterwards signatures are probabilities over channels and exposures are numbers of mutations. An empty signature
    (all zeros) has no scale: it stays as it is and its exposures become 0, which leaves the product as it was.

    Parameters
    ----------
    H, W : (n, k), (k, f)
        Exposures and signatures in any scale.

    Returns
    -------
    H, W : (n, k), (k, f)
        The same factorisation, exposures in mutations.

    Examples
    --------
    >>> H, W = scale_signatures_to_unit_sum(torch.tensor([[1.0]]), torch.tensor([[3.0, 1.0]]))
    >>> H, W
    (tensor([[4.]]), tensor([[0.7500, 0.2500]]))
    """
    sums = W.sum(dim=1)
    return H * sums, W / torch.where(sums > 0, sums, torch.ones_like(sums))[:, None]
