"""Which arguments an extraction allows: numbers of signatures for a catalog, restarts, and what excludes what."""

from collections.abc import Sequence
from numbers import Integral
from typing import Literal, TypeAlias

import numpy as np

from dnmf import selection
from dnmf.estimators import DNMF, PaperDNMF
from dnmf.exceptions import InputDataError
from dnmf.selection import DEFAULT_RESTARTS, Words
from dnmf.signatures import MutationCatalog

Model: TypeAlias = DNMF | PaperDNMF
Penalty = float | Literal["auto"]


def filled_counts(catalog: MutationCatalog) -> np.ndarray:
    """Return the counts of the samples that have mutations."""
    counts = catalog.counts.to_numpy(dtype=float)
    filled: np.ndarray = counts[counts.sum(axis=1) > 0]
    return filled


def check_numbers(n_signatures: int | Sequence[int], catalog: MutationCatalog) -> list[int]:
    """Return the numbers of signatures in order, or say why they are not possible for a catalog.

    Raises
    ------
    InputDataError
        A number is not one, or is beyond the data; there are several for fewer than 5 samples; or the catalog holds no
        mutations.
    """
    where = catalog.source or "the catalog"
    n_filled, n_channels = filled_counts(catalog).shape
    if n_filled == 0:
        raise InputDataError(
            f"{where}: none of the {len(catalog.counts)} samples has any mutation; nothing to extract."
        )
    words = Words(
        where, "signatures", "samples with mutations", "channels", ", or refit known signatures"
    )
    return selection.check_numbers(n_signatures, n_filled, n_channels, words)


def check_restarts(
    n_restarts: int | None,
    numbers: Sequence[int],
    model: Model,
    penalties: Sequence[Penalty],
    catalog: MutationCatalog,
) -> int:
    """Return the number of restarts, or say which options exclude each other or are not possible.

    Raises
    ------
    InputDataError
        They do, or are not; or they need counts, and the catalog holds frequencies or the like.
    """
    paper = isinstance(model, PaperDNMF)
    if not paper and not isinstance(model, DNMF):
        raise InputDataError(f"the model must be a DNMF or a PaperDNMF, got {type(model).__name__}")
    if model.l1_reg or model.l2_reg:
        raise InputDataError(
            "penalties are given to the extraction (l1_reg, l2_reg), not to its model: they may be chosen there"
        )
    default = 0 if paper else DEFAULT_RESTARTS
    restarts = default if n_restarts is None else n_restarts
    if not isinstance(restarts, Integral) or isinstance(restarts, bool) or restarts < 0:
        raise InputDataError(f"the number of restarts must be 0, or 2 or more; got {restarts!r}.")
    if restarts == 1:
        raise InputDataError("one restart cannot be compared with another: give 0, or 2 or more.")
    if paper and restarts:
        raise InputDataError(
            "the paper's method (PaperDNMF, --preset paper) trains signatures and network together, once: it has no "
            "restarts. Leave their number out, or take a DNMF (the default preset)."
        )
    if restarts == 0 and (len(numbers) > 1 or "auto" in penalties):
        what = "number of signatures" if len(numbers) > 1 else 'penalty of "auto"'
        raise InputDataError(
            f"a {what} is chosen from restarts, and there are none: give a number, or restarts of a DNMF (the "
            "default preset)."
        )
    if restarts:
        once = ", or extract once, in any unit, with --restarts 0 (n_restarts=0)"
        catalog.check_counts("resampled restarts", otherwise=once)
    elif paper:
        catalog.check_counts("the paper's method, whose constants are in mutations,")
    elif penalties[0]:
        catalog.check_counts("the penalty l1, which is in mutations,")
    return int(restarts)
