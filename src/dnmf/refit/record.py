"""What a refit found: the data that findings, page and files are made of."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from dnmf.criteria import LISTED_SHARE, PRESENT_SHARE
from dnmf.report.records import RunResult
from dnmf.signatures import SignatureSet

Method = Literal["auto", "network", "nnls", "kl", "sparse"]


@dataclass(frozen=True, repr=False)
class RefitRecord(RunResult):
    """Exposures of known signatures, how certain they are, and how far to trust each sample.

    Attributes
    ----------
    catalog, parameters, seconds, warnings, versions
        See :class:`dnmf.report.records.RunResult`.
    reference : SignatureSet
        The ``k`` signatures that were refitted.
    exposures, exposure_lower, exposure_upper : DataFrame (n, k)
        Mutations per sample and signature, and the lower and upper ends of their 90 % intervals. The exposures of a
        sample and its unassigned mutations sum to all its mutations. Samples without mutations get 0.
    presence : DataFrame (m, k) or None
        Probability that a signature contributes at least ten mutations, of the samples that the network refitted;
        None when there are none: the classic methods know no such probability.
    unassigned : Series (n,)
        Mutations that the reference does not explain; 0 unless the test of fit has p < 0.05.
    fit : DataFrame (n, 11)
        Per sample: ``mutations``; ``cosine``, ``relative_l1``, ``relative_l2``, ``kl_divergence`` of spectrum and
        reconstruction; ``p_value`` of the goodness of fit; ``certificate``, at most how many nats of log-likelihood lie
        between these exposures and the best mixture of the reference; ``method`` (network, nnls, kl or sparse);
        ``dispersion``, how many times fewer mutations the network took the sample for, since its counts vary more than
        Poisson counts or hold what the reference lacks (1: as many as it has);
        ``exchangeable``, pairs of signatures that this sample cannot tell apart; ``advice``, in words.
    model : str or None
        Name of the network that was used.
    presence_threshold : float
        Probability above which a signature is called present.
    model_notes : list of str
        What the network's card says its reader must know.
    """

    reference: SignatureSet
    exposures: pd.DataFrame
    exposure_lower: pd.DataFrame
    exposure_upper: pd.DataFrame
    presence: pd.DataFrame | None
    unassigned: pd.Series
    fit: pd.DataFrame
    model: str | None
    presence_threshold: float
    model_notes: list[str]

    @property
    def shares(self) -> pd.DataFrame:
        """Exposures as shares of each sample's mutations: DataFrame (n, k), 0 for samples without mutations."""
        return self.exposures.div(self.fit["mutations"].clip(lower=1).to_numpy(), axis=0)

    @property
    def present(self) -> pd.DataFrame:
        """Which samples have which signatures: DataFrame (n, k) of booleans.

        By ``presence`` above ``presence_threshold`` in samples that the network refitted; in others, by more than 5 %
        of the mutations.
        """
        present = self.shares.gt(PRESENT_SHARE)
        if self.presence is not None:
            present.loc[self.presence.index] = self.presence > self.presence_threshold
        return present

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
        table = table[(table["samples"] > 0) | (table["share"] >= LISTED_SHARE)]
        return table.sort_values("share", ascending=False, kind="stable")
