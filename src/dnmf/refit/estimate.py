"""From a refit network's output to exposures: finished by likelihood, with calibrated intervals and a test of fit."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from dnmf.criteria import P_BAD_FIT, P_UNASSIGNED, PRESENCE_THRESHOLD
from dnmf.kernels.goodness_of_fit import poisson_deviance
from dnmf.kernels.kl import kl_exposures
from dnmf.refit.network import NULL_LEVELS, RefitNetwork, RefitOutput

Array = NDArray[np.float64]
Words = NDArray[np.object_]

# Samples that pass through the network at a time: their activations stay in cache.
CHUNK_SAMPLES = 512
# Weight of the tumour type: 1 up to 500 mutations, falling to 1/2 at 2,000.
TYPE_FULL_MUTATIONS, TYPE_HALF_MUTATIONS = 500, 2000
# In samples with more mutations signatures join those that the network called, the highest score first, while that
# score is above MIN_SCORE_Z standard deviations.
MIN_MUTATIONS_TO_ADD, MIN_SCORE_Z, MAX_ADDED_SIGNATURES = 20_000, 4.0, 8
# The dispersion is estimated twice, the second time from the exposures that the first one led to.
DISPERSION_ROUNDS = 2
# How far below the highest log-likelihood the solver may stop.
CERTIFICATE_TOLERANCE_NATS = 0.01


@dataclass(frozen=True, slots=True)
class RefitEstimate:
    """Exposures of ``n`` samples to ``k`` signatures as shares of their mutations, and how far to trust them.

    Attributes
    ----------
    shares, lower, upper : (n, k)
        Rows of ``shares`` sum to 1; 90 % intervals with ``lower <= shares <= upper``.
    presence : (n, k)
        Probability that a signature contributes at least ten mutations; NaN from a method without a network.
    unassigned : (n,)
        Share of the mutations that the reconstruction leaves over, see :func:`unexplained_share`; 0 unless p < 0.05.
    p_value : (n,)
        Of the test of fit: how often samples made of the reference's signatures are explained this badly.
    certificate : (n,)
        At most how many nats the log-likelihood is below the highest that any mixture of the signatures reaches. A
        likelihood gains about half the number of signatures by fitting noise.
    dispersion : (n,)
        Number by which the network divided the counts of a sample: how many times its misfit exceeds the median of
        explained samples, where p < 0.001; else, and from other methods, 1.
    method, reason : (n,)
        ``"network"``, ``"kl"``, ``"nnls"``, ``"sparse"``, or ``"none"`` of a sample without mutations; and, in words,
        why it is not the method that was asked for.
    """

    shares: Array
    lower: Array
    upper: Array
    presence: Array
    unassigned: Array
    p_value: Array
    certificate: Array
    dispersion: Array
    method: Words
    reason: Words

    def put(
        self,
        rows: NDArray[np.int_],
        other: "RefitEstimate",
        chosen: NDArray[np.bool_] | None = None,
    ) -> None:
        """Replace the estimates of some samples by those of another estimate, all or the chosen ones; in place."""
        taken = slice(None) if chosen is None else chosen
        for name in self.__slots__:
            getattr(self, name)[rows] = getattr(other, name)[taken]

    @classmethod
    def empty(cls, n: int, k: int, method: str = "none", reason: str = "") -> "RefitEstimate":
        """Return the estimates of samples without mutations: what holds until a method says more."""
        return cls(
            shares=np.zeros((n, k)),
            lower=np.zeros((n, k)),
            upper=np.zeros((n, k)),
            presence=np.full((n, k), np.nan),
            unassigned=np.zeros(n),
            p_value=np.ones(n),
            certificate=np.zeros(n),
            dispersion=np.ones(n),
            method=np.full(n, method, dtype=object),
            reason=np.full(n, reason, dtype=object),
        )


def estimate_exposures(
    network: RefitNetwork,
    counts: Array | Tensor,
    tumour_types: Int[Tensor, " n"] | int = 0,
    *,
    presence_threshold: float = PRESENCE_THRESHOLD,
) -> RefitEstimate:
    """Refit known signatures with a trained and calibrated network.

    Parameters
    ----------
    network : RefitNetwork
        From :func:`dnmf.refit.training.train_refit` and :func:`dnmf.refit.calibration.calibrate`.
    counts : (n, f)
        Mutations.
    tumour_types : (n,) or int
        Index of each sample's tumour type, or of all; 0 for unknown.
    presence_threshold : float
        Probability above which a signature is called present: what likelihood may use and how wide intervals are.

    Notes
    -----
    ``shares = (1 - b(N)) network + b(N) maximum likelihood on the called signatures``, b measured by calibration.
    Above 20,000 mutations signatures are added while a score test of the likelihood asks for one, so that with very
    many mutations the shares are those of highest likelihood, whatever the network was trained on.

    Counts that vary more than Poisson counts, or hold what the reference lacks, say less than their number, and a
    likelihood that takes them for Poisson counts finds signatures in the noise. They are divided by the dispersion
    (quasi-likelihood, Wedderburn 1974): the sample is taken for one with as many times fewer mutations.
    """
    X = torch.as_tensor(counts).to(network.W)
    total = X.sum(dim=1)
    tumour_types = torch.as_tensor(tumour_types).expand(len(X))
    calibration = network.calibration
    output = informed_output(network, X, tumour_types)
    found = _finished(network, X, output, presence_threshold)
    misfit, certificate = misfit_of(X, found.shares, network.W)
    p_value = calibration.p_value(misfit, total)
    dispersion = torch.ones_like(total)
    median = calibration.at(calibration.null_misfit[:, NULL_LEVELS.index(0.5)], total)
    rows = torch.nonzero(p_value < P_BAD_FIT).flatten()
    for _ in range(DISPERSION_ROUNDS if len(rows) else 0):
        dispersion[rows] = (misfit[rows] / median[rows]).clamp(min=1)
        fewer = X[rows] / dispersion[rows, None]
        output = informed_output(network, fewer, tumour_types[rows])
        again = _finished(network, fewer, output, presence_threshold)
        for values, new in zip(found, again, strict=True):
            values[rows] = new
        misfit[rows], certificate[rows] = misfit_of(X[rows], again.shares, network.W)
    left_over = unexplained_share(X, found.shares @ network.W * total[:, None])
    shares = found.shares.double().numpy()
    shares = shares / shares.sum(axis=1, keepdims=True)
    return replace(
        RefitEstimate.empty(len(X), shares.shape[1], "network"),
        shares=shares,
        lower=np.minimum(found.lower.double().numpy(), shares),
        upper=np.maximum(found.upper.double().numpy(), shares),
        presence=found.presence.double().numpy(),
        unassigned=torch.where(p_value < P_UNASSIGNED, left_over, 0.0).double().numpy(),
        p_value=p_value.double().numpy(),
        certificate=certificate.double().numpy(),
        dispersion=dispersion.double().numpy(),
    )


def misfit_of(
    X: Float[Tensor, "n f"], shares: Float[Tensor, "n k"], W: Float[Tensor, "k f"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Return the statistic of the test of fit, and how many nats the shares are below the highest likelihood.

    ``misfit = D + 2 (D - D_min)``, D the Poisson deviance of the shares and D_min the lowest that any mixture of the
    signatures reaches. D is high where no mixture explains the counts; ``D - D_min`` where only a mixture unlike
    tumours does, as with a signature that the reference lacks. The factor 2 weights both alike in units of their noise.
    """
    best = kl_exposures(X, W, start=shares, tol=CERTIFICATE_TOLERANCE_NATS)
    total = X.sum(dim=1, keepdim=True)
    ours, lowest = poisson_deviance(X, shares @ W * total), poisson_deviance(X, best.H @ W)
    excess = (ours - lowest).clamp(min=0)
    # The solver's own gap is added: the maximum is at most this far above what it found.
    return ours + 2 * excess, excess / 2 + best.gap


def _finished(
    network: RefitNetwork, X: Tensor, output: RefitOutput, presence_threshold: float
) -> RefitOutput:
    """Mix the shares of Poisson counts with those of highest likelihood and calibrate their intervals."""
    total = X.sum(dim=1)
    calibration = network.calibration
    share = calibration.at(calibration.likelihood_share, total)
    shares, presence = output.shares.clone(), output.presence.clone()
    rows = torch.nonzero(share > 0).flatten()
    if len(rows):
        called = output.presence[rows] > presence_threshold
        polished, added = polish(X[rows], output.shares[rows], called, network.W)
        b = share[rows, None]
        # With an added signature, which the network's shares lack, the shares of highest likelihood are used alone.
        b = torch.where(added.any(dim=1, keepdim=True), torch.ones_like(b), b)
        share[rows] = b.flatten()
        shares[rows] = (1 - b) * output.shares[rows] + b * polished
        presence[rows] = torch.where(added, torch.ones_like(b), output.presence[rows])
    called = presence > presence_threshold
    below, above = distances(network, output, shares, called, total, share)
    low, high, absent = (
        calibration.at(scale, total)[:, None]
        for scale in (calibration.lower_scale, calibration.upper_scale, calibration.absent_scale)
    )
    lower = (shares - low * below).clamp(min=0)
    upper = (shares + torch.where(called, high, absent) * above).clamp(max=1)
    upper = torch.minimum(upper, torch.maximum(most_possible(X, network.W), shares))
    return RefitOutput(shares, presence, lower, upper)


def forward_in_chunks(
    network: RefitNetwork, X: Float[Tensor, "n f"], tumour_types: Int[Tensor, " n"] | None
) -> RefitOutput:
    """Return the network's output without gradients, a few hundred samples at a time."""
    if tumour_types is None:
        tumour_types = torch.zeros(len(X), dtype=torch.long)
    chunks = zip(X.split(CHUNK_SAMPLES), tumour_types.split(CHUNK_SAMPLES), strict=True)
    with torch.no_grad():
        parts = [network(x, types) for x, types in chunks]
    return RefitOutput(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


def informed_output(
    network: RefitNetwork, X: Float[Tensor, "n f"], tumour_types: Int[Tensor, " n"]
) -> RefitOutput:
    """Return the network's output, with many mutations averaged over given and unknown tumour type.

    A type is learned from a few dozen tumours. With a few hundred mutations it lowers the error; with thousands the
    average of the outputs with and without it has a smaller error than either.
    """
    output = forward_in_chunks(network, X, tumour_types)
    known = torch.nonzero((tumour_types > 0) & (X.sum(dim=1) > TYPE_FULL_MUTATIONS)).flatten()
    if not len(known):
        return output
    alone = forward_in_chunks(network, X[known], None)
    position = (X[known].sum(dim=1) / TYPE_FULL_MUTATIONS).log()
    position = position / math.log(TYPE_HALF_MUTATIONS / TYPE_FULL_MUTATIONS)
    part = 0.5 * position.clamp(0, 1)[:, None]
    for values, without_type in zip(output, alone, strict=True):
        values[known] = (1 - part) * values[known] + part * without_type
    return output


def polish(
    X: Float[Tensor, "n f"],
    shares: Float[Tensor, "n k"],
    called: Bool[Tensor, "n k"],
    W: Float[Tensor, "k f"],
) -> tuple[Float[Tensor, "n k"], Bool[Tensor, "n k"]]:
    """Return the shares of highest likelihood of the called signatures, and which signatures were added to them.

    The largest signature of a sample always takes part.
    """
    total = X.sum(dim=1, keepdim=True)
    support = called | (shares >= shares.amax(dim=1, keepdim=True))
    added = torch.zeros_like(support)
    shares = kl_exposures(X, W, start=shares, support=support, tol=1e-3).H / total
    rows = torch.nonzero(total.flatten() > MIN_MUTATIONS_TO_ADD).flatten()
    for _ in range(MAX_ADDED_SIGNATURES):
        if not len(rows):
            break
        score = _scores(X[rows], shares[rows], W).masked_fill(support[rows], 0.0)
        best, index = score.max(dim=1)
        rows, index = rows[best > MIN_SCORE_Z], index[best > MIN_SCORE_Z]
        support[rows, index] = True
        added[rows, index] = True
        found = kl_exposures(X[rows], W, start=shares[rows], support=support[rows], tol=1e-3)
        shares[rows] = found.H / total[rows]
    return shares, added & (shares > 0)


def _scores(X: Tensor, shares: Tensor, W: Tensor) -> Tensor:
    """Return the score test for adding each signature, in standard deviations.

    The likelihood rises with a signature where ``g_j = mean over mutations of W_j / r`` is above 1; the standard error
    of ``g_j`` is that of a mean. That other signatures could explain the same mutations is ignored: the score is then
    too small, never too large.
    """
    total = X.sum(dim=1, keepdim=True)
    ratio = X / total / (shares @ W).clamp(min=1e-12)
    gain = ratio @ W.mT
    second = (ratio / (shares @ W).clamp(min=1e-12)) @ W.square().mT
    return (gain - 1) * (total / (second - gain.square()).clamp(min=1e-12)).sqrt()


def most_possible(X: Float[Tensor, "n f"], W: Float[Tensor, "k f"]) -> Float[Tensor, "n k"]:
    """Return the largest share of each signature that the counts of its channels allow.

    ``min_c (x_c + 4 sqrt(x_c + 1) + 4) / (N W_jc)``: the mean of a Poisson count x is larger than this numerator about
    once in ten thousand times.
    """
    total = X.sum(dim=1, keepdim=True).clamp(min=1)
    room = (X + 4 * (X + 1).sqrt() + 4) / total
    parts = [
        (part[:, None, :] / W.clamp(min=1e-9)).amin(dim=2) for part in room.split(CHUNK_SAMPLES)
    ]
    return torch.cat(parts)


def distances(
    network: RefitNetwork,
    output: RefitOutput,
    shares: Float[Tensor, "n k"],
    called: Bool[Tensor, "n k"],
    total: Float[Tensor, " n"],
    likelihood_share: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Return the distances from shares to ends before calibration: the network's, averaged with the likelihood's.

    At least a tenth of a mutation. The likelihood's are 1.645 standard errors of the signatures called present.
    """
    least = 0.1 / total.clamp(min=1)[:, None]
    below = torch.maximum(output.shares - output.lower, least)
    above = torch.maximum(output.upper - output.shares, least)
    rows = torch.nonzero(likelihood_share > 0).flatten()
    for part in rows.split(CHUNK_SAMPLES):
        error = 1.645 * standard_errors(shares[part], called[part], total[part], network.W)
        b = likelihood_share[part, None] * called[part]
        below[part] = (1 - b) * below[part] + b * error
        above[part] = (1 - b) * above[part] + b * error
    return below, above


def standard_errors(
    shares: Float[Tensor, "n k"],
    support: Bool[Tensor, "n k"],
    total: Float[Tensor, " n"],
    W: Float[Tensor, "k f"],
) -> Float[Tensor, "n k"]:
    """Return the standard errors of maximum-likelihood shares on a known support; 0 outside of it.

    The inverse Fisher information ``(N W diag(1 / r) W^T)^-1``, less ``h h^T / N`` since the total is known.
    """
    errors = torch.zeros_like(shares)
    size = int(support.sum(dim=1).max()) if len(support) else 0
    if size == 0:
        return errors
    valid, members = support.to(torch.int8).topk(size, dim=1)
    spectrum = (shares @ W).clamp(min=1e-9)
    scaled = (W[members] / spectrum.sqrt()[:, None, :] * valid[:, :, None]).double()
    information = scaled @ scaled.mT * total.clamp(min=1).double()[:, None, None]
    # Unused places get an information of 1; the ridge keeps near-copies of a signature apart from a division by zero.
    padding = (1 - valid).double() + 1e-9 * information.diagonal(dim1=1, dim2=2)
    covariance = torch.linalg.inv(information + torch.diag_embed(padding))
    known = shares.gather(1, members).double().square() / total.clamp(min=1).double()[:, None]
    variance = (covariance.diagonal(dim1=1, dim2=2) - known).clamp(min=0).to(shares)
    return errors.scatter(1, members, variance.sqrt() * valid)


def unexplained_share(
    X: Float[Tensor, "n f"], expected: Float[Tensor, "n f"]
) -> Float[Tensor, " n"]:
    """Return the share of mutations that a reconstruction has in other channels, less what chance alone moves.

    ``(sum |x - r| - sum sqrt(2 r / pi)) / 2 N``, not below 0: the mean absolute deviation of a Poisson count of mean r
    is about ``sqrt(2 r / pi)``. Mutations of a missing signature that the others explain as well are not counted.
    """
    total = X.sum(dim=1).clamp(min=1)
    # Below a mean of about 1 a count deviates by 2 r at most.
    chance = torch.minimum((2 / torch.pi * expected).sqrt(), 2 * expected)
    return ((X - expected).abs() - chance).sum(dim=1).clamp(min=0) / (2 * total)
