"""What to make of each signature: whether it is stable, and whether it is known, mixed or new."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from dnmf.kernels.nnls import exact_exposures
from dnmf.kernels.selection import selected_exposures
from dnmf.metrics import cosine_similarity
from dnmf.signatures import SignatureSet

# Below this the nearest other signature is less than twice as far as the signature's own versions in other restarts.
LEAST_SILHOUETTE = 0.5
# Two halves of the samples whose versions are less alike than this would not count as matches of each other.
LEAST_HALVES = 0.8
# With fewer samples per signature than that, halves may well miss one that is there.
SAMPLES_PER_HALVED_SIGNATURE = 10
# The closest reference counts as a match from here on, and as needing no second one from there on.
LEAST_MATCH, CLEAR_MATCH = 0.8, 0.9
# A mixture of references explains a signature if it is this close, and this much closer than one reference.
LEAST_MIXTURE, LEAST_GAIN = 0.9, 0.1
MOST_REFERENCES = 3
FIRST_THRESHOLD = 0.01

STABLE, UNSTABLE = "stable", "unstable"
MIXTURE, UNLIKE = "mixture of references", "unlike all references"


def signature_verdicts(
    signatures: SignatureSet,
    silhouette: Float[np.ndarray, " k"],
    halves: Float[np.ndarray, " k"],
    reference: SignatureSet | None,
    n_samples: int,
) -> pd.DataFrame:
    """Judge every signature.

    Parameters
    ----------
    signatures : SignatureSet
        ``k`` signatures.
    silhouette, halves : (k,)
        As in :class:`dnmf.extraction.Candidate`; NaN where not known.
    reference : SignatureSet, optional
        Known signatures.
    n_samples : int
        With mutations.

    Returns
    -------
    DataFrame (k, 5)
        ``silhouette``, ``halves``, ``verdict``, ``decomposition`` and ``decomposition_cosine``. The first that holds:

        - ``"unstable"``: silhouette below 0.5, or, with 10 samples per signature or more, cosine between halves of the
          samples below 0.8;
        - ``"mixture of references"``: no reference reaches cosine 0.9, but at most three together do, and are closer by
          0.1 than the best alone;
        - ``"unlike all references"``: no reference reaches 0.8, nor do three together 0.9;
        - ``"stable"``.

        The decomposition is that of :func:`decompose`, whatever the verdict; empty and NaN without a reference.
    """
    told = n_samples >= SAMPLES_PER_HALVED_SIGNATURE * len(signatures)
    rows = []
    for index, name in enumerate(signatures.names):
        profile = signatures.profiles.loc[name].to_numpy(dtype=float)
        words, cosine, single = "", np.nan, np.nan
        if reference is not None:
            known = reference.profiles[signatures.profiles.columns]
            single = float(cosine_similarity(profile[None], known.to_numpy(dtype=float)).max())
            shares, cosine = decompose(profile, known)
            words = ", ".join(f"{part} {share:.0%}" for part, share in shares.items())
        rows.append(
            {
                "silhouette": float(silhouette[index]),
                "halves": float(halves[index]),
                "verdict": _verdict(
                    silhouette[index], halves[index] if told else np.nan, single, cosine
                ),
                "decomposition": words,
                "decomposition_cosine": cosine,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(signatures.names, name="signature"))


def _verdict(silhouette: float, halves: float, single: float, mixture: float) -> str:
    # Comparisons with NaN are false: what is not known condemns nothing.
    if silhouette < LEAST_SILHOUETTE or halves < LEAST_HALVES:
        return UNSTABLE
    if single < CLEAR_MATCH and mixture >= max(LEAST_MIXTURE, single + LEAST_GAIN):
        return MIXTURE
    if single < LEAST_MATCH and mixture < LEAST_MIXTURE:
        return UNLIKE
    return STABLE


def decompose(
    profile: Float[np.ndarray, " f"], references: pd.DataFrame
) -> tuple[dict[str, float], float]:
    """Return the shares of at most three references in a signature, largest first, and the mixture's cosine to it.

    By sparse refit (:func:`dnmf.kernels.selection.selected_exposures`), its threshold for dropping a reference doubled
    until three or fewer are left.

    Parameters
    ----------
    profile : (f,)
        A signature.
    references : DataFrame (m, f)
        Known signatures, channels in the same order.

    Examples
    --------
    >>> references = pd.DataFrame([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], index=["A", "B", "C"])
    >>> shares, cosine = decompose(np.array([0.25, 0.75, 0.0]), references)
    >>> {name: round(share, 6) for name, share in shares.items()}, round(cosine, 6)
    ({'B': 0.75, 'A': 0.25}, 1.0)
    """
    X = torch.from_numpy(np.array(profile, dtype=float))[None]
    W = torch.from_numpy(np.array(references, dtype=float))
    threshold = FIRST_THRESHOLD
    H = selected_exposures(X, W, remove_threshold=threshold)
    while int((H > 0).sum()) > MOST_REFERENCES:
        threshold *= 2
        # What was dropped must not come back: adding is harder than dropping.
        H = selected_exposures(X, W, remove_threshold=threshold, add_threshold=5 * threshold)
    used = [int(column) for column in H[0].nonzero().flatten()]
    if not used:
        return {}, 0.0
    H = exact_exposures(X, W[used])
    cosine = float(cosine_similarity(X.numpy(), (H @ W[used]).numpy())[0, 0])
    shares = (H[0] / H.sum()).tolist()
    by_share = sorted(zip(shares, used, strict=True), reverse=True)
    return {str(references.index[column]): share for share, column in by_share}, min(cosine, 1.0)
