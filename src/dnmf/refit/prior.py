"""The prior of a refit: exposures that are likely before a sample is seen."""

import warnings
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.criteria import (
    MIN_COHORT_SAMPLES,
    MIN_PRIOR_ROWS,
    MIN_PRIOR_SHARE,
    MOST_PRIOR_ROWS,
)
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.inputs import read_input
from dnmf.refit.summaries import ROWS_OF_ALL, ROWS_OF_TYPE, draw_rows, summaries
from dnmf.refit.tumours import successors
from dnmf.signatures import SignatureSet, read_exposures, seen_parts
from dnmf.signatures.catalog import checked_frame, checked_names

PAN_CANCER: Final = "pan-cancer"
COHORT: Final = "cohort"
NONE: Final = "none"
_SUBSAMPLE_SEED = 0


@dataclass(frozen=True)
class ExposurePrior:
    """Shares of exposures that a refit takes as likely.

    Attributes
    ----------
    kind : str
        ``"pan-cancer"`` or ``"tumour type"``: drawn from the summaries in the package. ``"file"``: the user's table.
        ``"cohort"``: the other samples of the catalog. ``"none"``: nothing is known.
    name : str
        The tumour type, the name of the file, or the kind once more.
    shares : (m, k)
        One likely sample a row, in the order of the reference's signatures. Rows sum to 1. No rows for ``"cohort"``
        and ``"none"``.
    file : dict
        ``name``, ``bytes`` and ``sha256`` of the file that was read; empty otherwise.
    """

    kind: Literal["pan-cancer", "tumour type", "file", "cohort", "none"]
    name: str
    shares: NDArray[np.float64]
    file: dict[str, Any] = field(default_factory=dict)

    @property
    def is_none(self) -> bool:
        """Whether nothing is expected: there is no prior that could be left out."""
        return self.kind == NONE


def available_priors() -> list[str]:
    """Return the tumour types of which the package has a summary, sorted.

    Examples
    --------
    >>> "Breast-AdenoCA" in available_priors()
    True
    """
    return list(summaries())


def load_prior(
    prior: str | Path | pd.DataFrame | None, reference: SignatureSet, n_samples: int
) -> ExposurePrior:
    """Return the prior of a refit.

    Parameters
    ----------
    prior : str, Path, DataFrame or None
        ``"pan-cancer"``, a tumour type of ``available_priors()`` (any case), ``"cohort"``, ``"none"``, the path of a
        table of exposures, or such a table (samples, signatures). None chooses: pan-cancer where the summaries know
        the reference's signatures, else the cohort where it is large enough, else none.
    reference : SignatureSet
        ``k`` signatures. A prior that names signatures it lacks is restricted to the others and scaled to 1; samples
        that keep less than half of their mutations are left out. SBS22 and SBS40 count as SBS22a and SBS40a where the
        reference splits them. Summaries are of genomes; for the signatures of an exome or a panel their shares are
        converted (:func:`dnmf.signatures.seen_parts`). A table is taken to be of the catalog's own assay.
    n_samples : int
        Samples of the catalog that have mutations.

    Returns
    -------
    ExposurePrior

    Raises
    ------
    InputDataError
        The tumour type is unknown and no file has that name, the cohort is too small, or the table cannot be used: the
        message says why.

    Warns
    -----
    DoubtfulDataWarning
        A given prior has too little to do with the reference, and none is used; rows were left out of a table.
    """
    if prior is None:
        return _default(reference, n_samples)
    if isinstance(prior, pd.DataFrame):
        table = checked_frame(prior, item="sample", source="the prior")
        places = [f"column {number}" for number in range(1, table.shape[1] + 1)]
        table.columns = pd.Index(
            checked_names(table.columns, item="signature", source="the prior", places=places)
        )
        return _of_table(table, reference, "table", {})
    word = str(prior).strip().lower()
    if word == NONE:
        return _without_rows(NONE, reference)
    if word == COHORT:
        if n_samples < MIN_COHORT_SAMPLES:
            raise InputDataError(
                f"the prior 'cohort' needs at least {MIN_COHORT_SAMPLES} samples with mutations, and the catalog has "
                f"{n_samples}: fewer samples say too little about each other. Give a tumour type, a table of "
                "exposures, or none."
            )
        return _without_rows(COHORT, reference)
    name = {known.lower(): known for known in (PAN_CANCER, *available_priors())}.get(word)
    if name is not None:
        shares, problem = _of_summary(name, reference)
        if problem:
            _warn(f"the prior {name!r} is not used: {problem}. The refit uses no prior.")
            return _without_rows(NONE, reference)
        return ExposurePrior(PAN_CANCER if name == PAN_CANCER else "tumour type", name, shares)
    path = Path(prior)
    if not (path.exists() or path.is_symlink()):
        raise InputDataError(_unknown(str(prior)))
    file = read_input(path, what="a table of exposures")
    return _of_table(read_exposures(file), reference, path.name, file.record)


def _default(reference: SignatureSet, n_samples: int) -> ExposurePrior:
    shares, problem = _of_summary(PAN_CANCER, reference)
    if not problem:
        return ExposurePrior(PAN_CANCER, PAN_CANCER, shares)
    return _without_rows(COHORT if n_samples >= MIN_COHORT_SAMPLES else NONE, reference)


def _without_rows(kind: Literal["cohort", "none"], reference: SignatureSet) -> ExposurePrior:
    return ExposurePrior(kind, kind, np.zeros((0, len(reference))))


def _of_summary(name: str, reference: SignatureSet) -> tuple[NDArray[np.float64], str]:
    """Return shares of a summary as the target of the reference sees them, see ``_restricted``."""
    return _restricted(*_summary(name), reference, seen_parts(reference))


def _summary(name: str) -> tuple[list[str], NDArray[np.float64]]:
    """Return names and shares that are drawn for a tumour type, or for all."""
    known = summaries()
    if name != PAN_CANCER:
        return draw_rows(known[name], ROWS_OF_TYPE)
    # Types that were summarised together have the same clusters: each is drawn from once.
    clusters = {id(cluster): cluster for one in known.values() for cluster in one}
    return draw_rows(list(clusters.values()), ROWS_OF_ALL)


def _of_table(
    table: pd.DataFrame, reference: SignatureSet, name: str, file: dict[str, Any]
) -> ExposurePrior:
    source = name if file else "the prior"
    values = table.to_numpy(dtype=np.float64)
    total = values.sum(axis=1)
    values = values[total > 0] / total[total > 0, None]
    if len(values) < len(total):
        _warn(
            f"{source}: {len(total) - len(values)} of {len(total)} samples have no mutations; they are left out."
        )
    names = [str(column) for column in table.columns]
    if not set(successors(names, reference.names)) & set(reference.names):
        raise InputDataError(
            f"{source}: has none of the {len(reference)} signatures of the reference. It names "
            f"{', '.join(names[:5])}; the reference names {', '.join(reference.names[:5])}. Give exposures to the "
            "signatures of the reference."
        )
    shares, problem = _restricted(names, values, reference)
    if problem:
        _warn(f"the prior {name!r} is not used: {problem}. The refit uses no prior.")
        return _without_rows(NONE, reference)
    if len(shares) < len(values):
        _warn(
            f"{source}: {len(values) - len(shares)} of {len(values)} samples have most of their mutations in "
            "signatures that the reference lacks; they are left out."
        )
    if len(shares) > MOST_PRIOR_ROWS:
        _warn(
            f"{source}: has {len(shares):,} samples; {MOST_PRIOR_ROWS:,} of them, drawn at random (always the same), "
            "are used as prior."
        )
        chosen = np.random.default_rng(_SUBSAMPLE_SEED).permutation(len(shares))[:MOST_PRIOR_ROWS]
        shares = shares[np.sort(chosen)]
    return ExposurePrior("file", name, shares, file)


def _restricted(
    names: list[str],
    shares: NDArray[np.float64],
    reference: SignatureSet,
    parts: NDArray[np.float64] | float = 1.0,
) -> tuple[NDArray[np.float64], str]:
    """Return shares (m, k) of the reference's signatures, and why they cannot be used, or "" where they can.

    ``parts`` (k,): which part of the mutations of each signature is seen.
    """
    column = {name: number for number, name in enumerate(successors(names, reference.names))}
    known = [(j, column[name]) for j, name in enumerate(reference.names) if name in column]
    values = np.zeros((len(shares), len(reference)))
    values[:, [j for j, _ in known]] = shares[:, [number for _, number in known]]
    kept = values.sum(axis=1)
    part = kept.sum() / max(len(kept), 1)
    used = kept >= MIN_PRIOR_SHARE
    if part < MIN_PRIOR_SHARE:
        return values[:0], f"only {part:.0%} of its mutations belong to signatures of the reference"
    if used.sum() < MIN_PRIOR_ROWS:
        return values[:0], (
            f"only {used.sum()} of its samples have half of their mutations in signatures of the reference; at least "
            f"{MIN_PRIOR_ROWS} are needed"
        )
    seen = values[used] * parts
    return seen / seen.sum(axis=1, keepdims=True), ""


def _unknown(prior: str) -> str:
    words = {name.lower(): name for name in (COHORT, NONE, PAN_CANCER, *available_priors())}
    near = get_close_matches(prior.lower(), words, n=3, cutoff=0.4)
    hint = f"Did you mean {', '.join(words[word] for word in near)}? " if near else ""
    return (
        f"no prior {prior!r}: it is no tumour type with a summary, and there is no such file. {hint}"
        f"Known are {', '.join(words.values())}, and the path of a table of exposures."
    )


def _warn(message: str) -> None:
    warnings.warn(message, DoubtfulDataWarning, stacklevel=4)
