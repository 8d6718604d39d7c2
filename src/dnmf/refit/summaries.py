"""What the package knows of tumours before it sees a sample: summaries of each type's exposures, no tumour's own."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from dnmf.exceptions import ModelFileError
from dnmf.strict_json import check_entries, read_json

FILE_NAME = "pcawg-sbs-summaries.json"

ROWS_OF_ALL, ROWS_OF_TYPE = 1000, 1000
"""Rows that are drawn for all types together and for one. With more, the rows that a refit tries cover less."""

SPREAD = 0.85
"""Spread of drawn shares as a part of the fitted one, in logarithms: a refit adds a spread around each row."""

_SEED = 0


@dataclass(frozen=True)
class Cluster:
    """Summary of at least five tumours of a type with similar exposures.

    Attributes
    ----------
    tumours : int
        How many were summarised.
    names : list of str
        The signatures that any of them has.
    probability, median, factor : (k,)
        Of each signature: the share of tumours that have it; among those the median of its share of the mutations, and
        the factor by which shares vary (the exponential of the standard deviation of their logarithm).
    """

    tumours: int
    names: list[str]
    probability: NDArray[np.float64]
    median: NDArray[np.float64]
    factor: NDArray[np.float64]

    def draw(self, n_rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return drawn shares (n_rows, k) whose rows sum to 1, stratified: each quantile of a signature occurs once."""
        size = (n_rows, len(self.names))
        present = _stratified(size, rng) < self.probability
        spread = SPREAD * np.log(self.factor) * ndtri(_stratified(size, rng))
        shares = np.where(present, self.median * np.exp(spread), 0.0)
        shares[~present.any(axis=1), np.argmax(self.probability)] = 1.0
        drawn: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
        return drawn


@cache
def summaries() -> dict[str, list[Cluster]]:
    """Return the clusters of each tumour type. Types with few tumours share those of their tissue.

    Raises
    ------
    ModelFileError
        The file in the package was changed.
    """
    content = resources.files("dnmf.refit").joinpath("data", FILE_NAME).read_bytes()
    return parse_summaries(content, FILE_NAME)


def parse_summaries(content: bytes, source: str) -> dict[str, list[Cluster]]:
    """Return the clusters of each tumour type that a file of summaries holds.

    Raises
    ------
    ModelFileError
        It is not such a file; the message names ``source`` and the entry.
    """
    entries = read_json(content, source, ModelFileError)
    check_entries(entries, {"cohorts": list[dict[str, Any]]}, source, ModelFileError)
    found: dict[str, list[Cluster]] = {}
    for cohort in entries["cohorts"]:
        check_entries(
            cohort, {"types": list[str], "clusters": list[dict[str, Any]]}, source, ModelFileError
        )
        clusters = [_cluster(cluster, source) for cluster in cohort["clusters"]]
        found.update(dict.fromkeys(cohort["types"], clusters))
    return dict(sorted(found.items()))


def draw_rows(clusters: list[Cluster], n_rows: int) -> tuple[list[str], NDArray[np.float64]]:
    """Return names and shares (n_rows, k) drawn from clusters in proportion to their tumours; always the same rows."""
    names = sorted({name for cluster in clusters for name in cluster.names})
    place = {name: column for column, name in enumerate(names)}
    rng = np.random.default_rng(_SEED)
    ends = np.cumsum([cluster.tumours for cluster in clusters])
    ends = np.rint(ends * (n_rows / ends[-1])).astype(int)
    rows = np.zeros((n_rows, len(names)))
    start = 0
    for cluster, end in zip(clusters, ends, strict=True):
        rows[start:end, [place[name] for name in cluster.names]] = cluster.draw(end - start, rng)
        start = end
    return names, rows


def _cluster(entries: Any, source: str) -> Cluster:
    kinds = {"tumours": int, "signatures": dict[str, tuple[float, float, float]]}
    check_entries(entries, kinds, source, ModelFileError)
    table = np.array(list(entries["signatures"].values()), dtype=np.float64).reshape(-1, 3)
    probability, median, factor = table.T
    good = (probability > 0) & (probability <= 1) & (median > 0) & (median <= 1) & (factor >= 1)
    if not len(table) or not good.all() or entries["tumours"] < 1:
        raise ModelFileError(
            f"{source}: the entry 'signatures' of a cluster holds a number that is no probability, share or factor"
        )
    return Cluster(entries["tumours"], list(entries["signatures"]), probability, median, factor)


def _stratified(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the middles of n equal parts of (0, 1) in each column (n, k), each column in an order of its own."""
    order = np.argsort(rng.random(size), axis=0)
    middles: NDArray[np.float64] = (order + 0.5) / max(size[0], 1)
    return middles
