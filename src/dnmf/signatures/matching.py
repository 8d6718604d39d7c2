"""Compare found signatures with reference signatures."""

import numpy as np
import pandas as pd

from dnmf.exceptions import ChannelMismatchError
from dnmf.metrics import cosine_similarity
from dnmf.signatures.catalog import MutationCatalog, SignatureSet
from dnmf.signatures.reference import how_to_give_reference

_DIGITS = 12
"""Cosines that agree to this many digits differ by rounding only and count as tied."""


def check_channels(data: MutationCatalog | SignatureSet, reference: SignatureSet) -> None:
    """Refuse a reference whose channels are not those of a catalog or of signatures.

    Raises
    ------
    ChannelMismatchError
        Says which channels both have, and which reference to give.
    """
    if data.schema != reference.schema:
        what = "the catalog" if isinstance(data, MutationCatalog) else "the signatures"
        raise ChannelMismatchError(
            f"{data.source or what}: {data.schema.name} channels but the reference "
            f"{reference.source or ''} has {reference.schema.name}. {how_to_give_reference(data.schema)}"
        )


def match_to_reference(
    found: SignatureSet, reference: SignatureSet, *, min_cosine: float = 0.8
) -> pd.DataFrame:
    """Return the most similar reference signature for each found one.

    Parameters
    ----------
    found, reference : SignatureSet
        Of the same channels.
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
    >>> from dnmf.signatures import load_reference
    >>> cosmic = load_reference("cosmic-v3.4")
    >>> matches = match_to_reference(cosmic.select(["SBS2"]), cosmic)
    >>> matches[["found", "reference", "cosine", "assigned"]].values.tolist()
    [['SBS2', 'SBS2', 1.0, True]]
    """
    check_channels(found, reference)
    # In alphabetical order, a stable sort by cosine leaves tied names sorted.
    names = sorted(reference.names)
    cosines = cosine_similarity(found.profiles, reference.profiles.loc[names]).round(_DIGITS)
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
