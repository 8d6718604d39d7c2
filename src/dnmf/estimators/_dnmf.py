"""Matrix factorisation by deep unfolding as a scikit-learn estimator."""

import warnings
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike

from dnmf.engine.chunks import Chunks, LocalChunks
from dnmf.estimators._base import Array
from dnmf.estimators._chunked import ChunkedFactorisation
from dnmf.estimators._inputs import check_range
from dnmf.estimators._passes import Model, judge
from dnmf.estimators._search import SEARCHES, Found, search_plain, search_signatures, whole
from dnmf.estimators._start import draw_pool, evenly_spaced, start_factors, warn_of_rank
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.kernels.initialize import INIT_METHODS
from dnmf.kernels.objectives import Objective
from dnmf.progress import Progress
from dnmf.threads import one_thread
from dnmf.unfolding.networks import Unfolded
from dnmf.unfolding.rules import rule_of
from dnmf.unfolding.to_dictionary import train_to_dictionary

# Steps by which the network is trained where nothing else is said. After a plain search it stays as the classic
# iterations for its dictionary: as good as exact for nearly all dictionaries found in data, and training it would take
# longer than the search.
TRAINING_STEPS = {"plain": 0, "signatures": 300}
# Samples with which the network is compared, and from which it is trained, after a plain search.
JUDGED_SAMPLES = 2000
ITERATIONS_PER_LINE = 10  # of what ``verbose`` prints


class DNMF(ChunkedFactorisation):
    """Non-negative matrix factorisation by deep unfolding, from data alone.

    ``min sum_n w_n (1/2 ||x_n - h_n W||^2 + l1_reg sum(h_n) + 1/2 l2_reg sum(h_n^2))`` over ``H, W >= 0``

    for samples ``x_n`` (the rows of X), their exposures ``h_n``, weights ``w_n``, and a dictionary W of components;
    with ``layer="kl"`` the Kullback-Leibler divergence ``sum_n w_n sum_c x_nc log(x_nc / r_nc) - x_nc + r_nc``,
    ``r_n = h_n W``. Either sum leaves missing entries out.

    The dictionary is found first. Then a network of unfolded iterations is built for it, which infers exposures.

    Parameters
    ----------
    n_components : int or None
        Number of components, k. With a ``dictionary`` its number of rows, or None to take it from there.
    search : {"plain", "signatures"}
        How the dictionary is found. ``"plain"`` lowers the objective by extrapolated alternating updates until it no
        longer falls (:mod:`dnmf.engine`); for all kinds of data. ``"signatures"`` looks for the components that
        generated the samples, as of mutational signatures (:func:`dnmf.search.find_dictionary`: alternating exact
        least squares, weighted by the noise, with annealed sparsity; 540 iterations); for complete dense samples.
    layer : str
        Rule of the layers. ``"newton"`` and ``"admm"`` unfold exact solvers: the former is exact in ten layers for
        dictionaries found in data, the latter takes a fifth of its time and, trained, is as good for large references;
        ``"mu"``, ``"weighted-mu"`` and ``"projected-gradient"`` are other least-squares rules, the first the paper's;
        ``"kl"`` makes the Kullback-Leibler divergence the objective: maximum likelihood for Poisson counts.
    n_layers : int
        Depth L.
    l1_reg, l2_reg : float
        Penalties on the exposures; rows of W sum to 1. ``l1_reg`` is subtracted from ``X W^T`` and has its unit, that
        of X: a component takes part in a sample only where ``(x - r) w^T`` reaches it. ``l2_reg`` is added to the
        diagonal of ``W W^T``.
    init : str
        Start of the dictionary: ``"separable"`` (the most unlike samples), ``"nndsvd"``, ``"nndsvda"``, ``"random"``,
        or ``"custom"``, the ``components`` given to :meth:`fit`.
    max_iter : int
        Most iterations of the plain search, each one pass over the data.
    tol : float
        The plain search ends when 10 iterations lowered its cost by less than this part of it.
    warm_start : bool
        Whether another :meth:`fit` starts from the components that there are, if their number and features fit.
    dictionary : (k, f) array, optional
        Fixed components, >= 0: nothing is searched, and the network is built for these rows scaled to sum to 1.
    min_volume : float
        With ``search="signatures"``: penalty on the volume that the components span, in variances of the noise. It
        draws them together and costs fit. On simulated Poisson counts 100 found more true signatures, on real ones it
        did not (``docs/unsupervised.md``).
    n_steps : int, optional
        Most training steps of the network, each on a batch of 256 samples; none are done where it is as good as exact.
        Default 0 with ``search="plain"``, 300 with ``"signatures"``.
    learning_rate : float, optional
        Of Adam, the peak of a one-cycle schedule; default that of the rule (newton 1e-1, admm 3e-2, mu 1e-4, others
        3e-3).
    random_state : int, RandomState or None
        Randomness of training and of ``init="random"``.
    dtype : {"float64", "float32"}, optional
        Precision of computation and answers; default that of X where it is float32, else float64.
    device : str
        Where torch computes.
    verbose : int
        Whether every tenth iteration prints a line.

    Attributes
    ----------
    components_ : (k, f) array
        The dictionary, rows summing to 1 (to 0 for a component that no sample uses: there is a warning).
    network_ : torch module
        Maps (n, f) samples to (n, k) exposures.
    history_ : dict of arrays
        Along each phase: ``"dictionary"`` (cost per iteration; then ``"likelihood"`` for ``search="signatures"`` with
        ``layer="kl"``), ``"network"`` and ``"validation"`` (excess over the exact cost, on batches and on the samples,
        1 for none: see :func:`dnmf.unfolding.train_to_dictionary`).
    n_iter_ : int
        Iterations of the search; 0 for a given dictionary.
    reconstruction_err_ : float
        ``sqrt(sum_n w_n ||x_n - h_n W||^2)`` with the exact exposures, over known entries. With ``layer="kl"``
        ``sqrt(2 D)``, D the divergence.

    Notes
    -----
    It differs from Nasser, Eldar and Sharan 2021, 2.3 (:class:`dnmf.PaperDNMF`) in start, scale and training. The
    project's benchmarks measure what each part gains and costs.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.gamma(0.5, size=(100, 3)) @ rng.dirichlet(np.full(20, 0.3), size=3)
    >>> DNMF(n_components=3).fit_transform(X).shape
    (100, 3)
    """

    def __init__(
        self,
        n_components: int | None = 10,
        *,
        search: str = "plain",
        layer: str = "newton",
        n_layers: int = 10,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        init: str = "separable",
        max_iter: int = 500,
        tol: float = 1e-5,
        warm_start: bool = False,
        dictionary: ArrayLike | None = None,
        min_volume: float = 0.0,
        n_steps: int | None = None,
        learning_rate: float | None = None,
        random_state: Any = None,
        dtype: str | None = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.search = search
        self.layer = layer
        self.n_layers = n_layers
        self.l1_reg = l1_reg
        self.l2_reg = l2_reg
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.dictionary = dictionary
        self.min_volume = min_volume
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.dtype = dtype
        self.device = device
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        mask: Any = None,
        components: ArrayLike | None = None,
        exposures: ArrayLike | None = None,
        executor: Any = None,
        progress: Progress | None = None,
    ) -> Self:
        """Find a dictionary, and build the network that infers exposures to it.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, >= 0: an array, table or sparse matrix; a torch tensor, numpy memmap, Dask, zarr or HDF5 array or
            AnnData object; or something that yields batches of samples each time it is iterated, once an iteration.
            NaN is a missing entry; what a sparse matrix leaves out is 0.
        y : None
            Ignored.
        sample_weight : (n_samples,), optional
            How often each sample counts.
        mask : (n_samples, n_features) of bool, optional
            True where an entry is missing, as in :mod:`numpy.ma`.
        components, exposures : (n_components, n_features), (n_samples, n_components), optional
            Where to start with ``init="custom"`` (what scikit-learn calls H and W); exposures default to the best ones.
        executor : concurrent.futures.Executor or dask.distributed.Client, optional
            Who works on the chunks; default this process. The result does not depend on it.
        progress : callable(phase, step, steps, cost), optional
            Called after every step of every phase.
        """
        self._check_parameters()
        self._check_start(components, exposures)
        samples = self._read(X, reset=True, sample_weight=sample_weight, mask=mask, start=exposures)
        report = self._reporter(progress)
        plain, objective = self.search == "plain", self._objective
        with one_thread():
            generator = self._generator()
            chunks: Chunks = LocalChunks(samples)
            pool = draw_pool(chunks) if plain else whole(samples)
            if self.dictionary is not None:
                W = self._fixed_dictionary(pool)
                warn_of_rank(pool, len(W))
                found = Found(W, {}, 0)
            elif plain:
                W0 = self._start(pool, components, generator)
                limits = {"max_iter": int(self.max_iter), "tol": float(self.tol)}
                found = search_plain(chunks, W0, objective, progress=report, **limits)
            else:
                W0 = self._start(pool, components, generator)
                volume = float(self.min_volume)
                found = search_signatures(pool, W0, objective, min_volume=volume, progress=report)
            left = chunks.run(judge, Model(found.W, objective))
            _warn_of_unused(left["used"])
            if plain:
                pool = evenly_spaced(pool, JUDGED_SAMPLES)
            network, trained = self._network_for(found.W, pool, generator, progress)
        self.reconstruction_err_ = float((2 * left["cost"].clamp(min=0)).sqrt())
        return self._keep(network, found.W, found.history | trained, found.n_iter)

    def fit_transform(
        self, X: Any, y: ArrayLike | None = None, *, mask: Any = None, **fit_params: Any
    ) -> Array:
        """Fit and return the exposures of the samples: ``fit(X, mask=mask, ...)``, then ``transform(X, mask=mask)``."""
        return self.fit(X, mask=mask, **fit_params).transform(X, mask=mask)

    def _start(
        self, pool: torch.Tensor, components: ArrayLike | None, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the dictionary from which the search starts."""
        k = cast(int, self.n_components)
        if components is not None:
            given = np.asarray(components)
            if given.shape != (k, pool.shape[1]):
                wanted = (k, pool.shape[1])
                raise ValueError(f"components have the shape {given.shape}, expected {wanted}")
            return torch.as_tensor(given).to(pool)
        former = getattr(self, "components_", None) if self.warm_start else None
        if former is not None and former.shape == (k, pool.shape[1]):
            return torch.tensor(former).to(pool)
        return start_factors(pool, k, self.init, generator)[1]

    def _network_for(
        self,
        W: torch.Tensor,
        samples: torch.Tensor,
        generator: torch.Generator,
        progress: Progress | None,
    ) -> tuple[Unfolded, dict[str, list[float]]]:
        """Return the network for a dictionary, trained on these samples, and the costs of its training."""
        network = Unfolded.from_dictionary(
            W,
            int(self.n_layers),
            layer=self.layer,
            shares=_usual_shares(samples, self._objective.exposures(samples, W)),
            **self._penalties,
        )
        training = train_to_dictionary(
            network,
            samples,
            n_steps=int(TRAINING_STEPS[self.search] if self.n_steps is None else self.n_steps),
            learning_rate=None if self.learning_rate is None else float(self.learning_rate),
            generator=generator,
            progress=progress,
        )
        return network, {"network": training.cost, "validation": training.validation}

    def _reporter(self, progress: Progress | None) -> Progress:
        """Return what is called after every iteration of the search."""

        def report(phase: str, step: int, steps: int, cost: float) -> None:
            if self.verbose and step % ITERATIONS_PER_LINE == 0:
                print(f"{phase}: iteration {step} of at most {steps}, cost {cost:.6g}")  # noqa: T201
            if progress is not None:
                progress(phase, step, steps, cost)

        return report

    @property
    def _objective(self) -> Objective:
        return rule_of(self.layer).objective(**self._penalties)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        rule_of(self.layer)  # an error for an unknown name
        self._check_choices(search=SEARCHES, init=(*INIT_METHODS, "custom"))
        if self.init == "ones":
            raise ValueError(
                "init='ones' gives equal components, which the search cannot tell apart"
            )
        if self.dictionary is None:
            self._check_integers(n_components=1)
        else:
            self._check_dictionary(np.asarray(self.dictionary, dtype=np.float64))
        self._check_integers(n_layers=1, max_iter=1, verbose=0)
        if self.n_steps is not None:
            self._check_integers(n_steps=0)
        if self.learning_rate is not None:
            self._check_numbers("learning_rate", positive=True)
        self._check_numbers("l1_reg", "l2_reg", "min_volume", "tol")
        if self.min_volume and self.search == "plain":
            raise ValueError("min_volume needs search='signatures'")
        _ = self._objective  # an error for penalties that it does not take

    def _check_start(self, components: ArrayLike | None, exposures: ArrayLike | None) -> None:
        custom = self.init == "custom" and self.dictionary is None
        if custom != (components is not None) or (exposures is not None and not custom):
            raise ValueError(
                "init='custom' starts from fit(X, components=..., exposures=...), of which the exposures may be left "
                "out; another init takes neither"
            )
        for name, factor in (("components", components), ("exposures", exposures)):
            if factor is None:
                continue
            values = np.asarray(factor, dtype=np.float64)
            if values.ndim != 2 or not np.isfinite(values).all() or (values < 0).any():
                raise ValueError(f"{name} must be a matrix of finite numbers >= 0")

    def _fixed_dictionary(self, pool: torch.Tensor) -> torch.Tensor:
        rows = np.asarray(self.dictionary, dtype=np.float64)
        if rows.shape[1] != pool.shape[1]:
            raise ValueError(f"dictionary has {rows.shape[1]} features, X has {pool.shape[1]}")
        return torch.as_tensor(rows / rows.sum(axis=1, keepdims=True)).to(pool)

    def _check_dictionary(self, rows: Array) -> None:
        if rows.ndim != 2 or not np.isfinite(rows).all() or (rows < 0).any():
            raise ValueError("dictionary must be a (k, f) array of finite numbers >= 0")
        if not (rows.sum(axis=1) > 0).all():
            raise ValueError("dictionary has a row of zeros, which is no component")
        check_range("dictionary", rows, self.dtype or "float64")
        if self.n_components is not None and self.n_components != len(rows):
            raise ValueError(
                f"n_components={self.n_components!r}, but dictionary has {len(rows)} rows: make them agree, or "
                "n_components=None"
            )

    def _empty_network(
        self, n_features: int, n_components: int, dtype: torch.dtype
    ) -> torch.nn.Module:
        return Unfolded(n_features, n_components, self.n_layers, layer=self.layer, dtype=dtype)


def _warn_of_unused(used: torch.Tensor) -> None:
    unused = int((used <= 0).sum())
    if unused:
        warnings.warn(
            f"{unused} of {len(used)} components are used by no sample: ask for fewer",
            DoubtfulDataWarning,
            stacklevel=3,
        )


def _usual_shares(X: torch.Tensor, H: torch.Tensor) -> torch.Tensor:
    """Root mean square share of every component in samples, of which none is empty."""
    totals = X.sum(dim=1)
    shares = (H[totals > 0] / totals[totals > 0, None]).square().mean(dim=0).sqrt()
    # A component that no sample uses still needs a scale; so do all, where a penalty left no exposures.
    largest = shares.max()
    usual = largest if largest > 0 else torch.ones_like(largest)
    return torch.where(shares > 0, shares, usual)
