"""What a refit returns."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from dnmf.signatures import MutationCatalog, SignatureSet

Method = Literal["auto", "network", "nnls", "kl", "sparse"]


@dataclass(frozen=True)
class RefitResult:
    """Exposures of known signatures, how certain they are, and how far to trust each sample.

    Attributes
    ----------
    catalog : MutationCatalog
        The input, ``n`` samples.
    reference : SignatureSet
        The ``k`` signatures that were refitted.
    exposures, lower, upper : DataFrame (n, k)
        Mutations per sample and signature, and the ends of their 90 % intervals: ``lower <= exposures <= upper``. The
        exposures of a sample and its unassigned mutations sum to all its mutations. Samples without mutations get 0.
    presence : DataFrame (m, k) or None
        Probability that a signature contributes at least ten mutations, of the samples that the network refitted;
        None when there are none: the classic methods know no such probability.
    unassigned : Series (n,)
        Mutations that the reference does not explain; 0 unless the test of fit has p < 0.05.
    fit : DataFrame (n, 10)
        Per sample: ``mutations``; ``cosine``, ``relative_l1``, ``relative_l2``, ``kl_divergence`` of spectrum and
        reconstruction; ``p_value`` of the goodness of fit; ``certificate``, at most how many nats of log-likelihood lie
        between these exposures and the best mixture of the reference; ``method`` (network, nnls, kl or sparse);
        ``exchangeable``, pairs of signatures that this sample cannot tell apart; ``advice``, in words.
    model : str or None
        Name of the network that was used.
    presence_threshold : float
        Probability from which a signature is called present.
    parameters : dict
        The arguments of the refit, as JSON-able values.
    seconds : dict
        Wall time per part, and ``total``.
    warnings : list of str
        Each distinct warning once, in the order in which they came.
    versions : dict
        Version of every package that can change a number.
    model_notes : list of str
        What the network's card says its reader must know.
    """

    catalog: MutationCatalog
    reference: SignatureSet
    exposures: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    presence: pd.DataFrame | None
    unassigned: pd.Series
    fit: pd.DataFrame
    model: str | None
    presence_threshold: float
    parameters: dict[str, Any]
    seconds: dict[str, float]
    warnings: list[str]
    versions: dict[str, str]
    model_notes: list[str]
