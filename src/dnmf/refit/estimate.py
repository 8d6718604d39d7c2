"""From a refit network's output to an answer: finished by likelihood, with calibrated intervals and a test of fit."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from dnmf.kernels.kl import kl_exposures
from dnmf.refit.calibration import NULL_LEVELS
from dnmf.refit.network import RefitNetwork, RefitOutput

# Samples that pass through the network at a time: their activations stay in cache.
CHUNK = 512
# Above so many mutations a signature that the network left out is taken in when the likelihood insists.
LIKELIHOOD_RULES = 20_000
CALLED = 0.5
# Up to so many mutations a given tumour type is used as the network uses it; from so many on by half.
TYPE_RULES, TYPE_HALVED = 500, 2000
MOST_ADDED, INSISTENCE = 8, 4.0
# Fits with a smaller p-value are not believed to be chance; their dispersion is estimated twice, the second time from
# the more careful answer.
DOUBT, DISPERSION_ROUNDS = 1e-3, 2
CERTIFICATE_TOLERANCE = 0.01
# Below this p-value of the test of fit what is left over is not taken for noise.
SUSPICION = 0.05


@dataclass(frozen=True, slots=True)
class RefitAnswer:
    """Exposures of known signatures, as shares, and how far to trust them.

    Attributes
    ----------
    weights : (n, k)
        Shares, rows sum to 1 (of an empty sample: what the network expects of anyone).
    presence : (n, k)
        Probability that a signature contributes at least ten mutations.
    lower, upper : (n, k)
        Calibrated 90 % intervals.
    misfit : (n,)
        Statistic of the test of fit, see :func:`misfit_of`.
    p_value : (n,)
        Of the test of fit: how often samples made of the reference's signatures are explained this badly.
    dispersion : (n,)
        By how many times the misfit exceeds the usual one, where the fit is out of the question (p < 0.001), else 1.
        Such counts are taken for as many times fewer mutations, in weights, presence and intervals.
    certificate : (n,)
        At most so many nats of log-likelihood below the highest that any mixture of the signatures reaches. About half
        the number of signatures is what a likelihood gains by fitting noise; much more is a price that only the prior
        or a bad fit explains.
    unexplained : (n,)
        Share of the mutations that the reconstruction leaves over, see :func:`unexplained_share`; 0 unless p < 0.05.
    likelihood_share : (n,)
        Share of the likelihood's answer, on the support that the network found, in the weights: 0 with few mutations,
        1 with very many.
    """

    weights: Float[Tensor, "n k"]
    presence: Float[Tensor, "n k"]
    lower: Float[Tensor, "n k"]
    upper: Float[Tensor, "n k"]
    misfit: Float[Tensor, " n"]
    p_value: Float[Tensor, " n"]
    dispersion: Float[Tensor, " n"]
    certificate: Float[Tensor, " n"]
    unexplained: Float[Tensor, " n"]
    likelihood_share: Float[Tensor, " n"]


def refit_answer(
    network: RefitNetwork,
    X: Float[Tensor, "n f"],
    cohort: Int[Tensor, " n"] | None = None,
) -> RefitAnswer:
    """Refit known signatures with a trained and calibrated network.

    Parameters
    ----------
    network : RefitNetwork
        From :func:`dnmf.refit.training.train_refit` and :func:`dnmf.refit.calibration.calibrate`.
    X : (n, f)
        Counts.
    cohort : (n,), optional
        Indices of tumour types, 0 for unknown.

    Notes
    -----
    ``weights = (1 - b(N)) network + b(N) maximum likelihood on the network's support``, b measured by calibration.
    Above 20,000 mutations signatures join the support as long as a score test of the likelihood insists on one, so the
    answer goes to the likelihood's whatever the network was trained on.

    Counts that vary more than Poisson counts, or hold what the reference lacks, are not as informative as their number
    says, and a likelihood that trusts them finds signatures in the noise. Dividing by the dispersion (quasi-likelihood,
    Wedderburn 1974) makes the answer as careful as the data are bad.
    """
    X = X.to(network.W)
    if cohort is None:
        cohort = torch.zeros(len(X), dtype=torch.long)
    total = X.sum(dim=1)
    calibration = network.calibration
    found = _answer_counts(network, X, cohort)
    misfit, certificate = misfit_of(X, found.weights, network.W)
    p_value = calibration.p_value(misfit, total)
    dispersion = torch.ones_like(total)
    usual = calibration.at(calibration.null_misfit[:, NULL_LEVELS.index(0.5)], total)
    rows = torch.nonzero(p_value < DOUBT).flatten()
    for _ in range(DISPERSION_ROUNDS if len(rows) else 0):
        factor = (misfit[rows] / usual[rows]).clamp(min=1)
        again = _answer_counts(network, X[rows] / factor[:, None], cohort[rows])
        for name in again.__slots__:
            getattr(found, name)[rows] = getattr(again, name)
        dispersion[rows] = factor
        misfit[rows], certificate[rows] = misfit_of(X[rows], again.weights, network.W)
    left_over = unexplained_share(X, found.weights @ network.W * total[:, None])
    return RefitAnswer(
        weights=found.weights,
        presence=found.presence,
        lower=found.lower,
        upper=found.upper,
        misfit=misfit,
        p_value=p_value,
        dispersion=dispersion,
        certificate=certificate,
        unexplained=torch.where(p_value < SUSPICION, left_over, torch.zeros_like(left_over)),
        likelihood_share=found.likelihood_share,
    )


def misfit_of(
    X: Float[Tensor, "n f"], weights: Float[Tensor, "n k"], W: Float[Tensor, "k f"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Return the statistic of the test of fit, and how many nats the weights are below the highest likelihood.

    ``misfit = D + 2 (D - D_min)``, D the Poisson deviance of the weights and D_min the lowest that any mixture of the
    signatures reaches. D alone sees what no mixture can explain; ``D - D_min`` what only a mixture can that tumours do
    not have, which is how a signature that the reference lacks hides. In units of their noise both count alike.
    """
    best = kl_exposures(X, W, start=weights, tol=CERTIFICATE_TOLERANCE)
    total = X.sum(dim=1, keepdim=True)
    ours, lowest = poisson_deviance(X, weights @ W * total), poisson_deviance(X, best.H @ W)
    excess = (ours - lowest).clamp(min=0)
    # The solver's own certificate is added: whatever it found, the true maximum is no further away than this.
    return ours + 2 * excess, excess / 2 + best.gap


@dataclass(frozen=True, slots=True)
class _Found:
    weights: Tensor
    presence: Tensor
    lower: Tensor
    upper: Tensor
    likelihood_share: Tensor


def _answer_counts(network: RefitNetwork, X: Tensor, cohort: Tensor) -> _Found:
    """Answer counts that are taken at their word: as noisy as Poisson counts of their size."""
    output = informed_output(network, X, cohort)
    total = X.sum(dim=1)
    calibration = network.calibration
    share = calibration.at(calibration.likelihood_share, total)
    weights, presence = output.weights.clone(), output.presence.clone()
    rows = torch.nonzero(share > 0).flatten()
    if len(rows):
        polished, added = polish(X[rows], output.weights[rows], output.presence[rows], network.W)
        b = share[rows, None]
        # Once the likelihood has overruled the support, half of the network's answer would be half an error.
        b = torch.where(added.any(dim=1, keepdim=True), torch.ones_like(b), b)
        share[rows] = b.flatten()
        weights[rows] = (1 - b) * output.weights[rows] + b * polished
        presence[rows] = torch.where(added, torch.ones_like(b), output.presence[rows])
    lower, upper = intervals(network, output, weights, presence, total, share)
    upper = torch.minimum(upper, torch.maximum(most_possible(X, network.W), weights))
    return _Found(weights, presence, lower, upper, share)


def forward_in_chunks(
    network: RefitNetwork, X: Float[Tensor, "n f"], cohort: Int[Tensor, " n"] | None
) -> RefitOutput:
    """Return the network's output without gradients, a few hundred samples at a time."""
    if cohort is None:
        cohort = torch.zeros(len(X), dtype=torch.long)
    with torch.no_grad():
        parts = [network(x, c) for x, c in zip(X.split(CHUNK), cohort.split(CHUNK), strict=True)]
    return RefitOutput(
        *(
            torch.cat([getattr(p, name) for p in parts])
            for name in ("weights", "presence", "lower", "upper")
        )
    )


def informed_output(
    network: RefitNetwork, X: Float[Tensor, "n f"], cohort: Int[Tensor, " n"]
) -> RefitOutput:
    """Return the network's output, half of it without the tumour type where the mutations know better.

    A type is known from a few dozen tumours. With a few hundred mutations that is worth a lot; with thousands the
    average of the answers with and without it is better than either.
    """
    output = forward_in_chunks(network, X, cohort)
    known = torch.nonzero((cohort > 0) & (X.sum(dim=1) > TYPE_RULES)).flatten()
    if not len(known):
        return output
    alone = forward_in_chunks(network, X[known], None)
    position = (X[known].sum(dim=1) / TYPE_RULES).log() / math.log(TYPE_HALVED / TYPE_RULES)
    part = 0.5 * position.clamp(0, 1)[:, None]
    for name in RefitOutput.__slots__:
        values = getattr(output, name)
        values[known] = (1 - part) * values[known] + part * getattr(alone, name)
    return output


def polish(
    X: Float[Tensor, "n f"],
    weights: Float[Tensor, "n k"],
    presence: Float[Tensor, "n k"],
    W: Float[Tensor, "k f"],
) -> tuple[Float[Tensor, "n k"], Bool[Tensor, "n k"]]:
    """Return the shares of highest likelihood on the network's support, and which signatures had to be added to it."""
    total = X.sum(dim=1, keepdim=True)
    support = (presence > CALLED) | (weights >= weights.amax(dim=1, keepdim=True))
    added = torch.zeros_like(support)
    shares = kl_exposures(X, W, start=weights, support=support, tol=1e-3).H / total
    rows = torch.nonzero(total.flatten() > LIKELIHOOD_RULES).flatten()
    for _ in range(MOST_ADDED):
        if not len(rows):
            break
        score = _scores(X[rows], shares[rows], W).masked_fill(support[rows], 0.0)
        best, index = score.max(dim=1)
        rows, index = rows[best > INSISTENCE], index[best > INSISTENCE]
        support[rows, index] = True
        added[rows, index] = True
        found = kl_exposures(X[rows], W, start=shares[rows], support=support[rows], tol=1e-3)
        shares[rows] = found.H / total[rows]
    return shares, added & (shares > 0)


def _scores(X: Tensor, shares: Tensor, W: Tensor) -> Tensor:
    """Score test for adding each signature: standard deviations by which the likelihood asks for it.

    The gain ``g_j = mean over mutations of W_j / r`` is 1 for a signature in balance; its standard error is that of a
    mean. What the other signatures could take over is ignored, which only makes the test reluctant.
    """
    total = X.sum(dim=1, keepdim=True)
    ratio = X / total / (shares @ W).clamp(min=1e-12)
    gain = ratio @ W.mT
    second = (ratio / (shares @ W).clamp(min=1e-12)) @ W.square().mT
    return (gain - 1) * (total / (second - gain.square()).clamp(min=1e-12)).sqrt()


def intervals(
    network: RefitNetwork,
    output: RefitOutput,
    weights: Float[Tensor, "n k"],
    presence: Float[Tensor, "n k"],
    total: Float[Tensor, " n"],
    likelihood_share: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Return the calibrated ends: distances scaled by what held-out tumours asked for."""
    calibration = network.calibration
    below, above = distances(network, output, weights, presence, total, likelihood_share)
    absent = (presence <= CALLED).to(weights)
    low = calibration.at(calibration.lower_scale, total)[:, None]
    high = calibration.at(calibration.upper_scale, total)[:, None]
    rare = calibration.at(calibration.absent_scale, total)[:, None]
    lower = weights - low * below
    upper = weights + (high * (1 - absent) + rare * absent) * above
    return lower.clamp(min=0), upper.clamp(max=1)


def most_possible(X: Float[Tensor, "n f"], W: Float[Tensor, "k f"]) -> Float[Tensor, "n k"]:
    """Return the largest share of each signature that every channel has room for, noise included.

    ``min_c (x_c + 4 sqrt(x_c + 1) + 4) / (N W_jc)``: a signature gives no channel more mutations than are there. A
    Poisson count lies so far below its mean about once in ten thousand times.
    """
    total = X.sum(dim=1, keepdim=True).clamp(min=1)
    room = (X + 4 * (X + 1).sqrt() + 4) / total
    parts = [(part[:, None, :] / W.clamp(min=1e-9)).amin(dim=2) for part in room.split(CHUNK)]
    return torch.cat(parts) if parts else X.new_zeros(len(X), len(W))


def distances(
    network: RefitNetwork,
    output: RefitOutput,
    weights: Float[Tensor, "n k"],
    presence: Float[Tensor, "n k"],
    total: Float[Tensor, " n"],
    likelihood_share: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Return the distances to the ends before calibration: the network's own, turning into the likelihood's.

    Never less than a tenth of a mutation. The likelihood's are 1.645 standard errors on the signatures called present.
    """
    least = 0.1 / total.clamp(min=1)[:, None]
    below = torch.maximum(output.weights - output.lower, least)
    above = torch.maximum(output.upper - output.weights, least)
    rows = torch.nonzero(likelihood_share > 0).flatten()
    for part in rows.split(CHUNK):
        support = presence[part] > CALLED
        error = 1.645 * standard_errors(weights[part], support, total[part], network.W)
        b = likelihood_share[part, None] * support
        below[part] = (1 - b) * below[part] + b * error
        above[part] = (1 - b) * above[part] + b * error
    return below, above


def standard_errors(
    weights: Float[Tensor, "n k"],
    support: Bool[Tensor, "n k"],
    total: Float[Tensor, " n"],
    W: Float[Tensor, "k f"],
) -> Float[Tensor, "n k"]:
    """Return the standard errors of maximum-likelihood shares on a known support; 0 outside of it.

    The inverse Fisher information ``(N W diag(1 / r) W^T)^-1``, less ``w w^T / N`` since the total is known.
    """
    errors = torch.zeros_like(weights)
    size = int(support.sum(dim=1).max()) if len(support) else 0
    if size == 0:
        return errors
    valid, members = support.to(torch.int8).topk(size, dim=1)
    spectrum = (weights @ W).clamp(min=1e-9)
    scaled = (W[members] / spectrum.sqrt()[:, None, :] * valid[:, :, None]).double()
    information = scaled @ scaled.mT * total.clamp(min=1).double()[:, None, None]
    # Unused places get an information of 1; the ridge keeps near-copies of a signature apart from a division by zero.
    padding = (1 - valid).double() + 1e-9 * information.diagonal(dim1=1, dim2=2)
    covariance = torch.linalg.inv(information + torch.diag_embed(padding))
    known = weights.gather(1, members).double().square() / total.clamp(min=1).double()[:, None]
    variance = (covariance.diagonal(dim1=1, dim2=2) - known).clamp(min=0).to(weights)
    return errors.scatter(1, members, variance.sqrt() * valid)


def poisson_deviance(
    X: Float[Tensor, "n f"], expected: Float[Tensor, "n f"]
) -> Float[Tensor, " n"]:
    """``2 sum x log(x / expected) - x + expected``, in double precision: its terms nearly cancel."""
    x, r = X.double(), expected.double().clamp(min=1e-12)
    return 2 * (torch.special.xlogy(x, x / r) - x + r).sum(dim=1).to(X)


def unexplained_share(
    X: Float[Tensor, "n f"], expected: Float[Tensor, "n f"]
) -> Float[Tensor, " n"]:
    """Return the share of mutations that a reconstruction puts elsewhere, less what chance alone would move.

    ``(sum |x - r| - sum sqrt(2 r / pi)) / 2 N``, not below 0: the mean absolute deviation of a Poisson count of mean r
    is about ``sqrt(2 r / pi)``. Of a signature that the reference lacks it misses what the others can imitate.
    """
    total = X.sum(dim=1).clamp(min=1)
    # Below a mean of about 1 a count deviates by 2 r at most.
    chance = torch.minimum((2 / torch.pi * expected).sqrt(), 2 * expected)
    return ((X - expected).abs() - chance).sum(dim=1).clamp(min=0) / (2 * total)
