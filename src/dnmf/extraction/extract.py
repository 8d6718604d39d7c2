"""De novo extraction: from a catalog to named signatures, exposures and their quality."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from dnmf.estimators import DNMF
from dnmf.executors import Executor
from dnmf.extraction.arguments import Model, Penalty, check_numbers, check_restarts, filled_counts
from dnmf.extraction.checkpoint import Checkpoint
from dnmf.extraction.penalty import KINDS, PenaltyChoice, choose_penalty
from dnmf.extraction.result import ExtractionResult
from dnmf.extraction.second_layer import SecondLayer, second_layer
from dnmf.extraction.select import Selection, run_identity, select_signatures
from dnmf.extraction.tables import fit_table, match_table, named_by_share
from dnmf.extraction.transform import mutation_exposures, warn_of_unit
from dnmf.extraction.uncertainty import bootstrap_intervals
from dnmf.extraction.verdicts import signature_verdicts
from dnmf.progress import Progress
from dnmf.recorded_warnings import recorded_warnings
from dnmf.report.records import package_versions
from dnmf.signatures import MutationCatalog, SignatureSet, load_reference


def extract_signatures(
    catalog: MutationCatalog,
    n_signatures: int | Sequence[int],
    *,
    n_restarts: int | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    l1_reg: Penalty = 0.0,
    l2_reg: Penalty = 0.0,
    model: Model | None = None,
    reference: SignatureSet | str | Path | None = None,
    random_state: int | None = 0,
    progress: Progress | None = None,
) -> ExtractionResult:
    """Extract signatures, train the unfolded network to them, and make them up of those of a reference.

    ``counts ~ exposures @ signatures``; the exposures are those of the *trained network*, not of an
    exact solver. With a reference there is a second layer: which known signatures make up each of
    them, which stay novel, and the exposures to both by :func:`dnmf.refit_exposures`.

    The signatures come from resampled restarts (:func:`dnmf.extraction.select_signatures`), which
    also say how many there are, how stable each of them is and how repeatable its channels and
    exposures are.

    Parameters
    ----------
    catalog : MutationCatalog
        ``n`` samples by ``f`` channels.
    n_signatures : int or sequence of int
        ``k``, from 1 to the smaller of the number of samples that have mutations and ``f``; of
        several, one is chosen by what it predicts.
    n_restarts : int, optional
        Resampled restarts for every ``k``, 2 or more, by default 20. 0 extracts once, as the
        estimator does it by itself: one ``k``, no stability, no intervals; the default, and all
        there is, for a ``PaperDNMF``.
    workers : int
        Threads for the restarts; the result does not depend on it.
    executor : Executor, optional
        Computes the restarts in place of threads: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
    checkpoint : Checkpoint or path, optional
        Folder in which finished restarts are kept, and looked for. An output folder with a
        checkpoint beside it is a :class:`dnmf.extraction.ExtractionRun`.
    l1_reg, l2_reg : float or "auto"
        Penalties on the exposures: ``l1_reg`` in mutations, ``l2_reg`` without unit. ``"auto"``
        takes the strongest that predicts as well as the best
        (:func:`dnmf.extraction.penalty.choose_penalty`), ``l1_reg`` first. They act on the
        exposures that the network learns; restarts have a prior of their own.
    model : DNMF or PaperDNMF, optional
        What to train, by default ``DNMF()``; a ``PaperDNMF`` trains as Nasser, Eldar and Sharan
        (2021) describe. It is copied; its number of components, search, dictionary, penalties and
        seed are set by the extraction.
    reference : SignatureSet, str or Path, optional
        Known signatures to decompose into, or what ``load_reference`` understands, such as
        ``"cosmic-v3.4"``.
    random_state : int, optional
        The same value gives the same result.
    progress : callable, optional
        Called as ``progress(phase, step, steps, cost)``: in the phase ``"fits"`` after every
        restart, then during the choice of penalties and the training. What it raises ends the work.

    Returns
    -------
    ExtractionResult

    Raises
    ------
    InputDataError
        ``n_signatures`` is not possible for this catalog, or the catalog holds no mutations, or
        something was to be chosen from fewer than 5 samples, or options exclude each other; or the
        catalog holds frequencies, percentages or rates, and restarts, ``l1_reg`` or a ``PaperDNMF``
        need counts.
    ChannelMismatchError
        The reference has other channels than the catalog.
    CheckpointError
        The checkpoint is of another catalog, seed, number of restarts or version, or damaged.

    Warns
    -----
    DoubtfulDataWarning
        ``n_signatures`` is above the rank of the counts, a signature received no mutations, or the catalog holds
        frequencies or the like, so that exposures are in their unit; the catalog looks like exomes and the reference is
        for genomes.

    Examples
    --------
    >>> from dnmf import extract_signatures, load_reference, simulate_catalog
    >>> reference = load_reference("cosmic-v3.4")
    >>> truth = reference.select(["SBS1", "SBS2", "SBS7a"])
    >>> catalog, _ = simulate_catalog(truth, 30, mean_burden=20_000, sparsity=0.3, random_state=0)
    >>> result = extract_signatures(catalog, [2, 3, 4], n_restarts=2, reference=reference)
    >>> result.selection.choice.n_components
    3
    >>> sorted(result.layer.decomposition.known)
    ['SBS1', 'SBS2', 'SBS7a']
    """
    started = time.perf_counter()
    numbers = check_numbers(n_signatures, catalog)
    model = DNMF() if model is None else model
    restarts = check_restarts(n_restarts, numbers, model, (l1_reg, l2_reg), catalog)
    known = None if reference is None else load_reference(reference, channels=catalog.schema)
    seed = int(np.random.default_rng().integers(2**32)) if random_state is None else random_state
    settings: dict[str, Any] = {
        "random_state": seed if restarts else random_state,
        "l1_reg": l1_reg,
        "l2_reg": l2_reg,
    }
    seconds: dict[str, float] = {}
    selection, penalties, layer = None, dict[str, PenaltyChoice](), None
    with recorded_warnings() as messages:
        warn_of_unit(catalog)
        if restarts:
            if isinstance(checkpoint, str | os.PathLike):
                checkpoint = Checkpoint(checkpoint, run_identity(catalog, seed, restarts))
            with _timed(seconds, "selection"):
                selection = select_signatures(
                    catalog,
                    numbers,
                    n_restarts=restarts,
                    seed=seed,
                    workers=workers,
                    executor=executor,
                    checkpoint=checkpoint,
                    progress=progress,
                )
            with _timed(seconds, "penalties"):
                penalties = _choose_penalties(catalog, selection, settings, progress)
                settings |= {name: choice.value for name, choice in penalties.items()}
        with _timed(seconds, "training"):
            trained = _train(model, catalog, selection, numbers[0], settings, progress)
        with _timed(seconds, "exposures"):
            tables, order = _tables(catalog, trained, known)
        if known is not None:
            with _timed(seconds, "second layer"):
                layer = second_layer(catalog, tables["signatures"], known, progress=progress)
        if selection is not None:
            with _timed(seconds, "intervals"):
                tables |= _certainty(catalog, tables, layer, selection, order, settings)
    seconds["total"] = time.perf_counter() - started
    return ExtractionResult(
        catalog=catalog,
        reference=known,
        history=dict(trained.history_),
        model=trained,
        parameters={
            "n_signatures": numbers if isinstance(n_signatures, Sequence) else numbers[0],
            "n_restarts": restarts,
            "model": type(model).__name__,
            **_parameters_of(model),
            **settings,
            "reference": None if known is None else known.source,
        },
        seconds=seconds,
        warnings=messages,
        versions=package_versions("scikit-learn"),
        penalties=penalties,
        selection=selection,
        layer=layer,
        **tables,
    )


def _parameters_of(model: Model) -> dict[str, Any]:
    """Return the parameters of a model that are no arrays, but for those that the extraction sets."""
    return {
        name: value
        for name, value in model.get_params().items()
        if name not in ("n_components", "dictionary") and not isinstance(value, np.ndarray)
    }


def _choose_penalties(
    catalog: MutationCatalog,
    selection: Selection,
    settings: dict[str, Any],
    progress: Progress | None,
) -> dict[str, PenaltyChoice]:
    """Choose the penalties that are "auto": l1 with l2 as given, or 0 if that is to be chosen, too; then l2."""
    values = {
        name: 0.0 if settings[name] == "auto" else settings[name] for name in ("l1_reg", "l2_reg")
    }
    chosen: dict[str, PenaltyChoice] = {}
    for kind, other in zip(KINDS, reversed(KINDS), strict=True):
        name = f"{kind}_reg"
        if settings[name] == "auto":
            chosen[name] = choose_penalty(
                torch.from_numpy(filled_counts(catalog)),
                torch.from_numpy(selection.signatures),
                selection.noise,
                kind,
                seed=settings["random_state"],
                other=float(values[f"{other}_reg"]),
                progress=progress,
            )
            values[name] = chosen[name].value
    return chosen


def _train(
    model: Model,
    catalog: MutationCatalog,
    selection: Selection | None,
    n_signatures: int,
    settings: dict[str, Any],
    progress: Progress | None,
) -> Model:
    """Train a copy of the model to the chosen signatures; without restarts the estimator finds them itself."""
    copy: Model = clone(model)
    # PaperDNMF starts from constants: it has no seed, and no other search than its own.
    settings = settings | {"search": "signatures"}
    taken = copy.get_params().keys() & settings.keys()
    copy.set_params(n_components=n_signatures, **{name: settings[name] for name in taken})
    if selection is not None:
        signatures = selection.signatures
        copy.set_params(n_components=len(signatures), dictionary=signatures)
    copy.fit(filled_counts(catalog), progress=progress)
    return copy


def _tables(
    catalog: MutationCatalog, model: Model, known: SignatureSet | None
) -> tuple[dict[str, Any], np.ndarray]:
    """Return the tables of a result by their names, and which component of the model each signature is."""
    counts = catalog.counts.to_numpy(dtype=float)
    signatures, exposures, order = named_by_share(
        model.components_, mutation_exposures(model, counts), catalog
    )
    tables = {
        "signatures": signatures,
        "exposures": exposures,
        "fit": fit_table(catalog, exposures, signatures),
        "matches": match_table(signatures, exposures, known),
        "model_metadata": {
            "channels": list(catalog.counts.columns),
            "signatures": [signatures.names[rank] for rank in np.argsort(order)],
        },
    }
    return tables, order


def _certainty(
    catalog: MutationCatalog,
    tables: dict[str, Any],
    layer: SecondLayer | None,
    selection: Selection,
    order: np.ndarray,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Return intervals and verdicts by their names in a result, signatures in the order of their names."""
    candidate, signatures = selection.chosen, tables["signatures"]
    intervals = bootstrap_intervals(
        catalog.counts.to_numpy(dtype=float),
        signatures.profiles,
        tables["exposures"],
        candidate.replicates[:, order],
        selection.noise,
        seed=settings["random_state"],
        l1_reg=settings["l1_reg"],
        l2_reg=settings["l2_reg"],
    )
    verdicts = signature_verdicts(
        signatures.names,
        candidate.silhouette[order],
        candidate.split_half_cosine[order],
        None if layer is None else layer.decomposition,
        len(filled_counts(catalog)),
    )
    return {**intervals, "verdicts": verdicts}


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - started
