"""What a guided extraction found: the data that findings, page and files are made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dnmf.estimators import DNMF
from dnmf.refit import RefitResult
from dnmf.report.records import RunResult
from dnmf.signatures import SignatureSet


@dataclass(frozen=True, repr=False)
class GuidedRecord(RunResult):
    """The known and novel signatures of a cohort, its exposures, and everything needed to judge and repeat them.

    Attributes
    ----------
    catalog, parameters, seconds, warnings, versions
        The input; the arguments; wall time per part and in ``total``; each distinct warning once; the versions of the
        packages that can change a number.
    reference : SignatureSet
        The signatures that were chosen from.
    signatures : SignatureSet
        ``k`` signatures: the known ones under their names and with their profiles in the reference, most mutations
        first, then the novel ones, named by their channels: SBS96A, SBS96B, ...
    evidence : DataFrame (k, 8)
        Per signature: ``kind`` ("known" or "novel"); ``nats``, by which the log evidence of the cohort falls without
        it, others taking its place; ``half``, the same in the half of the samples (of two random ones) that needs it
        less, NaN with fewer than ten samples; ``samples`` in which it is present; ``mutations`` and ``share`` of all
        mutations; ``largest_sample``, the largest part of its mutations that one sample has; ``cosine`` between its
        profile in the reference and what the data show of it (1 for novel ones).
    equivalents : DataFrame
        One row per ``signature`` and other known ``equivalent`` that could stand in its place at a loss of few
        ``nats``; the fewer, the less the data decide between the two. Most alike first.
    matches : DataFrame
        Best and second reference of each novel signature (see ``match_to_reference``), its ``share`` of all mutations,
        and its ``decomposition`` into known signatures with its ``decomposition_cosine``.
    signature_lower, signature_upper : DataFrame (m, f)
        Ends of 90 % intervals of the channels of the m novel signatures. How often they held the truth in simulated
        cohorts: ``dnmf.criteria.INTERVALS_HELD``.
    refit : RefitResult
        Exposures of all samples to ``signatures`` with intervals and presence; ``exposures`` is short for its table.
        Where there are novel signatures, the intervals also hold what their profiles may be off.
    model, model_metadata, history
        The network that was trained to these signatures, for new samples; see ``ExtractionRecord``.
    """

    reference: SignatureSet
    signatures: SignatureSet
    evidence: pd.DataFrame
    equivalents: pd.DataFrame
    matches: pd.DataFrame
    signature_lower: pd.DataFrame
    signature_upper: pd.DataFrame
    refit: RefitResult
    model: DNMF
    model_metadata: dict[str, Any]
    history: dict[str, np.ndarray]

    @property
    def exposures(self) -> pd.DataFrame:
        """Mutations (n, k) of each sample and signature."""
        return self.refit.exposures

    @property
    def known(self) -> list[str]:
        """Names of the known signatures."""
        return [str(name) for name in self.evidence.index[self.evidence["kind"] == "known"]]

    @property
    def novel(self) -> list[str]:
        """Names of the novel signatures."""
        return [str(name) for name in self.evidence.index[self.evidence["kind"] == "novel"]]
