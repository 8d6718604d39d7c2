"""The verdict on each signature: stable or not, and whether it is a known one, a mixture of known ones, or novel."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from dnmf.criteria import (
    GOOD_MATCH_COSINE,
    SPLIT_HALF_SAMPLES_PER_SIGNATURE,
    UNSTABLE_SILHOUETTE,
    UNSTABLE_SPLIT_HALF_COSINE,
)
from dnmf.signatures.decomposition import MIXTURE, NOVEL, Decomposition

STABLE, UNSTABLE = "stable", "unstable"
MIXTURE_OF_REFERENCES = "mixture of references"


def signature_verdicts(
    names: list[str],
    silhouette: Float[np.ndarray, " k"],
    split_half_cosine: Float[np.ndarray, " k"],
    decomposition: Decomposition | None,
    n_samples: int,
) -> pd.DataFrame:
    """Judge every signature by its stability (see :class:`dnmf.selection.Candidate`) and what it is made of.

    ``n_samples`` is the number of samples with mutations; NaN stands for a stability that is not known.

    Returns
    -------
    DataFrame (k, 3)
        ``silhouette``, ``halves`` (cosine between halves of the samples) and ``verdict``, the first that holds:

        - ``"unstable"``: silhouette below ``UNSTABLE_SILHOUETTE``, or, with ``SPLIT_HALF_SAMPLES_PER_SIGNATURE``
          samples per signature or more, split-half cosine below ``UNSTABLE_SPLIT_HALF_COSINE``;
        - ``"mixture of references"``: several references make it up, and none alone reaches ``GOOD_MATCH_COSINE``;
        - ``"novel"``: no mixture of references explains it;
        - ``"stable"``.

        The thresholds are in :mod:`dnmf.criteria`. Without a decomposition a signature is stable or unstable.
    """
    enough = n_samples >= SPLIT_HALF_SAMPLES_PER_SIGNATURE * len(names)
    # Comparisons with NaN are false: what is not known makes no signature unstable.
    unstable = silhouette < UNSTABLE_SILHOUETTE
    if enough:
        unstable = unstable | (split_half_cosine < UNSTABLE_SPLIT_HALF_COSINE)
    verdicts = pd.Series(STABLE, index=pd.Index(names, name="signature"))
    if decomposition is not None:
        summary = decomposition.summary
        mixed = (summary["kind"] == MIXTURE) & (summary["single"] < GOOD_MATCH_COSINE)
        verdicts[mixed.to_numpy()] = MIXTURE_OF_REFERENCES
        verdicts[(summary["kind"] == NOVEL).to_numpy()] = NOVEL
    verdicts[unstable] = UNSTABLE
    return pd.DataFrame(
        {"silhouette": silhouette, "halves": split_half_cosine, "verdict": verdicts},
        index=verdicts.index,
    )
