"""Refit of known signatures: from a catalog to exposures with intervals, presence, tests and advice."""

import platform
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.metrics import reconstruction_quality
from dnmf.refit.advice import advice, exchangeable_pairs
from dnmf.refit.card import RefitCard
from dnmf.refit.methods import (
    BatchAnswer,
    by_least_squares,
    by_likelihood,
    by_network,
    by_selection,
    evidence_for_selection,
)
from dnmf.refit.models import check_reference, load_refit_model, model_for
from dnmf.refit.network import RefitNetwork
from dnmf.refit.result import Method, RefitResult
from dnmf.report.recorded_warnings import recorded_warnings
from dnmf.signatures import MutationCatalog, SignatureSet, load_reference

_PACKAGES = ["dnmf", "numpy", "scipy", "pandas", "torch", "numba"]
_CLASSIC = {"nnls": by_least_squares, "kl": by_likelihood, "sparse": by_selection}
_IN_WORDS = {"kl": "maximum likelihood (kl)", "sparse": "selection of signatures (sparse)"}
# Without a network: with more signatures than this, those that hardly matter are dropped first. Measured on tumours and
# on evenly drawn mixtures: up to ten, likelihood alone has the smaller error and the truer intervals; from twenty on
# the selection has (0.28 instead of 0.47 for tumours with 500 mutations and all 67 signatures).
MOST_FOR_LIKELIHOOD = 10
# The network's answer gives way where selected signatures have an information criterion lower by ten ("very strong",
# Kass and Raftery 1995) and a mixture of the reference explains the sample (p > 0.1). Counts that only vary
# more than Poisson counts are explained by none; a selection would fit their noise (0.30 instead of 0.08).
VERY_STRONG, EXPLAINED = 10.0, 0.1


def refit_exposures(
    catalog: MutationCatalog,
    reference: SignatureSet | str | Path = "cosmic-v3.4",
    *,
    method: Method = "auto",
    cohort: str | None = None,
    model: str | Path | None = None,
) -> RefitResult:
    """Return how many mutations of each sample known signatures explain.

    Parameters
    ----------
    catalog : MutationCatalog
        ``n`` samples. Channels are matched by label.
    reference : SignatureSet or str
        The signatures, or what ``load_reference`` understands.
    method : str
        ``"network"``: a trained network, the packaged one of the reference or ``model``. ``"kl"``: Poisson maximum
        likelihood. ``"nnls"``: non-negative least squares. ``"sparse"``: backward elimination and forward selection,
        then likelihood on what was selected. ``"auto"``: the network for samples it was made for; ``sparse`` (``kl`` up
        to ten signatures) where no network knows the reference or the number of mutations is outside the network's
        range; ``sparse`` where it explains a sample so much better that the sample is unlike the tumours that the
        network was trained on. The reason is in the sample's ``advice``.
    cohort : str, optional
        Tumour type, one of the network's; None or ``"pan-cancer"`` for unknown. Only the network uses it.
    model : str or Path, optional
        A packaged network (``dnmf.refit.available_models``), or the path of one.

    Returns
    -------
    RefitResult

    Raises
    ------
    InputDataError
        Unknown method, tumour type or reference; no mutations at all; with ``method="network"`` also a reference or a
        number of mutations that the network was not trained for.
    ChannelMismatchError
        Catalog and reference have different channels.
    ModelFileError
        ``model`` is not a refit network.

    Warns
    -----
    DoubtfulDataWarning
        With ``method="auto"``, when no network can be used; when ``cohort`` or ``model`` is given but not used.

    Examples
    --------
    >>> from dnmf.signatures import example_catalog
    >>> result = refit_exposures(example_catalog(), "SBS1,SBS2,SBS3,SBS5,SBS13", method="kl")
    >>> result.exposures.loc["PD4120a"].idxmax()
    'SBS2'
    """
    started = time.perf_counter()
    if method not in get_args(Method):
        raise InputDataError(
            f"no method {method!r}: expected one of {', '.join(get_args(Method))}."
        )
    reference = load_reference(reference, channels=catalog.schema)
    counts = _aligned_counts(catalog, reference)
    with recorded_warnings() as messages:
        trained = _trained(reference, method, cohort, model)
        answer, methods, reasons = _answers(counts, reference, trained, method)
    result = _result(catalog, reference, counts, answer, methods, reasons)
    uses_network = trained.network is not None
    return RefitResult(
        **result,
        catalog=catalog,
        reference=reference,
        model=trained.card.name if trained.card is not None else None,
        presence_threshold=0.5 if trained.card is None else trained.card.presence_threshold,
        parameters={
            "method": method,
            "reference": reference.source or None,
            "signatures": len(reference.names),
            "cohort": cohort if uses_network else None,
            "model": trained.card.name if trained.card is not None else None,
        },
        seconds={"total": time.perf_counter() - started},
        warnings=messages,
        versions={"python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
        model_notes=[] if trained.card is None else list(trained.card.notes),
    )


@dataclass(frozen=True)
class _Trained:
    """The network to use, or the reason why there is none."""

    network: RefitNetwork | None = None
    card: RefitCard | None = None
    cohort: int = 0
    reason: str = ""


def _aligned_counts(catalog: MutationCatalog, reference: SignatureSet) -> np.ndarray:
    counts: np.ndarray = catalog.counts[list(reference.profiles.columns)].to_numpy(dtype=float)
    if not counts.any():
        raise InputDataError(
            f"{catalog.source or 'the catalog'}: none of the {len(counts)} samples has any mutation; nothing to refit."
        )
    return counts


def _trained(
    reference: SignatureSet, method: str, cohort: str | None, model: str | Path | None
) -> _Trained:
    """Return the network of a reference; only ``method="network"`` insists on one."""
    if method in _CLASSIC:
        for option, value in (("cohort", cohort), ("model", model)):
            if value is not None:
                warnings.warn(
                    f"the {option} {str(value)!r} is not used: the method {method} knows no {option}.",
                    DoubtfulDataWarning,
                    stacklevel=3,
                )
        return _Trained()
    name: str | Path | None = model if model is not None else model_for(reference)
    if name is None:
        reason = (
            f"no network was trained for {reference.source or 'this reference'} "
            f"({len(reference.names)} signatures)"
        )
        if method == "network":
            raise InputDataError(
                f"{reference.source or 'the reference'}: {reason}. Choose cosmic-v3.4, train a network with "
                "dnmf train refit, or use --method kl."
            )
        return _without_network(reference, reason, cohort)
    network, card = load_refit_model(name)
    try:
        check_reference(network, card, reference)
    except InputDataError as error:
        if method == "network":
            raise
        return _without_network(reference, str(error), cohort)
    return _Trained(network, card, card.cohort_index(cohort))


def _without_network(reference: SignatureSet, reason: str, cohort: str | None) -> _Trained:
    ignored = f" The cohort {cohort!r} is not used." if cohort is not None else ""
    fallback = _fallback(len(reference.names))
    warnings.warn(
        f"{_IN_WORDS[fallback]} is used instead of a network: {reason.rstrip('.')}.{ignored}",
        DoubtfulDataWarning,
        stacklevel=4,
    )
    return _Trained(reason=f"Refitted by {_IN_WORDS[fallback]}: no network for this reference.")


def _fallback(n_signatures: int) -> str:
    return "kl" if n_signatures <= MOST_FOR_LIKELIHOOD else "sparse"


def _answers(
    counts: np.ndarray, reference: SignatureSet, trained: _Trained, method: str
) -> tuple[BatchAnswer, np.ndarray, list[str]]:
    """Return the answers, the method of each sample, and why it was another one where a network was wanted."""
    W = np.ascontiguousarray(reference.profiles.to_numpy(dtype=float))
    n, k = len(counts), len(W)
    answer = BatchAnswer.empty(n, k)
    methods = np.full(n, "none", dtype=object)
    reasons = [""] * n
    filled = np.flatnonzero(counts.sum(axis=1) > 0)
    if method in _CLASSIC:
        answer.put(filled, _CLASSIC[method](counts[filled], W))
        methods[filled] = method
        return answer, methods, reasons
    outside = _outside_range(counts, filled, trained, method)
    for row, reason in outside.items():
        reasons[row] = reason
    rows = np.array(sorted(outside), dtype=int)
    if len(rows):
        methods[rows] = _fallback(k)
        answer.put(rows, _CLASSIC[_fallback(k)](counts[rows], W))
    covered = np.array([row for row in filled if row not in outside], dtype=int)
    if trained.network is not None and len(covered):
        found = by_network(trained.network, counts[covered], trained.cohort)
        answer.put(covered, found)
        methods[covered] = "network"
        if method == "auto":
            rows = covered[evidence_for_selection(counts[covered], found, W) > VERY_STRONG]
            rival = by_selection(counts[rows], W)
            explained = rival.p_value > EXPLAINED
            answer.put(rows[explained], rival.at(explained))
            methods[rows[explained]] = "sparse"
            for row in rows[explained]:
                reasons[row] = (
                    f"Refitted by {_IN_WORDS['sparse']}: it explains the sample much better than the network, whose "
                    "training tumours may not be like it."
                )
    return answer, methods, reasons


def _outside_range(
    counts: np.ndarray, filled: np.ndarray, trained: _Trained, method: str
) -> dict[int, str]:
    """Return the samples that the network must not answer, and why."""
    if trained.card is None:
        return {int(row): trained.reason for row in filled}
    low, high = trained.card.counts
    totals = counts.sum(axis=1)
    rows = [int(row) for row in filled if not low <= totals[row] <= high]
    if rows and method == "network":
        raise InputDataError(
            f"{len(rows)} samples have {totals[rows].min():,.0f} to {totals[rows].max():,.0f} mutations; the model "
            f"{trained.card.name} was trained for {low:,.0f} to {high:,.0f}. Use --method auto, which refits them "
            "without it, or leave them out."
        )
    return {
        row: f"Refitted by {_IN_WORDS[_fallback(len(trained.card.signatures))]}: {totals[row]:,.0f} mutations are "
        f"{'fewer' if totals[row] < low else 'more'} than the network was trained for."
        for row in rows
    }


def _result(
    catalog: MutationCatalog,
    reference: SignatureSet,
    counts: np.ndarray,
    answer: BatchAnswer,
    methods: np.ndarray,
    reasons: list[str],
) -> dict[str, Any]:
    """Return the tables of a result: shares become mutations, less what stays unassigned."""
    samples, names = catalog.counts.index, pd.Index(reference.names)
    W = reference.profiles.to_numpy(dtype=float)
    total = counts.sum(axis=1)
    assigned = total * (1 - answer.unassigned)

    def frame(values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=samples, columns=names)

    exposures = answer.shares * assigned[:, None]
    fit = pd.DataFrame({"mutations": total, **reconstruction_quality(counts, exposures @ W)})
    fit.index = pd.Index(samples, name="sample")
    fit["p_value"], fit["certificate"] = answer.p_value, answer.certificate
    fit["unassigned"], fit["method"] = answer.unassigned, methods
    pairs = exchangeable_pairs(counts, answer.shares, W, reference.names)
    fit["exchangeable"] = ["; ".join(own) for own in pairs]
    fit["advice"] = advice(fit, reasons, pairs)
    by_net = methods == "network"
    return {
        "exposures": frame(exposures),
        # The unassigned mutations may belong to any signature: upper ends keep them, lower ends do not.
        "lower": frame(answer.lower * assigned[:, None]),
        "upper": frame(answer.upper * total[:, None]),
        "presence": frame(answer.presence).loc[by_net] if by_net.any() else None,
        "unassigned": pd.Series(answer.unassigned * total, index=samples, name="unassigned"),
        "fit": fit,
    }
