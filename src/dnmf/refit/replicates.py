"""Answers that do not hang on a few calls: the mean over counts that might as well have been drawn."""

import numpy as np
import torch
from numpy.typing import NDArray

from dnmf.refit.evidence import Evidence, best_fit, gather_evidence
from dnmf.refit.model import RefitModel
from dnmf.refit.network import RefitOutput

Array = NDArray[np.float64]

# p-values of "this answer explains it" from which an answer is smoothed, and below which it is smoothed in full.
P_SMOOTHED, P_SMOOTHED_IN_FULL = 0.01, 0.001
# Variance of the noise in full, as a part of that of Poisson counts.
NOISE_VARIANCE = 0.5
# Each takes as long as an answer. With half as many, single ones show in the mean.
REPLICATES = 16


def noise_variance(p_answer: Array) -> Array:
    """Return the variance of the noise (n,) that samples get, as a part of that of Poisson counts.

    0 for p-values from 0.01 on, 0.5 below 0.001, linear in the logarithm between: no threshold, so that the answer goes
    over into that without noise.
    """
    decades = np.log(P_SMOOTHED / np.maximum(p_answer, 1e-300))
    full = np.log(P_SMOOTHED / P_SMOOTHED_IN_FULL)
    variance: Array = NOISE_VARIANCE * np.clip(decades / full, 0, 1)
    return variance


def smoothed(
    X: Array,
    W: Array,
    known: Array,
    own: NDArray[np.int_],
    evidence: Evidence,
    output: RefitOutput,
    model: RefitModel,
) -> RefitOutput:
    """Return the network's output, in samples that the answer does not explain the mean over replicates of the counts.

    Where no mixture is right, many are wrong by about as much, and a few calls decide which looks best. A replicate has
    the counts ``max(x_c + sqrt(v x_c) z_c, 0)``, scaled to the sample's total, with v of :func:`noise_variance`. The
    numbers z are normal, always the same, and come with both signs: two samples that differ by a few calls meet the
    same noise, and their answers differ by less than those of single replicates.

    Parameters
    ----------
    X, W, known, own
        As for :func:`gather_evidence`.
    evidence, output
        Of the counts as they are.

    Notes
    -----
    Shares, probabilities of presence and ends of intervals are averaged; averaging posteriors over resampled data is
    robust where the model is wrong (Huggins and Miller 2023, "Reproducible model selection using bagged posteriors").
    """
    variance = noise_variance(model.p_answer(evidence, output))
    rows = np.flatnonzero(variance > 0)
    if not len(rows):
        return output
    counts, spread = X[rows], np.sqrt(variance[rows, None] * X[rows])
    chosen = torch.from_numpy(rows)
    seen = evidence.seen[chosen]
    fields = ("shares", "presence", "lower", "upper")
    means = {name: torch.zeros(seen.shape, dtype=output.shares.dtype) for name in fields}
    half = np.random.default_rng(0).normal(size=(REPLICATES // 2, X.shape[1]))
    for z in (*half, *-half):
        replicate = np.maximum(counts + spread * z, 0)
        replicate *= counts.sum(axis=1, keepdims=True) / replicate.sum(axis=1, keepdims=True)
        found = gather_evidence(replicate, W, best_fit(replicate, W), known, own=own[rows])
        answer = model.network(found)
        answer = answer._replace(presence=torch.sigmoid(answer.presence))
        for name, mean in means.items():
            whole = mean.new_zeros(len(rows), len(W)).scatter(1, found.seen, getattr(answer, name))
            mean += whole.gather(1, seen) / REPLICATES
    means["presence"] = torch.logit(means["presence"], eps=1e-6)
    averaged = {name: getattr(output, name).clone() for name in fields}
    for name, mean in means.items():
        averaged[name][chosen] = mean
    return output._replace(**averaged)
