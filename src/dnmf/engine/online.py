"""A dictionary learned from one batch of samples after the other, by sums over all batches so far."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dnmf.engine import kullback_leibler
from dnmf.engine.chunks import Chunks, State, Sums, add
from dnmf.engine.exact import exact_exposures
from dnmf.engine.least_squares import dictionary_step, dictionary_sums, gram_of
from dnmf.engine.products import sum_dtype, unit_rows
from dnmf.engine.samples import Chunk
from dnmf.kernels.objectives import Frobenius, Objective

# Share of an even spectrum in the components for which the exposures of a batch are likeliest: a feature or a component
# that was 0 in all batches so far can rise from there. Updates that multiply leave a 0 for ever.
EVEN_SHARE = 1e-3


@dataclass(frozen=True)
class _Known:
    W: Tensor
    objective: Objective


def learn_batch(chunks: Chunks, W: Tensor, sums: Sums, objective: Objective) -> tuple[Tensor, Sums]:
    """Return the dictionary and the sums over all batches, after another one.

    With H the exact exposures of the batch for the dictionary W so far and D its weights:

    - least squares: ``A += H^T D H``, ``B += H^T D X``, then W by coordinate descent on ``1/2 tr(W^T A W) - tr(B^T W)``
      (with missing entries an A for each feature);
    - Kullback-Leibler: ``S += W * (H^T D (X / H W))``, ``M += H^T D 1`` over the known entries, then ``W = S / M``.
      Here the W so far has a share of 1e-3 of an even spectrum, so that what was 0 in all batches can rise.

    Nothing is forgotten: every sample counts alike, with the exposures that it had when it came. Rows of W are scaled
    to sum to 1, and the sums with them.

    Parameters
    ----------
    chunks : Chunks
        The batch.
    W : (k, f)
        The dictionary so far.
    sums : Sums
        Over the batches so far; empty at first.
    objective : Objective

    Notes
    -----
    Mairal, Bach, Ponce and Sapiro 2010, JMLR 11:19, algorithm 1; Cappé and Moulines 2009, JRSS B 71:593.
    """
    dtype, wide = W.dtype, sum_dtype(W.device)
    total = {name: value.clone() for name, value in sums.items()}
    if not isinstance(objective, Frobenius):
        W = unit_rows((1 - EVEN_SHARE) * W + EVEN_SHARE / W.shape[1])
    add(total, chunks.run(_gather, _Known(W, objective)))
    if not isinstance(objective, Frobenius):
        mass = total["mass"].clamp(min=torch.finfo(wide).tiny)
        return unit_rows(total["parts"] / mass).to(dtype), total
    penalties = float(objective.l1_reg), float(objective.l2_reg)
    found = dictionary_step(total, gram_of(total), W.to(wide), *penalties)
    scale = found.sum(dim=1)
    for name, factor in _factors(scale).items():
        if name in total:
            total[name] = total[name] * factor
    return unit_rows(found).to(dtype), total


def _gather(chunk: Chunk, state: State, known: _Known) -> tuple[State, Sums]:
    H = exact_exposures(chunk, known.W, known.objective)
    if isinstance(known.objective, Frobenius):
        return None, dictionary_sums(chunk, H)
    sums = kullback_leibler.dictionary_sums(chunk, H, known.W)
    mass = sums["exposures"][:, None]
    if "known_exposures" in sums:
        mass = mass + sums["known_exposures"].mT
    parts = known.W * sums["first"].mT
    return None, {"parts": parts, "mass": mass.expand(parts.shape).clone()}


def _factors(scale: Tensor) -> dict[str, Tensor]:
    """Return what each sum is multiplied by when exposures are multiplied by a scale of every component."""
    i, j = torch.triu_indices(len(scale), len(scale), device=scale.device)
    return {
        "gram": scale[:, None] * scale,
        "known_gram": (scale[i] * scale[j])[:, None],
        "moments": scale[:, None],
        "exposures": scale,
        "squared_exposures": scale.square(),
    }
