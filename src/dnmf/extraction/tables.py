"""The labelled tables of a result: named signatures and exposures, quality of fit, matches with a reference."""

import warnings
from string import ascii_uppercase
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.extraction.select import Selection
from dnmf.extraction.transform import at_most_all
from dnmf.kernels.nnls import exact_exposures
from dnmf.metrics import reconstruction_quality
from dnmf.report.findings import listing
from dnmf.signatures import MutationCatalog, SignatureSet, match_to_reference


def de_novo_name(rank: int, schema_name: str) -> str:
    """Return the field's name of a de novo signature by its rank, from 0, and its class of channels.

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
    return f"{schema_name}{letters}"


def named_by_share(
    components: Float[np.ndarray, "k f"],
    exposures: Float[np.ndarray, "n k"],
    catalog: MutationCatalog,
) -> tuple[SignatureSet, pd.DataFrame, np.ndarray]:
    """Name components, of any scale, by their share of all mutations; ``exposures`` are in mutations.

    Returns
    -------
    signatures, exposures : SignatureSet of k, DataFrame (n, k)
        The largest share first: SBS96A, SBS96B, ... for 96 channels; signatures sum to 1.
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
    return SignatureSet(profiles, "dnmf extraction", catalog.schema), frame, order


def solution(
    catalog: MutationCatalog, selection: Selection | None, n_signatures: int
) -> tuple[SignatureSet, pd.DataFrame]:
    """Return the signatures of a number that was tried and their exact exposures; see ``ExtractionResult.solution``."""
    tried = {} if selection is None else selection.candidates
    if n_signatures not in tried:
        numbers = listing([str(k) for k in tried], 20) or "none: there were no restarts"
        raise InputDataError(f"{n_signatures} signatures were not tried. Tried: {numbers}.")
    found = tried[n_signatures].components.copy(order="C")
    counts = catalog.counts.to_numpy(dtype=float)
    exact = exact_exposures(torch.tensor(counts), torch.from_numpy(found)).numpy()
    signatures, frame, _ = named_by_share(found, at_most_all(exact, counts), catalog)
    return signatures, frame


def _probabilities(components: np.ndarray, names: list[str]) -> np.ndarray:
    """Scale rows to sum 1; a component without mutations becomes flat, with a warning."""
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


def fit_table(
    catalog: MutationCatalog, exposures: pd.DataFrame, signatures: SignatureSet
) -> pd.DataFrame:
    """Return how well each sample is reconstructed, one row per sample.

    Columns: ``mutations`` (the sample's burden), ``cosine``, ``relative_l1``, ``relative_l2``, ``kl_divergence`` (nats)
    of spectrum and reconstruction, and ``expected_cosine``: what counting noise alone leaves. If counts are Poisson
    with the reconstruction ``N p`` as their mean, ``sum(p) = 1``, their cosine with it is about
    ``(1 + 1 / (N sum(p^2)))^(-1/2)``. NaN for a catalog of frequencies, whose ``mutations`` are sums in its own unit.
    """
    counts = catalog.counts.to_numpy(dtype=float)
    means = exposures.to_numpy() @ signatures.profiles.to_numpy()
    totals = means.sum(axis=1)
    signal = (means**2).sum(axis=1) / np.where(totals > 0, totals, 1.0)  # N sum(p^2)
    columns: dict[str, Any] = {
        "mutations": counts.sum(axis=1),
        **reconstruction_quality(counts, means),
        # Frequencies do not say how many mutations made the noise.
        "expected_cosine": np.nan if catalog.why_not_counts else np.sqrt(signal / (signal + 1)),
    }
    return pd.DataFrame(columns, index=pd.Index(catalog.counts.index, name="sample"))


def interval_table(
    profiles: pd.DataFrame, lower: pd.DataFrame, upper: pd.DataFrame
) -> pd.DataFrame:
    """Return the channels of signatures (k, f) and the ends of their intervals as rows (k f, 5)."""
    return pd.DataFrame(
        {
            "Signature": np.repeat(profiles.index, profiles.shape[1]),
            "MutationType": np.tile(profiles.columns, profiles.shape[0]),
            "Probability": profiles.to_numpy().ravel(),
            "5th percentile": lower.to_numpy().ravel(),
            "95th percentile": upper.to_numpy().ravel(),
        }
    )


def match_table(
    signatures: SignatureSet, exposures: pd.DataFrame, reference: SignatureSet | None
) -> pd.DataFrame:
    """Return the matches of the signatures (see ``match_to_reference``) and their ``share`` of all mutations.

    Without a reference it has these columns and no rows.
    """
    if reference is None:
        columns = "found reference cosine second_reference second_cosine assigned share"
        return pd.DataFrame(columns=pd.Index(columns.split()))
    matches = match_to_reference(signatures, reference)
    total = float(exposures.to_numpy().sum())
    shares = exposures.sum(axis=0) / (total if total > 0 else 1.0)
    return matches.assign(share=shares.reindex(matches["found"]).to_numpy())
