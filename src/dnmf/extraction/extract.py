"""De novo extraction: from a catalog to named signatures, exposures and their quality."""

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from dnmf.estimators import DNMF
from dnmf.exceptions import InputDataError
from dnmf.extraction.candidate import LEAST_SAMPLES
from dnmf.extraction.checkpoint import Checkpoint
from dnmf.extraction.naming import named_by_share
from dnmf.extraction.numbers import check_numbers
from dnmf.extraction.penalty import KINDS, PenaltyChoice, choose_penalty
from dnmf.extraction.result import ExtractionResult
from dnmf.extraction.select import (
    Selection,
    SelectionProgress,
    run_identity,
    select_signatures,
)
from dnmf.extraction.transform import mutation_exposures
from dnmf.extraction.uncertainty import bootstrap_intervals
from dnmf.extraction.verdicts import signature_verdicts
from dnmf.metrics import reconstruction_quality
from dnmf.report.recorded_warnings import recorded_warnings
from dnmf.signatures import MutationCatalog, SignatureSet, match_to_reference

Progress = Callable[[str, int, int, float], None]
Penalty = float | Literal["auto"]

DEFAULT_RESTARTS = 20
_MATCH_COLUMNS = ["found", "reference", "cosine", "second_reference", "second_cosine", "assigned"]
_PACKAGES = ["dnmf", "numpy", "scipy", "pandas", "scikit-learn", "torch", "numba"]


def extract_signatures(
    catalog: MutationCatalog,
    n_signatures: int | Sequence[int],
    *,
    n_restarts: int | None = None,
    workers: int = 1,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    l1_reg: Penalty = 0.0,
    l2_reg: Penalty = 0.0,
    n_layers: int = 10,
    max_epochs: int | None = None,
    preset: str = "default",
    reference: SignatureSet | None = None,
    random_state: int | None = 0,
    progress: Progress | None = None,
    selection_progress: SelectionProgress | None = None,
) -> ExtractionResult:
    """Extract signatures, train the unfolded network to them, and compare them with a reference.

    ``counts ~ exposures @ signatures``; the exposures are those of the *trained network*, not of an
    exact solver.

    The signatures come from resampled restarts (:func:`dnmf.extraction.select_signatures`),
    which also say how many there are, how stable each of them is and how sure its channels and
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
        there is, with ``preset="paper"``.
    workers : int
        Threads for the restarts; the result does not depend on it.
    checkpoint : Checkpoint or path, optional
        Folder in which finished restarts are kept, and looked for.
    l1_reg, l2_reg : float or "auto"
        Penalties on the exposures: ``l1_reg`` in mutations, ``l2_reg`` without unit. ``"auto"``
        takes the strongest that predicts as well as the best
        (:func:`dnmf.extraction.penalty.choose_penalty`), ``l1_reg`` first. They act on the
        exposures that the network learns; restarts have a prior of their own.
    n_layers : int
        Depth of the network.
    max_epochs : int, optional
        Training epochs; ``None`` takes the preset's.
    preset : "default" or "paper"
        ``"paper"`` trains as Nasser, Eldar and Sharan (2021) describe.
    reference : SignatureSet, optional
        Known signatures to compare with, such as ``load_reference("cosmic-v3.4")``.
    random_state : int, optional
        The same value gives the same result.
    progress : callable, optional
        Called as ``progress(phase, step, total, cost)`` during the training. What it raises ends
        the training.
    selection_progress : callable, optional
        Called as ``selection_progress(finished, all)`` after every restart, likewise.

    Returns
    -------
    ExtractionResult

    Raises
    ------
    InputDataError
        ``n_signatures`` is not possible for this catalog, or the catalog holds no mutations, or
        something was to be chosen from fewer than 5 samples.
    CheckpointError
        The checkpoint is of another catalog, seed, number of restarts or version, or damaged.
    ValueError
        Options that exclude each other.

    Warns
    -----
    DoubtfulDataWarning
        ``n_signatures`` is above the rank of the counts, or a signature received no mutations.

    Examples
    --------
    >>> from dnmf import extract_signatures, load_reference, simulate_catalog
    >>> reference = load_reference("cosmic-v3.4")
    >>> truth = reference.select(["SBS1", "SBS2", "SBS7a"])
    >>> catalog, _ = simulate_catalog(truth, 30, mean_burden=20_000, sparsity=0.3, random_state=0)
    >>> result = extract_signatures(catalog, [2, 3, 4], n_restarts=2, reference=reference)
    >>> result.selection.choice.n_signatures
    3
    >>> sorted(result.matches["reference"])
    ['SBS1', 'SBS2', 'SBS7a']
    """
    started = time.perf_counter()
    seconds: dict[str, float] = {}
    counts = catalog.counts.to_numpy(dtype=float)
    filled = counts.sum(axis=1) > 0
    numbers = check_numbers(n_signatures, catalog)
    restarts = check_restarts(n_restarts, numbers, preset, (l1_reg, l2_reg))
    seed = int(np.random.default_rng().integers(2**32)) if random_state is None else random_state
    given = {"l1_reg": l1_reg, "l2_reg": l2_reg}
    settings: dict[str, Any] = {
        "n_layers": int(n_layers),
        "max_epochs": max_epochs,
        "preset": preset,
        "random_state": random_state if restarts == 0 else seed,
    }
    selection, penalties = None, {}
    with recorded_warnings() as messages:
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
                    checkpoint=checkpoint,
                    progress=selection_progress,
                )
            with _timed(seconds, "penalties"):
                penalties = _penalties(counts[filled], selection, given, seed, progress)
        settings |= {
            name: penalties[name].value if name in penalties else float(value)
            for name, value in given.items()
        }
        model = DNMF(**_dictionary(selection, numbers), **settings)
        with _timed(seconds, "training"):
            model.fit(counts[filled], progress=progress)
        with _timed(seconds, "exposures"):
            signatures, exposures, order = named_by_share(
                model.components_, mutation_exposures(model, counts), catalog
            )
        with _timed(seconds, "matching"):
            matches = _match(signatures, exposures, reference)
        result = ExtractionResult(
            catalog=catalog,
            signatures=signatures,
            exposures=exposures,
            fit=_fit_table(catalog, exposures, signatures),
            matches=matches,
            reference=reference,
            history=dict(model.history_),
            model=model,
            parameters={
                "n_signatures": numbers if isinstance(n_signatures, Sequence) else numbers[0],
                "n_restarts": restarts,
                **settings,
                "reference": None if reference is None else reference.source,
            },
            seconds=seconds,
            warnings=messages,
            versions={"python": platform.python_version()}
            | {name: version(name) for name in _PACKAGES},
            model_metadata={
                "channels": list(catalog.counts.columns),
                "signatures": _component_names(signatures, order),
            },
            penalties=penalties,
        )
        if selection is not None:
            with _timed(seconds, "intervals"):
                result = _with_certainty(result, selection, order, seed)
    seconds["total"] = time.perf_counter() - started
    return result


def check_restarts(
    n_restarts: int | None, numbers: Sequence[int], preset: str, penalties: Sequence[Penalty]
) -> int:
    """Return the number of restarts, or say which options exclude each other.

    Raises
    ------
    InputDataError
        They do.
    """
    paper = preset == "paper"
    restarts = n_restarts
    if restarts is None:
        restarts = 0 if paper else DEFAULT_RESTARTS
    if not isinstance(restarts, Integral) or isinstance(restarts, bool) or restarts < 0:
        raise InputDataError(f"the number of restarts must be 0, or 2 or more; got {restarts!r}.")
    if restarts == 1:
        raise InputDataError("one restart cannot be compared with another: give 0, or 2 or more.")
    if paper and restarts:
        raise InputDataError(
            'preset "paper" trains signatures and network together, once: it has no restarts. Leave '
            "their number out, or take the default preset."
        )
    if restarts == 0 and len(numbers) > 1:
        raise InputDataError(
            "the number of signatures is chosen from restarts, and there are none: give one number, "
            "or restarts (the default preset)."
        )
    if restarts == 0 and "auto" in penalties:
        raise InputDataError(
            'a penalty of "auto" is chosen for the signatures of restarts, and there are none: give '
            "a number, or restarts (the default preset)."
        )
    return int(restarts)


def _penalties(
    counts: np.ndarray,
    selection: Selection,
    given: dict[str, Penalty],
    seed: int,
    progress: Progress | None,
) -> dict[str, PenaltyChoice]:
    """Choose what is to be chosen: l1 while l2 is what was given or 0, then l2."""
    fixed = {name: 0.0 if value == "auto" else float(value) for name, value in given.items()}
    chosen: dict[str, PenaltyChoice] = {}
    for kind, other in zip(KINDS, reversed(KINDS), strict=True):
        name = f"{kind}_reg"
        if given[name] != "auto":
            continue
        if len(counts) < LEAST_SAMPLES:
            raise InputDataError(
                f"{len(counts)} samples with mutations are too few to choose a penalty: give a number."
            )

        def show(done: int, total: int, kind: str = kind) -> None:
            if progress is not None:
                progress(f"{kind} penalty", done, total, float("nan"))

        chosen[name] = choose_penalty(
            torch.from_numpy(counts),
            _signatures(selection),
            selection.noise,
            kind,
            seed=seed,
            other=fixed[f"{other}_reg"],
            progress=show,
        )
        fixed[name] = chosen[name].value
    return chosen


def _signatures(selection: Selection) -> torch.Tensor:
    """Return the chosen signatures in memory of their own: read or computed, they are the same to all that follows."""
    return torch.from_numpy(selection.chosen.signatures.copy(order="C"))


def _dictionary(selection: Selection | None, numbers: Sequence[int]) -> dict[str, Any]:
    """Return the parameters of the estimator that say which signatures, or how many."""
    if selection is None:
        return {"n_components": numbers[0]}
    return {
        "n_components": selection.choice.n_signatures,
        "dictionary": _signatures(selection).numpy(),
    }


def _component_names(signatures: SignatureSet, order: np.ndarray) -> list[str]:
    names = [""] * len(order)
    for name, component in zip(signatures.names, order, strict=True):
        names[component] = name
    return names


def _with_certainty(
    result: ExtractionResult, selection: Selection, order: np.ndarray, seed: int
) -> ExtractionResult:
    """Add intervals and verdicts; what the candidate knows comes into the order of the names."""
    candidate = selection.chosen
    counts = result.catalog.counts.to_numpy(dtype=float)
    filled = counts.sum(axis=1) > 0
    profiles, exposures = result.signatures.profiles, result.exposures
    intervals = bootstrap_intervals(
        counts[filled],
        profiles.to_numpy(),
        exposures.to_numpy()[filled],
        candidate.replicates[:, order],
        selection.noise,
        seed=seed,
        l1_reg=result.parameters["l1_reg"],
        l2_reg=result.parameters["l2_reg"],
    )

    def of_all(ends: np.ndarray) -> pd.DataFrame:
        frame = pd.DataFrame(0.0, index=exposures.index, columns=exposures.columns)
        frame.loc[filled] = ends
        return frame

    return replace(
        result,
        selection=selection,
        signature_lower=pd.DataFrame(intervals.signature_lower, profiles.index, profiles.columns),
        signature_upper=pd.DataFrame(intervals.signature_upper, profiles.index, profiles.columns),
        exposure_lower=of_all(intervals.exposure_lower),
        exposure_upper=of_all(intervals.exposure_upper),
        verdicts=signature_verdicts(
            result.signatures,
            candidate.silhouette[order],
            candidate.halves[order],
            result.reference,
            int(filled.sum()),
        ),
    )


def _match(
    signatures: SignatureSet, exposures: pd.DataFrame, reference: SignatureSet | None
) -> pd.DataFrame:
    if reference is None:
        return pd.DataFrame(columns=pd.Index([*_MATCH_COLUMNS, "share"]))
    matches = match_to_reference(signatures, reference)
    total = float(exposures.to_numpy().sum())
    shares = exposures.sum(axis=0) / (total if total > 0 else 1.0)
    return matches.assign(share=shares.reindex(matches["found"]).to_numpy())


def _fit_table(
    catalog: MutationCatalog, exposures: pd.DataFrame, signatures: SignatureSet
) -> pd.DataFrame:
    counts = catalog.counts.to_numpy(dtype=float)
    reconstruction = exposures.to_numpy() @ signatures.profiles.to_numpy()
    columns: dict[str, Any] = {
        "mutations": counts.sum(axis=1),
        **reconstruction_quality(counts, reconstruction),
    }
    return pd.DataFrame(columns, index=pd.Index(catalog.counts.index, name="sample"))


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - started
