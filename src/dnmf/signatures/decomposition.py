"""Decompose found signatures into a few known ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.criteria import (
    ALTERNATIVE_COSINE_LOSS,
    MIXTURE_COSINE,
    MIXTURE_COSINE_GAINS,
    TIED_COSINE_DIGITS,
)
from dnmf.metrics import cosine_similarity
from dnmf.signatures.catalog import SignatureSet
from dnmf.signatures.references import load_reference

KNOWN, MIXTURE, NOVEL = "known", "mixture", "novel"

# Of each signature, alternatives that are listed, and references of which three are tried together: those that are in
# the closest pairs. On cohorts of 8 tumour types no better three were found among all references.
_LISTED_ALTERNATIVES = 10
_REFERENCES_OF_THREE = 40
# Added to the diagonal of the Gram matrix of unit vectors: equal references then share their part evenly.
_RIDGE = 1e-10

Array = NDArray[np.float64]


class _Mixture(NamedTuple):
    """References by their numbers, their shares, which sum to 1, and the cosine of the mixture to a signature."""

    members: tuple[int, ...]
    shares: tuple[float, ...]
    cosine: float


@dataclass(frozen=True)
class Decomposition:
    """What found signatures are made of.

    Attributes
    ----------
    summary : DataFrame (k, 5)
        Per found signature: ``kind``: "known" (one reference), "mixture" (two or three) or "novel" (no mixture reaches
        ``dnmf.criteria.MIXTURE_COSINE``); ``references``, the mixture in words, of a novel one the closest, which does
        not suffice; its ``cosine``; the cosine of the closest ``single`` reference; the number of ``alternatives``.
    parts : DataFrame
        One row per ``found`` signature and ``reference`` in it, the largest first: its ``share``, and the share of the
        alternatives that hold it, too (``in_alternatives``; NaN where there are none). Shares of a signature sum to 1.
        A novel signature is made of itself.
    alternatives : DataFrame
        Other mixtures of as many references or fewer that lose at most ``ALTERNATIVE_COSINE_LOSS`` against the best: at
        most ten per signature, closest first, ``references`` in words, ``cosine``.
    mixtures : DataFrame (k, f)
        Profile of the mixture that ``summary`` names for each found signature.
    """

    summary: pd.DataFrame
    parts: pd.DataFrame
    alternatives: pd.DataFrame
    mixtures: pd.DataFrame

    @property
    def known(self) -> list[str]:
        """References that the signatures are made of, in the order in which they are first named."""
        named = self.parts["reference"][~self.parts["found"].isin(self.novel)]
        return [str(name) for name in named.drop_duplicates()]

    @property
    def novel(self) -> list[str]:
        """Found signatures that no mixture explains."""
        return [str(name) for name in self.summary.index[self.summary["kind"] == NOVEL]]


def decompose_to_reference(
    found: SignatureSet, reference: SignatureSet | str | Path
) -> Decomposition:
    """Decompose signatures into at most three references each.

    ``p ~ sum_j s_j r_j``, ``s_j > 0``, ``sum_j s_j = 1``; the weights maximise the cosine. Every single reference and
    every pair is tried, and three together of those that are in the closest pairs. A second reference must raise the
    cosine by 0.01, a third by 0.05 more (``dnmf.criteria.MIXTURE_COSINE_GAINS``). Of the mixtures that come within 0.01
    of the best (``ALTERNATIVE_COSINE_LOSS``) the one is taken that adds the fewest references to those of the other
    signatures, then the closest.

    Parameters
    ----------
    found : SignatureSet
        ``k`` signatures to decompose.
    reference : SignatureSet, str or Path
        Known signatures of the same channels, or what ``load_reference`` understands.

    Returns
    -------
    Decomposition

    Raises
    ------
    ChannelMismatchError
        If the two sets have different channels.

    Examples
    --------
    >>> known = load_reference("cosmic-v3.4")
    >>> apobec = known.profiles.loc[["SBS13"]] * 0.4 + known.profiles.loc["SBS2"] * 0.6
    >>> parts = decompose_to_reference(SignatureSet(apobec.set_axis(["APOBEC"])), known).parts
    >>> parts[["reference", "share"]].round(6).values.tolist()
    [['SBS2', 0.6], ['SBS13', 0.4]]
    """
    known = load_reference(reference, channels=found.schema)
    # In alphabetical order a stable sort by cosine leaves tied names sorted.
    names = sorted(known.names)
    W = known.profiles.loc[names].to_numpy(dtype=float)
    profiles = found.profiles.to_numpy(dtype=float)
    close = [_close_mixtures(profile, W) for profile in profiles]
    chosen = _with_fewest_references(close)
    singles = cosine_similarity(profiles, W).max(axis=1)
    summary, parts, alternatives = [], list[dict[str, Any]](), list[dict[str, Any]]()
    for name, mixture, mixtures, single in zip(found.names, chosen, close, singles, strict=True):
        adequate = mixture.cosine >= MIXTURE_COSINE
        others = [other for other in mixtures if other is not mixture and adequate]
        summary.append(
            {
                "kind": (KNOWN if len(mixture.members) == 1 else MIXTURE) if adequate else NOVEL,
                "references": _in_words(mixture, names),
                "cosine": mixture.cosine,
                "single": float(single),
                "alternatives": len(others),
            }
        )
        members = _largest_first(mixture) if adequate else []
        parts += [
            {
                "found": name,
                "reference": names[member],
                "share": share,
                "in_alternatives": _part_of(others, member),
            }
            for member, share in members
        ] or [{"found": name, "reference": name, "share": 1.0, "in_alternatives": np.nan}]
        alternatives += [
            {"found": name, "references": _in_words(other, names), "cosine": other.cosine}
            for other in others[:_LISTED_ALTERNATIVES]
        ]
    columns = pd.Index(["found", "references", "cosine"])
    mixtures = [np.array(mixture.shares) @ W[list(mixture.members)] for mixture in chosen]
    return Decomposition(
        pd.DataFrame(summary, index=pd.Index(found.names, name="found")),
        pd.DataFrame(parts),
        pd.DataFrame(alternatives, columns=columns),
        pd.DataFrame(np.stack(mixtures), pd.Index(found.names), found.profiles.columns),
    )


def _close_mixtures(profile: Array, W: Array) -> list[_Mixture]:
    """Return the mixtures of references (r, f) that come close to a signature (f,), best first; the best at least."""
    norms = np.linalg.norm(W, axis=1)
    unit = W / norms[:, None]
    cosines = unit @ (profile / np.linalg.norm(profile))
    gram = unit @ unit.T
    r = len(W)
    by_size = [
        _positive(np.arange(r)[:, None], cosines, gram),
        _positive(np.stack(np.triu_indices(r, 1), axis=1), cosines, gram),
    ]
    pairs = by_size[1]
    in_pairs = np.zeros(r)
    for column in pairs.members.T:
        np.maximum.at(in_pairs, column, pairs.cosines)
    few = np.sort(np.argsort(-in_pairs, kind="stable")[:_REFERENCES_OF_THREE])
    by_size.append(_positive(_triples(few), cosines, gram))
    # Of no size with positive weights only: that cosine is lower than any.
    best = [tried.cosines.max(initial=0.0) for tried in by_size]
    size = 0
    for larger in range(1, len(best)):
        if best[larger] >= best[size] + sum(MIXTURE_COSINE_GAINS[size:larger]):
            size = larger
    lowest = best[size] - ALTERNATIVE_COSINE_LOSS
    if best[size] >= MIXTURE_COSINE:
        lowest = max(lowest, MIXTURE_COSINE)
    close = [
        _Mixture(tuple(members), tuple(weights / weights.sum()), float(cosine))
        for tried in by_size[: size + 1]
        for members, weights, cosine in tried.at_least(lowest, norms)
    ]
    return sorted(close, key=lambda mixture: (-mixture.cosine, mixture.members))


class _Tried(NamedTuple):
    """Sets of references (q, m), positive weights (q, m) of their unit vectors, and cosines (q,) of the mixtures."""

    members: NDArray[np.int64]
    weights: Array
    cosines: Array

    def at_least(self, lowest: float, norms: Array) -> Iterable[tuple[list[int], Array, float]]:
        """Yield references, weights of their profiles and cosine of the mixtures from a cosine on."""
        for index in np.flatnonzero(self.cosines >= lowest):
            members = self.members[index]
            yield members.tolist(), self.weights[index] / norms[members], self.cosines[index]


def _positive(members: NDArray[np.int64], cosines: Array, gram: Array) -> _Tried:
    """Return the sets (q, m) of references whose best mixture needs all of them.

    ``w = G^-1 c`` maximises the cosine of the mixture of unit vectors, which is ``sqrt(c G^-1 c)``; where a weight is
    not positive, the best mixture of non-negative weights is that of fewer references.
    """
    some = cosines[members]
    grams = gram[members[:, :, None], members[:, None, :]] + _RIDGE * np.eye(members.shape[1])
    weights = np.asarray(np.linalg.solve(grams, some[:, :, None])[:, :, 0], dtype=np.float64)
    positive = (weights > 0).all(axis=1)
    squares = (weights * some).sum(axis=1)[positive]
    reached = np.round(np.sqrt(np.clip(squares, 0.0, 1.0)), TIED_COSINE_DIGITS)
    return _Tried(members[positive], weights[positive], reached)


def _triples(members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all sets of three (q, 3) of some numbers, in ascending order."""
    i, j, k = np.ogrid[: len(members), : len(members), : len(members)]
    ordered = np.argwhere((i < j) & (j < k))
    return members[ordered]


def _with_fewest_references(close: list[list[_Mixture]]) -> list[_Mixture]:
    """Choose one of the close mixtures of each signature so that all together name few references.

    One signature after the other takes the mixture that adds the fewest references to those of the others, then the
    closest, until none changes: then there are fewer references after each change, or closer mixtures.
    """
    chosen = [mixtures[0] for mixtures in close]
    settled = False
    while not settled:
        settled = True
        for index, mixtures in enumerate(close):
            if mixtures[0].cosine < MIXTURE_COSINE:
                continue
            others = {
                member
                for place, mixture in enumerate(chosen)
                if place != index and mixture.cosine >= MIXTURE_COSINE
                for member in mixture.members
            }
            best = min(mixtures, key=lambda mixture: len(set(mixture.members) - others))
            if best is not chosen[index]:
                chosen[index], settled = best, False
    return chosen


def _largest_first(mixture: _Mixture) -> list[tuple[int, float]]:
    pairs = zip(mixture.members, mixture.shares, strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def _part_of(mixtures: list[_Mixture], member: int) -> float:
    if not mixtures:
        return float("nan")
    return sum(member in mixture.members for mixture in mixtures) / len(mixtures)


def _in_words(mixture: _Mixture, names: list[str]) -> str:
    """Return ``SBS2 55%, SBS13 45%``, or the name of the only reference."""
    if len(mixture.members) == 1:
        return names[mixture.members[0]]
    return ", ".join(f"{names[member]} {share:.0%}" for member, share in _largest_first(mixture))
