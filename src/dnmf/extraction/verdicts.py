"""The verdict on each signature: stable or not, and whether it is a known one, a mixture of known ones, or new."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from dnmf.criteria import (
    GOOD_MATCH_COSINE,
    MATCH_COSINE,
    MIXTURE_COSINE,
    MIXTURE_COSINE_GAIN,
    MIXTURE_MAX_REFERENCES,
    SPLIT_HALF_SAMPLES_PER_SIGNATURE,
    UNSTABLE_SILHOUETTE,
    UNSTABLE_SPLIT_HALF_COSINE,
)
from dnmf.kernels.nnls import exact_exposures
from dnmf.kernels.selection import selected_exposures
from dnmf.metrics import cosine_similarity
from dnmf.signatures import SignatureSet

# Rise of the relative L2 error below which a reference is dropped from a decomposition; doubled until few are left.
FIRST_REMOVE_THRESHOLD = 0.01
# Adding takes this many times more than dropping: a reference that was dropped must not come back.
ADD_TO_REMOVE_RATIO = 5

STABLE, UNSTABLE = "stable", "unstable"
MIXTURE, UNLIKE = "mixture of references", "unlike all references"


def signature_verdicts(
    signatures: SignatureSet,
    silhouette: Float[np.ndarray, " k"],
    split_half_cosine: Float[np.ndarray, " k"],
    reference: SignatureSet | None,
    n_samples: int,
) -> pd.DataFrame:
    """Judge every signature by its stability (see :class:`dnmf.extraction.Candidate`) and the known ones.

    ``n_samples`` is the number of samples with mutations; NaN stands for a stability that is not known.

    Returns
    -------
    DataFrame (k, 5)
        ``silhouette``, ``halves`` (cosine between halves of the samples), ``verdict``, ``decomposition`` and
        ``decomposition_cosine``. The verdict is the first that holds:

        - ``"unstable"``: silhouette below ``UNSTABLE_SILHOUETTE``, or, with ``SPLIT_HALF_SAMPLES_PER_SIGNATURE``
          samples per signature or more, split-half cosine below ``UNSTABLE_SPLIT_HALF_COSINE``;
        - ``"mixture of references"``: see :func:`is_mixture`;
        - ``"unlike all references"``: no reference reaches ``MATCH_COSINE``, no mixture ``MIXTURE_COSINE``;
        - ``"stable"``.

        The thresholds are in :mod:`dnmf.criteria`. The decomposition is that of :func:`decompose`, whatever the
        verdict; empty and NaN without a reference.
    """
    enough = n_samples >= SPLIT_HALF_SAMPLES_PER_SIGNATURE * len(signatures)
    rows = []
    for index, name in enumerate(signatures.names):
        profile = signatures.profiles.loc[name].to_numpy(dtype=float)
        parts, cosine, single = "", np.nan, np.nan
        if reference is not None:
            known = reference.profiles[signatures.profiles.columns]
            single = float(cosine_similarity(profile[None], known.to_numpy(dtype=float)).max())
            shares, cosine = decompose(profile, known)
            parts = mixture_text(shares)
        halves = split_half_cosine[index] if enough else np.nan
        rows.append(
            {
                "silhouette": float(silhouette[index]),
                "halves": float(split_half_cosine[index]),
                "verdict": _verdict(silhouette[index], halves, single, cosine),
                "decomposition": parts,
                "decomposition_cosine": cosine,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(signatures.names, name="signature"))


def _verdict(silhouette: float, split_half: float, single: float, mixture: float) -> str:
    # Comparisons with NaN are false: what is not known makes no signature unstable or unlike the references.
    if silhouette < UNSTABLE_SILHOUETTE or split_half < UNSTABLE_SPLIT_HALF_COSINE:
        return UNSTABLE
    if is_mixture(single, mixture):
        return MIXTURE
    if single < MATCH_COSINE and mixture < MIXTURE_COSINE:
        return UNLIKE
    return STABLE


def is_mixture(single: float, mixture: float) -> bool:
    """Whether a mixture of references explains a signature better than one reference does.

    No reference reaches ``GOOD_MATCH_COSINE``; the mixture reaches ``MIXTURE_COSINE`` and is closer by
    ``MIXTURE_COSINE_GAIN``. ``single`` and ``mixture`` are the cosines of the signature to its closest reference and to
    its decomposition.
    """
    return single < GOOD_MATCH_COSINE and mixture >= max(
        MIXTURE_COSINE, single + MIXTURE_COSINE_GAIN
    )


def mixture_text(shares: dict[str, float]) -> str:
    """Return the parts of a mixture as ``SBS2 55%, SBS13 45%``."""
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())


def decompose(
    profile: Float[np.ndarray, " f"], references: pd.DataFrame
) -> tuple[dict[str, float], float]:
    """Return the shares of at most three references in a signature, largest first, and the mixture's cosine to it.

    By sparse refit (:func:`dnmf.kernels.selection.selected_exposures`), its threshold for dropping a reference doubled
    until ``MIXTURE_MAX_REFERENCES`` or fewer are left.

    The channels of ``references`` are in the order of the ``profile``.

    Examples
    --------
    >>> references = pd.DataFrame([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], index=["A", "B", "C"])
    >>> shares, cosine = decompose(np.array([0.25, 0.75, 0.0]), references)
    >>> {name: round(share, 6) for name, share in shares.items()}, round(cosine, 6)
    ({'B': 0.75, 'A': 0.25}, 1.0)
    """
    X = torch.from_numpy(np.array(profile, dtype=float))[None]
    W = torch.from_numpy(np.array(references, dtype=float))
    threshold = FIRST_REMOVE_THRESHOLD
    H = selected_exposures(X, W, remove_threshold=threshold)
    while int((H > 0).sum()) > MIXTURE_MAX_REFERENCES:
        threshold *= 2
        H = selected_exposures(
            X, W, remove_threshold=threshold, add_threshold=ADD_TO_REMOVE_RATIO * threshold
        )
    used = [int(column) for column in H[0].nonzero().flatten()]
    if not used:
        return {}, 0.0
    H = exact_exposures(X, W[used])
    cosine = float(cosine_similarity(X.numpy(), (H @ W[used]).numpy())[0, 0])
    shares = (H[0] / H.sum()).tolist()
    by_share = sorted(zip(shares, used, strict=True), reverse=True)
    return {str(references.index[column]): share for share, column in by_share}, min(cosine, 1.0)
