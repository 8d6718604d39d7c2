"""Every way to refit that the benchmarks compare, on the same samples, with the same scores."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.criteria import PRESENCE_THRESHOLD
from dnmf.refit.estimate import RefitEstimate, estimate_exposures
from dnmf.refit.methods import classic_exposures
from dnmf.refit.model import read_model
from dnmf.refit.prior import load_prior
from dnmf.signatures import SignatureSet
from dnmf.signatures.shipped import ARTEFACTS
from refit_protocol import (
    FALSE_ALARMS,
    Array,
    Words,
    fitting_error,
    interval_scores,
    is_present,
    presence_scores,
)

Given = str | Path | pd.DataFrame | None
"""What is given as the prior of a refit; see ``dnmf.refit.prior.load_prior``."""

CLASSICS = ("kl", "nnls", "sparse")


@dataclass(frozen=True)
class Group:
    """Samples that are refitted together, the truth, and what is known beforehand.

    Attributes
    ----------
    reference : SignatureSet
        k signatures, f channels.
    counts, shares, types : (n, f), (n, k), (n,)
        Mutations; true shares, rows sum to 1; tumour types.
    priors : dict
        What the network is given in turn, by label.
    bank, oracle : (m, k), (l, k)
        Shares of the tumours that empirical Bayes knows; those that the samples were drawn from. Contributions
        that are dropped from the samples are dropped from both. Perhaps no rows.
    """

    reference: SignatureSet
    counts: Array
    shares: Array
    types: Words
    priors: dict[str, Given]
    bank: Array
    oracle: Array

    @property
    def W(self) -> Array:
        """The signatures (k, f)."""
        return self.reference.profiles.to_numpy()


@dataclass(frozen=True)
class Answer:
    """Shares, calls of presence and, where a method has them, intervals and p-values."""

    shares: Array
    called: NDArray[np.bool_]
    ms_per_sample: float
    estimate: RefitEstimate | None = None


def network(
    reference: SignatureSet, counts: Array, given: Given, model: Path | None = None
) -> RefitEstimate:
    """Refit by the network with a prior; ``model`` is the file of another model than the packaged one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        prior = load_prior(given, reference, len(counts))
        return estimate_exposures(
            counts,
            reference.profiles.to_numpy(),
            prior,
            model=None if model is None else read_model(model.read_bytes(), str(model)),
        )


def network_answer(group: Group, label: str, model: Path | None = None) -> Answer:
    """Refit a group by the network with one of its priors."""
    began = time.process_time()
    found = network(group.reference, group.counts, group.priors[label], model)
    return Answer(found.shares, found.presence > PRESENCE_THRESHOLD, _ms(began, group), found)


def classic_answer(group: Group, method: str) -> Answer:
    """Refit a group by likelihood, least squares or selection of signatures."""
    began = time.process_time()
    found = classic_exposures(group.counts, group.W, method)
    called = is_present(found.shares, group.counts.sum(axis=1))
    return Answer(found.shares, called, _ms(began, group), found)


def posterior_answer(group: Group, bank: Array) -> Answer:
    """Refit a group by empirical Bayes: the mean of tumours' shares, weighted by the likelihood of the counts."""
    began = time.process_time()
    shares = posterior_mean(group.counts, group.W, bank)
    called = is_present(shares, group.counts.sum(axis=1))
    return Answer(shares, called, _ms(began, group))


def posterior_mean(counts: Array, W: Array, bank: Array) -> Array:
    """Return ``sum_b w_b h_b`` (n, k), w the likelihood of counts (n, f) under each h of the bank (m, k).

    3 % of the bank's mean spectrum in each keep the likelihood above 0.
    """
    spectra = bank @ W
    spectra = 0.97 * spectra + 0.03 * spectra.mean(axis=0) + 1e-12
    log_likelihood = counts @ np.log(spectra).T
    weight = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    mean: Array = weight / weight.sum(axis=1, keepdims=True) @ bank
    return mean


def answers(
    groups: list[Group], *, model: Path | None, networks_only: bool = False
) -> dict[tuple[str, str], list[Answer]]:
    """Return the answers to all groups by (method, prior)."""
    found: dict[tuple[str, str], list[Answer]] = {}

    def collect(method: str, prior: str, answer: Callable[[Group], Answer]) -> None:
        found[method, prior] = [answer(group) for group in groups]

    for label in groups[0].priors:
        collect("network", label, lambda group, label=label: network_answer(group, label, model))
    if networks_only:
        return found
    for method in CLASSICS:
        collect(method, "", lambda group, method=method: classic_answer(group, method))
    if all(len(group.bank) for group in groups):
        collect("empirical Bayes", "training tumours", lambda g: posterior_answer(g, g.bank))
    if all(len(group.oracle) for group in groups):
        collect("oracle", "measured tumours", lambda g: posterior_answer(g, g.oracle))
    return found


def scores(groups: list[Group], found: list[Answer]) -> dict[str, float]:
    """Return the scores of a method over all samples of the groups."""
    totals = [group.counts.sum(axis=1) for group in groups]
    pairs = list(zip(groups, found, totals, strict=True))
    error = np.concatenate([fitting_error(normalised(a.shares), g.shares) for g, a, _ in pairs])
    # Groups may have different signatures: pairs of sample and signature are put in one column of each.
    called = np.concatenate([a.called.ravel() for a in found])
    present = np.concatenate([is_present(g.shares, total).ravel() for g, _, total in pairs])
    types = np.concatenate([np.repeat(g.types, g.shares.shape[1]) for g in groups])
    artefacts = [
        a.shares[:, np.isin(g.reference.names, list(ARTEFACTS))].sum(axis=1) for g, a, _ in pairs
    ]
    row = {
        "samples": len(error),
        "fitting_error": float(error.mean()),
        "median_error": float(np.median(error)),
        **presence_scores(called, present, types),
        "artefact_share": float(np.concatenate(artefacts).mean()),
        "signatures_a_sample": float(
            np.concatenate([(a.shares > 0).sum(axis=1) for a in found]).mean()
        ),
        "ms_per_sample": float(np.mean([a.ms_per_sample for a in found])),
    }
    estimates = [answer.estimate for answer in found]
    if None not in estimates:
        truth, lower, upper = (
            np.concatenate([table.ravel() for table in tables])
            for tables in (
                [group.shares for group in groups],
                [estimate.lower for estimate in estimates],
                [estimate.upper for estimate in estimates],
            )
        )
        row |= interval_scores(truth, lower, upper, called, present)
        for name in ("p_reference", "p_answer"):
            p_value = np.concatenate([getattr(estimate, name) for estimate in estimates])
            row[f"alarms_{name}"] = float((p_value < FALSE_ALARMS).mean())
    return row


def normalised(shares: Array) -> Array:
    """Return shares whose rows sum to 1; rows without mutations stay 0."""
    total = shares.sum(axis=1, keepdims=True)
    found: Array = shares / np.where(total > 0, total, 1.0)
    return found


def _ms(began: float, group: Group) -> float:
    return 1e3 * (time.process_time() - began) / len(group.counts)
