"""Intervals of signatures and exposures: percentiles over resampled restarts."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from dnmf.criteria import INTERVAL_PERCENTILES
from dnmf.extraction.transform import at_most_all
from dnmf.kernels.nnls import exact_exposures
from dnmf.search.count_noise import CountNoise
from dnmf.selection.counts import resample
from dnmf.selection.restarts import EXPOSURES, generator_for


def bootstrap_intervals(
    counts: Float[np.ndarray, "n f"],
    signatures: pd.DataFrame,
    exposures: pd.DataFrame,
    replicates: Float[np.ndarray, "r k f"],
    noise: CountNoise,
    *,
    seed: int,
    l1_reg: float = 0.0,
    l2_reg: float = 0.0,
) -> dict[str, pd.DataFrame]:
    """Return percentile intervals over resampled restarts.

    For exposures the counts are resampled once more for every replicate, and its signatures are fitted to them by exact
    non-negative least squares: the intervals cover the uncertainty of both the counts and the signatures.

    ``replicates`` are the signatures of the resampled restarts, matched to the estimates ``signatures (k, f)``;
    ``noise`` is that of the samples with mutations; the penalties are those of the estimate ``exposures (n, k)``.

    Returns
    -------
    dict of DataFrames
        ``signature_lower``, ``signature_upper``, ``exposure_lower``, ``exposure_upper``: ``INTERVAL_PERCENTILES``,
        widened to contain the estimate where they do not; 0 for samples without mutations.

    Notes
    -----
    They measure repeatability, not error: a bias that all restarts share does not widen them, such as the preference of
    the sparse prior among dictionaries that explain the counts equally well. On simulated Poisson catalogs the error of
    a signature is three to seven times the standard deviation of its replicates, and the intervals contain the truth
    far less often than in 90 % of the cases.
    """
    filled = counts.sum(axis=1) > 0
    X = torch.from_numpy(counts[filled])
    draws = np.zeros((len(replicates), *exposures.shape))
    for index, replicate in enumerate(replicates):
        resampled = resample(X, noise, generator_for(seed, EXPOSURES, index + 1))
        W = torch.from_numpy(replicate.copy(order="C"))
        exact = exact_exposures(resampled, W, l1_reg=l1_reg, l2_reg=l2_reg).numpy()
        draws[index, filled] = at_most_all(exact, resampled.numpy())
    ends = {}
    for name, estimate, drawn in (
        ("signature", signatures, np.asarray(replicates)),
        ("exposure", exposures, draws),
    ):
        low, high = np.percentile(drawn, INTERVAL_PERCENTILES, axis=0)
        ends[f"{name}_lower"] = np.minimum(estimate, low)
        ends[f"{name}_upper"] = np.maximum(estimate, high)
    return ends
