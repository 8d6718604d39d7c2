"""Refit of known signatures: from a catalog to exposures with intervals, presence, tests and advice."""

import time
import warnings
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from dnmf.criteria import MIN_EVIDENCE, MOST_FOR_LIKELIHOOD, P_EXPLAINED, PRESENCE_THRESHOLD
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.metrics import reconstruction_quality
from dnmf.refit.advice import advice, exchangeable_pairs
from dnmf.refit.card import RefitCard
from dnmf.refit.estimate import RefitEstimate, estimate_exposures
from dnmf.refit.exome import why_exome
from dnmf.refit.methods import classic_exposures, evidence_for_selection
from dnmf.refit.models import check_reference, load_refit_model, model_for
from dnmf.refit.network import RefitNetwork
from dnmf.refit.record import Method
from dnmf.refit.result import RefitResult
from dnmf.report.recorded_warnings import recorded_warnings
from dnmf.report.records import package_versions
from dnmf.signatures import MutationCatalog, SignatureSet, load_reference

_IN_WORDS = {"kl": "maximum likelihood (kl)", "sparse": "selection of signatures (sparse)"}


def refit_exposures(
    catalog: MutationCatalog,
    reference: SignatureSet | str | Path = "cosmic-v3.4",
    *,
    method: Method = "auto",
    tumour_type: str | None = None,
    model: str | Path | None = None,
    cohort: str | None = None,
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
    tumour_type : str, optional
        One of the network's; None or ``"pan-cancer"`` for unknown. Only the network uses it.
    model : str or Path, optional
        A packaged network (``dnmf.refit.available_models``), or the path of one.
    cohort : str, optional
        Deprecated: the former name of ``tumour_type``.

    Returns
    -------
    RefitResult

    Raises
    ------
    InputDataError
        Unknown method, tumour type or reference; no mutations at all; frequencies, percentages or rates instead of
        counts; with ``method="network"`` also a reference or a number of mutations that the network was not trained
        for.
    ChannelMismatchError
        Catalog and reference have different channels.
    ModelFileError
        ``model`` is not a refit network.

    Warns
    -----
    DoubtfulDataWarning
        When the catalog looks like exomes and the reference is for genomes. With ``method="auto"``, when no network can
        be used; when ``tumour_type`` or ``model`` is given but not used.

    Examples
    --------
    >>> from dnmf.signatures import example_catalog
    >>> result = refit_exposures(example_catalog(), "SBS1,SBS2,SBS3,SBS5,SBS13", method="kl")
    >>> result.exposures.loc["PD4120a"].idxmax()
    'SBS2'
    """
    started = time.perf_counter()
    if cohort is not None:
        if tumour_type is not None:
            raise InputDataError("give tumour_type alone: cohort is its former name")
        message = "refit_exposures: cohort is now called tumour_type"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        tumour_type = cohort
    if method not in get_args(Method):
        raise InputDataError(
            f"no method {method!r}: expected one of {', '.join(get_args(Method))}."
        )
    reference = load_reference(reference, channels=catalog.schema)
    counts = catalog.counts[list(reference.profiles.columns)].to_numpy(dtype=float)
    if not counts.any():
        raise InputDataError(
            f"{catalog.source or 'the catalog'}: none of the {len(counts)} samples has any mutation; nothing to refit."
        )
    catalog.check_counts("a refit")
    W = np.ascontiguousarray(reference.profiles.to_numpy(dtype=float))
    with recorded_warnings() as messages:
        if doubt := why_exome(catalog, reference):
            warnings.warn(doubt, DoubtfulDataWarning, stacklevel=2)
        trained = _network_for(reference, method, tumour_type, model)
        if trained is None:
            estimate = _without_network(counts, W, method)
        else:
            estimate = _with_network(counts, W, method, *trained, tumour_type)
    card = None if trained is None else trained[1]
    total = counts.sum(axis=1)
    assigned = total * (1 - estimate.unassigned)
    samples, names = catalog.counts.index, pd.Index(reference.names)

    def table(values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=samples, columns=names)

    exposures = estimate.shares * assigned[:, None]
    presence = table(estimate.presence).loc[estimate.method == "network"]
    return RefitResult(
        catalog=catalog,
        reference=reference,
        exposures=table(exposures),
        # The unassigned mutations may belong to any signature: upper ends include them, lower ends do not.
        exposure_lower=table(estimate.lower * assigned[:, None]),
        exposure_upper=table(estimate.upper * total[:, None]),
        presence=presence if len(presence) else None,
        unassigned=pd.Series(estimate.unassigned * total, index=samples, name="unassigned"),
        fit=_fit_table(catalog, reference, counts, exposures, estimate),
        model=None if card is None else card.name,
        presence_threshold=PRESENCE_THRESHOLD if card is None else card.presence_threshold,
        parameters={
            "method": method,
            "reference": reference.source or None,
            "signatures": len(reference.names),
            "tumour_type": None if card is None else tumour_type,
            "model": None if card is None else card.name,
        },
        seconds={"total": time.perf_counter() - started},
        warnings=messages,
        versions=package_versions(),
        model_notes=[] if card is None else list(card.notes),
    )


def _network_for(
    reference: SignatureSet, method: str, tumour_type: str | None, model: str | Path | None
) -> tuple[RefitNetwork, RefitCard] | None:
    """Return the network of a reference, or None; only ``method="network"`` raises where there is none."""
    if method not in ("auto", "network"):
        for option, value in (("tumour type", tumour_type), ("model", model)):
            if value is not None:
                warnings.warn(
                    f"the {option} {str(value)!r} is not used: the method {method} knows no {option}.",
                    DoubtfulDataWarning,
                    stacklevel=3,
                )
        return None
    name = model or model_for(reference)
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
    else:
        network, card = load_refit_model(name)
        try:
            check_reference(network, card, reference)
            return network, card
        except InputDataError as error:
            if method == "network":
                raise
            reason = str(error).rstrip(".")
    ignored = f" The tumour type {tumour_type!r} is not used." if tumour_type is not None else ""
    warnings.warn(
        f"{_IN_WORDS[_fallback(len(reference.names))]} is used instead of a network: {reason}.{ignored}",
        DoubtfulDataWarning,
        stacklevel=3,
    )
    return None


def _fallback(n_signatures: int) -> str:
    return "kl" if n_signatures <= MOST_FOR_LIKELIHOOD else "sparse"


def _without_network(counts: np.ndarray, W: np.ndarray, method: str) -> RefitEstimate:
    estimate = RefitEstimate.empty(len(counts), len(W))
    rows = np.flatnonzero(counts.sum(axis=1) > 0)
    used, reason = method, ""
    if method == "auto":
        used = _fallback(len(W))
        reason = f"Refitted by {_IN_WORDS[used]}: no network for this reference."
    estimate.put(rows, classic_exposures(counts[rows], W, used, reason))
    return estimate


def _with_network(
    counts: np.ndarray,
    W: np.ndarray,
    method: str,
    network: RefitNetwork,
    card: RefitCard,
    tumour_type: str | None,
) -> RefitEstimate:
    estimate = RefitEstimate.empty(len(counts), len(W))
    type_index = card.cohort_index(tumour_type)
    total = counts.sum(axis=1)
    low, high = card.counts
    in_range = (low <= total) & (total <= high)
    outside = np.flatnonzero((total > 0) & ~in_range)
    if len(outside):
        if method == "network":
            raise InputDataError(
                f"{len(outside)} samples have {total[outside].min():,.0f} to {total[outside].max():,.0f} mutations; "
                f"the model {card.name} was trained for {low:,.0f} to {high:,.0f}. Use --method auto, which refits "
                "them without it, or leave them out."
            )
        used = _fallback(len(W))
        estimate.put(outside, classic_exposures(counts[outside], W, used))
        for row in outside:
            compared = "fewer" if total[row] < low else "more"
            estimate.reason[row] = (
                f"Refitted by {_IN_WORDS[used]}: {total[row]:,.0f} mutations are {compared} than the network was "
                "trained for."
            )
    rows = np.flatnonzero((total > 0) & in_range)
    if not len(rows):
        return estimate
    threshold = card.presence_threshold
    found = estimate_exposures(network, counts[rows], type_index, presence_threshold=threshold)
    estimate.put(rows, found)
    if method == "auto":
        evidence = evidence_for_selection(counts[rows], found, W, threshold)
        rows = rows[evidence > MIN_EVIDENCE]
        reason = (
            f"Refitted by {_IN_WORDS['sparse']}: it explains the sample much better than the network, whose "
            "training tumours may not be like it."
        )
        rival = classic_exposures(counts[rows], W, "sparse", reason)
        explained = rival.p_value > P_EXPLAINED
        estimate.put(rows[explained], rival, explained)
    return estimate


def _fit_table(
    catalog: MutationCatalog,
    reference: SignatureSet,
    counts: np.ndarray,
    exposures: np.ndarray,
    estimate: RefitEstimate,
) -> pd.DataFrame:
    """Return what ``RefitResult.fit`` holds."""
    W = reference.profiles.to_numpy(dtype=float)
    pairs = exchangeable_pairs(counts, estimate.shares, W, reference.names)
    fit = pd.DataFrame(
        {
            "mutations": counts.sum(axis=1),
            **reconstruction_quality(counts, exposures @ W),
            "p_value": estimate.p_value,
            "certificate": estimate.certificate,
            "unassigned": estimate.unassigned,
            "method": estimate.method,
            "dispersion": estimate.dispersion,
            "exchangeable": ["; ".join(sample_pairs) for sample_pairs in pairs],
        },
        index=pd.Index(catalog.counts.index, name="sample"),
    )
    fit["advice"] = advice(fit, list(estimate.reason), pairs)
    return fit
