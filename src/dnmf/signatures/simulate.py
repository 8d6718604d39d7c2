"""Draw catalogs with known exposures: around a mean burden, or over a range of burdens."""

from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError
from dnmf.signatures.catalog import MutationCatalog, SignatureSet

Noise = Literal["poisson", "negative-binomial", "multinomial", "none"]

_LOG_BURDEN_SD = 0.7
"""Standard deviation of the log burden: two thirds of the samples are within twice the median."""

_NB_SIZE = 10.0
"""Size of the negative binomial: the variance of a count of mean m is m + m^2 / 10."""

_MIN_MIXED, _MAX_MIXED = 3, 6
"""Number of signatures in a mixture that is drawn without exposures of tumours."""


def simulate_catalog(
    signatures: SignatureSet,
    n_samples: int,
    *,
    mean_burden: float,
    sparsity: float,
    noise: Noise = "poisson",
    random_state: int | np.random.Generator | None = None,
) -> tuple[MutationCatalog, pd.DataFrame]:
    """Draw samples in which some of the signatures are active.

    For sample i and signature j, with ``s = 0.7``::

        active_ij ~ Bernoulli(1 - sparsity), at least one j active in each sample
        burden_i  ~ LogNormal(log(mean_burden) - s^2 / 2, s^2), so that its mean is mean_burden
        share_i   ~ Dirichlet(1, ..., 1) over the active signatures
        exposures_ij = burden_i share_ij
        expected_i   = exposures_i @ signatures

    and the counts follow ``noise``:

    - ``"poisson"``: ``Poisson(expected)`` in each channel;
    - ``"negative-binomial"``: mean ``expected``, variance ``expected + expected^2 / 10``;
    - ``"multinomial"``: ``burden_i`` is rounded first, and exactly that many mutations are drawn;
    - ``"none"``: the counts are ``expected`` itself, not integers.

    Parameters
    ----------
    signatures : SignatureSet
        The k signatures to mix.
    n_samples : int
        Number of samples, at least 1.
    mean_burden : float
        Expected number of mutations per sample, above 0.
    sparsity : float
        Probability that a signature is absent from a sample, in [0, 1].
    noise : str
        See above.
    random_state : int, Generator or None
        Seed, or a generator to go on with; None gives other numbers each time.

    Returns
    -------
    catalog : MutationCatalog
        ``n_samples`` samples named ``S1``, ``S2``, ... with as many leading zeros as needed.
    exposures : DataFrame (samples, signatures)
        The true exposures, in mutations.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> from dnmf.signatures import load_reference
    >>> signatures = load_reference("SBS1,SBS5")
    >>> catalog, exposures = simulate_catalog(
    ...     signatures, 3, mean_burden=1000, sparsity=0.5, noise="none", random_state=0
    ... )
    >>> bool(np.isclose(catalog.burdens, exposures.sum(axis=1)).all())
    True
    """
    _check(n_samples, noise)
    if not 0 < mean_burden < np.inf:
        raise ValueError(f"mean_burden is {mean_burden}, expected a number of mutations above 0")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity is {sparsity}, expected a probability between 0 and 1")
    rng = np.random.default_rng(random_state)
    centre = np.log(mean_burden) - _LOG_BURDEN_SD**2 / 2
    burdens = rng.lognormal(centre, _LOG_BURDEN_SD, size=n_samples)
    shares = _draw_shares(n_samples, len(signatures.names), sparsity, rng)
    return _drawn(signatures, shares, burdens, noise, rng)


def simulate_cohort(
    signatures: SignatureSet,
    n_samples: int,
    *,
    mutations: tuple[float, float],
    exposures: pd.DataFrame | None = None,
    noise: Noise = "poisson",
    random_state: int | np.random.Generator | None = None,
) -> tuple[MutationCatalog, pd.DataFrame]:
    """Draw samples whose number of mutations is log-uniform in a range.

    Parameters
    ----------
    signatures, n_samples, noise, random_state
        As for `simulate_catalog`.
    mutations : (low, high)
        Range of the expected number of mutations per sample; equal ends give every sample the same.
    exposures : DataFrame (tumours, signatures), optional
        Each sample takes the shares of one of these tumours, drawn with replacement; signatures that the table lacks
        get 0. Without it a sample is 3 to 6 signatures drawn evenly, with Dirichlet(1, ..., 1) shares.

    Returns
    -------
    catalog, exposures : MutationCatalog, DataFrame (samples, signatures)
        As `simulate_catalog` returns them.

    Raises
    ------
    InputDataError
        If an argument is out of its range, or the exposures have signatures that are not among the given ones.

    Examples
    --------
    >>> from dnmf.signatures import load_reference
    >>> signatures = load_reference("SBS1,SBS5,SBS13,SBS2")
    >>> catalog, truth = simulate_cohort(
    ...     signatures, 5, mutations=(200, 200), noise="multinomial", random_state=0
    ... )
    >>> catalog.burdens.tolist(), bool((truth > 0).sum(axis=1).min() >= 3)
    ([200.0, 200.0, 200.0, 200.0, 200.0], True)
    """
    _check(n_samples, noise)
    low, high = mutations
    if not 0 < low <= high < np.inf:
        raise InputDataError(f"mutations from {low:g} to {high:g}: expected 0 < low <= high")
    rng = np.random.default_rng(random_state)
    if exposures is None:
        shares = _even_mixtures(n_samples, len(signatures.names), rng)
    else:
        known = _known_shares(exposures, signatures.names)
        shares = known[rng.integers(len(known), size=n_samples)]
    burdens = np.exp(rng.uniform(np.log(low), np.log(high), size=n_samples))
    return _drawn(signatures, shares, burdens, noise, rng)


def _check(n_samples: int, noise: str) -> None:
    if n_samples < 1:
        raise InputDataError(f"n_samples is {n_samples}, expected at least 1")
    if noise not in get_args(Noise):
        raise InputDataError(f"noise is {noise!r}, expected one of {', '.join(get_args(Noise))}")


def _drawn(
    signatures: SignatureSet,
    shares: NDArray[np.float64],
    burdens: NDArray[np.float64],
    noise: Noise,
    rng: np.random.Generator,
) -> tuple[MutationCatalog, pd.DataFrame]:
    """Return the catalog and the exposures of samples with these shares and numbers of mutations."""
    if noise == "multinomial":
        burdens = np.rint(burdens)
    exposures = burdens[:, None] * shares
    counts = draw_counts(exposures @ signatures.profiles.to_numpy(), noise, rng)
    width = len(str(len(shares)))
    names = pd.Index([f"S{number:0{width}d}" for number in range(1, len(shares) + 1)])
    frame = pd.DataFrame(counts, index=names, columns=signatures.profiles.columns)
    catalog = MutationCatalog(frame, source=f"simulated ({noise} noise)", schema=signatures.schema)
    return catalog, pd.DataFrame(exposures, index=names, columns=signatures.profiles.index)


def _draw_shares(n: int, k: int, sparsity: float, rng: np.random.Generator) -> NDArray[np.float64]:
    active = rng.random((n, k)) >= sparsity
    # A sample needs a signature: one drawn evenly is switched on where none is.
    idle = np.flatnonzero(~active.any(axis=1))
    active[idle, rng.integers(k, size=idle.size)] = True
    # Exponential variables divided by their sum are Dirichlet(1, ..., 1).
    weights = rng.exponential(size=(n, k)) * active
    shares: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return shares


def draw_counts(
    expected: NDArray[np.float64], noise: Noise, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return counts with the given means; see `simulate_catalog` for the kinds of noise."""
    if noise == "none":
        return expected
    if noise == "multinomial":
        totals = np.rint(expected.sum(axis=1)).astype(np.int64)
        weights = np.maximum(expected.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        return rng.multinomial(totals, expected / weights).astype(np.float64)
    if noise == "negative-binomial":
        expected = expected * rng.gamma(_NB_SIZE, 1 / _NB_SIZE, size=expected.shape)
    return rng.poisson(expected).astype(np.float64)


def _even_mixtures(n: int, k: int, rng: np.random.Generator) -> NDArray[np.float64]:
    shares = np.zeros((n, k))
    for row in shares:
        size = rng.integers(min(_MIN_MIXED, k), min(_MAX_MIXED, k) + 1)
        row[rng.choice(k, size, replace=False)] = rng.dirichlet(np.ones(size))
    return shares


def _known_shares(exposures: pd.DataFrame, names: list[str]) -> NDArray[np.float64]:
    """Return the shares of the tumours that have mutations."""
    used = exposures.columns[exposures.sum(axis=0) > 0]
    unknown = [str(name) for name in used if name not in set(names)]
    if unknown:
        raise InputDataError(
            f"the exposures have {', '.join(unknown[:5])}, which the {len(names)} signatures lack. Choose the "
            "reference that the exposures were made with."
        )
    values = exposures.reindex(columns=names, fill_value=0.0).to_numpy(dtype=float)
    values = values[values.sum(axis=1) > 0]
    if not len(values):
        raise InputDataError("no row of the exposures has any mutations; nothing to draw from.")
    shares: NDArray[np.float64] = values / values.sum(axis=1, keepdims=True)
    return shares
