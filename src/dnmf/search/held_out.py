"""Bi-cross-validation: deviance of the channels of new samples, predicted from their other channels."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.search.count_noise import CountNoise
from dnmf.search.find import penalised_exposures

CHANNEL_FOLDS = 8
# Smallest expected count. A single mutation in a channel with expectation 0 would make the deviance infinite.
MIN_EXPECTED_COUNT = 1e-3


def held_out_deviance(
    X: Float[Tensor, "n f"],
    W: Float[Tensor, "k f"],
    noise: CountNoise,
    *,
    generator: torch.Generator,
    infer: Callable[[Tensor, Tensor, CountNoise], Tensor] = penalised_exposures,
) -> Float[Tensor, " n"]:
    """Return each sample's Poisson deviance when every channel is predicted from the others.

    ``2 sum_c (x_c log(x_c / m_c) - x_c + m_c)``, ``m_c`` from exposures fitted to 7/8 of the channels, c not among them

    Parameters
    ----------
    X, W : (n, f), (k, f)
        Counts of samples that had no part in finding the signatures ``W``.
    noise : CountNoise
        Of these samples.
    generator : torch.Generator
        Which channels are left out together.
    infer : callable(X, W, noise), optional
        How exposures are found from the channels that are kept.

    Returns
    -------
    (n,) tensor
        Near the number of channels for Poisson counts and true signatures.

    Notes
    -----
    Owen and Perry 2009, Annals of Applied Statistics 3:564, with non-negative exposures. No count is predicted from
    signatures or exposures that were fitted to it.
    """

    def exposures(kept: Tensor) -> Tensor:
        seen = CountNoise(noise.dispersion, noise.sample_weights, noise.channel_weights[kept])
        return infer(X[:, kept], W[:, kept], seen)

    expected = predicted_channels(W, exposures, generator).clamp(min=MIN_EXPECTED_COUNT)
    return 2 * (torch.special.xlogy(X, X / expected) - X + expected).sum(dim=1)


def predicted_channels(
    W: Float[Tensor, "k f"], exposures: Callable[[Tensor], Tensor], generator: torch.Generator
) -> Float[Tensor, "n f"]:
    """Predict every channel of samples from 7/8 of their channels, itself not among them.

    ``exposures(kept)`` returns the (n, k) exposures fitted to the channels where the (f,) mask ``kept`` is true.
    """
    f = W.shape[1]
    order = torch.randperm(f, generator=generator)
    parts = order.tensor_split(min(CHANNEL_FOLDS, f))
    predicted = []
    for part in parts:
        kept = torch.ones(f, dtype=torch.bool)
        kept[part] = False
        predicted.append(exposures(kept) @ W[:, part])
    return torch.cat(predicted, dim=1)[:, torch.cat(parts).argsort()]
