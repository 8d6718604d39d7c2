"""Advice on the refit of each sample: bad fits, few mutations, signatures that it cannot tell apart."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.criteria import (
    EXCHANGEABLE_COSINE,
    EXCHANGEABLE_SHARE,
    FEW_MUTATIONS,
    MUCH_UNASSIGNED,
    P_BAD_FIT,
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


def advice(fit: pd.DataFrame, reasons: list[str], pairs: list[list[str]]) -> list[str]:
    """Return a sentence or two for each sample; empty where there is nothing to say.

    ``fit`` has ``mutations``, ``p_value`` and ``unassigned`` (share); ``reasons`` say why a sample was not refitted by
    the method that was asked for; ``pairs`` come from :func:`exchangeable_pairs`.
    """
    sentences = []
    numbers = fit[["mutations", "p_value", "unassigned"]].to_numpy(dtype=float)
    for (mutations, p_value, unassigned), reason, similar in zip(
        numbers, reasons, pairs, strict=True
    ):
        said = [reason] if reason else []
        if mutations <= 0:
            said = ["No mutations: nothing to assign."]
        elif mutations < FEW_MUTATIONS:
            said.append("Few mutations: read the intervals, not the estimates.")
        if p_value < P_BAD_FIT and unassigned > MUCH_UNASSIGNED:
            said.append(
                f"Not explained by the reference (p {_p(p_value)}, {unassigned:.0%} unassigned): look for a missing "
                "signature, artefacts, or another build or assay."
            )
        elif p_value < P_BAD_FIT:
            said.append(
                f"The fit is worse than counting noise allows (p {_p(p_value)}): small exposures may be errors of "
                "the profiles."
            )
        if similar:
            said.append(f"Not told apart here: {', '.join(similar)}; trust their sum.")
        sentences.append(" ".join(said))
    return sentences


def _p(value: float) -> str:
    return f"= {value:.1g}" if value >= 1e-6 else "< 1e-6"
