"""Signatures of counts with counting noise: least squares weighted by the noise, log penalty on the exposures."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.alternating import Phase, nmf_anls
from dnmf.kernels.nnls import exposure_moments, nnls
from dnmf.search.components import add_components, used_components
from dnmf.search.count_noise import CountNoise
from dnmf.search.dictionary import SEARCH as DICTIONARY_SEARCH
from dnmf.search.dictionary import find_dictionary

# Weight and offset of the penalty log(h + offset), h in standard deviations of the noise: a prior 1/h beyond the noise.
PENALTY, OFFSET = 1.0, 3.0
PLAIN_ITERATIONS = 60
# The weight starts 30 times and the offset 333 times too large: a flat penalty, which removes no component early on.
SEARCH = (Phase(180, exposures=(30.0, PENALTY), exposure_offset=(1000.0, OFFSET)),)
REFINEMENT = (Phase(60, exposures=(PENALTY, PENALTY), exposure_offset=(OFFSET, OFFSET)),)
# Extraction wants the generating signatures, so they are not moved apart to enclose new samples.
NOISE_FREE_SEARCH = replace(DICTIONARY_SEARCH, apart=0.0)
NOISE_FREE_REFINEMENT = (Phase(100),)
REWEIGHTINGS = 4


def find_signatures(
    X: Float[Tensor, "n f"], W0: Float[Tensor, "k f"], noise: CountNoise
) -> Float[Tensor, "k f"]:
    """Find signatures from a start, for extraction: those that most likely generated the counts.

    ``min 1/2 sum_nc ((x - h W)_nc / s_nc)^2 + sum_nk log(h_nk / s_n + 3)``, ``s`` the standard deviation of the noise

    For counting noise. Nearly noise-free counts go through :func:`dnmf.search.find_dictionary`, whose penalties are
    released in the end, since such counts determine the signatures without them.

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

    Notes
    -----
    The logarithm is the negative logarithm of a prior ``1/h`` beyond the noise: samples have few signatures, and of
    those any number of mutations. Without it counts are explained better by signatures that mix the true ones.
    """
    if not noise.counting:
        return find_dictionary(X, W0, search=NOISE_FREE_SEARCH).W
    scaled = X * noise.channel_weights
    plain = nmf_anls(
        scaled,
        W0 * noise.channel_weights,
        phases=(Phase(PLAIN_ITERATIONS),),
        sample_weights=noise.sample_weights,
    )
    found = nmf_anls(
        scaled, plain.W, H0=plain.H, phases=SEARCH, sample_weights=noise.sample_weights
    )
    used = used_components(found.H, found.W)
    if len(used) < len(W0):
        W = add_components(scaled, found.W[used], len(W0) - len(used))
        found = nmf_anls(scaled, W, phases=REFINEMENT, sample_weights=noise.sample_weights)
    return _unit_sum(found.W / noise.channel_weights)


def refine_signatures(
    X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], noise: CountNoise
) -> Float[Tensor, "k f"]:
    """Go on from signatures near the optimum of :func:`find_signatures`, under its last penalty."""
    phases = REFINEMENT if noise.counting else NOISE_FREE_REFINEMENT
    scaled, start = X * noise.channel_weights, W * noise.channel_weights
    found = nmf_anls(scaled, start, phases=phases, sample_weights=noise.sample_weights)
    return _unit_sum(found.W / noise.channel_weights)


def penalised_exposures(
    X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], noise: CountNoise
) -> Float[Tensor, "n k"]:
    """Exposures that go with :func:`find_signatures`, for fixed signatures: penalised if the counts are noisy."""
    scale = noise.sample_weights[:, None]
    gram, moments = exposure_moments(X * noise.channel_weights * scale, W * noise.channel_weights)
    H = nnls(gram, moments)
    if noise.counting:
        for _ in range(REWEIGHTINGS):
            H = nnls(gram, moments - PENALTY / (H + OFFSET), start=H)
    return H / scale


def search_cost(X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], noise: CountNoise) -> float:
    """Evaluate the objective of :func:`find_signatures` at its sparse exposures, 0 for none: to compare starts."""
    H = penalised_exposures(X, W, noise)
    scale = noise.sample_weights[:, None]
    residual = (X - H @ W) * noise.channel_weights * scale
    penalty = PENALTY * (1 + H * scale / OFFSET).log().sum()
    return (0.5 * residual.square().sum() + penalty).item()


def _unit_sum(W: Tensor) -> Tensor:
    """Scale rows to sum 1; one that nothing supports becomes even."""
    totals = W.sum(dim=1, keepdim=True)
    even = torch.full_like(W, 1 / W.shape[1])
    return torch.where(totals > 0, W / torch.where(totals > 0, totals, 1.0), even)
