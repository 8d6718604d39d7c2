"""What a refit found: the data that findings, page and files are made of."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import pandas as pd

from dnmf.criteria import LISTED_SHARE, PRESENCE_THRESHOLD, PRESENT_SHARE
from dnmf.refit.prior import ExposurePrior
from dnmf.report.records import RunResult
from dnmf.signatures import SignatureSet, seen_parts

Method = Literal["network", "kl", "nnls", "sparse"]


@dataclass(frozen=True, repr=False)
class RefitRecord(RunResult):
    """Exposures of known signatures, how certain they are, and how far to trust each sample.

    Attributes
    ----------
    catalog, parameters, seconds, warnings, versions
        The input; the arguments; wall time per part and in ``total``; each distinct warning once; the versions of the
        packages that can change a number.
    reference : SignatureSet
        The ``k`` signatures that were refitted.
    exposures, exposure_lower, exposure_upper : DataFrame (n, k)
        Mutations per sample and signature, and the lower and upper ends of their 90 % intervals. The exposures of a
        sample and its unassigned mutations sum to all its mutations. A signature whose probability of presence is at
        most 0.3 has exactly 0, that of one up to 0.5 is reduced; all of a sample without mutations is 0.
    presence : DataFrame (m, k) or None
        Probability that a signature contributes at least ten mutations or 5 % of the sample
        (``dnmf.criteria.PRESENT_IN_WORDS``), for samples with mutations; None from the classic methods, which know no
        such probability.
    unassigned : Series (n,)
        Mutations that the reference does not explain; 0 unless ``p_reference`` or ``p_answer`` is below
        0.05.
    fit : DataFrame (n, 12)
        Per sample: ``mutations``; ``cosine``, ``relative_l1``, ``relative_l2``, ``kl_divergence`` of spectrum and
        reconstruction; ``p_reference``: p-value of "a mixture of the reference explains the sample"; ``p_answer``:
        p-value of "these exposures explain it"; ``certificate``, at most how many nats of log-likelihood lie between
        these exposures and the best mixture of the reference; ``method`` (network, nnls, kl, sparse, or none without
        mutations); ``dispersion``, at least 1: by how much the counts vary more than Poisson counts (the network
        divides them by it); ``exchangeable``, pairs of signatures that this sample cannot tell apart; ``advice``, in
        words.
    prior : ExposurePrior or None
        What was known of exposures beforehand; None with a classic method.
    """

    reference: SignatureSet
    exposures: pd.DataFrame
    exposure_lower: pd.DataFrame
    exposure_upper: pd.DataFrame
    presence: pd.DataFrame | None
    unassigned: pd.Series
    fit: pd.DataFrame
    prior: ExposurePrior | None

    @property
    def shares(self) -> pd.DataFrame:
        """Exposures as shares of each sample's mutations: DataFrame (n, k), 0 for samples without mutations."""
        return self.exposures.div(self.fit["mutations"].clip(lower=1).to_numpy(), axis=0)

    @property
    def present(self) -> pd.DataFrame:
        """Which samples have which signatures: DataFrame (n, k) of booleans.

        By ``presence`` above ``dnmf.criteria.PRESENCE_THRESHOLD``; with a classic method by more than 5 % of the
        mutations.
        """
        if self.presence is None:
            return self.shares.gt(PRESENT_SHARE)
        present = self.presence > PRESENCE_THRESHOLD
        return present.reindex(self.exposures.index, fill_value=False)

    @property
    def prior_in_words(self) -> str:
        """Which exposures were expected, as a part of a sentence."""
        return prior_in_words(self.prior, self.reference)

    @property
    def pairs(self) -> Counter[str]:
        """In how many samples each pair of signatures cannot be told apart."""
        return Counter(
            pair for text in self.fit["exchangeable"] for pair in text.split("; ") if pair
        )

    @property
    def carriers(self) -> pd.Series:
        """How many samples have more than 5 % of each signature."""
        return (self.shares > PRESENT_SHARE).sum()

    def names_of(self, samples: pd.Index) -> list[str]:
        """Return the names of samples, given by their index in ``fit``."""
        return list(samples)

    def summary(self) -> pd.DataFrame:
        """Return the signatures that are present in a sample or hold 1 % of all mutations, most mutations first.

        Columns: ``share`` of all mutations, number of ``samples`` where it is present, ``median_share`` of their
        mutations.
        """
        present = self.present
        table = pd.DataFrame(
            {
                "share": self.exposures.sum(axis=0) / (float(self.fit["mutations"].sum()) or 1.0),
                "samples": present.sum(axis=0),
                "median_share": self.shares.where(present).median(axis=0).fillna(0.0),
            }
        )
        return listed(table)


class Refitted(Protocol):
    """What findings and page need of a refit, whether all of it is in memory or not; see `RefitRecord`."""

    @property
    def reference(self) -> SignatureSet: ...  # noqa: D102

    @property
    def prior(self) -> ExposurePrior | None: ...  # noqa: D102

    @property
    def fit(self) -> pd.DataFrame: ...  # noqa: D102

    @property
    def warnings(self) -> list[str]: ...  # noqa: D102

    @property
    def parameters(self) -> dict[str, Any]: ...  # noqa: D102

    @property
    def prior_in_words(self) -> str: ...  # noqa: D102

    @property
    def pairs(self) -> Counter[str]: ...  # noqa: D102

    @property
    def carriers(self) -> pd.Series: ...  # noqa: D102

    def names_of(self, samples: pd.Index) -> list[str]: ...  # noqa: D102


def listed(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the signatures of a summary that are worth listing, most mutations first."""
    table = summary[(summary["samples"] > 0) | (summary["share"] >= LISTED_SHARE)]
    return table.sort_values("share", ascending=False, kind="stable")


def prior_in_words(prior: ExposurePrior | None, reference: SignatureSet) -> str:
    """Which exposures were expected, as a part of a sentence."""
    if prior is None:
        return "none, as classic methods know no prior"
    rows = f" ({len(prior.shares):,} rows)"
    is_converted = (seen_parts(reference) != 1).any()
    seen = f", as they are seen in {reference.target}" if is_converted else ""
    return {
        "pan-cancer": f"pan-cancer, the exposures of tumours of all types{seen}",
        "tumour type": f"the exposures of the tumour type {prior.name}{seen}",
        "file": f"the exposures in {prior.name if prior.file else 'a table'}{rows}",
        "cohort": "the samples of this catalog themselves, so that each answer depends on the other samples",
        "none": "none: no exposures were known beforehand",
    }[prior.kind]
