"""What an extraction found: the data that findings, page and files are made of."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from dnmf.extraction.arguments import Model
from dnmf.extraction.penalty import PenaltyChoice
from dnmf.extraction.second_layer import SecondLayer
from dnmf.extraction.select import Selection
from dnmf.extraction.verdicts import UNSTABLE
from dnmf.report.records import RunResult
from dnmf.signatures import SignatureSet


@dataclass(frozen=True, repr=False)
class ExtractionRecord(RunResult):
    """Signatures, exposures and everything needed to judge and repeat them.

    Attributes
    ----------
    catalog, parameters, seconds, warnings, versions
        The input; the arguments; wall time per part and in ``total``; each distinct warning once; the versions of the
        packages that can change a number.
    signatures : SignatureSet
        ``k`` signatures, each summing to 1, named by their channels and their share of all
        mutations: SBS96A, SBS96B, ... (DBS78A, ...).
    exposures : DataFrame (n, k)
        Mutations of each sample (row) that the trained network gives to each signature; not
        rounded. They sum to the sample's at most; of frequencies they are in the catalog's unit.
    fit : DataFrame (n, 6)
        Per sample: ``mutations`` (its burden), then how well the network's exposures reconstruct
        its spectrum (``cosine``, ``relative_l1``, ``relative_l2``, ``kl_divergence`` in nats) and
        the ``expected_cosine`` that counting noise alone leaves.
    matches : DataFrame
        Best and second reference of each signature (see ``match_to_reference``) and its ``share``
        of all mutations. Has these columns but no rows when there was no reference.
    reference : SignatureSet or None
        What the signatures were compared with.
    history : dict of arrays
        Cost per step of each phase of the training.
    model : DNMF or PaperDNMF
        The trained estimator; its components are in *its* order (see ``model_metadata``).
    model_metadata : dict
        What must be saved beside the model so that new samples can be transformed: ``channels``
        (input columns, in order) and ``signatures`` (the name of each *component of the model*, in
        the model's order).
    penalties : dict
        By ``l1_reg``, ``l2_reg``: the choice, where it was left to the data.
    selection : Selection or None
        What was found for every number of signatures, in the order of the search; None, as all that
        follows, without restarts.
    signature_lower, signature_upper : DataFrame (k, f) or None
        5th and 95th percentiles of every channel over resampled restarts: how repeatable, not how right, it is.
    exposure_lower, exposure_upper : DataFrame (n, k) or None
        The same of the exposures; see :func:`dnmf.extraction.uncertainty.bootstrap_intervals`.
    verdicts : DataFrame (k, 3) or None
        Whether each signature is stable, and known, mixed or novel, see
        :func:`dnmf.extraction.verdicts.signature_verdicts`.
    layer : SecondLayer or None
        What the signatures are made of, and the exposures to the known and the novel ones among them; None without
        a reference.
    unfinished : tuple of int
        Numbers of signatures that were asked for and are not finished: then the result is partial.
    """

    signatures: SignatureSet
    exposures: pd.DataFrame
    fit: pd.DataFrame
    matches: pd.DataFrame
    reference: SignatureSet | None
    history: dict[str, np.ndarray]
    model: Model
    model_metadata: dict[str, Any]
    penalties: dict[str, PenaltyChoice] = field(default_factory=dict)
    selection: Selection | None = None
    signature_lower: pd.DataFrame | None = None
    signature_upper: pd.DataFrame | None = None
    exposure_lower: pd.DataFrame | None = None
    exposure_upper: pd.DataFrame | None = None
    verdicts: pd.DataFrame | None = None
    layer: SecondLayer | None = None
    unfinished: tuple[int, ...] = ()

    @property
    def unstable(self) -> list[str]:
        """Names of the signatures that are unstable; without restarts none is known to be."""
        if self.verdicts is None:
            return []
        return [str(name) for name in self.verdicts.index[self.verdicts["verdict"] == UNSTABLE]]
