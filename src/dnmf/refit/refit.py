"""Refit of known signatures: from a catalog to exposures with intervals, presence, tests and advice."""

import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.executors import Executor
from dnmf.metrics import reconstruction_quality
from dnmf.progress import Progress
from dnmf.recorded_warnings import recorded_warnings
from dnmf.refit.advice import advice, exchangeable_pairs
from dnmf.refit.estimate import RefitEstimate, estimate_exposures
from dnmf.refit.exome import why_exome
from dnmf.refit.former import current_options
from dnmf.refit.methods import classic_exposures
from dnmf.refit.prior import ExposurePrior, load_prior
from dnmf.refit.record import Method
from dnmf.refit.result import RefitResult
from dnmf.report.records import package_versions
from dnmf.signatures import MutationCatalog, SignatureSet, load_reference

Array = NDArray[np.float64]

# Samples whose reconstruction is compared with their counts at a time: what lies between is not kept.
CHUNK_SAMPLES = 4096


def refit_exposures(
    catalog: MutationCatalog,
    reference: SignatureSet | str | Path = "cosmic-v3.4",
    *,
    method: Method = "network",
    prior: str | Path | pd.DataFrame | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    **former: object,
) -> RefitResult:
    """Return how many mutations of each sample known signatures explain.

    Parameters
    ----------
    catalog : MutationCatalog
        ``n`` samples. Channels are matched by label.
    reference : SignatureSet or str
        The signatures, or what ``load_reference`` understands.
    method : str
        ``"network"``: the posterior under ``prior``, refined by a network that takes any reference. The others are
        classic, for comparison, and take no prior. ``"kl"``: Poisson maximum likelihood. ``"nnls"``: non-negative
        least squares. ``"sparse"``: backward elimination and forward selection, then likelihood on what was selected.
    prior : str, Path or DataFrame, optional
        Which exposures are expected. A tumour type (``dnmf.refit.available_priors``); ``"pan-cancer"``, all of them; a
        file of exposures, or a table, samples by signatures; ``"cohort"``: the samples of the catalog themselves, each
        answer then depends on the others; ``"none"``. Default: pan-cancer where the reference has the names of COSMIC's
        SBS signatures, else the cohort where it is large enough, else none.
    workers : int
        Threads of the network's answers; the result does not depend on it.
    executor : Executor, optional
        Computes in place of threads: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
    progress : callable, optional
        ``progress(phase, step, steps, cost)``, called while samples are refitted; what it raises ends the work.
    **former
        ``tumour_type`` and ``cohort``, the former names of ``prior``: deprecated.

    Returns
    -------
    RefitResult

    Raises
    ------
    InputDataError
        Unknown method, prior or reference; no mutations at all; frequencies, percentages or rates instead of counts;
        too few samples for the prior ``"cohort"``.
    ChannelMismatchError
        Catalog and reference have different channels.

    Warns
    -----
    DoubtfulDataWarning
        When the catalog looks like exomes and the reference is for genomes; when a prior is given but not used.

    Examples
    --------
    >>> from dnmf.signatures import example_catalog
    >>> result = refit_exposures(example_catalog(), "SBS1,SBS2,SBS3,SBS5,SBS13", method="kl")
    >>> result.exposures.loc["PD4120a"].idxmax()
    'SBS2'
    """
    started = time.perf_counter()
    method, prior = current_options(method, prior, former)
    reference = load_reference(reference, channels=catalog.schema)
    with recorded_warnings() as messages:
        known = checked_prior(catalog, reference, method, prior)
        result = answer_catalog(
            catalog, reference, method, known,
            workers=workers, executor=executor, progress=progress,
        )  # fmt: skip
    return replace(result, seconds={"total": time.perf_counter() - started}, warnings=messages)


def checked_prior(
    catalog: MutationCatalog,
    reference: SignatureSet,
    method: str,
    prior: str | Path | pd.DataFrame | None,
    *,
    n_samples: int | None = None,
) -> ExposurePrior | None:
    """Return the prior of a refit that is possible, with a warning of what makes it doubtful.

    ``n_samples`` is the number of all samples with mutations, of which the catalog may hold a part; by default that of
    the catalog.
    """
    if method not in get_args(Method):
        raise InputDataError(
            f"no method {method!r}: expected one of {', '.join(get_args(Method))}."
        )
    filled = np.asarray(catalog.counts.to_numpy().any(axis=1))
    if not filled.any():
        raise InputDataError(
            f"{catalog.source or 'the catalog'}: none of the {len(filled)} samples has any mutation; nothing to refit."
        )
    catalog.check_counts("a refit")
    if doubt := why_exome(catalog, reference):
        warnings.warn(doubt, DoubtfulDataWarning, stacklevel=3)
    return _prior_for(
        method, prior, reference, int(filled.sum()) if n_samples is None else n_samples
    )


def answer_catalog(
    catalog: MutationCatalog,
    reference: SignatureSet,
    method: Method,
    known: ExposurePrior | None,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> RefitResult:
    """Refit what :func:`checked_prior` has checked."""
    counts = catalog.counts[list(reference.profiles.columns)].to_numpy(dtype=float)
    total = counts.sum(axis=1)
    estimate = _estimate(counts, reference, method, known, workers, executor, progress)
    samples, names = catalog.counts.index, pd.Index(reference.names)
    fit = _fit_table(
        catalog, reference, counts, estimate, has_prior=known is not None and not known.is_none
    )
    # In place: with many samples these tables are the largest.
    assigned = (total * (1 - estimate.unassigned))[:, None]
    np.multiply(estimate.shares, assigned, out=estimate.shares)
    # The unassigned mutations may belong to any signature: upper ends include them, lower ends do not.
    np.multiply(estimate.lower, assigned, out=estimate.lower)
    np.multiply(estimate.upper, total[:, None], out=estimate.upper)

    def table(values: Array) -> pd.DataFrame:
        return pd.DataFrame(values, index=samples, columns=names, copy=False)

    answered = estimate.method == "network"
    presence = table(estimate.presence)
    return RefitResult(
        catalog=catalog,
        reference=reference,
        exposures=table(estimate.shares),
        exposure_lower=table(estimate.lower),
        exposure_upper=table(estimate.upper),
        presence=None if known is None else presence if answered.all() else presence.loc[answered],
        unassigned=pd.Series(estimate.unassigned * total, index=samples, name="unassigned"),
        fit=fit,
        prior=known,
        parameters=refit_parameters(method, reference, known),
        seconds={},
        warnings=[],
        versions=package_versions(),
    )


def refit_parameters(
    method: Method, reference: SignatureSet, prior: ExposurePrior | None
) -> dict[str, Any]:
    """Return what the record of a refit says of its arguments."""
    return {
        "method": method,
        "reference": reference.source or None,
        "signatures": len(reference.names),
        "prior": None if prior is None else prior.name,
    }


def _prior_for(
    method: str,
    prior: str | Path | pd.DataFrame | None,
    reference: SignatureSet,
    n_samples: int,
) -> ExposurePrior | None:
    """Return the prior of the network; None for a classic method, which knows none."""
    if method == "network":
        return load_prior(prior, reference, n_samples)
    if prior is not None:
        name = "a table" if isinstance(prior, pd.DataFrame) else repr(str(prior))
        warnings.warn(
            f"the prior {name} is not used: the method {method} knows no prior.",
            DoubtfulDataWarning,
            stacklevel=4,
        )
    return None


def _estimate(
    counts: Array,
    reference: SignatureSet,
    method: Method,
    prior: ExposurePrior | None,
    workers: int,
    executor: Executor | None,
    progress: Progress | None,
) -> RefitEstimate:
    """Refit the samples that have mutations; all is 0 in the others."""
    W = np.ascontiguousarray(reference.profiles.to_numpy(dtype=float))
    rows = np.flatnonzero(counts.sum(axis=1) > 0)
    filled = counts if len(rows) == len(counts) else counts[rows]
    if prior is None:
        found = classic_exposures(filled, W, method, progress=progress)
    else:
        found = estimate_exposures(
            filled, W, prior, workers=workers, executor=executor, progress=progress
        )
    if len(rows) == len(counts):
        return found
    estimate = RefitEstimate.empty(len(counts), len(W))
    estimate.put(rows, found)
    return estimate


def _fit_table(
    catalog: MutationCatalog,
    reference: SignatureSet,
    counts: Array,
    estimate: RefitEstimate,
    *,
    has_prior: bool,
) -> pd.DataFrame:
    """Return what ``RefitResult.fit`` holds."""
    W = reference.profiles.to_numpy(dtype=float)
    total = counts.sum(axis=1)
    assigned = total * (1 - estimate.unassigned)
    quality: list[pd.DataFrame] = []
    pairs: list[list[str]] = []
    for start in range(0, len(counts), CHUNK_SAMPLES):
        rows = slice(start, start + CHUNK_SAMPLES)
        x, shares = counts[rows], estimate.shares[rows]
        expected = shares @ W * assigned[rows, None]
        quality.append(pd.DataFrame(reconstruction_quality(x, expected)))
        pairs += exchangeable_pairs(x, shares, W, reference.names)
    measured = pd.concat(quality, ignore_index=True)
    fit = pd.DataFrame(
        {
            "mutations": total,
            **{name: measured[name].to_numpy() for name in measured},
            "p_reference": estimate.p_reference,
            "p_answer": estimate.p_answer,
            "certificate": estimate.certificate,
            "unassigned": estimate.unassigned,
            "method": estimate.method,
            "dispersion": estimate.dispersion,
            "exchangeable": ["; ".join(sample_pairs) for sample_pairs in pairs],
        },
        index=pd.Index(catalog.counts.index, name="sample"),
    )
    fit["advice"] = advice(fit, pairs, has_prior=has_prior)
    return fit
