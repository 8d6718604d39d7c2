"""Which signature made a mutation: probabilities for each sample and channel, with ranges."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.signatures import SignatureSet

Array = NDArray[np.float64]


def signature_probabilities(
    exposures: pd.DataFrame,
    reference: SignatureSet,
    lower: pd.DataFrame | None = None,
    upper: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the probability that a mutation of a sample, in a channel, comes from a signature.

    ``P(j | sample, c) = h_j W_jc / sum_i h_i W_ic``

    Parameters
    ----------
    exposures : DataFrame (n, k)
        Mutations h of samples by signatures, as ``RefitResult.exposures``. The answer has n k f rows: give the samples
        that are asked for, such as ``exposures.loc[["tumour"]]``.
    reference : SignatureSet
        The signatures W, among them all columns of ``exposures``.
    lower, upper : DataFrame (n, k), optional
        Ends of intervals of the exposures, in mutations: both or none. Samples and signatures are found by name.

    Returns
    -------
    DataFrame
        One row a sample, channel and signature: ``sample``, ``channel``, ``signature``, ``probability`` and, with
        intervals, ``lower`` and ``upper``. The probabilities of a channel sum to 1, or are all 0 where no signature of
        the sample has the channel.

    Raises
    ------
    InputDataError
        A signature is not in the reference; a sample or signature has no interval; one of the two ends alone; exposures
        that are negative or not finite.

    Notes
    -----
    ``lower`` and ``upper`` are the smallest and largest probability over all exposures that lie within all intervals
    and sum to the same total: at the lowest the signature has its lower end and the others, as far as their upper ends
    go, the rest, those first that have most of the channel. Nothing is said of how probable such exposures are:
    the range of 90 % intervals holds the truth at least when all of them do, and is wider than a 90 % interval where
    many signatures are uncertain.

    Mutations that are unassigned belong to none of the signatures: the probabilities are of those that are assigned.

    Examples
    --------
    >>> from dnmf.signatures import load_reference
    >>> reference = load_reference("SBS1,SBS2,SBS5")
    >>> exposures = pd.DataFrame({"SBS1": [20.0], "SBS5": [80.0]}, index=["tumour"])
    >>> found = signature_probabilities(exposures, reference).set_index(["channel", "signature"])
    >>> found.loc["A[C>T]G", "probability"].round(2).to_dict()
    {'SBS1': 0.94, 'SBS5': 0.06}
    """
    names = [str(name) for name in exposures.columns]
    unknown = [name for name in names if name not in set(reference.names)]
    if unknown:
        raise InputDataError(
            f"the exposures name {unknown[0]!r}, which {reference.source or 'the reference'} lacks: give the "
            "signatures that they were made with."
        )
    if (lower is None) != (upper is None):
        raise InputDataError("intervals have two ends: give lower and upper, or none of them.")
    h = _checked(exposures, exposures, "exposures")
    W = reference.profiles.loc[names].to_numpy(dtype=float)
    probability = np.stack([_share(row[:, None] * W, row @ W) for row in h])
    columns = {"probability": probability}
    if lower is not None and upper is not None:
        ends = (_checked(lower, exposures, "lower ends"), _checked(upper, exposures, "upper ends"))
        ranges = np.stack([_ranges(*rows, W) for rows in zip(h, *ends, strict=True)])
        columns["lower"] = np.minimum(ranges[:, 0], probability)
        columns["upper"] = np.maximum(ranges[:, 1], probability)
    labels = pd.MultiIndex.from_product(
        [exposures.index, reference.profiles.columns, names],
        names=["sample", "channel", "signature"],
    )
    # Of each sample the channels one after the other, and in each channel the signatures.
    values = {name: part.transpose(0, 2, 1).ravel() for name, part in columns.items()}
    return pd.DataFrame(values, index=labels).reset_index()


def _checked(table: pd.DataFrame, exposures: pd.DataFrame, what: str) -> Array:
    """Return the numbers of a table in the order of the exposures."""
    for axis, item in ((0, "sample"), (1, "signature")):
        missing = exposures.axes[axis].difference(table.axes[axis], sort=False)
        if len(missing):
            raise InputDataError(
                f"the {what} have no {item} {missing[0]!r}, which the exposures have."
            )
    values = table.loc[exposures.index, exposures.columns].to_numpy(dtype=float)
    bad = np.argwhere(~np.isfinite(values) | (values < 0))
    if len(bad):
        row, column = bad[0]
        raise InputDataError(
            f"the {what} of sample {exposures.index[row]!r}, signature {exposures.columns[column]!r}: expected "
            f"mutations (>= 0), found {values[row, column]}."
        )
    return values


def _ranges(h: Array, lower: Array, upper: Array, W: Array) -> Array:
    """Return the lowest and highest probabilities (2, k, f) of one sample."""
    low, high = np.minimum(lower, h), np.maximum(upper, h)
    found = np.zeros((2, *W.shape))
    there = np.flatnonzero(high > 0)
    low, room, W = low[there], (high - low)[there], W[there]
    # What the sample has beyond all lower ends, and how much of it signature j takes at the least and at the most.
    rest = h.sum() - low.sum()
    for end, taken, order in (
        (0, np.maximum(rest - (room.sum() - room), 0.0), -W),
        (1, np.minimum(room, rest), W),
    ):
        own = (low + taken)[:, None] * W
        others = (
            low @ W - low[:, None] * W + _poured(rest - taken, room, W, np.argsort(order, axis=0))
        )
        found[end, there] = _share(own, own + np.maximum(others, 0.0))
    return found


def _poured(amount: Array, room: Array, W: Array, order: NDArray[np.intp]) -> Array:
    """Return the mutations (k, f) in each channel when, without signature j, the others share ``amount[j]``.

    They are filled to their ``room (k,)`` one after the other, in each channel in its ``order (k, f)``.
    """
    sizes = room[order]
    own = order == np.arange(len(room))[:, None, None]  # (j, place, channel)
    free = np.where(own, 0.0, sizes)
    before = np.cumsum(free, axis=1) - free
    given = np.clip(amount[:, None, None] - before, 0.0, free)
    return np.asarray((given * np.take_along_axis(W, order, axis=0)).sum(axis=1))


def _share(part: Array, whole: Array) -> Array:
    """Return ``part / whole``, 0 where the whole is 0."""
    return np.divide(
        part, whole, out=np.zeros(part.shape), where=np.broadcast_to(whole > 0, part.shape)
    )
