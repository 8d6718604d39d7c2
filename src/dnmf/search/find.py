"""Signatures for extraction: of counts with counting noise by the Gamma-Poisson model, of others by least squares."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.alternating import Phase, nmf_anls
from dnmf.kernels.nnls import exposure_moments, nnls
from dnmf.search.count_noise import CountNoise
from dnmf.search.dictionary import SEARCH as DICTIONARY_SEARCH
from dnmf.search.dictionary import find_dictionary
from dnmf.search.gamma_poisson_search import refine_counts, search_counts

# Weight and offset of the penalty log(h + offset), h in standard deviations of the noise: a prior 1/h beyond the noise.
PENALTY, OFFSET = 1.0, 3.0
REWEIGHTINGS = 4
# Extraction wants the generating signatures, so they are not moved apart to enclose new samples.
NOISE_FREE_SEARCH = replace(DICTIONARY_SEARCH, apart=0.0)
NOISE_FREE_REFINEMENT = (Phase(100),)


def find_signatures(
    X: Float[Tensor, "n f"], W0: Float[Tensor, "k f"], noise: CountNoise
) -> Float[Tensor, "k f"]:
    """Find signatures from a start, for extraction: those that most likely generated the counts.

    For counting noise by :func:`dnmf.search.gamma_poisson_search.search_counts`. Nearly noise-free counts go through
    :func:`dnmf.search.find_dictionary`, whose penalties are released in the end, since such counts determine the
    signatures without them.

    Parameters
    ----------
    X, W0 : (n, f), (k, f)
        Counts and the starting signatures.
    noise : CountNoise
        Of these counts.

    Returns
    -------
    (k, f) tensor
        Signatures, rows summing to 1.
    """
    if noise.counting:
        return search_counts(X, W0)
    return find_dictionary(X, W0, search=NOISE_FREE_SEARCH).W


def refine_signatures(
    X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], noise: CountNoise
) -> Float[Tensor, "k f"]:
    """Go on from signatures near the optimum of :func:`find_signatures`."""
    if noise.counting:
        return refine_counts(X, W)
    found = nmf_anls(X, W, phases=NOISE_FREE_REFINEMENT, sample_weights=noise.sample_weights).W
    totals = found.sum(dim=1, keepdim=True)
    even = torch.full_like(found, 1 / found.shape[1])
    return torch.where(totals > 0, found / torch.where(totals > 0, totals, 1.0), even)


def penalised_exposures(
    X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], noise: CountNoise
) -> Float[Tensor, "n k"]:
    """Return exposures to fixed signatures by weighted least squares, penalised if the counts have counting noise.

    ``min 1/2 sum_nc ((x - h W)_nc / s_nc)^2 + sum_nk log(h_nk / s_n + 3)``, ``s`` the standard deviation of the noise:
    the logarithm is that of a prior ``1/h`` beyond the noise.
    """
    scale = noise.sample_weights[:, None]
    gram, moments = exposure_moments(X * noise.channel_weights * scale, W * noise.channel_weights)
    H = nnls(gram, moments)
    if noise.counting:
        for _ in range(REWEIGHTINGS):
            H = nnls(gram, moments - PENALTY / (H + OFFSET), start=H)
    return H / scale


def noise_free_cost(X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], noise: CountNoise) -> float:
    """Evaluate nearly noise-free signatures by the penalised objective of their exact exposures: to compare starts."""
    H = penalised_exposures(X, W, noise)
    scale = noise.sample_weights[:, None]
    residual = (X - H @ W) * scale
    penalty = PENALTY * (1 + H * scale / OFFSET).log().sum()
    return (0.5 * residual.square().sum() + penalty).item()
