"""Which signature made a mutation: probabilities for each sample and channel, with ranges."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.refit.draws import exposure_draws
from dnmf.refit.record import RefitRecord

Array = NDArray[np.float64]

# With so many the ends of a 90 % range hold from 2.5 to 7.5 % beyond them.
N_DRAWS = 300
# Signatures that were not called take part from this presence and upper end (mutations) on.
_LEAST_PRESENCE, _LEAST_MUTATIONS = 0.002, 0.5


def signature_probabilities(
    result: RefitRecord, samples: Sequence[str] | None = None, *, random_state: int = 0
) -> pd.DataFrame:
    """Return the probability that a mutation of a sample, in a channel, comes from a signature.

    ``P(j | sample, c) = h_j W_jc / sum_i h_i W_ic``

    Parameters
    ----------
    result : RefitResult
        Exposures h, signatures W. Of a guided extraction: its ``refit``.
    samples : sequence of str, optional
        By default all: a row for each sample, channel and signature that is called in the sample.
    random_state : int
        Of the draws for the ranges. The rows of a sample do not depend on the other samples.

    Returns
    -------
    DataFrame
        ``sample``, ``channel``, ``signature``, ``probability``, ``lower``, ``upper``. The probabilities of a channel
        sum to 1, or are all 0 where no signature of the sample has the channel. ``lower`` and ``upper``, 5th and 95th
        percentiles, are NaN for the classic methods, which know no presence.

    Raises
    ------
    InputDataError
        There is no such sample.

    Notes
    -----
    The percentiles are over 300 exposures that agree with the intervals and the presence of the refit, with all
    signatures that may be there, see :func:`dnmf.refit.draws.exposure_draws`; the range also holds the estimate.
    ``docs/explanation/refit_measured.md`` says how often it holds the truth.

    Mutations that are unassigned belong to none of the signatures: the probabilities are of those that are assigned.

    Examples
    --------
    >>> from dnmf.refit import refit_exposures
    >>> from dnmf.signatures import example_catalog
    >>> result = refit_exposures(example_catalog(), "SBS1,SBS2,SBS3,SBS5,SBS13")
    >>> found = signature_probabilities(result, ["PD4120a"]).set_index(["channel", "signature"])
    >>> found.loc[("T[C>T]A", "SBS2"), ["probability", "lower", "upper"]].round(2).tolist()
    [0.98, 0.98, 0.99]
    """
    names = list(result.exposures.index) if samples is None else list(samples)
    unknown = [name for name in names if name not in result.exposures.index]
    if unknown:
        raise InputDataError(f"there is no sample {unknown[0]!r} in this refit.")
    channels = result.reference.profiles.columns
    parts = []
    place = {name: row for row, name in enumerate(result.exposures.index)}
    for name in names:
        called, probability, lower, upper = _of_sample(result, place[name], random_state)
        labels = pd.MultiIndex.from_product(
            [[name], channels, result.reference.profiles.index[called]]
        )
        # In each channel the signatures one after the other.
        values = {"probability": probability, "lower": lower, "upper": upper}
        parts.append(pd.DataFrame({key: own.T.ravel() for key, own in values.items()}, labels))
    return pd.concat(parts).rename_axis(["sample", "channel", "signature"]).reset_index()


def _of_sample(
    result: RefitRecord, row: int, random_state: int
) -> tuple[NDArray[np.intp], Array, Array, Array]:
    """Return the places of the called signatures of a sample, and probability and range (k, f) of each."""
    tables = (result.exposures, result.exposure_lower, result.exposure_upper)
    h, low, high = (table.to_numpy()[row] for table in tables)
    W = result.reference.profiles.to_numpy(dtype=float)
    called = np.flatnonzero(h > 0)
    probability = _share(h[called, None] * W[called], h @ W)
    name = result.exposures.index[row]
    if result.presence is None or name not in result.presence.index:
        unknown = np.full(probability.shape, np.nan)
        return called, probability, unknown, unknown
    presence = result.presence.loc[name].to_numpy()
    there = (h > 0) | ((high >= _LEAST_MUTATIONS) & (presence > _LEAST_PRESENCE))
    fit = result.fit.iloc[row]
    drawn = exposure_draws(
        h[there],
        low[there],
        high[there],
        presence[there],
        W[there],
        float(fit["mutations"]),
        dispersion=float(fit["dispersion"]),
        n_draws=N_DRAWS,
        random=np.random.default_rng(random_state),
    )
    own = drawn[:, np.searchsorted(np.flatnonzero(there), called), None] * W[called]
    lower, upper = np.quantile(_share(own, (drawn @ W[there])[:, None, :]), [0.05, 0.95], axis=0)
    return called, probability, np.minimum(lower, probability), np.maximum(upper, probability)


def _share(part: Array, whole: Array) -> Array:
    """Return ``part / whole``, 0 where the whole is 0."""
    return np.divide(
        part, whole, out=np.zeros(part.shape), where=np.broadcast_to(whole > 0, part.shape)
    )
