"""Names of signatures: by their share of all mutations, as the field names de novo signatures."""

import warnings
from string import ascii_uppercase

import numpy as np
import pandas as pd
from jaxtyping import Float

from dnmf.exceptions import DoubtfulDataWarning
from dnmf.signatures import MutationCatalog, SignatureSet


def de_novo_name(rank: int, channels: str) -> str:
    """Return the field's name of a de novo signature by its rank, from 0, and the name of its channels.

    Examples
    --------
    >>> [de_novo_name(rank, "SBS96") for rank in (0, 25, 26, 51, 52)]
    ['SBS96A', 'SBS96Z', 'SBS96AA', 'SBS96AZ', 'SBS96BA']
    """
    letters = ""
    number = rank + 1
    while number:
        number, digit = divmod(number - 1, len(ascii_uppercase))
        letters = ascii_uppercase[digit] + letters
    return f"{channels}{letters}"


def named_by_share(
    components: Float[np.ndarray, "k f"],
    exposures: Float[np.ndarray, "n k"],
    catalog: MutationCatalog,
) -> tuple[SignatureSet, pd.DataFrame, np.ndarray]:
    """Name components by their share of all mutations.

    Parameters
    ----------
    components : (k, f)
        Signatures of any scale.
    exposures : (n, k)
        In mutations.
    catalog : MutationCatalog
        Of the names of samples and channels.

    Returns
    -------
    signatures : SignatureSet
        SBS96A (DBS78A, ID83A, ...) first; rows sum to 1.
    exposures : DataFrame (n, k)
        In the same order.
    order : (k,) array
        Which component each of them was.
    """
    order = np.argsort(-exposures.sum(axis=0), kind="stable")
    names = [de_novo_name(rank, catalog.schema.name) for rank in range(len(order))]
    profiles = pd.DataFrame(
        _probabilities(components[order], names),
        index=pd.Index(names),
        columns=catalog.counts.columns,
    )
    frame = pd.DataFrame(exposures[:, order], index=catalog.counts.index, columns=pd.Index(names))
    signatures = SignatureSet(profiles, source="dnmf extraction", schema=catalog.schema)
    return signatures, frame, order


def _probabilities(components: np.ndarray, names: list[str]) -> np.ndarray:
    """Scale rows to sum 1; a component that died in training becomes flat, and that is said."""
    totals = components.sum(axis=1)
    dead = [name for name, total in zip(names, totals, strict=True) if total <= 0]
    if dead:
        warnings.warn(
            f"signatures {', '.join(dead)} received no mutations in training and are shown flat. "
            f"Ask for {len(names) - len(dead)} signatures or fewer.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
    profiles = np.full_like(components, 1.0 / components.shape[1])
    np.divide(components, totals[:, None], out=profiles, where=totals[:, None] > 0)
    return profiles
