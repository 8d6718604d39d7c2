"""What is computed of a sample before the refit network sees it: posteriors, scores and how well anything fits."""

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from dnmf.criteria import PRESENT_MUTATIONS, present_from
from dnmf.kernels import kl_exposures
from dnmf.kernels.goodness_of_fit import (
    deviance_dispersion,
    deviance_moments,
    deviance_tail,
    poisson_deviance,
)
from dnmf.kernels.mixture import MixturePosterior, mixture_posterior

Array = NDArray[np.float64]

# Signatures of a sample that the network sees: those that any of the posteriors gives most.
SEEN_SIGNATURES = 32
# How far below the highest log-likelihood the solver may stop.
CERTIFICATE_TOLERANCE_NATS = 0.02
# How many times the dispersion that a posterior assumed a later judgement must be for it to be computed again.
RECOMPUTED_FROM = 1.02
# Largest share that a known exposure is dropped for: with few mutations ten of them are most of the sample.
MOST_DROPPED = 0.1
SHARE_FLOOR = 1e-6
# Variance of ``W_j / r`` over a sample's mutations below which it is rounding: one signature explains the sample.
LEAST_SPREAD = 1e-3
N_CANDIDATES, N_FEATURES, N_SCALARS = 4, 17, 17
# Place among the scalars of the probability that a sample is like none of the known exposures.
UNLIKE_SCALAR = 5


@dataclass(frozen=True, slots=True)
class BestFit:
    """The mixture of the reference that explains each of ``n`` samples best.

    Attributes
    ----------
    shares : (n, k)
        Of highest likelihood.
    gap : (n,)
        Nats that their log-likelihood may be below the highest.
    deviance, expected, deviation : (n,)
        Poisson deviance, its mean under Poisson counts with as many fitted exposures, and its standard deviation.
    """

    shares: Array
    gap: Array
    deviance: Array
    expected: Array
    deviation: Array

    def p_value(self) -> Array:
        """Return how often Poisson counts of the best mixture deviate as much: whether the reference explains them."""
        return deviance_tail(self.deviance, self.expected, self.deviation**2)


def best_fit(X: Array, W: Array) -> BestFit:
    """Fit all signatures by Poisson maximum likelihood."""
    counts, signatures = torch.from_numpy(X), torch.from_numpy(W)
    found = kl_exposures(counts, signatures, tol=CERTIFICATE_TOLERANCE_NATS)
    fitted = (found.H > 0.5).double().sum(dim=1)
    spectra = found.H @ signatures
    deviance = poisson_deviance(counts, spectra).numpy()
    mean, variance = deviance_moments(spectra, fitted)
    return BestFit(
        shares=found.H.numpy() / np.maximum(X.sum(axis=1, keepdims=True), 1e-12),
        gap=found.gap.numpy(),
        deviance=deviance,
        expected=mean,
        deviation=np.sqrt(variance),
    )


def reported(shares: Array, total: Array | float) -> Array:
    """Return known exposures as they can be reported of samples with so many mutations: rows without what is too small.

    Contributions below ten mutations are dropped but for the largest, in samples with fewer than 100 mutations those
    below a tenth; rows sum to 1.
    """
    least = np.minimum(PRESENT_MUTATIONS / np.maximum(np.asarray(total), 1e-9), MOST_DROPPED)
    kept = (shares >= least.reshape(-1, 1)) | (
        shares >= shares.max(axis=1, keepdims=True, initial=0)
    )
    shares = shares * kept
    return shares / shares.sum(axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Inputs of the refit network: ``n`` samples, of each the ``K`` signatures that matter most.

    Attributes
    ----------
    X : (n, f)
        Counts, divided by their dispersion.
    dispersion : (n,)
        Of the counts under the posterior mean, see :func:`dnmf.kernels.goodness_of_fit.deviance_dispersion`.
    W : (k, f)
        Signatures.
    seen : (n, K)
        Indices of the signatures.
    candidates : (n, C, K)
        Shares: posterior means with and without known exposures, nearest known exposures, their mean.
    features, scalars : (n, K, F), (n, S)
        Of signatures, and of samples.
    similarity : (n, K, K)
        Fourth power of the cosines between the seen signatures.
    known : (n, 3, K)
        Posterior mean, its standard deviation and presence with known exposures.
    total : (n,)
        Mutations, divided by the dispersion.
    present_from : (n,)
        Share from which a signature counts as present.
    """

    X: Float[Tensor, "n f"]
    dispersion: Float[Tensor, " n"]
    W: Float[Tensor, "k f"]
    seen: Int[Tensor, "n K"]
    candidates: Float[Tensor, "n C K"]
    features: Float[Tensor, "n K F"]
    scalars: Float[Tensor, "n S"]
    similarity: Float[Tensor, "n K K"]
    known: Float[Tensor, "n 3 K"]
    total: Float[Tensor, " n"]
    present_from: Float[Tensor, " n"]

    def take(self, rows: Int[Tensor, " r"]) -> "Evidence":
        """Return the evidence of some of the samples."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Evidence(**{n: v if n == "W" else v[rows] for n, v in values.items()})


def gather_evidence(
    X: Array,
    W: Array,
    fit: BestFit,
    known: Array,
    *,
    own: NDArray[np.int64] | None = None,
) -> Evidence:
    """Return the network's inputs for samples ``X (n, f)`` under signatures ``W (k, f)`` and known shares ``(m, k)``.

    ``fit`` is :func:`best_fit` of the same samples; ``own`` as for :func:`mixture_posterior`. The samples should have
    about the same number of mutations: ``known`` is what can be reported at that number, see :func:`reported`.
    """
    k, f = W.shape
    counts = X.sum(axis=1)
    least = present_from(counts)
    posterior, dispersed, excess = _posterior(X, W, fit, least, known, own)
    fewer = X / dispersed[:, None]
    total = counts / dispersed
    mean = known.mean(axis=0) if len(known) else np.full(k, 1 / k)
    prevalence = (known > 0).mean(axis=0) if len(known) else np.full(k, min(5 / k, 0.9))
    gain, score = _score_tests(fewer, total, posterior.known[:, 0], W)
    seen = _most_important(posterior, fit, mean, score)

    def taken(values: Array) -> Array:
        return np.take_along_axis(np.broadcast_to(values, (len(X), k)), seen, axis=1)

    power, closest, entropy = _compared_profiles(W)
    with_known, even = _moments(posterior.known, seen), _moments(posterior.even, seen)
    nearest, average = taken(posterior.nearest), taken(mean)
    similarity = power[seen[:, :, None], seen[:, None, :]]
    crowd = np.einsum("nij,nj->ni", similarity, with_known[:, 0])
    features = np.stack(
        [
            _log(with_known[:, 0]),
            _logit(with_known[:, 2]),
            _log(with_known[:, 1]),
            _log(even[:, 0]),
            _logit(even[:, 2]),
            _log(even[:, 1]),
            _log(nearest),
            _log(taken(fit.shares)),
            _log(average),
            _logit(taken(prevalence)),
            4 * taken(entropy),
            4 * taken(closest),
            np.arcsinh(taken(score)),
            np.arcsinh(5 * (taken(gain) - 1)),
            _log(with_known[:, 0] * total[:, None]),
            crowd,
            _log(with_known[:, 0] / least[:, None]),
        ],
        axis=2,
    )
    scalars = _sample_scalars(
        posterior, fit, dispersed, excess, total, least, score.max(axis=1), (k, len(known), f)
    )
    candidates = np.stack([with_known[:, 0], even[:, 0], nearest, average], axis=1)

    def tensor(values: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))

    return Evidence(
        X=tensor(fewer),
        dispersion=tensor(dispersed),
        W=tensor(W),
        seen=torch.from_numpy(seen),
        candidates=tensor(candidates),
        features=tensor(features),
        scalars=tensor(scalars),
        similarity=tensor(similarity),
        known=tensor(with_known),
        total=tensor(total),
        present_from=tensor(least),
    )


def _posterior(
    X: Array,
    W: Array,
    fit: BestFit,
    least: Array,
    known: Array,
    own: NDArray[np.int64] | None,
) -> tuple[MixturePosterior, Array, Array]:
    """Return the posterior of the counts divided by their dispersion, that dispersion, and the excess deviance.

    The dispersion is first judged by the best fit, then by the mean of the posterior that this leads to: a mixture of
    all signatures also fits errors of the profiles, which a few signatures leave over. Where that says more, the
    posterior is computed again. The excess is the deviance of the first mean above that of the best fit.
    """
    found = deviance_dispersion(fit.deviance, fit.expected, fit.deviation)
    posterior = mixture_posterior(X / found[:, None], W, fit.shares, least, known, own=own)
    counts = torch.from_numpy(X)
    spectra = torch.from_numpy(posterior.known[:, 0] @ W * X.sum(axis=1, keepdims=True))
    deviance = poisson_deviance(counts, spectra).numpy()
    present = torch.from_numpy(posterior.known[:, 2].sum(axis=1))
    mean, variance = deviance_moments(spectra, present)
    judged = np.maximum(deviance_dispersion(deviance, mean, np.sqrt(variance)), found)
    rows = np.flatnonzero(judged > RECOMPUTED_FROM * found)
    if len(rows):
        mine = None if own is None else own[rows]
        again = mixture_posterior(
            X[rows] / judged[rows, None], W, fit.shares[rows], least[rows], known, own=mine
        )
        for f in fields(MixturePosterior):
            getattr(posterior, f.name)[rows] = getattr(again, f.name)
    found[rows] = judged[rows]
    return posterior, found, deviance - fit.deviance


def _most_important(
    posterior: MixturePosterior, fit: BestFit, mean: Array, score: Array
) -> NDArray[np.int64]:
    """Return the indices (n, K) of the signatures that any posterior, fit or score test speaks for most, in order."""
    order = (
        posterior.known[:, 0]
        + posterior.even[:, 0]
        + posterior.nearest
        + 0.3 * (posterior.known[:, 2] + posterior.even[:, 2])
        + 0.3 * fit.shares
        + 0.01 * mean
        + 0.02 * np.clip(score, 0, 5)
    )
    K = min(SEEN_SIGNATURES, order.shape[1])
    seen = np.argpartition(-order, K - 1, axis=1)[:, :K]
    seen.sort(axis=1)
    return seen


def _compared_profiles(W: Array) -> tuple[Array, Array, Array]:
    """Return the cosines' fourth powers (k, k), the highest cosine with another signature and the entropy (k,)."""
    unit = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-12)
    cosine = unit @ unit.T
    closest = (cosine - np.eye(len(W))).max(axis=1)
    entropy = -(W * np.log(np.maximum(W, 1e-12))).sum(axis=1) / math.log(W.shape[1])
    return cosine**4, closest, entropy


def _moments(posterior: Array, seen: NDArray[np.int64]) -> Array:
    """Return mean, standard deviation and presence (n, 3, K) of the seen signatures."""
    moments = np.take_along_axis(posterior, seen[:, None, :], axis=2)
    moments[:, 1] = np.sqrt(np.maximum(moments[:, 1] - moments[:, 0] ** 2, 0))
    return moments


def _sample_scalars(
    posterior: MixturePosterior,
    fit: BestFit,
    dispersed: Array,
    excess: Array,
    total: Array,
    least: Array,
    highest_score: Array,
    sizes: tuple[int, int, int],
) -> Array:
    """Return the features (n, S) of the samples; ``sizes`` are signatures, known exposures and channels."""
    k, m, f = sizes
    n = len(total)
    log_total = np.log(np.maximum(total, 1.0))
    return np.stack(
        [
            log_total / 4 - 1.5,
            (log_total / 4 - 1.5) ** 2,
            np.arcsinh((posterior.evidence[:, 1] - posterior.evidence[:, 0]) / 4),
            *posterior.origin.T,  # the last of them is UNLIKE_SCALAR
            np.log(posterior.components[:, 0]),
            np.log(posterior.components[:, 1]),
            np.full(n, math.log(k) / 2 - 1.5),
            np.full(n, math.log1p(m) / 4),
            np.full(n, float(m > 0)),
            np.log(dispersed),
            np.arcsinh((fit.deviance - fit.expected) / fit.deviation) / 2,
            np.arcsinh(np.maximum(excess, 0) / dispersed / 8),
            np.full(n, math.log(f) / 2 - 2),
            _log(least) / 4,
            np.arcsinh(highest_score) / 2,
        ],
        axis=1,
    )


def _score_tests(X: Array, total: Array, shares: Array, W: Array) -> tuple[Array, Array]:
    """Return the mean over mutations of ``W_j / r`` and its distance from 1 in standard errors, for each signature."""
    spectra = np.maximum(shares @ W, 1e-9)
    ratio = X / np.maximum(total, 1e-9)[:, None] / spectra
    gain = ratio @ W.T
    second = (ratio / spectra) @ (W**2).T
    error = np.sqrt(np.maximum(second - gain**2, LEAST_SPREAD) / np.maximum(total, 1e-9)[:, None])
    return gain, (gain - 1) / error


def _log(values: Array) -> Array:
    return np.log(np.maximum(values, SHARE_FLOOR)) / 4


def _logit(values: Array) -> Array:
    clipped = values.clip(1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped)) / 4
