"""Guided extraction: which known signatures a cohort has, whether it has others, and the exposures to all of them."""

import time
import warnings
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dnmf.criteria import EQUIVALENT_NATS, MIN_COHORT_SAMPLES
from dnmf.estimators import DNMF
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.executors import Executor
from dnmf.extraction.arguments import filled_counts
from dnmf.extraction.guided_result import GuidedResult
from dnmf.extraction.tables import de_novo_name, match_table
from dnmf.metrics import cosine_similarity
from dnmf.progress import Progress
from dnmf.recorded_warnings import recorded_warnings
from dnmf.refit import RefitResult, refit_exposures
from dnmf.refit.exome import why_exome
from dnmf.report.records import package_versions
from dnmf.search.cohort import CohortSignatures, find_cohort_signatures
from dnmf.search.cohort_certainty import (
    exposure_reaches,
    losses_in_halves,
    profile_covariances,
    profile_intervals,
)
from dnmf.search.cohort_trials import NOVEL
from dnmf.signatures import (
    MutationCatalog,
    SignatureSet,
    decompose_to_reference,
    load_reference,
)
from dnmf.threads import one_thread

Array = np.ndarray[Any, np.dtype[np.float64]]


def guided_extraction(
    catalog: MutationCatalog,
    reference: SignatureSet | str | Path = "cosmic-v3.4",
    *,
    workers: int = 1,
    executor: Executor | None = None,
    random_state: int = 0,
    progress: Progress | None = None,
) -> GuidedResult:
    """Find which signatures of a reference a cohort has, and novel ones that it needs beside them.

    ``x_nc ~ Poisson(sum_k h_nk w_kc)``, ``h_nk ~ Gamma(a_k, b_n)``. Known signatures are selected by the evidence of
    the whole cohort (:func:`dnmf.search.cohort.find_cohort_signatures`), novel ones added where the known ones do not
    suffice. Exposures are those of :func:`dnmf.refit_exposures` for the signatures that were found.

    Parameters
    ----------
    catalog : MutationCatalog
        ``n`` samples by ``f`` channels; counts.
    reference : SignatureSet, str or Path
        The known signatures, or what ``load_reference`` understands.
    workers : int
        Threads; the result does not depend on it.
    executor : Executor, optional
        Computes in place of threads: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
    random_state : int
        Of the halves of the samples.
    progress : callable, optional
        Called as ``progress(phase, step, steps, cost)``. What it raises ends the work.

    Returns
    -------
    GuidedResult

    Raises
    ------
    InputDataError
        The catalog holds no mutations, or no counts.
    ChannelMismatchError
        The reference has other channels than the catalog.

    Warns
    -----
    DoubtfulDataWarning
        The catalog looks like exomes and the reference is for genomes.

    Examples
    --------
    >>> from dnmf import guided_extraction, load_reference, simulate_catalog
    >>> truth = load_reference("cosmic-v3.4").select(["SBS1", "SBS2", "SBS7a"])
    >>> catalog, _ = simulate_catalog(truth, 30, mean_burden=5_000, sparsity=0.3, random_state=0)
    >>> sorted(guided_extraction(catalog).known)
    ['SBS1', 'SBS2', 'SBS7a']
    """
    started = time.perf_counter()
    known = load_reference(reference, channels=catalog.schema)
    catalog.check_counts("a guided extraction")
    order = list(catalog.counts.columns)
    X, W = filled_counts(catalog), np.array(known.profiles[order], dtype=float)
    if not len(X):
        raise InputDataError(
            f"{catalog.source or 'the catalog'}: none of the {len(catalog.counts)} samples has any mutation; nothing "
            "to extract."
        )
    with recorded_warnings() as messages, one_thread():
        if doubt := why_exome(catalog, known):
            warnings.warn(doubt, DoubtfulDataWarning, stacklevel=2)
        found = find_cohort_signatures(X, W, workers=workers, executor=executor, progress=progress)
        report: Progress = progress or (lambda *_: None)
        report("certainty", 0, 1, np.nan)
        halves = losses_in_halves(found, np.random.default_rng(random_state))
        covariances = profile_covariances(found)
        report("certainty", 1, 1, np.nan)
        signatures, place = _named(found, known, catalog)
        refit = refit_exposures(
            catalog, signatures, workers=workers, executor=executor, progress=progress
        )
        if len(covariances):
            refit = _with_wider_intervals(refit, exposure_reaches(found, covariances)[:, place])
        evidence = _evidence(found, halves, W, refit.exposures, refit.present, signatures, place)
        model = DNMF(
            n_components=len(place),
            search="signatures",
            dictionary=np.array(signatures.profiles),
            random_state=random_state,
        ).fit(X, progress=progress)
        lower, upper = profile_intervals(found, covariances)
    novel = [name for name in signatures.names if name not in known.names]
    tables = {
        "evidence": evidence,
        "equivalents": _equivalents(found, known),
        "matches": _matches(signatures, novel, refit.exposures, known),
        "signature_lower": pd.DataFrame(lower, index=pd.Index(novel), columns=pd.Index(order)),
        "signature_upper": pd.DataFrame(upper, index=pd.Index(novel), columns=pd.Index(order)),
    }
    return GuidedResult(
        catalog=catalog,
        reference=known,
        signatures=signatures,
        refit=refit,
        model=model,
        model_metadata={"channels": order, "signatures": signatures.names},
        history=dict(model.history_),
        parameters={"random_state": random_state, "reference": known.source or None},
        seconds={"total": time.perf_counter() - started},
        warnings=messages,
        versions=package_versions("scikit-learn"),
        **tables,
    )


def _with_wider_intervals(refit: RefitResult, reaches: Array) -> RefitResult:
    """Return the refit with intervals that also hold what novel profiles may be off.

    ``reaches`` (n, k) are shares of the mutations of each sample that has any. To the distance from an exposure to each
    end they add as independent errors do: root of the sum of squares.
    """
    mutations = refit.fit["mutations"]
    off = pd.DataFrame(0.0, index=refit.exposures.index, columns=refit.exposures.columns)
    off[mutations > 0] = reaches * mutations[mutations > 0].to_numpy()[:, None]
    x = refit.exposures
    below, above = np.hypot(x - refit.exposure_lower, off), np.hypot(refit.exposure_upper - x, off)
    return replace(
        refit,
        exposure_lower=(x - below).clip(lower=0.0),
        exposure_upper=(x + above).clip(upper=mutations, axis=0),
    )


def _named(
    found: CohortSignatures, known: SignatureSet, catalog: MutationCatalog
) -> tuple[SignatureSet, np.ndarray[Any, np.dtype[np.int64]]]:
    """Return the signatures, known ones first, most mutations first, and the place of each in what was found."""
    shares = found.state.exposures / found.counts.sum(axis=1, keepdims=True)
    mutations = filled_counts(catalog).sum(axis=1) @ shares
    place = np.lexsort((-mutations, found.labels == NOVEL))
    channels = list(catalog.counts.columns)
    ranked = (de_novo_name(rank, catalog.schema.name) for rank in count())
    # The reference may hold signatures of an earlier extraction.
    unused = (name for name in ranked if name not in known.names)
    profiles, names = list[Array](), list[str]()
    for j in place:
        if found.labels[j] == NOVEL:
            names.append(next(unused))
            profiles.append(found.state.profiles[j])
        else:
            names.append(known.names[found.labels[j]])
            profiles.append(known.profiles[channels].to_numpy(dtype=float)[found.labels[j]])
    table = pd.DataFrame(np.stack(profiles), index=pd.Index(names), columns=pd.Index(channels))
    return SignatureSet(table, "dnmf guided extraction", catalog.schema), place


def _evidence(
    found: CohortSignatures,
    halves: Array,
    W: Array,
    exposures: pd.DataFrame,
    present: pd.DataFrame,
    signatures: SignatureSet,
    place: np.ndarray[Any, np.dtype[np.int64]],
) -> pd.DataFrame:
    labels = found.labels[place]
    shown = found.state.profiles[place]
    cosines = [
        1.0 if label == NOVEL else float(cosine_similarity(shown[[i]], W[[label]])[0, 0])
        for i, label in enumerate(labels)
    ]
    totals = exposures.sum(axis=0).to_numpy()
    all_mutations = float(totals.sum()) or 1.0
    largest = exposures.max(axis=0).to_numpy() / np.where(totals > 0, totals, 1.0)
    half = halves.min(axis=0)[place]
    if len(found.state.counts) < MIN_COHORT_SAMPLES:
        half = np.full(len(place), np.nan)
    return pd.DataFrame(
        {
            "kind": np.where(labels == NOVEL, "novel", "known"),
            "nats": found.losses[place],
            "half": half,
            "samples": present.sum(axis=0).to_numpy(),
            "mutations": totals,
            "share": totals / all_mutations,
            "largest_sample": largest,
            "cosine": cosines,
        },
        index=pd.Index(signatures.names, name="signature"),
    )


def _equivalents(found: CohortSignatures, known: SignatureSet) -> pd.DataFrame:
    rows = [
        (known.names[found.labels[pair.signature]], known.names[pair.reference], pair.nats)
        for pair in found.equivalents
        if pair.nats <= EQUIVALENT_NATS
    ]
    return pd.DataFrame(rows, columns=pd.Index(["signature", "equivalent", "nats"]))


def _matches(
    signatures: SignatureSet, novel: list[str], exposures: pd.DataFrame, known: SignatureSet
) -> pd.DataFrame:
    if not novel:
        none = match_table(signatures, exposures, None)
        return none.assign(decomposition=[], decomposition_cosine=[])
    found = signatures.select(novel)
    closest = decompose_to_reference(found, known).summary
    total = float(exposures.to_numpy().sum()) or 1.0
    return match_table(found, exposures, known).assign(
        share=[float(exposures[name].sum()) / total for name in novel],
        decomposition=closest["references"].to_numpy(),
        decomposition_cosine=closest["cosine"].to_numpy(),
    )
