"""Compare found signatures with reference signatures."""

from pathlib import Path

import numpy as np
import pandas as pd

from dnmf.criteria import MATCH_COSINE, TIED_COSINE_DIGITS
from dnmf.metrics import cosine_similarity
from dnmf.signatures.catalog import SignatureSet
from dnmf.signatures.references import load_reference


def match_to_reference(
    found: SignatureSet, reference: SignatureSet | str | Path, *, min_cosine: float = MATCH_COSINE
) -> pd.DataFrame:
    """Return the most similar reference signature for each found one.

    Parameters
    ----------
    found : SignatureSet
        Signatures to name.
    reference : SignatureSet, str or Path
        Known signatures of the same channels, or what ``load_reference`` understands.
    min_cosine : float
        A match below this cosine is reported but not assigned.

    Returns
    -------
    DataFrame
        One row per found signature, in order: ``found``, ``reference``, ``cosine``,
        ``second_reference``, ``second_cosine``, ``assigned`` (whether ``cosine >= min_cosine``).
        The same reference can be the best match of several. Ties go to the name that sorts first.
        With a single reference signature, the second is missing.

    Raises
    ------
    ChannelMismatchError
        If the two sets have different channels.

    Examples
    --------
    >>> matches = match_to_reference(load_reference("SBS2"), "cosmic-v3.4")
    >>> matches[["found", "reference", "cosine", "assigned"]].values.tolist()
    [['SBS2', 'SBS2', 1.0, True]]
    """
    reference = load_reference(reference, channels=found.schema)
    # In alphabetical order, a stable sort by cosine leaves tied names sorted.
    names = sorted(reference.names)
    cosines = cosine_similarity(found.profiles, reference.profiles.loc[names]).round(
        TIED_COSINE_DIGITS
    )
    order = np.argsort(-cosines, axis=1, kind="stable")
    best = order[:, 0]
    rows = np.arange(len(found))
    matches = pd.DataFrame(
        {
            "found": found.names,
            "reference": [names[index] for index in best],
            "cosine": cosines[rows, best],
            "second_reference": pd.Series([None] * len(found), dtype=object),
            "second_cosine": np.nan,
            "assigned": cosines[rows, best] >= min_cosine,
        }
    )
    if len(names) > 1:
        second = order[:, 1]
        matches["second_reference"] = [names[index] for index in second]
        matches["second_cosine"] = cosines[rows, second]
    return matches
