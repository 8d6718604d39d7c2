"""Advice on the refit of each sample: bad fits, few mutations, signatures that it cannot tell apart."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.criteria import (
    EXCHANGEABLE_COSINE,
    EXCHANGEABLE_SHARE,
    FEW_MUTATIONS,
    MUCH_UNASSIGNED,
    P_BAD_FIT,
    P_EXPLAINED,
)
from dnmf.kernels.likelihood_intervals import INTERVAL_NATS
from dnmf.metrics import cosine_similarity

Array = NDArray[np.float64]

MAX_PAIRS = 3


def exchangeable_pairs(counts: Array, shares: Array, W: Array, names: list[str]) -> list[list[str]]:
    """Return for every sample the pairs ``"SBS5/SBS40a"`` that it cannot tell apart, the largest three.

    Moving all mutations from the first to the second lowers the log-likelihood by less than 1.353 nats: the 90 %
    interval of how the mutations divide between them contains both ends.

    ``counts (n, f)``, ``shares (n, k)`` of the signatures with profiles ``W (k, f)`` and their ``names``.
    """
    found: list[list[tuple[float, str]]] = [[] for _ in counts]
    spectra = np.maximum(shares @ W, 1e-12)
    similar = cosine_similarity(W, W)
    for first, second in np.argwhere((similar > EXCHANGEABLE_COSINE) & ~np.eye(len(W), dtype=bool)):
        rows = np.flatnonzero((shares[:, first] > EXCHANGEABLE_SHARE) & (counts.sum(axis=1) > 0))
        if not len(rows):
            continue
        moved = spectra[rows] + shares[rows, first, None] * (W[second] - W[first])
        ratio = np.log(np.maximum(moved, 1e-12) / spectra[rows])
        loss = -(counts[rows] * ratio).sum(axis=1)
        for row in rows[loss < INTERVAL_NATS]:
            pair = f"{names[first]}/{names[second]}"
            found[row].append((-shares[row, first] * similar[first, second], pair))
    return [[pair for _, pair in sorted(pairs)[:MAX_PAIRS]] for pairs in found]


def advice(fit: pd.DataFrame, pairs: list[list[str]], *, has_prior: bool) -> list[str]:
    """Return a sentence or two for each sample; empty where there is nothing to say.

    ``fit`` has the columns of ``RefitResult.fit`` up to ``dispersion``; ``pairs`` come from
    :func:`exchangeable_pairs`; ``has_prior`` says whether the refit had a prior that can be left out.
    """
    columns = ("mutations", "p_reference", "p_answer", "unassigned")
    rows = zip(*(fit[name] for name in columns), pairs, strict=True)
    return [" ".join(_sentences(*row, has_prior=has_prior)) for row in rows]


def _sentences(
    mutations: float,
    p_reference: float,
    p_answer: float,
    unassigned: float,
    pairs: list[str],
    *,
    has_prior: bool,
) -> Iterator[str]:
    if mutations <= 0:
        yield "No mutations: nothing to assign."
        return
    if mutations < FEW_MUTATIONS:
        yield f"Few mutations ({mutations:,.0f}): read the intervals, not the estimates."
    if min(p_reference, p_answer) < P_BAD_FIT:
        yield _bad_fit(p_reference, p_answer, unassigned, has_prior)
    if pairs:
        yield f"Not told apart here: {', '.join(pairs)}; trust their sum."


def _bad_fit(p_reference: float, p_answer: float, unassigned: float, has_prior: bool) -> str:
    if p_reference > P_EXPLAINED:
        against = f"(p {_p(p_reference)} for the reference, {_p(p_answer)} for this answer)"
        if has_prior:
            return (
                f"The reference explains these counts, but in a mixture that the prior makes unlikely {against}: "
                "compare --prior none or --method kl. Or a signature is missing that these imitate."
            )
        return f"The reference explains these counts better than this answer {against}: compare --method kl."
    if p_reference < P_BAD_FIT and unassigned > MUCH_UNASSIGNED:
        return (
            f"Not explained by the reference (p {_p(p_reference)}, {unassigned:.0%} unassigned): look for a missing "
            "signature, artefacts, or another build or assay."
        )
    worse = _p(min(p_reference, p_answer))
    return f"The fit is worse than counting noise allows (p {worse}): small exposures may be errors of the profiles."


def _p(value: float) -> str:
    return f"= {value:.1g}" if value >= 1e-6 else "< 1e-6"
